"""What reaches each pixel: radiance averaged over rays that end on people, the floor or a wall."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numba
import numpy as np

from datasheet.compile_cache import ensure_compile_cache
from sensors.bodies import body_radiances, body_shapes
from sensors.radiance import band_radiance, brightness_degc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenarios.timeline import Timeline
    from sensors.mount import Mount
    from sensors.pixels import PixelRays

ensure_compile_cache(__file__)

_NEAREST_M = 0.05
"""Bodies are drawn no nearer below the sensor than this."""

_FACE_FORWARD, _FACE_UP = 0.35, 0.35
"""A head shows skin where its outward normal points forward by more, and up by less, than these."""


def scene_degc(timeline: Timeline, mount: Mount, rays: PixelRays) -> NDArray[np.float64]:
    """Return (N, 8, 8) float64, the brightness temperature each pixel sees, without the sensor's own errors.

    Bodies hide what is behind them; radiance, not temperature, is averaged over a pixel. Left out:
    furniture, arms, attenuation by air (negligible at 3 m), the lag of the thermopiles (below the frame
    time), and walls between the sensor and people beyond a door.
    """
    background = _background_radiance(timeline, mount, rays)
    position_m = mount.to_sensor(timeline.position_m)
    heading_rad = timeline.heading_rad - mount.yaw_rad
    facing = np.stack([np.cos(heading_rad), np.sin(heading_rad)], axis=-1)
    radiance: NDArray[np.float64] = _render(
        timeline.person_index,
        np.ascontiguousarray(position_m),
        facing,
        body_shapes(timeline.persons),
        body_radiances(timeline),
        mount.height_m,
        rays.slope,
        rays.reach,
        background,
    )
    return brightness_degc(radiance).reshape(-1, 8, 8)


def _background_radiance(timeline: Timeline, mount: Mount, rays: PixelRays) -> NDArray[np.float64]:
    """Return (64, R): the floor's radiance for each ray that meets it inside the room, else the walls'."""
    landing_m = mount.to_room(rays.slope * mount.height_m)
    on_floor = ((landing_m >= 0) & (landing_m <= np.array(timeline.room_size_m))).all(axis=-1)
    floor, wall = band_radiance([timeline.floor_degc, timeline.wall_degc])
    return np.asarray(np.where(on_floor, floor, wall), dtype=np.float64)


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _render(
    person_index: NDArray[np.int32],
    position_m: NDArray[np.float64],
    facing: NDArray[np.float64],
    shapes: NDArray[np.float64],
    radiances: NDArray[np.float64],
    height_m: float,
    slope: NDArray[np.float64],
    reach: NDArray[np.float64],
    background: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return (N, 64) mean radiance of each pixel."""
    frames, slots = person_index.shape
    pixels = len(background)
    empty = np.empty(pixels)
    for pixel in range(pixels):
        empty[pixel] = background[pixel].mean()
    result = np.empty((frames, pixels))
    box = np.empty((slots, 4))
    for frame in range(frames):
        result[frame] = empty
        if not _bound_everybody(person_index[frame], position_m[frame], shapes, height_m, box):
            continue
        for pixel in range(pixels):
            if _anybody_near(person_index[frame], box, reach[pixel]):
                result[frame, pixel] = _pixel_radiance(
                    slope[pixel],
                    background[pixel],
                    person_index[frame],
                    position_m[frame],
                    facing[frame],
                    box,
                    shapes,
                    radiances,
                    height_m,
                )
    return result


