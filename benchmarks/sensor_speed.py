"""How many frames a second the thermal array simulates, and how many a ray caster does of the same scene.

    python benchmarks/sensor_speed.py

One core, after warm-up. The ray caster is trimesh with embree (pip install trimesh embreex; for this measurement only):
the same people as triangle meshes, the same pixels as rays, one scene for each frame.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from scenarios.room import load_scenario
from scenarios.simulation import simulate
from sensors.bodies import PART_COLUMNS, PARTS, body_parts, body_shapes
from sensors.field_of_view import nominal_field_of_view, people_in_view
from sensors.grid_eye_sheet import GridEyeSheet, load_grid_eye
from sensors.mount import Mount
from sensors.pixels import pixel_directions_deg, pixel_widths_deg
from sensors.sensing import sense

if TYPE_CHECKING:
    from scenarios.timeline import Timeline

TARGETS = {0: 100_000, 1: 20_000, 3: 8_000}
RAYS_PER_AXIS = 6
CAST_FRAMES = 60
REPEATS = 3


def main() -> None:
    """Print frames per second by people in view, and the ratio to ray casting."""
    sheet = load_grid_eye()
    scenario = load_scenario("office_doorway")
    hung = scenario.sensor_mount
    mount = Mount(hung.x_m, hung.y_m, hung.height_m, hung.yaw_deg)
    timeline = simulate(scenario, seconds=3600, seed=1)
    in_view = people_in_view(timeline, mount, nominal_field_of_view(sheet))
    present = (timeline.person_index >= 0).sum(axis=1)
    for count, target in TARGETS.items():
        frames = np.flatnonzero((in_view == count) & (present == count))
        scene = _frames(timeline, np.resize(frames, 20_000))
        rate = _rate(scene, mount, sheet)
        print(f"{count} in view: {rate:9,.0f} frames/s; target {target:,}; ratio {rate / target:.2f}")
        if count == 1:
            _compare(scene, mount, sheet, rate)


def _frames(timeline: Timeline, frames: np.ndarray) -> Timeline:
    """Return some frames of a timeline as one of its own, 0.1 s apart."""
    return replace(
        timeline,
        time_s=np.arange(len(frames)) / 10,
        person_index=timeline.person_index[frames],
        position_m=timeline.position_m[frames],
        heading_rad=timeline.heading_rad[frames],
        speed_mps=timeline.speed_mps[frames],
        posture=None if timeline.posture is None else timeline.posture[frames],
        drift_k=None,
        entered_s=None,
    )


def _rate(scene: Timeline, mount: Mount, sheet: GridEyeSheet) -> float:
    """Return frames per second, best of some runs; the first run compiles."""
    sense(_frames(scene, np.arange(100)), mount, sheet, seed=1)
    best_s = np.inf
    for _ in range(REPEATS):
        start_s = time.perf_counter()
        sense(scene, mount, sheet, seed=1)
        best_s = min(best_s, time.perf_counter() - start_s)
    return len(scene.time_s) / best_s


def _compare(scene: Timeline, mount: Mount, sheet: GridEyeSheet, rate: float) -> None:
    try:
        whole, rays_only = _cast_rates(_frames(scene, np.arange(CAST_FRAMES)), mount, sheet)
    except ImportError as error:
        print(f"   ray casting not measured: {error}; pip install trimesh embreex")
        return
    print(f"   ray cast with trimesh and embree: {whole:,.0f} frames/s; ratio {rate / whole:.1f}; target 10")
    print(
        f"   of which the rays alone, in scenes built before: {rays_only:,.0f} frames/s; ratio {rate / rays_only:.1f}"
    )


def _cast_rates(scene: Timeline, mount: Mount, sheet: GridEyeSheet) -> tuple[float, float]:
    """Return how many frames a second embree meets the rays of all pixels with people's meshes, and in ready scenes."""
    import trimesh  # noqa: PLC0415 - for this comparison only
    from trimesh.ray.ray_pyembree import RayMeshIntersector  # noqa: PLC0415

    directions = np.ascontiguousarray(_rays(sheet) @ mount.rotation)
    origins = np.tile([mount.x_m, mount.y_m, mount.height_m], (len(directions), 1))
    shapes = body_shapes(scene.persons)
    sphere = trimesh.creation.icosphere(subdivisions=3)
    ball = np.asarray(sphere.vertices), np.asarray(sphere.faces)
    floor = trimesh.creation.box(extents=(*scene.room_size_m, 0.01))
    floor.apply_translation((*(size_m / 2 for size_m in scene.room_size_m), -0.005))
    whole_s = rays_s = 0.0
    for frame in range(len(scene.time_s)):
        start_s = time.perf_counter()
        vertices, faces = _meshes(scene, frame, shapes, ball, (np.asarray(floor.vertices), np.asarray(floor.faces)))
        caster = RayMeshIntersector(trimesh.Trimesh(vertices, faces, process=False))
        caster.intersects_first(origins, directions)
        ready_s = time.perf_counter()
        caster.intersects_first(origins, directions)
        whole_s += ready_s - start_s
        rays_s += time.perf_counter() - ready_s
    return len(scene.time_s) / whole_s, len(scene.time_s) / rays_s


def _rays(sheet: GridEyeSheet) -> np.ndarray:
    """Return (64 * 36, 3) rays in the sensor's coordinates, spread over two half-value widths."""
    (azimuth, elevation), (wide, high) = pixel_directions_deg(sheet), pixel_widths_deg(sheet)
    spread = (np.arange(RAYS_PER_AXIS) + 0.5) / RAYS_PER_AXIS * 2 - 1
    x = np.tan(np.radians(azimuth[..., None, None] + wide[..., None, None] * spread[:, None]))
    y = np.tan(np.radians(elevation[..., None, None] + high[..., None, None] * spread[None, :]))
    x, y = np.broadcast_arrays(x, y)
    return np.stack([x, y, np.ones_like(x)], axis=-1).reshape(-1, 3)


def _meshes(
    scene: Timeline,
    frame: int,
    shapes: np.ndarray,
    ball: tuple[np.ndarray, np.ndarray],
    floor: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices and faces of the floor and of everybody's ellipsoids in a frame."""
    vertices, faces, parts = [floor[0]], [floor[1]], np.empty((PARTS, PART_COLUMNS))
    for slot, person in enumerate(scene.person_index[frame]):
        if person < 0:
            continue
        body_parts(shapes[person], 0, 0.0, float(scene.speed_mps[frame, slot]), parts)
        cosine, sine = np.cos(scene.heading_rad[frame, slot]), np.sin(scene.heading_rad[frame, slot])
        turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
        for part in parts:
            along = np.array([[part[7], 0, part[6]], [0, 1, 0], [-part[6], 0, part[7]]])
            middle = turn @ part[:3] + [*scene.position_m[frame, slot], 0.0]
            faces.append(ball[1] + sum(len(some) for some in vertices))
            vertices.append(ball[0] @ (turn @ along @ np.diag(part[3:6])).T + middle)
    return np.concatenate(vertices), np.concatenate(faces)


if __name__ == "__main__":
    main()
