"""From each person's trace to the frames of a timeline."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from scenarios.steering import STEP_S
from scenarios.timeline import EMPTY, Event, Timeline
from scenarios.world import WARM_UP_TICKS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenarios.motion import Trace
    from scenarios.room import Scenario
    from scenarios.timeline import Person


class Sampler:
    """Samples traces chunk by chunk; people are numbered in the order in which they come through a door."""

    def __init__(self, scenario: Scenario, frame_rate_hz: float) -> None:
        self._scenario = scenario
        self._frame_rate_hz = frame_rate_hz
        self._ticks_per_frame = 1 / (STEP_S * frame_rate_hz)
        self._persons: list[Person] = []
        self._entered_s: list[float] = []
        self._objects = tuple(thing.as_room_object() for thing in scenario.objects)

    def last_tick(self, end_frame: int) -> int:
        """Return the tick until which traces must be known to sample the frames before `end_frame`."""
        return math.ceil(self._ticks(end_frame - 1)) + 2

    def sample(self, traces: list[Trace], first_frame: int, end_frame: int) -> Timeline:
        """Return the frames from `first_frame` to before `end_frame`; drops what is not needed for later ones."""
        frames = end_frame - first_frame
        ticks = self._ticks(np.arange(first_frame, end_frame))
        index = np.full((frames, self._scenario.slots), EMPTY, dtype=np.int32)
        motion = np.full((*index.shape, 4), np.nan)
        posture = np.full(index.shape, EMPTY, dtype=np.int8)
        events: list[Event] = []
        for trace in traces:
            first, last = np.searchsorted(ticks, [trace.enter_tick, trace.leave_tick])
            if first < last:
                self._number(trace)
                index[first:last, trace.slot] = trace.person_index
                for piece in trace.pieces:
                    begin, end = np.searchsorted(ticks, [piece.start_tick, piece.end_tick])
                    if begin < end:
                        motion[begin:end, trace.slot], posture[begin:end, trace.slot] = piece.motion(ticks[begin:end])
            events += self._events(trace, first_frame, end_frame)
        self._forget(traces, end_frame)
        room = self._scenario.room
        time_s = np.arange(first_frame, end_frame, dtype=np.float64) / self._frame_rate_hz
        return Timeline(
            time_s=time_s,
            person_index=index,
            position_m=motion[:, :, :2],
            heading_rad=np.pi - np.mod(np.pi - motion[:, :, 2], 2 * np.pi),
            speed_mps=motion[:, :, 3],
            persons=tuple(self._persons),
            events=tuple(sorted(events, key=lambda event: event.time_s)),
            air_degc=room.air_degc,
            floor_degc=room.floor_degc,
            wall_degc=room.wall_degc,
            room_size_m=(room.size_x_m, room.size_y_m),
            posture=posture,
            objects=self._objects,
            drift_k=room.drift_amplitude_k * np.sin(2 * np.pi * time_s / room.drift_period_s),
            floor_gradient_k_per_m=room.floor_gradient_k_per_m,
            entered_s=np.array(self._entered_s, dtype=np.float64),
        )

    def _ticks(self, frame: NDArray[np.int64] | int) -> NDArray[np.float64]:
        return np.asarray(frame * self._ticks_per_frame + WARM_UP_TICKS, dtype=np.float64)

    def _number(self, trace: Trace) -> None:
        if trace.person_index < 0:
            trace.person_index = len(self._persons)
            self._persons.append(trace.person)
            self._entered_s.append(_time_s(trace.enter_tick))

    def _events(self, trace: Trace, first_frame: int, end_frame: int) -> list[Event]:
        """Return the entry and exit after the frame before the first one, up to the last one."""
        if trace.person_index < 0:
            return []
        after = self._ticks(first_frame - 1) if first_frame else WARM_UP_TICKS - STEP_S
        until = self._ticks(end_frame - 1)
        found: list[Event] = []
        if after < trace.enter_tick <= until:
            name = self._scenario.door_name(trace.door_in)
            found.append(Event(_time_s(trace.enter_tick), "enter", trace.person_index, name))
        if after < trace.leave_tick <= until:
            name = self._scenario.door_name(trace.door_out)
            found.append(Event(_time_s(trace.leave_tick), "leave", trace.person_index, name))
        return found

    def _forget(self, traces: list[Trace], end_frame: int) -> None:
        """Drop those who have left and what the others have done, but for what a later frame needs."""
        tick = float(self._ticks(end_frame - 1))
        traces[:] = [trace for trace in traces if trace.leave_tick > tick]
        for trace in traces:
            trace.forget(tick)


def _time_s(tick: float) -> float:
    return (tick - WARM_UP_TICKS) / round(1 / STEP_S)
