"""A thermal array watching a room: from a timeline to a recording with its ground truth."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from datasheet.bad_input import BadInputError
from sensors.field_of_view import nominal_field_of_view, people_in_view
from sensors.grid_eye_sheet import noise_profile
from sensors.recording import Recording
from sensors.signal_chain import SignalChain, unit_errors
from sensors.thermal_array import ThermalArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from scenarios.timeline import Timeline
    from sensors.grid_eye_sheet import GridEyeSheet
    from sensors.mount import Mount


def sense(
    timeline: Timeline,
    mount: Mount,
    sheet: GridEyeSheet,
    *,
    profile: str = "field",
    seed: int,
    frame_rate_hz: float | None = None,
    averages_twice: bool = False,
    timeline_rate_hz: float | None = None,
    array: ThermalArray | None = None,
) -> Recording:
    """Return what the sensor reports of `timeline`, and how many people are in view.

    Args:
        timeline: What happens in the room. At the sheet's slow frame rate each of its frames stands for the mean
            of a second in which nobody moves.
        mount: Where the sensor hangs.
        sheet: The sensor's datasheet.
        profile: Name of a noise profile of the sheet: "field" is what parts in ceilings show, "datasheet"
            is what the maker states.
        seed: Stands for one sensor, with its optical axis, its pattern and its noise; independent of the people's
            seed.
        frame_rate_hz: None gives a frame for each frame of the timeline. The sheet's slow rate gives the mean of
            every ten (fast over slow rate) of them, with the time and the people of the last.
        averages_twice: Each frame is the mean of itself and the one before, before it is rounded.
        timeline_rate_hz: Frames per second of the timeline; None takes it from the times of the first two frames,
            and for a single frame the sheet's fast rate.
        array: What `array_of` has made of the same mount, sheet, profile and seed, when the same unit is to look at
            several timelines of one room, which it then has to be prepared for only once.

    Raises:
        BadInputError: The sheet has no such noise profile, or the sensor no such frame rate.
    """
    pieces = list(
        sense_chunks(
            [timeline], mount, sheet, profile=profile, seed=seed, frame_rate_hz=frame_rate_hz,
            averages_twice=averages_twice, timeline_rate_hz=timeline_rate_hz, array=array,
        )
    )  # fmt: skip
    return pieces[0]


def array_of(mount: Mount, sheet: GridEyeSheet, *, profile: str = "field", seed: int) -> ThermalArray:
    """Return the array of the unit that `seed` stands for, at its mount.

    Raises:
        BadInputError: The sheet has no such noise profile.
    """
    return ThermalArray(sheet, mount, unit_errors(sheet, noise_profile(sheet, profile), seed=seed).axis_deg)


def sense_chunks(
    timelines: Iterable[Timeline],
    mount: Mount,
    sheet: GridEyeSheet,
    *,
    profile: str = "field",
    seed: int,
    frame_rate_hz: float | None = None,
    averages_twice: bool = False,
    timeline_rate_hz: float | None = None,
    array: ThermalArray | None = None,
) -> Iterator[Recording]:
    """Yield what the sensor reports of each of `timelines`, which follow each other without a gap.

    The bytes of all frames together do not depend on where the timelines are cut. For the arguments see `sense`.
    Without `timeline_rate_hz`, nothing is yielded before two frames have come in.

    Raises:
        BadInputError: The sheet has no such noise profile, or the sensor no such frame rate.
    """
    noise = noise_profile(sheet, profile)
    coming = iter(timelines)
    begun = [] if timeline_rate_hz else _with_two_frames(coming)
    rate_hz = timeline_rate_hz or _rate_hz(begun, sheet)
    is_slow = _is_slow(frame_rate_hz, rate_hz, sheet)
    chain = SignalChain(sheet, noise, rate_hz, seed, averages_frames=is_slow, averages_twice=averages_twice)
    array = ThermalArray(sheet, mount, chain.unit.axis_deg) if array is None else array
    first = 0
    for timeline in itertools.chain(begun, coming):
        drift_k = np.zeros(len(timeline.time_s)) if timeline.drift_k is None else timeline.drift_k
        kept = _kept(first, len(timeline.time_s), sheet if chain.averages_frames else None)
        thermistor_degc = chain.thermistor_degc(timeline.air_degc + drift_k, first)
        yield Recording(
            time_s=timeline.time_s[kept],
            frames=chain.frames(array.scene_degc(timeline), timeline.time_s),
            count=people_in_view(timeline, mount, nominal_field_of_view(sheet))[kept],
            thermistor_degc=thermistor_degc[kept],
        )
        first += len(timeline.time_s)


def _with_two_frames(timelines: Iterator[Timeline]) -> list[Timeline]:
    """Take as many timelines as hold two frames together, or all."""
    taken: list[Timeline] = []
    while sum(len(timeline.time_s) for timeline in taken) < 2:
        try:
            taken.append(next(timelines))
        except StopIteration:
            break
    return taken


def _rate_hz(timelines: Sequence[Timeline], sheet: GridEyeSheet) -> float:
    """Return the frame rate, to a billionth, from the first two frames, so that it does not depend on cuts."""
    time_s = np.concatenate([np.empty(0), *(timeline.time_s[:2] for timeline in timelines)])
    if len(time_s) < 2:
        return sheet.fast_frame_rate_hz.value
    return round(1 / float(time_s[1] - time_s[0]), 9)


def _is_slow(frame_rate_hz: float | None, rate_hz: float, sheet: GridEyeSheet) -> bool:
    """Tell whether frames are to be averaged down to the sheet's slow rate."""
    if frame_rate_hz is None or math.isclose(frame_rate_hz, rate_hz):
        return False
    slow_hz, fast_hz = sheet.slow_frame_rate_hz.value, sheet.fast_frame_rate_hz.value
    if not (math.isclose(frame_rate_hz, slow_hz) and math.isclose(rate_hz, fast_hz)):
        allowed = f"must be {rate_hz:g} Hz as the timeline's, or {slow_hz:g} Hz from a timeline of {fast_hz:g} Hz"
        raise BadInputError(sheet.part, "frame_rate_hz", frame_rate_hz, allowed)
    return True


def _kept(first: int, frames: int, slow_sheet: GridEyeSheet | None) -> NDArray[np.intp]:
    """Return the frames of a chunk that a frame of the recording ends with."""
    numbers = np.arange(frames)
    if slow_sheet is None:
        return numbers
    ratio = round(slow_sheet.fast_frame_rate_hz.value / slow_sheet.slow_frame_rate_hz.value)
    return np.flatnonzero((first + numbers + 1) % ratio == 0)
