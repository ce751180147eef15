"""What reaches each pixel: radiance averaged over its response, of people, things, the floor and walls.

Bodies are ellipsoids, whose outlines are conics in the image, so that the stretch of a line that a body covers
is known exactly; a pixel's Gaussian response is integrated exactly along such stretches, and summed over lines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np
from scipy import special

from datasheet.compile_cache import ensure_compile_cache
from sensors.bodies import PART_COLUMNS, PARTS, body_parts, body_radiances, body_shapes, postures, walked_m
from sensors.pixels import FINE, FINEST, LINES_PER_SIGMA, REACH_SIGMA, pixel_lines
from sensors.radiance import band_radiance, brightness_degc
from sensors.room_view import box_depth, room_view

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

# A head shows skin where its outward normal points forward by more, and up by less, than these; the hairline is
# this wide. Assumed.
_FACE_FORWARD, _FACE_UP, _HAIRLINE = 0.35, 0.35, 0.2
_HEAD_CUTS = 4
"""A head's stretch of a line is cut into so many pieces, since hair changes into skin along it."""

_TABLE_SIGMA = 3.4
_TABLE_STEPS = 4096
_CUMULATIVE = special.ndtr(np.linspace(-_TABLE_SIGMA, _TABLE_SIGMA, _TABLE_STEPS + 1))

# Columns of what is known of a part in a frame: outline's conic (6), depth's linear and quadratic terms (3 + 6 + 1),
# lowest and highest slope (2), slot and whether it is a head (2).
_CONIC, _LINEAR, _QUADRATIC, _CONSTANT, _LOW, _HIGH, _SLOT, _HEAD = 0, 6, 9, 15, 16, 17, 18, 19
_SEEN_COLUMNS = 20


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
        lines, room = prepared.lines, prepared.room
        slots = timeline.person_index.shape[1]
        if len(self._last_index) != slots:
            self._last_index, self._last_m = np.full(slots, -1, dtype=np.int32), np.zeros((slots, 3))
        distance_m = walked_m(timeline.person_index, timeline.position_m, self._last_index, self._last_m)
        radiance: NDArray[np.float64] = _render(
            timeline.person_index,
            np.ascontiguousarray(timeline.position_m),
            np.ascontiguousarray(timeline.heading_rad),
            np.ascontiguousarray(postures(timeline)),
            distance_m,
            np.nan_to_num(timeline.speed_mps),
            body_shapes(timeline.persons),
            body_radiances(timeline),
            _room_share(timeline),
            np.array([self.mount.x_m, self.mount.y_m, self.mount.height_m]),
            self._rotation,
            lines.azimuth_rad,
            lines.sigma_rad,
            prepared.responses,
            (_background(room.pieces[0]), _background(room.pieces[1]), _background(room.pieces[2])),
            room.is_busy,
            room.boxes,
            room.follows,
            room.stays,
            _CUMULATIVE,
        )
        share = self.sheet.crosstalk
        if share is not None and share.value > 0.0:
            radiance = _mixed(radiance.reshape(-1, *lines.shape), share.value)
        return brightness_degc(radiance).reshape(-1, *lines.shape)

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
            responses = _responses(lines[0]), _responses(lines[1]), _responses(lines[2])
            self._prepared = key, _Prepared(lines[0], responses, room)
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


class _Responses(NamedTuple):
    """Lines, and for each the pixels that use it, one line's after the other's."""

    slope: NDArray[np.float64]
    start: NDArray[np.int64]
    pixel: NDArray[np.int64]
    weight: NDArray[np.float64]


class _Background(NamedTuple):
    """The pieces of a room view, as compiled code takes them."""

    start: NDArray[np.int64]
    until: NDArray[np.float64]
    radiance: NDArray[np.float64]
    thing: NDArray[np.int64]


@dataclass(frozen=True)
class _Prepared:
    """What only depends on the sensor and the empty room."""

    lines: PixelLines
    responses: tuple[_Responses, _Responses, _Responses]
    room: RoomView


def _responses(lines: PixelLines) -> _Responses:
    line, pixel = np.nonzero(lines.weight.T)
    start = np.searchsorted(line, np.arange(len(lines.slope) + 1)).astype(np.int64)
    return _Responses(lines.slope, start, pixel.astype(np.int64), lines.weight.T[line, pixel])


def _background(pieces: Pieces) -> _Background:
    return _Background(pieces.start, pieces.until, pieces.radiance, pieces.thing)


