"""The room without people as each line of sight meets it: floor, walls and things, with exact edges."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np

from datasheet.compile_cache import ensure_compile_cache
from sensors.radiance import band_radiance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenarios.timeline import Timeline
    from sensors.mount import Mount
    from sensors.pixels import PixelLines

ensure_compile_cache(__file__)

WALL, FLOOR = -1, -2
"""What a ray meets, where it is not the number of a thing."""

BOX_COLUMNS = 8
"""Low and high corner, radiance, and 1 where the surface follows the room's temperature."""

_STEP_RAD = math.radians(0.25)
"""Edges are searched between samples so far apart: no thing that matters is narrower at 3 m (13 mm)."""

_GRADIENT_SAMPLES = 8
_HALVINGS = 24


@dataclass(frozen=True)
class Pieces:
    """Pieces of constant radiance along each line, from low to high slope.

    Attributes:
        start: (L + 1,) int64, where each line's pieces begin.
        until: (Q,) slope at which each piece ends.
        radiance: (Q,) W/m2/sr.
        thing: (Q,) int64, `WALL`, `FLOOR` or the number of a thing.
    """

    start: NDArray[np.int64]
    until: NDArray[np.float64]
    radiance: NDArray[np.float64]
    thing: NDArray[np.int64]


class Zones(NamedTuple):
    """Stretches of slope, for each of L lines, in which the lines that lie finely in its band meet different things.

    Attributes:
        start: (L + 1,) int64, where each line's zones begin.
        low: (Z,) slope at which each begins.
        high: (Z,) slope at which each ends.
    """

    start: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True)
class RoomView:
    """The empty room.

    Attributes:
        pieces: What is seen along the lines, along finer ones, and along the finest.
        zones: Where within a line's band things begin or end between the finest lines.
        boxes: (B, 8), see `BOX_COLUMNS`.
        follows: (P,) radiance of each pixel's empty view that follows the room's drift.
        stays: (P,) the rest: things of fixed temperature.
    """

    pieces: tuple[Pieces, Pieces, Pieces]
    zones: Zones
    boxes: NDArray[np.float64]
    follows: NDArray[np.float64]
    stays: NDArray[np.float64]


def room_view(
    timeline: Timeline,
    mount: Mount,
    rotation: NDArray[np.float64],
    lines: tuple[PixelLines, PixelLines, PixelLines],
) -> RoomView:
    """Return the empty room along `lines`, from coarse to fine, and each pixel's empty view, from the finest.

    Walls hide nothing; where a ray leaves the room's rectangle before it meets the floor, it meets a wall. A thing
    reflects the walls. A floor with a gradient is cut into pieces of a quarter of a degree.
    """
    boxes = _boxes(timeline)
    room = _room_numbers(timeline)
    origin = np.array([mount.x_m, mount.y_m, mount.height_m])
    floor, wall = band_radiance([timeline.floor_degc, timeline.wall_degc])
    slope_k = float(band_radiance([timeline.floor_degc + 0.5])[0] - band_radiance([timeline.floor_degc - 0.5])[0])
    surfaces = np.array([floor, wall, slope_k])
    reach = min(np.abs(lines[0].azimuth_rad).max() + 3.5 * lines[0].sigma_rad.max(), 1.5)
    coarse, fine, finest = (
        Pieces(*_pieces(some.slope, reach, rotation, origin, room, surfaces, boxes)) for some in lines
    )
    follows, stays = _integrated(lines[2], finest, boxes)
    return RoomView((coarse, fine, finest), _zones(finest, len(lines[0].slope)), boxes, follows, stays)


def _zones(fine: Pieces, lines: int) -> Zones:
    """Return the zones of each band of finer lines that do not all meet the same things in the same order."""
    split = (len(fine.start) - 1) // lines
    found: list[tuple[float, float]] = []
    start = [0]
    for band in range(lines):
        ranges = list(pairwise(fine.start[band * split : (band + 1) * split + 1]))
        if len({_order(fine.thing[begin:end]) for begin, end in ranges}) > 1:
            found += _differences([(fine.until[begin:end], fine.thing[begin:end]) for begin, end in ranges])
        start.append(len(found))
    edges = np.array(found, dtype=np.float64).reshape(-1, 2)
    return Zones(np.array(start, dtype=np.int64), edges[:, 0].copy(), edges[:, 1].copy())


