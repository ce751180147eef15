"""What reaches each pixel: radiance averaged over its response, of people, things, the floor and walls.

Bodies are ellipsoids, whose outlines are conics in the image, so that the stretch of a line that a body covers
is known exactly. A pixel's Gaussian response is integrated along such stretches and summed over lines: the steps of
radiance at their ends are shared out to the nodes of a grid, which all pixels read with weights known beforehand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np
from scipy import special

from datasheet.compile_cache import ensure_compile_cache
from sensors.bodies import PART_COLUMNS, PARTS, body_parts, body_radiances, body_shapes, postures, walked_m
from sensors.pixels import FINE, FINEST, LINES_PER_SIGMA, REACH_SIGMA, pixel_lines
from sensors.radiance import band_radiance, brightness_degc
from sensors.room_view import Zones, box_depth, room_view

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenarios.timeline import Timeline
    from sensors.grid_eye_sheet import GridEyeSheet
    from sensors.mount import Mount
    from sensors.pixels import PixelLines
    from sensors.room_view import Pieces, RoomView

ensure_compile_cache(__file__)

_NEAREST_M = 0.05
"""Of a body, parts whose middle is nearer to the sensor than this along its axis are left out."""

_BODY_RADIUS = 0.7
"""A body in any posture lies within so much of its stature, and half its breadth, of its middle."""

# A head shows skin where its outward normal points forward by more, and up by less, than these; the hairline is
# this wide. Assumed.
_FACE_FORWARD, _FACE_UP, _HAIRLINE = 0.35, 0.35, 0.2
_HEAD_CUTS = 4
"""A head's stretch of a line is cut into so many pieces, since hair changes into skin along it."""

_KERNEL_SIGMA = 3.4
"""A pixel's response along lines is cut off so many standard deviations from its direction; 0.07 % lies beyond."""

_NODES_PER_LINE = 2 / 3
"""Nodes of the grid along lines beside lines across them: at 4 for a standard deviation, the cubic between four nodes
follows the cumulative normal distribution to 5e-5."""

_MARGIN_NODES = 3

# Columns of what is known of a part in a frame: outline's conic (6), depth's linear, quadratic and constant terms
# (3 + 6 + 1), lowest and highest slope across and along the lines (4), and the reciprocal of the conic's first term.
_LINEAR, _QUADRATIC, _CONSTANT, _LOW, _HIGH, _LEFT, _RIGHT = 6, 9, 15, 16, 17, 18, 19
_INVERSE, _SEEN_COLUMNS = 20, 21
# The first and last band that a part lies in, and the bands in which it begins and ends in the open, -1 for none.
_FIRST_BAND, _LAST_BAND, _OPENS, _CLOSES = 0, 1, 2, 3
_BAND_COLUMNS = 4


_compiled = numba.njit(cache=True, error_model="numpy", _nrt=False)
_inlined = numba.njit(cache=True, error_model="numpy", _nrt=False, inline="always")
"""What is compiled takes no memory, so that numba need not count references to arrays, which would take most of the
time; inlined, the named tuples are not copied at every call."""


@dataclass
class ThermalArray:
    """An array of pixels at its mount, without noise; keeps track of how far people have walked.

    Attributes:
        sheet: The sensor's datasheet.
        mount: Where it hangs.
        axis_error_deg: How far the unit's optical axis lies to the image's right and to its top of the mount's.
        lines_per_sigma: How finely responses are integrated.
    """

    sheet: GridEyeSheet
    mount: Mount
    axis_error_deg: tuple[float, float] = (0.0, 0.0)
    lines_per_sigma: float = LINES_PER_SIGMA

    def __post_init__(self) -> None:
        self._rotation = tilted(self.mount.rotation, self.axis_error_deg)
        self._last_index = np.empty(0, dtype=np.int32)
        self._last_m = np.empty((0, 3))
        self._prepared: tuple[tuple[object, ...], _Prepared] | None = None

    def scene_degc(self, timeline: Timeline) -> NDArray[np.float64]:
        """Return (N, rows, columns) float64, the brightness temperature each pixel sees.

        A timeline goes on where the one before it ended. Left out: attenuation by air (negligible at 3 m), walls
        and door leaves between the sensor and people, warmth that people leave behind.
        """
        prepared = self._prepare(timeline)
        slots = timeline.person_index.shape[1]
        if len(self._last_index) != slots:
            self._last_index, self._last_m = np.full(slots, -1, dtype=np.int32), np.zeros((slots, 3))
        distance_m = walked_m(timeline.person_index, timeline.position_m, self._last_index, self._last_m)
        people = _People(
            timeline.person_index,
            np.ascontiguousarray(timeline.position_m),
            np.ascontiguousarray(timeline.heading_rad),
            np.ascontiguousarray(postures(timeline)),
            distance_m,
            np.nan_to_num(timeline.speed_mps),
            body_shapes(timeline.persons),
            body_radiances(timeline),
        )
        radiance = np.empty((len(timeline.time_s), len(prepared.room.follows)))
        scratch = _scratch(slots, prepared.optics, prepared.room)
        _render(people, prepared.optics, prepared.room, _room_share(timeline), scratch, radiance)
        share = self.sheet.crosstalk
        if share is not None and share.value > 0.0:
            radiance = _mixed(radiance.reshape(-1, *prepared.shape), share.value)
        return brightness_degc(radiance).reshape(-1, *prepared.shape)

    def _prepare(self, timeline: Timeline) -> _Prepared:
        """Return lines and the empty room, anew only when the timeline's room is another one than last time."""
        key = (
            timeline.air_degc,
            timeline.floor_degc,
            timeline.wall_degc,
            timeline.room_size_m,
            timeline.floor_gradient_k_per_m,
            timeline.objects,
        )
        if self._prepared is None or self._prepared[0] != key:
            lines = [pixel_lines(self.sheet, self.lines_per_sigma, split) for split in (1, FINE, FINEST)]
            if not timeline.objects:
                lines[2] = lines[1]
            room = room_view(timeline, self.mount, self._rotation, (lines[0], lines[1], lines[2]))
            optics = _optics(self.mount, self._rotation, lines, _NODES_PER_LINE * self.lines_per_sigma)
            self._prepared = key, _Prepared(lines[0].shape, optics, _room(room, optics))
        return self._prepared[1]


