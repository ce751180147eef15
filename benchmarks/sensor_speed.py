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
        cast = _cast_rate(_frames(scene, np.arange(CAST_FRAMES)), mount, sheet)
    except ImportError as error:
        print(f"   ray casting not measured: {error}; pip install trimesh embreex")
        return
    print(f"   ray cast with trimesh and embree: {cast:,.0f} frames/s; ratio {rate / cast:.1f}; target 10")


def _cast_rate(scene: Timeline, mount: Mount, sheet: GridEyeSheet) -> float:
    """Return how many frames a second embree meets the rays of all pixels with the people's meshes."""
    import trimesh  # noqa: PLC0415 - for this comparison only
    from trimesh.ray.ray_pyembree import RayMeshIntersector  # noqa: PLC0415

    directions = _rays(sheet) @ mount.rotation
    origins = np.broadcast_to([mount.x_m, mount.y_m, mount.height_m], directions.shape)
    shapes = body_shapes(scene.persons)
    sphere = trimesh.creation.icosphere(subdivisions=3)
    floor = trimesh.creation.box(extents=(*scene.room_size_m, 0.01))
    floor.apply_translation((*(size_m / 2 for size_m in scene.room_size_m), -0.005))
    start_s = time.perf_counter()
    for frame in range(len(scene.time_s)):
        meshes = [floor, *_bodies(scene, frame, shapes, sphere)]
        RayMeshIntersector(trimesh.util.concatenate(meshes)).intersects_first(origins, directions)
    return len(scene.time_s) / (time.perf_counter() - start_s)


def _rays(sheet: GridEyeSheet) -> np.ndarray:
    """Return (64 * 36, 3) rays in the sensor's coordinates, spread over two half-value widths."""
    (azimuth, elevation), (wide, high) = pixel_directions_deg(sheet), pixel_widths_deg(sheet)
    spread = (np.arange(RAYS_PER_AXIS) + 0.5) / RAYS_PER_AXIS * 2 - 1
    x = np.tan(np.radians(azimuth[..., None, None] + wide[..., None, None] * spread[:, None]))
    y = np.tan(np.radians(elevation[..., None, None] + high[..., None, None] * spread[None, :]))
    x, y = np.broadcast_arrays(x, y)
    return np.stack([x, y, np.ones_like(x)], axis=-1).reshape(-1, 3)


def _bodies(scene: Timeline, frame: int, shapes: np.ndarray, sphere: object) -> list[object]:
    """Return the ellipsoids of everybody in a frame as meshes in the room."""
    meshes, parts = [], np.empty((PARTS, PART_COLUMNS))
    for slot, person in enumerate(scene.person_index[frame]):
        if person < 0:
            continue
        body_parts(shapes[person], 0, 0.0, float(scene.speed_mps[frame, slot]), parts)
        cosine, sine = np.cos(scene.heading_rad[frame, slot]), np.sin(scene.heading_rad[frame, slot])
        for part in parts:
            along = np.array([[part[7], 0, part[6]], [0, 1, 0], [-part[6], 0, part[7]]])
            turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
            matrix = np.eye(4)
            matrix[:3, :3] = turn @ along @ np.diag(part[3:6])
            matrix[:3, 3] = turn @ part[:3] + [*scene.position_m[frame, slot], 0.0]
            mesh = sphere.copy()  # type: ignore[attr-defined]
            mesh.apply_transform(matrix)
            meshes.append(mesh)
    return meshes


if __name__ == "__main__":
    main()