@numba.njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
def _render(
    person_index: NDArray[np.int32],
    position_m: NDArray[np.float64],
    heading_rad: NDArray[np.float64],
    posture: NDArray[np.int8],
    distance_m: NDArray[np.float64],
    speed_mps: NDArray[np.float64],
    shapes: NDArray[np.float64],
    radiances: NDArray[np.float64],
    room_share: NDArray[np.float64],
    origin: NDArray[np.float64],
    rotation: NDArray[np.float64],
    azimuth: NDArray[np.float64],
    sigma: NDArray[np.float64],
    responses: tuple[_Responses, _Responses, _Responses],
    backgrounds: tuple[_Background, _Background, _Background],
    is_busy: NDArray[np.bool_],
    boxes: NDArray[np.float64],
    follows: NDArray[np.float64],
    stays: NDArray[np.float64],
    cumulative: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return (N, P) mean radiance of each pixel."""
    frames, slots = person_index.shape
    pixels, most = len(azimuth), slots * PARTS
    coarse, finest = responses[0].slope, backgrounds[2].start
    result = np.empty((frames, pixels))
    parts, seen = np.empty((PARTS, PART_COLUMNS)), np.empty((most, _SEEN_COLUMNS))
    heads, basis = np.empty((slots, 6)), np.empty((slots, 3, 3))
    stretch, owner = np.empty((most, 2)), np.empty(most, dtype=np.int64)
    cuts = np.empty(2 * most + slots * _HEAD_CUTS + (finest[1:] - finest[:-1]).max())
    runs = np.empty((len(cuts), 3))
    level = np.empty(len(coarse), dtype=np.int64)
    ray = np.empty(3)
    inverse_sigma = 1.0 / sigma
    band_rad = math.atan(coarse[1]) - math.atan(coarse[0])
    lowest_rad = math.atan(coarse[0]) - band_rad / 2
    reach = math.tan(min(np.abs(azimuth).max() + REACH_SIGMA * sigma.max(), 1.5))
    for frame in range(frames):
        share = room_share[frame]
        for pixel in range(pixels):
            result[frame, pixel] = follows[pixel] * share + stays[pixel]
        number = 0
        for slot in range(slots):
            person = person_index[frame, slot]
            if person < 0:
                continue
            body_parts(shapes[person], posture[frame, slot], distance_m[frame, slot], speed_mps[frame, slot], parts)
            _set_basis(heading_rad[frame, slot], rotation, basis[slot])
            number = _look_at_body(
                parts, position_m[frame, slot], slot, origin, rotation, basis[slot], reach, heads[slot], seen, number
            )
        if number == 0:
            continue
        first, last = _set_levels(seen, number, lowest_rad, band_rad, is_busy, level)
        for band in range(first, last):
            lines = responses[level[band]]
            split = len(lines.slope) // len(coarse)
            for line in range(band * split, (band + 1) * split):
                v = lines.slope[line]
                found = _stretches(seen, number, v, reach, stretch, owner)
                if found:
                    count = _runs(
                        v, line, stretch, owner, found, cuts, runs, seen, heads, basis, radiances, frame, share,
                        origin, rotation, backgrounds[level[band]], boxes, ray,
                    )  # fmt: skip
                    _add_runs(result, frame, runs, count, line, azimuth, inverse_sigma, lines, cumulative)
    return result


@numba.njit(cache=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _set_levels(
    seen: NDArray[np.float64],
    number: int,
    lowest_rad: float,
    band_rad: float,
    is_busy: NDArray[np.bool_],
    level: NDArray[np.int64],
) -> tuple[int, int]:
    """Set the level of fineness of each band; return the first band with people, and one past the last.

    Level 1 are bands in which an outline begins or ends in the open: not where another part of the same clothes
    covers its tip. Near the tip a stretch grows like a root, which a sum over lines meets badly. Level 2 are bands
    in which things begin or end, maybe along the lines.
    """
    bands = len(level)
    low, high = np.inf, -np.inf
    for part in range(number):
        low, high = min(low, seen[part, _LOW]), max(high, seen[part, _HIGH])
    first = int(min(max((math.atan(low) - lowest_rad) / band_rad, 0.0), float(bands)))
    last = int(min(max((math.atan(high) - lowest_rad) / band_rad + 1.0, 0.0), float(bands)))
    for band in range(first, last):
        level[band] = 2 if is_busy[band] else 0
    for part in range(number):
        for end in range(2):
            v = seen[part, _LOW + end]
            place = (math.atan(v) - lowest_rad) / band_rad
            if first <= place < last and level[int(place)] == 0:
                x = -(seen[part, 3] * v + seen[part, 4]) / seen[part, 0]
                level[int(place)] = 0 if _is_within_clothes(seen, number, part, x, v) else 1
    return first, last


@numba.njit(cache=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _is_within_clothes(seen: NDArray[np.float64], number: int, part: int, x: float, v: float) -> bool:
    """Tell whether other clothes of the same person lie around a point of the image; never so for a head."""
    if seen[part, _HEAD] > 0.0:
        return False
    for other in range(number):
        if other == part or seen[other, _SLOT] != seen[part, _SLOT] or seen[other, _HEAD] > 0.0:
            continue
        conic = seen[other, 0] * x * x + seen[other, 1] * v * v + seen[other, 2]
        conic += 2.0 * (seen[other, 3] * x * v + seen[other, 4] * x + seen[other, 5] * v)
        if conic > 0.0:
            return True
    return False


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


@numba.njit(cache=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _set_basis(heading_rad: float, rotation: NDArray[np.float64], basis: NDArray[np.float64]) -> None:
    """Set the body's forward, left and up in the sensor's coordinates."""
    cosine, sine = math.cos(heading_rad), math.sin(heading_rad)
    for axis in range(3):
        basis[0, axis] = rotation[axis, 0] * cosine + rotation[axis, 1] * sine
        basis[1, axis] = rotation[axis, 1] * cosine - rotation[axis, 0] * sine
        basis[2, axis] = rotation[axis, 2]


@numba.njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
def _look_at_body(
    parts: NDArray[np.float64],
    position_m: NDArray[np.float64],
    slot: int,
    origin: NDArray[np.float64],
    rotation: NDArray[np.float64],
    basis: NDArray[np.float64],
    reach: float,
    head: NDArray[np.float64],
    seen: NDArray[np.float64],
    number: int,
) -> int:
    """Append what is seen of a body's parts to `seen`; return how many parts are there then."""
    dx, dy, dz = position_m[0] - origin[0], position_m[1] - origin[1], -origin[2]
    feet_x = rotation[0, 0] * dx + rotation[0, 1] * dy + rotation[0, 2] * dz
    feet_y = rotation[1, 0] * dx + rotation[1, 1] * dy + rotation[1, 2] * dz
    feet_z = rotation[2, 0] * dx + rotation[2, 1] * dy + rotation[2, 2] * dz
    for index in range(PARTS):
        part = parts[index]
        cx = feet_x + part[0] * basis[0, 0] + part[1] * basis[1, 0] + part[2] * basis[2, 0]
        cy = feet_y + part[0] * basis[0, 1] + part[1] * basis[1, 1] + part[2] * basis[2, 1]
        cz = feet_z + part[0] * basis[0, 2] + part[1] * basis[1, 2] + part[2] * basis[2, 2]
        if cz < _NEAREST_M:
            continue
        largest = max(part[3], part[4], part[5])
        if cz > 2 * largest and abs(cx) - largest > reach * (cz + largest):
            continue
        if part[8] > 0.0:
            head[0], head[1], head[2] = cx, cy, cz
            head[3], head[4] = part[3], part[5]
        row = seen[number]
        _set_quadratic(part, basis, row)
        if not _set_outline(row, cx, cy, cz):
            continue
        row[_SLOT], row[_HEAD] = slot, part[8]
        number += 1
    return number


@numba.njit(cache=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator, unused-ignore]
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


@numba.njit(cache=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator, unused-ignore]
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
    # Lines on which the quadratic in x has real roots.
    a, b, c = xy * xy - xx * yy, xy * xz - xx * yz, xz * xz - xx * zz
    if xx < 0.0 and a < 0.0:
        root = math.sqrt(max(b * b - a * c, 0.0))
        row[_LOW], row[_HIGH] = (-b + root) / a, (-b - root) / a
    else:
        row[_LOW], row[_HIGH] = -np.inf, np.inf
    return True


@numba.njit(cache=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _stretches(
    seen: NDArray[np.float64],
    number: int,
    v: float,
    reach: float,
    stretch: NDArray[np.float64],
    owner: NDArray[np.int64],
) -> int:
    """Set the stretches of a line that parts cover; return how many."""
    found = 0
    for part in range(number):
        if v < seen[part, _LOW] or v > seen[part, _HIGH]:
            continue
        a = seen[part, 0]
        b = seen[part, 3] * v + seen[part, 4]
        c = seen[part, 1] * v * v + 2.0 * seen[part, 5] * v + seen[part, 2]
        discriminant = b * b - a * c
        left, right = -reach, reach
        if a < 0.0:
            if discriminant <= 0.0:
                continue
            root = math.sqrt(discriminant)
            left, right = max(left, (-b + root) / a), min(right, (-b - root) / a)
        elif discriminant > 0.0 and a > 0.0:
            # The part reaches behind the sensor: of the outline's two branches one is in front.
            root = math.sqrt(discriminant)
            low, high = (-b - root) / a, (-b + root) / a
            ahead = seen[part, _LINEAR + 1] * v + seen[part, _LINEAR + 2]
            if seen[part, _LINEAR] * (high + 1.0) + ahead > 0.0:
                left = max(left, high)
            else:
                right = min(right, low)
        if right - left > 1e-12:
            stretch[found, 0], stretch[found, 1], owner[found] = left, right, part
            found += 1
    return found


@numba.njit(cache=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _depth(seen: NDArray[np.float64], part: int, x: float, v: float) -> float:
    """Return the depth along the axis at which a line of sight enters a part."""
    a = seen[part, 9] * x * x + seen[part, 10] * v * v + seen[part, 11]
    a += 2.0 * (seen[part, 12] * x * v + seen[part, 13] * x + seen[part, 14] * v)
    b = seen[part, _LINEAR] * x + seen[part, _LINEAR + 1] * v + seen[part, _LINEAR + 2]
    return float((b - math.sqrt(max(b * b - a * seen[part, _CONSTANT], 0.0))) / a)


@numba.njit(cache=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _face_share(
    depth: float, x: float, v: float, slot: int, heads: NDArray[np.float64], basis: NDArray[np.float64]
) -> float:
    """Return 1 where a head shows skin, 0 where hair, between at the hairline."""
    px, py, pz = x * depth - heads[slot, 0], v * depth - heads[slot, 1], depth - heads[slot, 2]
    forward = (px * basis[slot, 0, 0] + py * basis[slot, 0, 1] + pz * basis[slot, 0, 2]) / heads[slot, 3]
    up = (px * basis[slot, 2, 0] + py * basis[slot, 2, 1] + pz * basis[slot, 2, 2]) / heads[slot, 4]
    ahead = min(max((forward - _FACE_FORWARD) / _HAIRLINE + 0.5, 0.0), 1.0)
    below = min(max((_FACE_UP - up) / _HAIRLINE + 0.5, 0.0), 1.0)
    return float(ahead * below)


@numba.njit(cache=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _sort(values: NDArray[np.float64], count: int) -> None:
    for index in range(1, count):
        value = values[index]
        place = index
        while place > 0 and values[place - 1] > value:
            values[place] = values[place - 1]
            place -= 1
        values[place] = value


@numba.njit(cache=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _cut(
    stretch: NDArray[np.float64],
    owner: NDArray[np.int64],
    found: int,
    seen: NDArray[np.float64],
    piece_until: NDArray[np.float64],
    begin: int,
    end: int,
    cuts: NDArray[np.float64],
) -> int:
    """Set all slopes at which what is seen may change, in order; return how many."""
    count, low, high = 0, np.inf, -np.inf
    for index in range(found):
        left, right = stretch[index, 0], stretch[index, 1]
        low, high = min(low, left), max(high, right)
        cuts[count], cuts[count + 1] = left, right
        count += 2
        if seen[owner[index], _HEAD] > 0.0:
            for cut in range(1, _HEAD_CUTS):
                cuts[count] = left + (right - left) * cut / _HEAD_CUTS
                count += 1
    for piece in range(begin, end - 1):
        if low < piece_until[piece] < high:
            cuts[count] = piece_until[piece]
            count += 1
    _sort(cuts, count)
    return count


@numba.njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
def _nearest(
    x: float,
    v: float,
    stretch: NDArray[np.float64],
    owner: NDArray[np.int64],
    found: int,
    seen: NDArray[np.float64],
    needs_depth: bool,  # noqa: FBT001 - compiled code takes arguments by position
) -> tuple[int, float]:
    """Return the nearest part on a line of sight, -1 for none, and its depth.

    Depths are left out, and zero, while all parts on the line of sight are clothes of one person.
    """
    best, depth, is_known = -1, np.inf, needs_depth
    for index in range(found):
        if not stretch[index, 0] < x < stretch[index, 1]:
            continue
        part = owner[index]
        if best < 0 and not is_known:
            best = part
            continue
        if not is_known:
            same = seen[part, _SLOT] == seen[best, _SLOT] and seen[part, _HEAD] == seen[best, _HEAD]
            if same:
                continue
            # Start again, with depths.
            best, depth = _nearest_of_all(x, v, stretch, owner, found, seen)
            return best, depth
        there = _depth(seen, part, x, v)
        if there < depth:
            best, depth = part, there
    return best, depth if is_known else 0.0


@numba.njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
def _nearest_of_all(
    x: float,
    v: float,
    stretch: NDArray[np.float64],
    owner: NDArray[np.int64],
    found: int,
    seen: NDArray[np.float64],
) -> tuple[int, float]:
    best, depth = -1, np.inf
    for index in range(found):
        if stretch[index, 0] < x < stretch[index, 1]:
            there = _depth(seen, owner[index], x, v)
            if there < depth:
                best, depth = owner[index], there
    return best, depth


@numba.njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
def _runs(  # noqa: C901 - one pass over a line
    v: float,
    line: int,
    stretch: NDArray[np.float64],
    owner: NDArray[np.int64],
    found: int,
    cuts: NDArray[np.float64],
    runs: NDArray[np.float64],
    seen: NDArray[np.float64],
    heads: NDArray[np.float64],
    basis: NDArray[np.float64],
    radiances: NDArray[np.float64],
    frame: int,
    share: float,
    origin: NDArray[np.float64],
    rotation: NDArray[np.float64],
    background: _Background,
    boxes: NDArray[np.float64],
    ray: NDArray[np.float64],
) -> int:
    """Set where on a line people outshine the room behind them, from, to, and by how much; return how often."""
    piece, end = background.start[line], background.start[line + 1]
    count = _cut(stretch, owner, found, seen, background.until, piece, end, cuts)
    number = 0
    for index in range(count - 1):
        left, right = cuts[index], cuts[index + 1]
        if right - left < 1e-12:
            continue
        x = (left + right) / 2
        while piece + 1 < end and background.until[piece] <= x:
            piece += 1
        thing = background.thing[piece]
        part, depth = _nearest(x, v, stretch, owner, found, seen, thing >= 0)
        if part < 0:
            continue
        if thing >= 0:
            for axis in range(3):
                ray[axis] = rotation[0, axis] * x + rotation[1, axis] * v + rotation[2, axis]
            if depth > box_depth(boxes[thing], origin, ray):
                continue
        slot = int(seen[part, _SLOT])
        warmth = radiances[frame, slot, 2]
        if seen[part, _HEAD] > 0.0:
            skin = _face_share(_depth(seen, part, x, v), x, v, slot, heads, basis)
            warmth = skin * radiances[frame, slot, 1] + (1.0 - skin) * radiances[frame, slot, 0]
        behind = background.radiance[piece]
        if thing < 0 or boxes[thing, 7] > 0.0:
            behind *= share
        excess = warmth - behind
        if number > 0 and runs[number - 1, 2] == excess and left - runs[number - 1, 1] < 1e-12:
            runs[number - 1, 1] = right
            continue
        runs[number, 0], runs[number, 1], runs[number, 2] = left, right, excess
        number += 1
    return number


@numba.njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
def _add_runs(
    image: NDArray[np.float64],
    frame: int,
    runs: NDArray[np.float64],
    count: int,
    line: int,
    azimuth: NDArray[np.float64],
    inverse_sigma: NDArray[np.float64],
    responses: _Responses,
    cumulative: NDArray[np.float64],
) -> None:
    """Add stretches of constant excess to the pixels that see them."""
    if count == 0:
        return
    for run in range(count):
        runs[run, 0], runs[run, 1] = math.atan(runs[run, 0]), math.atan(runs[run, 1])
    low, high = runs[0, 0], runs[count - 1, 1]
    for place in range(responses.start[line], responses.start[line + 1]):
        pixel = responses.pixel[place]
        scale = inverse_sigma[pixel]
        if (low - azimuth[pixel]) * scale > _TABLE_SIGMA or (high - azimuth[pixel]) * scale < -_TABLE_SIGMA:
            continue
        total = 0.0
        at, reached = low, _normal((low - azimuth[pixel]) * scale, cumulative)
        for run in range(count):
            if runs[run, 0] != at:
                reached = _normal((runs[run, 0] - azimuth[pixel]) * scale, cumulative)
            at = runs[run, 1]
            after = _normal((at - azimuth[pixel]) * scale, cumulative)
            total += (after - reached) * runs[run, 2]
            reached = after
        image[frame, pixel] += responses.weight[place] * total


@numba.njit(cache=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _normal(deviate: float, cumulative: NDArray[np.float64]) -> float:
    """Return the cumulative normal distribution, linear between table points."""
    place = (deviate + _TABLE_SIGMA) * (_TABLE_STEPS / (2 * _TABLE_SIGMA))
    if place <= 0.0:
        return 0.0
    if place >= _TABLE_STEPS:
        return 1.0
    whole = int(place)
    part = place - whole
    return float(cumulative[whole] + part * (cumulative[whole + 1] - cumulative[whole]))