def scene_degc(
    timeline: Timeline, mount: Mount, sheet: GridEyeSheet, *, lines_per_sigma: float = LINES_PER_SIGMA
) -> NDArray[np.float64]:
    """Return (N, rows, columns) float64, what a unit without any error of its own sees."""
    return ThermalArray(sheet, mount, lines_per_sigma=lines_per_sigma).scene_degc(timeline)


def tilted(rotation: NDArray[np.float64], error_deg: tuple[float, float]) -> NDArray[np.float64]:
    """Return the axes `rotation` (rows: right, top, optical axis) with the optical axis moved right and up."""
    right, up = (math.radians(angle) for angle in error_deg)
    about_top = np.array(
        [[math.cos(right), 0.0, -math.sin(right)], [0.0, 1.0, 0.0], [math.sin(right), 0.0, math.cos(right)]]
    )
    about_right = np.array([[1.0, 0.0, 0.0], [0.0, math.cos(up), -math.sin(up)], [0.0, math.sin(up), math.cos(up)]])
    return np.asarray(about_right @ about_top @ rotation)


def _room_share(timeline: Timeline) -> NDArray[np.float64]:
    """Return (N,) by how much the room's radiance grows with its drift."""
    if timeline.drift_k is None:
        return np.ones(len(timeline.time_s))
    middle_degc = timeline.floor_degc
    return np.asarray(band_radiance(middle_degc + timeline.drift_k) / band_radiance([middle_degc]))


class _People(NamedTuple):
    """Who is where, frame by frame, as compiled code takes it; see `Timeline` and `sensors.bodies`."""

    person: NDArray[np.int32]
    position_m: NDArray[np.float64]
    heading_rad: NDArray[np.float64]
    posture: NDArray[np.int8]
    distance_m: NDArray[np.float64]
    speed_mps: NDArray[np.float64]
    shape: NDArray[np.float64]
    radiance: NDArray[np.float64]


class _Optics(NamedTuple):
    """The sensor at its mount.

    A band is what one of the coarse lines stands for. At levels 0, 1 and 2 a band has 1, `FINE` and `FINEST` lines.

    Attributes:
        origin: (3,) where it is, in metres.
        rotation: (3, 3) its right, its top and its optical axis in the room.
        lowest_rad: Elevation at which the first band begins.
        band_rad: Height of a band.
        bands: How many bands there are.
        reach: Slope at which all lines end.
        reach_across: Slope at which the outermost band ends.
        first: (3,) the first line of each level.
        split: (3,) lines in a band at each level.
        slope: (L,) tangent of each line's elevation, all levels one after the other.
        share: (L, 3) how much of a line goes to the band before its own, its own, and the one after.
        responses: How pixels use bands.
        kernels: How pixels use the nodes along lines.
    """

    origin: NDArray[np.float64]
    rotation: NDArray[np.float64]
    lowest_rad: float
    band_rad: float
    bands: int
    reach: float
    reach_across: float
    first: NDArray[np.int64]
    split: NDArray[np.int64]
    slope: NDArray[np.float64]
    share: NDArray[np.float64]
    responses: _Responses
    kernels: _Kernels


class _Responses(NamedTuple):
    """The bands that each pixel uses, one pixel's after the other's."""

    start: NDArray[np.int64]
    band: NDArray[np.int64]
    weight: NDArray[np.float64]


class _Kernels(NamedTuple):
    """What part of a pixel's response lies between each node and the next, from `first` on, pixel after pixel."""

    first_slope: float
    per_slope: float
    nodes: int
    start: NDArray[np.int64]
    first: NDArray[np.int64]
    value: NDArray[np.float64]


class _Background(NamedTuple):
    """The pieces along the lines of all levels, as compiled code takes them; see `Pieces`."""

    start: NDArray[np.int64]
    until: NDArray[np.float64]
    radiance: NDArray[np.float64]
    thing: NDArray[np.int64]


class _Room(NamedTuple):
    """The empty room, as compiled code takes it; see `RoomView`."""

    background: _Background
    zones: Zones
    boxes: NDArray[np.float64]
    box_near: NDArray[np.float64]
    follows: NDArray[np.float64]
    stays: NDArray[np.float64]