@numba.njit(cache=True, inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _bound_everybody(
    person_index: NDArray[np.int32],
    position_m: NDArray[np.float64],
    shapes: NDArray[np.float64],
    height_m: float,
    box: NDArray[np.float64],
) -> bool:
    """Set the `box` of every occupied slot; tell whether there is any."""
    anybody = False
    for slot in range(len(person_index)):
        if person_index[slot] >= 0:
            anybody = True
            _bound(position_m[slot], shapes[person_index[slot]], height_m, box[slot])
    return anybody


@numba.njit(cache=True, inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _pixel_radiance(
    slope: NDArray[np.float64],
    background: NDArray[np.float64],
    person_index: NDArray[np.int32],
    position_m: NDArray[np.float64],
    facing: NDArray[np.float64],
    box: NDArray[np.float64],
    shapes: NDArray[np.float64],
    radiances: NDArray[np.float64],
    height_m: float,
) -> float:
    """Return the mean radiance over the rays of one pixel."""
    total = 0.0
    for ray in range(len(background)):
        total += _ray_radiance(
            slope[ray, 0],
            slope[ray, 1],
            person_index,
            position_m,
            facing,
            box,
            shapes,
            radiances,
            height_m,
            background[ray],
        )
    return total / len(background)


@numba.njit(cache=True, inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _bound(
    position_m: NDArray[np.float64], shape: NDArray[np.float64], height_m: float, box: NDArray[np.float64]
) -> None:
    """Set `box` to the smallest and largest slopes, along x then y, at which a body can be met.

    A disc of radius r at depth d below the sensor spans slopes (x - r) / d to (x + r) / d, and everything
    between two such discs lies within the span of both.
    """
    near = max(height_m - shape[0], _NEAREST_M)
    chin = max(height_m - shape[0] + 2 * shape[1], _NEAREST_M)
    top = max(height_m - shape[3], _NEAREST_M)
    half = max(shape[5], shape[6])
    box[0] = box[2] = np.inf
    box[1] = box[3] = -np.inf
    for depth, radius in ((near, shape[2]), (chin, shape[2]), (top, half), (height_m, half)):
        for axis in range(2):
            box[2 * axis] = min(box[2 * axis], (position_m[axis] - radius) / depth)
            box[2 * axis + 1] = max(box[2 * axis + 1], (position_m[axis] + radius) / depth)


@numba.njit(cache=True, inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _anybody_near(person_index: NDArray[np.int32], box: NDArray[np.float64], reach: NDArray[np.float64]) -> bool:
    for slot in range(len(person_index)):
        if person_index[slot] >= 0:
            apart_x = box[slot, 0] > reach[1] or box[slot, 1] < reach[0]
            apart_y = box[slot, 2] > reach[3] or box[slot, 3] < reach[2]
            if not (apart_x or apart_y):
                return True
    return False


@numba.njit(cache=True, inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _ray_radiance(
    u: float,
    v: float,
    person_index: NDArray[np.int32],
    position_m: NDArray[np.float64],
    facing: NDArray[np.float64],
    box: NDArray[np.float64],
    shapes: NDArray[np.float64],
    radiances: NDArray[np.float64],
    height_m: float,
    background: float,
) -> float:
    """Return the radiance of the nearest surface on a ray; depth below the sensor is the ray's parameter."""
    nearest = np.inf
    radiance = background
    for slot in range(len(person_index)):
        person = person_index[slot]
        if person < 0 or u < box[slot, 0] or u > box[slot, 1] or v < box[slot, 2] or v > box[slot, 3]:
            continue
        x, y = position_m[slot, 0], position_m[slot, 1]
        cosine, sine = facing[slot, 0], facing[slot, 1]
        shape = shapes[person]
        depth, is_face = _meet_head(u, v, x, y, cosine, sine, shape, height_m)
        if depth < nearest:
            nearest = depth
            radiance = radiances[person, 1] if is_face else radiances[person, 0]
        depth = _meet_trunk(u, v, x, y, cosine, sine, shape, height_m)
        if depth < nearest:
            nearest = depth
            radiance = radiances[person, 2]
    return radiance


@numba.njit(cache=True, inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _meet_head(
    u: float,
    v: float,
    x: float,
    y: float,
    cosine: float,
    sine: float,
    shape: NDArray[np.float64],
    height_m: float,
) -> tuple[float, bool]:
    """Return the depth at which a ray meets the head, an upright ellipsoid, and whether it meets the face."""
    half_height, radius = shape[1], shape[2]
    centre = height_m - shape[0] + half_height
    du, dv, dw = u / radius, v / radius, 1 / half_height
    cx, cy, cw = x / radius, y / radius, centre / half_height
    a = du * du + dv * dv + dw * dw
    b = du * cx + dv * cy + dw * cw
    discriminant = b * b - a * (cx * cx + cy * cy + cw * cw - 1)
    if discriminant <= 0:
        return np.inf, False
    depth = (b - math.sqrt(discriminant)) / a
    if depth < _NEAREST_M:
        return np.inf, False
    forward = (du * depth - cx) * cosine + (dv * depth - cy) * sine
    up = cw - dw * depth
    return depth, forward > _FACE_FORWARD and up < _FACE_UP


@numba.njit(cache=True, inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _meet_trunk(
    u: float,
    v: float,
    x: float,
    y: float,
    cosine: float,
    sine: float,
    shape: NDArray[np.float64],
    height_m: float,
) -> float:
    """Return the depth at which a ray meets the torso or the legs, both upright elliptic cylinders."""
    along, across = u * cosine + v * sine, v * cosine - u * sine
    centre_along, centre_across = x * cosine + y * sine, y * cosine - x * sine
    top, hip = height_m - shape[3], height_m - shape[4]
    torso: float = _meet_cylinder(
        along / shape[6], across / shape[5], centre_along / shape[6], centre_across / shape[5], top, hip
    )
    if torso < np.inf:
        return torso
    breadth, depth = shape[5] * shape[7], shape[6] * shape[7]
    legs: float = _meet_cylinder(
        along / depth, across / breadth, centre_along / depth, centre_across / breadth, hip, height_m
    )
    return legs


@numba.njit(cache=True, inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _meet_cylinder(p: float, q: float, cp: float, cq: float, top: float, bottom: float) -> float:
    """Return the depth at which a ray enters an upright cylinder of unit radius between two depths."""
    a = p * p + q * q
    b = p * cp + q * cq
    c = cp * cp + cq * cq - 1
    discriminant = b * b - a * c
    if discriminant <= 0:
        return top if a == 0 and c < 0 else np.inf
    if a < 1e-12:
        return top if c < 0 else np.inf
    root = math.sqrt(discriminant)
    enter = max((b - root) / a, top, _NEAREST_M)
    return enter if enter <= min((b + root) / a, bottom) else np.inf