def _order(thing: NDArray[np.int64]) -> tuple[int, ...]:
    """Return what a line meets, one thing after the other."""
    return tuple(int(met) for met, _ in groupby(thing))


def _differences(lines: list[tuple[NDArray[np.float64], NDArray[np.int64]]]) -> list[tuple[float, float]]:
    """Return the stretches in which lines, each with where its pieces end and what they are, do not agree."""
    edge = np.unique(np.concatenate([until for until, _ in lines]))
    before = np.concatenate([[-np.inf], edge[:-1]])
    met = np.array([thing[np.minimum(np.searchsorted(until, edge), len(thing) - 1)] for until, thing in lines])
    differs = (met != met[0]).any(axis=0)
    return [(float(low), float(high)) for low, high in zip(before[differs], edge[differs], strict=True)]


def _integrated(
    lines: PixelLines, pieces: Pieces, boxes: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (P,) each pixel's mean radiance, of what follows the room and of what does not."""
    fixed = np.zeros(len(pieces.thing))
    if len(boxes):
        fixed = np.where(pieces.thing >= 0, 1.0 - boxes[np.maximum(pieces.thing, 0), 7], 0.0)
    parts = [
        _line_sums(
            lines.first,
            lines.weight,
            lines.azimuth_rad,
            lines.sigma_rad,
            pieces.start,
            pieces.until,
            pieces.radiance * share,
        )
        for share in (1.0 - fixed, fixed)
    ]
    return parts[0], parts[1]


def _boxes(timeline: Timeline) -> NDArray[np.float64]:
    rows = []
    for thing in timeline.objects:
        degc = timeline.air_degc if thing.surface_degc is None else thing.surface_degc
        own, reflected = band_radiance([degc, timeline.wall_degc])
        leaving = thing.emissivity * own + (1 - thing.emissivity) * reflected
        half_x, half_y = thing.size_x_m / 2, thing.size_y_m / 2
        low = (thing.x_m - half_x, thing.y_m - half_y, thing.bottom_m)
        high = (thing.x_m + half_x, thing.y_m + half_y, thing.top_m)
        rows.append((*low, *high, leaving, float(thing.surface_degc is None)))
    return np.array(rows, dtype=np.float64).reshape(-1, BOX_COLUMNS)


def _room_numbers(timeline: Timeline) -> NDArray[np.float64]:
    return np.array([*timeline.room_size_m, *timeline.floor_gradient_k_per_m], dtype=np.float64)


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def box_depth(box: NDArray[np.float64], origin: NDArray[np.float64], ray: NDArray[np.float64]) -> float:
    """Return how often `ray` leads from `origin` to a box, infinity when it misses."""
    near, far = 0.0, np.inf
    for axis in range(3):
        if ray[axis] == 0.0:
            if origin[axis] < box[axis] or origin[axis] > box[3 + axis]:
                return np.inf
            continue
        first = (box[axis] - origin[axis]) / ray[axis]
        second = (box[3 + axis] - origin[axis]) / ray[axis]
        near = max(near, min(first, second))
        far = min(far, max(first, second))
    return near if near <= far and near > 0.0 else np.inf


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _meet(
    x: float,
    v: float,
    rotation: NDArray[np.float64],
    origin: NDArray[np.float64],
    room: NDArray[np.float64],
    boxes: NDArray[np.float64],
    ray: NDArray[np.float64],
) -> int:
    """Set `ray` to a line of sight in the room and return what it meets."""
    for axis in range(3):
        ray[axis] = rotation[0, axis] * x + rotation[1, axis] * v + rotation[2, axis]
    nearest, thing = np.inf, WALL
    if ray[2] < 0.0:
        depth = -origin[2] / ray[2]
        floor_x, floor_y = origin[0] + depth * ray[0], origin[1] + depth * ray[1]
        if 0.0 <= floor_x <= room[0] and 0.0 <= floor_y <= room[1]:
            nearest, thing = depth, FLOOR
    for index in range(len(boxes)):
        depth = box_depth(boxes[index], origin, ray)
        # What lies flat on the floor, a sun patch, is in front of it.
        if depth < np.inf and depth <= nearest * (1 + 1e-9):
            nearest, thing = depth, index
    return thing


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _pieces(
    slope: NDArray[np.float64],
    reach: float,
    rotation: NDArray[np.float64],
    origin: NDArray[np.float64],
    room: NDArray[np.float64],
    surfaces: NDArray[np.float64],
    boxes: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return `start`, `until`, `radiance` and `thing` of the room's `Pieces`."""
    steps = math.ceil(2 * reach / _STEP_RAD)
    has_gradient = room[2] != 0.0 or room[3] != 0.0
    start = np.zeros(len(slope) + 1, dtype=np.int64)
    most = len(slope) * (2 * steps + 2)
    until, radiance, thing = np.empty(most), np.empty(most), np.empty(most, dtype=np.int64)
    ray = np.empty(3)
    number = 0
    for line in range(len(slope)):
        v = slope[line]
        left = math.tan(-reach)
        met = _meet(left, v, rotation, origin, room, boxes, ray)
        for step in range(1, steps + 1):
            right = math.tan(-reach + 2 * reach * step / steps)
            there = _meet(right, v, rotation, origin, room, boxes, ray)
            edge = right
            if there != met:
                edge = _edge(left, right, v, met, rotation, origin, room, boxes, ray)
            if there != met or step == steps or (has_gradient and met == FLOOR):
                until[number], thing[number] = edge, met
                radiance[number] = _radiance(met, (left + edge) / 2, v, rotation, origin, room, surfaces, boxes, ray)
                number += 1
                if there != met and (step == steps or (has_gradient and there == FLOOR)):
                    until[number], thing[number] = right, there
                    radiance[number] = _radiance(
                        there, (edge + right) / 2, v, rotation, origin, room, surfaces, boxes, ray
                    )
                    number += 1
            left, met = right, there
        start[line + 1] = number
    return start, until[:number].copy(), radiance[:number].copy(), thing[:number].copy()


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _edge(
    left: float,
    right: float,
    v: float,
    met: int,
    rotation: NDArray[np.float64],
    origin: NDArray[np.float64],
    room: NDArray[np.float64],
    boxes: NDArray[np.float64],
    ray: NDArray[np.float64],
) -> float:
    """Return where between two slopes a line no longer meets `met`."""
    for _ in range(_HALVINGS):
        middle = (left + right) / 2
        if _meet(middle, v, rotation, origin, room, boxes, ray) == met:
            left = middle
        else:
            right = middle
    return (left + right) / 2


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _radiance(
    met: int,
    x: float,
    v: float,
    rotation: NDArray[np.float64],
    origin: NDArray[np.float64],
    room: NDArray[np.float64],
    surfaces: NDArray[np.float64],
    boxes: NDArray[np.float64],
    ray: NDArray[np.float64],
) -> float:
    """Return the radiance of what a line of sight meets; `surfaces` holds floor, wall, and floor per kelvin."""
    if met >= 0:
        return float(boxes[met, 6])
    if met == WALL:
        return float(surfaces[1])
    _meet(x, v, rotation, origin, room, boxes, ray)
    depth = -origin[2] / ray[2]
    from_middle_x = origin[0] + depth * ray[0] - room[0] / 2
    from_middle_y = origin[1] + depth * ray[1] - room[1] / 2
    return float(surfaces[0] + surfaces[2] * (room[2] * from_middle_x + room[3] * from_middle_y))


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _line_sums(
    first: NDArray[np.int64],
    weight: NDArray[np.float64],
    azimuth: NDArray[np.float64],
    sigma: NDArray[np.float64],
    start: NDArray[np.int64],
    until: NDArray[np.float64],
    radiance: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return (P,) the mean radiance of each pixel; the outermost pieces reach to infinity."""
    edge = np.arctan(until)
    result = np.zeros(len(azimuth))
    for pixel in range(len(azimuth)):
        for place in range(weight.shape[1]):
            share = weight[pixel, place]
            if share == 0.0:
                continue
            line, below = first[pixel] + place, 0.0
            for piece in range(start[line], start[line + 1]):
                above = 1.0
                if piece + 1 < start[line + 1]:
                    above = 0.5 * math.erfc((azimuth[pixel] - edge[piece]) / (sigma[pixel] * math.sqrt(2.0)))
                result[pixel] += share * radiance[piece] * (above - below)
                below = above
    return result