class _Seen(NamedTuple):
    """What is seen of people in a frame.

    Attributes:
        slot: Slots of those of whom anything is seen.
        reach: (S, 2) first and last band of each slot.
        begin: The first of each slot's parts.
        end: One past the last.
        part: What is known of each part.
        kind: Twice each part's slot, and one more for a head.
        band: In which bands it lies.
        head: Centre of each slot's head, its radius and half its height.
        basis: Forward, left and up of each slot's body.
        body: The parts of the body looked at, see `body_parts`.
        hull: (S, 2) how far to the left and right each slot reaches in a band.
        order: Slots in a band from left to right.
    """

    slot: NDArray[np.int64]
    reach: NDArray[np.int64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    part: NDArray[np.float64]
    kind: NDArray[np.int64]
    band: NDArray[np.int64]
    head: NDArray[np.float64]
    basis: NDArray[np.float64]
    body: NDArray[np.float64]
    hull: NDArray[np.float64]
    order: NDArray[np.int64]


class _Line(NamedTuple):
    """Parts in a band, the stretches of a line that they cover, from left to right, and the steps of radiance."""

    part: NDArray[np.int64]
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    owner: NDArray[np.int64]
    kind: NDArray[np.int64]
    covers: NDArray[np.int64]
    step_at: NDArray[np.float64]
    step: NDArray[np.float64]
    ray: NDArray[np.float64]


class _Tally(NamedTuple):
    """Steps of radiance shared out to the nodes of the bands, which nodes have any, and their running sum."""

    step: NDArray[np.float64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    total: NDArray[np.float64]


class _Scratch(NamedTuple):
    """Memory that compiled code works in: it holds nothing from one frame to the next."""

    seen: _Seen
    line: _Line
    tally: _Tally


@dataclass(frozen=True)
class _Prepared:
    """What only depends on the sensor and the empty room."""

    shape: tuple[int, int]
    optics: _Optics
    room: _Room


def _optics(mount: Mount, rotation: NDArray[np.float64], lines: list[PixelLines], nodes_per_sigma: float) -> _Optics:
    coarse = lines[0]
    band_rad = math.atan(coarse.slope[1]) - math.atan(coarse.slope[0])
    lowest_rad = math.atan(coarse.slope[0]) - band_rad / 2
    highest_rad = lowest_rad + band_rad * len(coarse.slope)
    reach = math.tan(min(np.abs(coarse.azimuth_rad).max() + REACH_SIGMA * coarse.sigma_rad.max(), 1.5))
    bands = len(coarse.slope)
    split = [len(some.slope) // bands for some in lines]
    return _Optics(
        np.array([mount.x_m, mount.y_m, mount.height_m]),
        rotation,
        lowest_rad,
        band_rad,
        bands,
        reach,
        math.tan(min(max(-lowest_rad, highest_rad), 1.5)),
        np.cumsum([0, *split[:-1]]) * bands,
        np.array(split),
        np.concatenate([some.slope for some in lines]),
        np.concatenate([np.tile(_shares(number), (bands, 1)) for number in split]),
        _responses(coarse),
        _kernels(coarse, reach, nodes_per_sigma),
    )


def _shares(split: int) -> NDArray[np.float64]:
    """Return (split, 3), a parabola's weights at three bands for each of the lines within the middle one."""
    place = (np.arange(split) + 0.5) / split - 0.5
    return np.stack([place * (place - 1) / 2, 1 - place**2, place * (place + 1) / 2], axis=1) / split


def _responses(lines: PixelLines) -> _Responses:
    pixel, place = np.nonzero(lines.weight)
    start = np.searchsorted(pixel, np.arange(len(lines.weight) + 1)).astype(np.int64)
    return _Responses(start, lines.first[pixel] + place, lines.weight[pixel, place])


def _kernels(lines: PixelLines, reach: float, nodes_per_sigma: float) -> _Kernels:
    """Return kernels on nodes evenly spread in slope, so that they lie closer in angle away from the axis."""
    step = lines.sigma_rad.min() / nodes_per_sigma
    first_slope = -reach - _MARGIN_NODES * step
    nodes = math.ceil((reach - first_slope) / step) + _MARGIN_NODES + 1
    angle_rad = np.arctan(first_slope + step * np.arange(nodes))
    deviate = (angle_rad - lines.azimuth_rad[:, np.newaxis]) / lines.sigma_rad[:, np.newaxis]
    cumulative = special.ndtr(np.clip(deviate, -_KERNEL_SIGMA, _KERNEL_SIGMA))
    between = np.diff(cumulative, axis=1) / (special.ndtr(_KERNEL_SIGMA) - special.ndtr(-_KERNEL_SIGMA))
    pixel, node = np.nonzero(between)
    start = np.searchsorted(pixel, np.arange(len(between) + 1)).astype(np.int64)
    return _Kernels(first_slope, 1.0 / step, nodes, start, node[start[:-1]].astype(np.int64), between[pixel, node])


def _room(view: RoomView, optics: _Optics) -> _Room:
    background = _background(view.pieces)
    return _Room(background, view.zones, view.boxes, _box_near(view.boxes, optics), view.follows, view.stays)


def _box_near(boxes: NDArray[np.float64], optics: _Optics) -> NDArray[np.float64]:
    """Return (B,) depths along the axis before which nothing of a thing lies: those of the nearest corners."""
    corner_m = np.array(list(product((0, 3), (1, 4), (2, 5))))
    depth = (boxes[:, corner_m] - optics.origin) @ optics.rotation[2]
    return np.asarray(depth.min(axis=1))


def _background(levels: tuple[Pieces, ...]) -> _Background:
    pieces = np.concatenate([np.diff(level.start) for level in levels])
    return _Background(
        np.concatenate([[0], np.cumsum(pieces)]),
        np.concatenate([level.until for level in levels]),
        np.concatenate([level.radiance for level in levels]),
        np.concatenate([level.thing for level in levels]),
    )


def _scratch(slots: int, optics: _Optics, room: _Room) -> _Scratch:
    most, nodes, rows = slots * PARTS, optics.kernels.nodes, optics.bands + 2
    steps = 2 * most + slots * _HEAD_CUTS + int(np.diff(room.background.start).max()) + 2
    seen = _Seen(
        slot=np.empty(slots, dtype=np.int64),
        reach=np.empty((slots, 2), dtype=np.int64),
        begin=np.empty(slots, dtype=np.int64),
        end=np.empty(slots, dtype=np.int64),
        part=np.empty((most, _SEEN_COLUMNS)),
        kind=np.empty(most, dtype=np.int64),
        band=np.empty((most, _BAND_COLUMNS), dtype=np.int64),
        head=np.empty((slots, 5)),
        basis=np.empty((slots, 3, 3)),
        body=np.empty((PARTS, PART_COLUMNS)),
        hull=np.empty((slots, 2)),
        order=np.empty(slots, dtype=np.int64),
    )
    line = _Line(
        part=np.empty(most, dtype=np.int64),
        left=np.empty(most),
        right=np.empty(most),
        owner=np.empty(most, dtype=np.int64),
        kind=np.empty(most, dtype=np.int64),
        covers=np.empty(most, dtype=np.int64),
        step_at=np.empty(steps),
        step=np.empty(steps),
        ray=np.empty(3),
    )
    tally = _Tally(np.zeros((rows, nodes)), np.full(rows, nodes), np.full(rows, -1), np.empty(nodes))
    return _Scratch(seen, line, tally)


@_compiled
def _render(
    people: _People,
    optics: _Optics,
    room: _Room,
    room_share: NDArray[np.float64],
    scratch: _Scratch,
    image: NDArray[np.float64],
) -> None:
    """Set `image` (N, P) to the mean radiance of each pixel.

    Every frame is rendered from nothing, so that a frame's bytes do not depend on those before it.
    """
    seen = scratch.seen
    for frame in range(len(image)):
        share = room_share[frame]
        for pixel in range(image.shape[1]):
            image[frame, pixel] = room.follows[pixel] * share + room.stays[pixel]
        number = _look(people, frame, optics, seen)
        if number == 0:
            continue
        low, high = _bands(seen, number)
        for band in range(low, high + 1):
            groups = _side_by_side(seen, number, band)
            first = 0
            while first < groups:
                after = _group(seen, first, groups)
                _add_group(people, frame, share, optics, room, scratch, band, first, after)
                first = after
        _read_out(scratch.tally, optics, image, frame)


@_inlined
def _bands(seen: _Seen, people: int) -> tuple[int, int]:
    """Return the first and the last band that anybody lies in."""
    low, high = seen.reach[seen.slot[0], 0], seen.reach[seen.slot[0], 1]
    for index in range(1, people):
        slot = seen.slot[index]
        low, high = min(low, seen.reach[slot, 0]), max(high, seen.reach[slot, 1])
    return low, high


@_inlined
def _look(people: _People, frame: int, optics: _Optics, seen: _Seen) -> int:
    """Set what is seen of everybody in a frame; return of how many people anything is."""
    number, count = 0, 0
    for slot in range(people.person.shape[1]):
        person = people.person[frame, slot]
        if person < 0:
            continue
        position_m, shape = people.position_m[frame, slot], people.shape[person]
        if _is_out_of_sight(position_m, shape, optics):
            continue
        body_parts(
            shape, people.posture[frame, slot], people.distance_m[frame, slot], people.speed_mps[frame, slot], seen.body
        )
        _set_basis(people.heading_rad[frame, slot], optics.rotation, seen.basis[slot])
        seen.begin[slot] = number
        number = _look_at_body(position_m, slot, optics, seen, number)
        seen.end[slot] = number
        if seen.begin[slot] < number:
            _set_reach(slot, optics.bands, seen)
            _set_open_ends(slot, seen)
            seen.slot[count] = slot
            count += 1
    return count


@_inlined
def _set_reach(slot: int, bands: int, seen: _Seen) -> None:
    first, last = bands, -1
    for part in range(seen.begin[slot], seen.end[slot]):
        first, last = min(first, seen.band[part, _FIRST_BAND]), max(last, seen.band[part, _LAST_BAND])
    seen.reach[slot, 0], seen.reach[slot, 1] = max(first, 0), min(last, bands - 1)


@_inlined
def _is_out_of_sight(position_m: NDArray[np.float64], shape: NDArray[np.float64], optics: _Optics) -> bool:
    """Tell whether the sphere around a body lies outside of what all pixels see together."""
    radius = _BODY_RADIUS * shape[0] + shape[2]
    x, y, z = _from_sensor(position_m, shape[0] / 2, optics)
    return bool(_is_ball_outside(x, y, z, radius, optics))


@_inlined
def _from_sensor(position_m: NDArray[np.float64], height_m: float, optics: _Optics) -> tuple[float, float, float]:
    """Return a point above `position_m` in the sensor's coordinates."""
    origin, rotation = optics.origin, optics.rotation
    dx, dy, dz = position_m[0] - origin[0], position_m[1] - origin[1], height_m - origin[2]
    return (
        rotation[0, 0] * dx + rotation[0, 1] * dy + rotation[0, 2] * dz,
        rotation[1, 0] * dx + rotation[1, 1] * dy + rotation[1, 2] * dz,
        rotation[2, 0] * dx + rotation[2, 1] * dy + rotation[2, 2] * dz,
    )


@_inlined
def _is_ball_outside(x: float, y: float, z: float, radius: float, optics: _Optics) -> bool:
    """Tell whether a ball lies behind the sensor or beyond one of the four planes through it and its outermost rays."""
    along, across = optics.reach, optics.reach_across
    return bool(
        z + radius < 0.0
        or abs(x) - along * z > radius * math.sqrt(1.0 + along * along)
        or abs(y) - across * z > radius * math.sqrt(1.0 + across * across)
    )


@_inlined
def _set_basis(heading_rad: float, rotation: NDArray[np.float64], basis: NDArray[np.float64]) -> None:
    """Set the body's forward, left and up in the sensor's coordinates."""
    cosine, sine = math.cos(heading_rad), math.sin(heading_rad)
    for axis in range(3):
        basis[0, axis] = rotation[axis, 0] * cosine + rotation[axis, 1] * sine
        basis[1, axis] = rotation[axis, 1] * cosine - rotation[axis, 0] * sine
        basis[2, axis] = rotation[axis, 2]


@_inlined
def _look_at_body(position_m: NDArray[np.float64], slot: int, optics: _Optics, seen: _Seen, number: int) -> int:
    """Append what is seen of a body's parts to `seen`; return how many parts are there then."""
    feet_x, feet_y, feet_z = _from_sensor(position_m, 0.0, optics)
    basis, head = seen.basis[slot], seen.head[slot]
    for index in range(PARTS):
        part = seen.body[index]
        cx = feet_x + part[0] * basis[0, 0] + part[1] * basis[1, 0] + part[2] * basis[2, 0]
        cy = feet_y + part[0] * basis[0, 1] + part[1] * basis[1, 1] + part[2] * basis[2, 1]
        cz = feet_z + part[0] * basis[0, 2] + part[1] * basis[1, 2] + part[2] * basis[2, 2]
        if cz < _NEAREST_M or _is_ball_outside(cx, cy, cz, max(part[3], part[4], part[5]), optics):
            continue
        row = seen.part[number]
        _set_quadratic(part, basis, row)
        if not _set_outline(row, cx, cy, cz) or not _set_bands(row, optics, seen.band[number]):
            continue
        if part[8] > 0.0:
            head[0], head[1], head[2] = cx, cy, cz
            head[3], head[4] = part[3], part[5]
        seen.kind[number] = 2 * slot + int(part[8])
        number += 1
    return number


@_inlined
def _set_quadratic(part: NDArray[np.float64], basis: NDArray[np.float64], row: NDArray[np.float64]) -> None:
    """Set the matrix of an ellipsoid in the sensor's coordinates: xx, yy, zz, xy, xz, yz."""
    for term in range(6):
        row[_QUADRATIC + term] = 0.0
    sine, cosine = part[6], part[7]
    for axis in range(3):
        if axis == 0:
            ux = cosine * basis[0, 0] - sine * basis[2, 0]
            uy = cosine * basis[0, 1] - sine * basis[2, 1]
            uz = cosine * basis[0, 2] - sine * basis[2, 2]
        elif axis == 1:
            ux, uy, uz = basis[1, 0], basis[1, 1], basis[1, 2]
        else:
            ux = sine * basis[0, 0] + cosine * basis[2, 0]
            uy = sine * basis[0, 1] + cosine * basis[2, 1]
            uz = sine * basis[0, 2] + cosine * basis[2, 2]
        inverse = 1.0 / (part[3 + axis] * part[3 + axis])
        row[_QUADRATIC] += inverse * ux * ux
        row[_QUADRATIC + 1] += inverse * uy * uy
        row[_QUADRATIC + 2] += inverse * uz * uz
        row[_QUADRATIC + 3] += inverse * ux * uy
        row[_QUADRATIC + 4] += inverse * ux * uz
        row[_QUADRATIC + 5] += inverse * uy * uz


@_inlined
def _set_outline(row: NDArray[np.float64], cx: float, cy: float, cz: float) -> bool:
    """Set the conic along which lines of sight touch an ellipsoid; False when the sensor is within it.

    With d a line of sight, A the ellipsoid's matrix and c its centre, d meets it where
    (d A c)^2 - (d A d) (c A c - 1) >= 0, a quadratic form in d.
    """
    axx, ayy, azz = row[_QUADRATIC], row[_QUADRATIC + 1], row[_QUADRATIC + 2]
    axy, axz, ayz = row[_QUADRATIC + 3], row[_QUADRATIC + 4], row[_QUADRATIC + 5]
    bx = axx * cx + axy * cy + axz * cz
    by = axy * cx + ayy * cy + ayz * cz
    bz = axz * cx + ayz * cy + azz * cz
    constant = cx * bx + cy * by + cz * bz - 1.0
    if constant <= 0.0:
        return False
    row[_LINEAR], row[_LINEAR + 1], row[_LINEAR + 2], row[_CONSTANT] = bx, by, bz, constant
    xx, yy, zz = bx * bx - constant * axx, by * by - constant * ayy, bz * bz - constant * azz
    xy, xz, yz = bx * by - constant * axy, bx * bz - constant * axz, by * bz - constant * ayz
    row[0], row[1], row[2], row[3], row[4], row[5] = xx, yy, zz, xy, xz, yz
    row[_INVERSE] = 1.0 / xx
    # Lines on which the quadratic in x has real roots, and columns on which the one in y has.
    a = xy * xy - xx * yy
    row[_LOW], row[_HIGH] = _range(xx, a, xy * xz - xx * yz, xz * xz - xx * zz)
    row[_LEFT], row[_RIGHT] = _range(yy, a, xy * yz - yy * xz, yz * yz - yy * zz)
    return True


@_inlined
def _range(square: float, a: float, b: float, c: float) -> tuple[float, float]:
    """Return where a v^2 + 2 b v + c is positive when the outline is an ellipse, else everything."""
    if square < 0.0 and a < 0.0:
        root = math.sqrt(max(b * b - a * c, 0.0))
        return (-b + root) / a, (-b - root) / a
    return -np.inf, np.inf


@_inlined
def _set_bands(row: NDArray[np.float64], optics: _Optics, band: NDArray[np.int64]) -> bool:
    """Set the bands a part lies in; False when it lies in none, or beyond the ends of the lines."""
    if row[_LEFT] > optics.reach or row[_RIGHT] < -optics.reach:
        return False
    first = math.floor((math.atan(row[_LOW]) - optics.lowest_rad) / optics.band_rad)
    last = math.floor((math.atan(row[_HIGH]) - optics.lowest_rad) / optics.band_rad)
    band[_FIRST_BAND], band[_LAST_BAND] = first, last
    return bool(last >= 0 and first < optics.bands)


@_inlined
def _set_open_ends(slot: int, seen: _Seen) -> None:
    """Set the bands in which an outline begins or ends in the open: not where other clothes cover its tip.

    Near the tip a stretch grows like a root, which a sum over lines meets badly.
    """
    for part in range(seen.begin[slot], seen.end[slot]):
        row, band = seen.part[part], seen.band[part]
        for end in range(2):
            v = row[_LOW + end]
            x = -(row[3] * v + row[4]) / row[0]
            is_covered = _is_within_clothes(seen, slot, part, x, v)
            band[_OPENS + end] = -1 if is_covered else band[_FIRST_BAND + end]


@_inlined
def _is_within_clothes(seen: _Seen, slot: int, part: int, x: float, v: float) -> bool:
    """Tell whether other clothes of the same person lie around a point of the image; never so for a head."""
    if seen.kind[part] & 1:
        return False
    for other in range(seen.begin[slot], seen.end[slot]):
        row = seen.part[other]
        if other == part or seen.kind[other] & 1:
            continue
        conic = row[0] * x * x + row[1] * v * v + row[2] + 2.0 * (row[3] * x * v + row[4] * x + row[5] * v)
        if conic > 0.0:
            return True
    return False


@_inlined
def _side_by_side(seen: _Seen, people: int, band: int) -> int:
    """Set how far everybody who lies in a band reaches, and their order from left to right; return how many."""
    hull, order, count = seen.hull, seen.order, 0
    for index in range(people):
        slot = seen.slot[index]
        if band < seen.reach[slot, 0] or band > seen.reach[slot, 1]:
            continue
        left, right = np.inf, -np.inf
        for part in range(seen.begin[slot], seen.end[slot]):
            if seen.band[part, _FIRST_BAND] <= band <= seen.band[part, _LAST_BAND]:
                left, right = min(left, seen.part[part, _LEFT]), max(right, seen.part[part, _RIGHT])
        if left > right:
            continue
        hull[slot, 0], hull[slot, 1] = left, right
        place = count
        while place > 0 and hull[order[place - 1], 0] > left:
            order[place] = order[place - 1]
            place -= 1
        order[place] = slot
        count += 1
    return count


@_inlined
def _group(seen: _Seen, first: int, count: int) -> int:
    """Return after whom, from `first` on, nobody may touch anybody before."""
    right, after = seen.hull[seen.order[first], 1], first + 1
    while after < count and seen.hull[seen.order[after], 0] <= right:
        right = max(right, seen.hull[seen.order[after], 1])
        after += 1
    return after


@_inlined
def _add_group(
    people: _People,
    frame: int,
    share: float,
    optics: _Optics,
    room: _Room,
    scratch: _Scratch,
    band: int,
    first: int,
    after: int,
) -> None:
    """Add to the tally by what a group of people outshines the room in a band, as finely as the group needs it."""
    seen, line = scratch.seen, scratch.line
    count, is_open = _gather(seen, band, first, after, line)
    level = 2 if _meets_zone(seen, room.zones, band, first, after) else is_open
    begin = optics.first[level] + band * optics.split[level]
    for number in range(begin, begin + optics.split[level]):
        v = optics.slope[number]
        found = _stretches(seen.part, seen.kind, count, v, optics.reach, line)
        if found:
            steps = _steps(v, number, found, line, seen, people.radiance, frame, share, optics, room)
            _share_out(line, steps, band, number, optics, scratch.tally)


@_inlined
def _gather(seen: _Seen, band: int, first: int, after: int, line: _Line) -> tuple[int, int]:
    """Set the parts of a group that lie in a band; return how many, and 1 when one begins or ends in the open."""
    count, is_open = 0, 0
    for index in range(first, after):
        slot = seen.order[index]
        for part in range(seen.begin[slot], seen.end[slot]):
            place = seen.band[part]
            if place[_FIRST_BAND] <= band <= place[_LAST_BAND]:
                line.part[count] = part
                count += 1
                if place[_OPENS] == band or place[_CLOSES] == band:
                    is_open = 1
    return count, is_open


@_inlined
def _meets_zone(seen: _Seen, zones: Zones, band: int, first: int, after: int) -> bool:
    """Tell whether somebody of a group reaches where things begin or end within a band."""
    left, right = seen.hull[seen.order[first], 0], -np.inf
    for index in range(first, after):
        right = max(right, seen.hull[seen.order[index], 1])
    meets = False
    for zone in range(zones.start[band], zones.start[band + 1]):
        meets = meets or (zones.low[zone] < right and zones.high[zone] > left)
    return meets


@_inlined
def _stretches(
    part: NDArray[np.float64], kind: NDArray[np.int64], count: int, v: float, reach: float, line: _Line
) -> int:
    """Set the stretches of a line that parts cover, by where they begin; return how many."""
    found = 0
    for index in range(count):
        row = part[line.part[index]]
        if v < row[_LOW] or v > row[_HIGH]:
            continue
        a = row[0]
        b = row[3] * v + row[4]
        c = row[1] * v * v + 2.0 * row[5] * v + row[2]
        discriminant = b * b - a * c
        left, right = -reach, reach
        if a < 0.0:
            if discriminant <= 0.0:
                continue
            root, inverse = math.sqrt(discriminant), row[_INVERSE]
            left, right = max(left, (-b + root) * inverse), min(right, (-b - root) * inverse)
        elif discriminant > 0.0 and a > 0.0:
            # The part reaches behind the sensor: of the outline's two branches one is in front.
            root = math.sqrt(discriminant)
            low, high = (-b - root) / a, (-b + root) / a
            ahead = row[_LINEAR + 1] * v + row[_LINEAR + 2]
            if row[_LINEAR] * (high + 1.0) + ahead > 0.0:
                left = max(left, high)
            else:
                right = min(right, low)
        if right - left > 1e-12:
            place = found
            while place > 0 and line.left[place - 1] > left:
                line.left[place], line.right[place] = line.left[place - 1], line.right[place - 1]
                line.owner[place], line.kind[place] = line.owner[place - 1], line.kind[place - 1]
                place -= 1
            line.left[place], line.right[place], line.owner[place] = left, right, line.part[index]
            line.kind[place] = kind[line.part[index]]
            found += 1
    return found


@_inlined
def _steps(
    v: float,
    number: int,
    found: int,
    line: _Line,
    seen: _Seen,
    radiance: NDArray[np.float64],
    frame: int,
    share: float,
    optics: _Optics,
    room: _Room,
) -> int:
    """Set where along a line the excess of people over the room behind them changes, and by how much."""
    background = room.background
    piece, end = background.start[number], background.start[number + 1]
    count, on, following = 0, 0, 0
    at, before = line.left[0], 0.0
    while True:
        while piece + 1 < end and background.until[piece] <= at:
            piece += 1
        on, following = _pass(line, at, on, following, found)
        if on == 0 and following == found:
            break
        until, excess = np.inf, 0.0
        if on == 0:
            until = line.left[following]
        else:
            if piece + 1 < end:
                until = background.until[piece]
            thing, is_clothes = background.thing[piece], _is_all_clothes(line, on)
            if thing < 0 and is_clothes:
                on, following, until = _run(line, on, following, found, until)
                excess = radiance[frame, line.kind[line.covers[0]] >> 1, 2] - background.radiance[piece] * share
            else:
                until = _next_cut(line, at, on, following, found, until)
                excess = _excess(
                    (at + until) / 2, v, line, on, is_clothes, seen, radiance, frame, share, optics, room, piece
                )  # fmt: skip
        if excess != before:
            line.step_at[count], line.step[count] = at, excess - before
            count += 1
        at, before = until, excess
    if before != 0.0:
        line.step_at[count], line.step[count] = at, -before
        count += 1
    return count


@_inlined
def _run(line: _Line, on: int, following: int, found: int, until: float) -> tuple[int, int, float]:
    """Follow clothes of one person as far as nothing else begins; return what covers the end, what follows, the end."""
    kind, right = line.kind[line.covers[0]], -np.inf
    for index in range(on):
        right = max(right, line.right[line.covers[index]])
    while following < found and line.left[following] <= min(right, until):
        if line.kind[following] != kind:
            return on, following, min(line.left[following], until)
        line.covers[on] = following
        right = max(right, line.right[following])
        on += 1
        following += 1
    return on, following, min(right, until)


@_inlined
def _pass(line: _Line, at: float, on: int, following: int, found: int) -> tuple[int, int]:
    """Drop the stretches that end at a place and take up those that begin; return how many cover it, and the next."""
    kept = 0
    for index in range(on):
        if line.right[line.covers[index]] > at:
            line.covers[kept] = line.covers[index]
            kept += 1
    while following < found and line.left[following] <= at:
        line.covers[kept] = following
        kept += 1
        following += 1
    return kept, following


@_inlined
def _next_cut(line: _Line, at: float, on: int, following: int, found: int, until: float) -> float:
    """Return where the next stretch begins, one that covers a place ends, or the next piece of a head begins."""
    if following < found:
        until = min(until, line.left[following])
    for index in range(on):
        cover = line.covers[index]
        left, right = line.left[cover], line.right[cover]
        until = min(until, right)
        if line.kind[cover] & 1:
            for cut in range(1, _HEAD_CUTS):
                place = left + (right - left) * cut / _HEAD_CUTS
                if place > at:
                    until = min(until, place)
                    break
    return until


@_inlined
def _excess(
    x: float,
    v: float,
    line: _Line,
    on: int,
    is_clothes: bool,  # noqa: FBT001 - compiled code takes arguments by position
    seen: _Seen,
    radiance: NDArray[np.float64],
    frame: int,
    share: float,
    optics: _Optics,
    room: _Room,
    piece: int,
) -> float:
    """Return by how much people on a line of sight outshine the room, zero when a thing hides them."""
    background = room.background
    thing = background.thing[piece]
    enough = room.box_near[thing] if is_clothes and thing >= 0 else -np.inf
    part, depth = _nearest(x, v, line, on, seen.part, enough)
    if thing >= 0 and depth > room.box_near[thing] and depth > _box_depth(x, v, room.boxes[thing], optics, line.ray):
        return 0.0
    slot = seen.kind[part] >> 1
    warmth = radiance[frame, slot, 2]
    if seen.kind[part] & 1:
        skin = _face_share(depth, x, v, seen.head[slot], seen.basis[slot])
        warmth = skin * radiance[frame, slot, 1] + (1.0 - skin) * radiance[frame, slot, 0]
    behind = background.radiance[piece]
    if thing < 0 or room.boxes[thing, 7] > 0.0:
        behind *= share
    return float(warmth - behind)


@_inlined
def _box_depth(x: float, v: float, box: NDArray[np.float64], optics: _Optics, ray: NDArray[np.float64]) -> float:
    """Return the depth at which a line of sight meets a thing."""
    for axis in range(3):
        ray[axis] = optics.rotation[0, axis] * x + optics.rotation[1, axis] * v + optics.rotation[2, axis]
    return float(box_depth(box, optics.origin, ray))


@_inlined
def _is_all_clothes(line: _Line, on: int) -> bool:
    """Tell whether nothing but clothes of one person covers a place."""
    kind = line.kind[line.covers[0]]
    for index in range(1, on):
        if line.kind[line.covers[index]] != kind:
            return False
    return bool(kind & 1 == 0)


@_inlined
def _nearest(x: float, v: float, line: _Line, on: int, part: NDArray[np.float64], enough: float) -> tuple[int, float]:
    """Return the nearest part on a line of sight and its depth, or the first that is nearer than `enough`."""
    best, depth = line.owner[line.covers[0]], np.inf
    for index in range(on):
        owner = line.owner[line.covers[index]]
        there = _depth(part[owner], x, v)
        if there < depth:
            best, depth = owner, there
            if there < enough:
                break
    return best, depth


@_inlined
def _depth(row: NDArray[np.float64], x: float, v: float) -> float:
    """Return the depth along the axis at which a line of sight enters a part."""
    a = row[9] * x * x + row[10] * v * v + row[11] + 2.0 * (row[12] * x * v + row[13] * x + row[14] * v)
    b = row[_LINEAR] * x + row[_LINEAR + 1] * v + row[_LINEAR + 2]
    return float((b - math.sqrt(max(b * b - a * row[_CONSTANT], 0.0))) / a)


@_inlined
def _face_share(depth: float, x: float, v: float, head: NDArray[np.float64], basis: NDArray[np.float64]) -> float:
    """Return 1 where a head shows skin, 0 where hair, between at the hairline."""
    px, py, pz = x * depth - head[0], v * depth - head[1], depth - head[2]
    forward = (px * basis[0, 0] + py * basis[0, 1] + pz * basis[0, 2]) / head[3]
    up = (px * basis[2, 0] + py * basis[2, 1] + pz * basis[2, 2]) / head[4]
    ahead = min(max((forward - _FACE_FORWARD) / _HAIRLINE + 0.5, 0.0), 1.0)
    below = min(max((_FACE_UP - up) / _HAIRLINE + 0.5, 0.0), 1.0)
    return float(ahead * below)


@_inlined
def _share_out(line: _Line, steps: int, band: int, number: int, optics: _Optics, tally: _Tally) -> None:
    """Add a line's steps to the nodes of its band and, where bands have several lines, of those beside it."""
    kernels = optics.kernels
    for index in range(steps):
        place = (line.step_at[index] - kernels.first_slope) * kernels.per_slope
        node = int(place)
        t, step = place - node, line.step[index]
        nodes = (
            -step * t * (t - 1.0) * (t - 2.0) / 6.0,
            step * (t + 1.0) * (t - 1.0) * (t - 2.0) / 2.0,
            -step * (t + 1.0) * t * (t - 2.0) / 2.0,
            step * (t + 1.0) * t * (t - 1.0) / 6.0,
        )
        for beside in range(3):
            part = optics.share[number, beside]
            if part == 0.0:
                continue
            row = band + beside
            tally.low[row] = min(tally.low[row], node - 1)
            tally.high[row] = max(tally.high[row], node + 2)
            for offset in range(4):
                tally.step[row, node - 1 + offset] += part * nodes[offset]


@_inlined
def _read_out(tally: _Tally, optics: _Optics, image: NDArray[np.float64], frame: int) -> None:
    """Add what has been tallied to the pixels, and clear the tally."""
    responses, kernels = optics.responses, optics.kernels
    low, high = _add_up(tally)
    for pixel in range(image.shape[1]):
        first = max(low, kernels.first[pixel])
        after = min(high, kernels.first[pixel] + kernels.start[pixel + 1] - kernels.start[pixel])
        if after <= first:
            continue
        tally.total[first:after] = 0.0
        for place in range(responses.start[pixel], responses.start[pixel + 1]):
            row = responses.band[place] + 1
            if tally.high[row] > first and tally.low[row] < after:
                _add_row(tally.total, responses.weight[place], tally.step, row, np.uint64(first), np.uint64(after))
        begin = kernels.start[pixel] + first - kernels.first[pixel]
        image[frame, pixel] += _inner(tally.total[first:after], kernels.value[begin : begin + after - first])
    _clear(tally)


@_inlined
def _add_up(tally: _Tally) -> tuple[int, int]:
    """Turn the steps of each row into radiances; return the first node with any, and one past the last."""
    first, after = len(tally.total), 0
    for row in range(len(tally.low)):
        low, high = tally.low[row], tally.high[row]
        if high < low:
            continue
        first, after = min(first, low), max(after, high)
        steps = tally.step[row, low : high + 1]
        total = 0.0
        for node in range(len(steps)):
            total += steps[node]
            steps[node] = total
    return first, after


@_inlined
def _add_row(
    total: NDArray[np.float64], weight: float, radiance: NDArray[np.float64], row: int, first: int, after: int
) -> None:
    """Add a row's radiance to `total`, some nodes at a time: unsigned numbers never count from the end."""
    for node in range(first, after):
        total[node] += weight * radiance[row, node]


@_inlined
def _inner(total: NDArray[np.float64], kernel: NDArray[np.float64]) -> float:
    result = 0.0
    for node in range(len(total)):
        result += total[node] * kernel[node]
    return result


@_inlined
def _clear(tally: _Tally) -> None:
    nodes = len(tally.total)
    for row in range(len(tally.low)):
        low, high = tally.low[row], tally.high[row]
        if high >= low:
            tally.step[row, low : high + 1] = 0.0
            tally.low[row], tally.high[row] = nodes, -1


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _mixed(image: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Return (N, rows, columns), each pixel with `share` of its neighbours' mean instead of its own."""
    frames, rows, columns = image.shape
    result = np.empty_like(image)
    for frame in range(frames):
        for row in range(rows):
            for column in range(columns):
                total, number = -image[frame, row, column], -1
                for there in range(max(row - 1, 0), min(row + 2, rows)):
                    for across in range(max(column - 1, 0), min(column + 2, columns)):
                        total += image[frame, there, across]
                        number += 1
                own = image[frame, row, column]
                result[frame, row, column] = own + share * (total / number - own) if number > 0 else own
    return result
