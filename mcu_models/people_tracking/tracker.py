"""People who pass a line in the image, counted by following spots from frame to frame, in integers alone.

Spots are `mcu_models.people_tracking.spots` above the background of `mcu_models.compiler.hold_zero`. Then, each frame:

1. A track goes on as fast as it went.
2. The nearest pair of a track and a spot within the gate belong together, then the next nearest of those left, and so
   on. The track is now where the spot is; its speed takes a share of what the prediction was off.
3. A track without a spot goes on unseen for a few frames, and then is forgotten. A spot without a track begins one.
4. A band lies about the line. A track is on the side on which it was last seen beyond the band. When it is seen
   beyond the band on the other side, somebody has passed: in or out. Who turns back within the band counts for nothing;
   who turns back behind it has come in and gone out again.
5. A track too young, one that took too long from one side to the other, or one that passes the line beside the door
   counts for nothing.

One passage is told in a frame; when two people are beyond the band in the same one, the second is told in the next.
Totals begin at 0 at power-on and go on from 9999 to 0.

That spots are found above a background, joined to the nearest track and counted by where a track begins and ends is
what doorway counters with 8 x 8 pixels have in common that are published with their method (Mohammadmoradi et al.,
DCOSS 2017; Maaspuro, iJOE 16(6) 2020, doi:10.3991/ijoe.v16i06.13915). Hills with a prominence, spots colder than the
background, and the values in the TOML are this twin's own.

Places are in sixteenths of a pixel, speeds in these per frame. `firmware/kernels/doorway.h` is the same in C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numba
import numpy as np

from datasheet.bad_input import BadInputError
from datasheet.compile_cache import ensure_compile_cache
from mcu_models.compiler.hold_zero import above_background
from mcu_models.people_tracking.spots import PIXELS, SIDE, hills, smoothed, spots

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mcu_models.people_tracking.line import DoorLine
    from mcu_models.people_tracking.parameters import TrackingParameters

ensure_compile_cache(__file__)

MOST_TRACKS: Final = 8
TOTALS: Final = 10_000
"""Totals are told modulo this."""
LONGEST: Final = 65_535
"""Ages and waits stop here."""
COLD_SHIFT: Final = 6
"""Of a cold pixel the background learns 1/64 each frame: who comes in from the cold has passed before he is background,
and what was there at power-on and has gone is forgotten in some 10 s. With `hold_zero`'s own 1/8, somebody in a cold
coat leaves a warm spot behind. 1/32 and 1/128 do as well; assumed."""


class Tracks(NamedTuple):
    """What is known of up to `MOST_TRACKS` people; the (8,) int64 arrays are changed in place.

    Attributes:
        place: (8, 2) row and column.
        speed: (8, 2) the same in a frame.
        age: Frames in which it was seen; 0 for none.
        unseen: Frames since it was seen.
        side: -1 outside, 1 inside, 0 not yet beyond the band.
        waited: Frames since it was beyond the band on its side.
    """

    place: NDArray[np.int64]
    speed: NDArray[np.int64]
    age: NDArray[np.int64]
    unseen: NDArray[np.int64]
    side: NDArray[np.int64]
    waited: NDArray[np.int64]


def passages(raw: NDArray[np.int16], parameters: TrackingParameters, line: DoorLine) -> NDArray[np.int64]:
    """Return who has passed the line, after each of consecutive frames, the first being the first after power-on.

    Args:
        raw: (N, 64) int16, pixels in steps of 0.25 degC, row by row.
        parameters: The rules' values.
        line: The line in the image.

    Returns:
        (N, 3) int64: how many came in, how many went out (both modulo `TOTALS`), and where along the line the last one
        passed it, in sixteenths of a pixel, 0 before the first.

    Raises:
        BadInputError: The frames do not have 8 x 8 pixels.
    """
    told, _ = followed(raw, parameters, line)
    return told


def followed(
    raw: NDArray[np.int16], parameters: TrackingParameters, line: DoorLine
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return what `passages` does, and (N, 8, 3) row, column and age of each track, age 0 where there is none.

    Raises:
        BadInputError: The frames do not have 8 x 8 pixels.
    """
    if raw.ndim != 2 or raw.shape[1] != PIXELS:
        raise BadInputError("frames", "pixels", raw.shape[1:], f"the tracker takes {SIDE} x {SIDE}")
    told, seen = np.zeros((len(raw), 3), np.int64), np.zeros((len(raw), MOST_TRACKS, 3), np.int64)
    _follow(above_background(raw, SIDE, cold_shift=COLD_SHIFT), parameters, line, told, seen)
    return told, seen


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _follow(
    above: NDArray[np.int16],
    parameters: TrackingParameters,
    line: DoorLine,
    told: NDArray[np.int64],
    seen: NDArray[np.int64],
) -> None:
    tracks = Tracks(
        np.zeros((MOST_TRACKS, 2), np.int64),
        np.zeros((MOST_TRACKS, 2), np.int64),
        np.zeros(MOST_TRACKS, np.int64),
        np.zeros(MOST_TRACKS, np.int64),
        np.zeros(MOST_TRACKS, np.int64),
        np.zeros(MOST_TRACKS, np.int64),
    )
    total = np.zeros(3, np.int64)
    for frame in range(len(above)):
        image = smoothed(above[frame])
        here = spots(image, hills(image, parameters), parameters.low)
        _predict(tracks)
        taken = _assign(tracks, here, parameters)
        _forget(tracks, parameters)
        _begin(tracks, here, taken)
        _pass(tracks, parameters, line, total)
        told[frame] = total
        seen[frame, :, :2] = tracks.place
        seen[frame, :, 2] = tracks.age


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _predict(tracks: Tracks) -> None:
    for track in range(MOST_TRACKS):
        if tracks.age[track] > 0:
            tracks.place[track] += tracks.speed[track]
            tracks.unseen[track] += 1


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _assign(tracks: Tracks, here: NDArray[np.int64], parameters: TrackingParameters) -> NDArray[np.bool_]:
    """Join tracks and spots, nearest first; return which spots have a track."""
    taken = np.zeros(len(here), np.bool_)
    for _ in range(len(here)):
        nearest, joined, spot = parameters.gate * parameters.gate + 1, -1, -1
        for track in range(MOST_TRACKS):
            if tracks.age[track] == 0 or tracks.unseen[track] == 0:
                continue
            for place in range(len(here)):
                away = _squared(here[place] - tracks.place[track])
                if not taken[place] and away < nearest:
                    nearest, joined, spot = away, track, place
        if joined < 0:
            break
        taken[spot] = True
        _see(tracks, joined, here[spot], parameters.speed_share)
    return taken


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _squared(way: NDArray[np.int64]) -> int:
    down, right = int(way[0]), int(way[1])
    return down * down + right * right


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _see(tracks: Tracks, track: int, spot: NDArray[np.int64], share: int) -> None:
    for axis in range(2):
        off = spot[axis] - tracks.place[track, axis]
        tracks.speed[track, axis] += (off * share) >> 8
        tracks.place[track, axis] = spot[axis]
    tracks.age[track] = min(tracks.age[track] + 1, LONGEST)
    tracks.unseen[track] = 0


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _forget(tracks: Tracks, parameters: TrackingParameters) -> None:
    for track in range(MOST_TRACKS):
        if tracks.unseen[track] > parameters.longest_gap:
            tracks.age[track] = 0
            tracks.unseen[track] = 0


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _begin(tracks: Tracks, here: NDArray[np.int64], taken: NDArray[np.bool_]) -> None:
    """Let each spot without a track begin one, while there is room."""
    for spot in range(len(here)):
        if taken[spot]:
            continue
        for track in range(MOST_TRACKS):
            if tracks.age[track] == 0:
                tracks.place[track] = here[spot]
                tracks.speed[track] = 0
                tracks.age[track] = 1
                tracks.unseen[track] = 0
                tracks.side[track] = 0
                tracks.waited[track] = 0
                break


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _pass(tracks: Tracks, parameters: TrackingParameters, line: DoorLine, total: NDArray[np.int64]) -> None:
    """Count the first track that is seen beyond the band on another side than before."""
    has_told = False
    for track in range(MOST_TRACKS):
        if tracks.age[track] == 0:
            continue
        tracks.waited[track] = min(tracks.waited[track] + 1, LONGEST)
        side = _side(tracks.place[track], line, parameters.band)
        if tracks.unseen[track] > 0 or side == 0:
            continue
        if side == -tracks.side[track] and _counts(tracks, track, parameters, line):
            if has_told:
                continue
            has_told = True
            column = 0 if side > 0 else 1
            total[column] = (total[column] + 1) % TOTALS
            total[2] = tracks.place[track, 1 - line.axis]
        tracks.side[track] = side
        tracks.waited[track] = 0


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _side(place: NDArray[np.int64], line: DoorLine, band: int) -> int:
    depth = line.inward * (place[line.axis] - line.place)
    if depth >= band:
        return 1
    return -1 if depth <= -band else 0


@numba.njit(cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _counts(tracks: Tracks, track: int, parameters: TrackingParameters, line: DoorLine) -> bool:
    along = int(tracks.place[track, 1 - line.axis])
    age, waited = int(tracks.age[track]), int(tracks.waited[track])
    is_ripe = age >= parameters.least_age and waited <= parameters.longest_passage
    return is_ripe and line.first <= along <= line.last
