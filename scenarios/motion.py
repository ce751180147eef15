"""How one person moves between two events, as functions of time that can be evaluated at any instant.

Instants are counted in ticks of `STEP_S` since the simulation began, so that steps fall on whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from scenarios.steering import STEP_S
from scenarios.timeline import STANDING, WALKING, WALKS_ABOVE_MPS, Person

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenarios.geometry import Point

_SHIFT_TICKS = 10.0
"""A change of stance takes a second."""

_HALF_TICK = 0.5

# People who stand sway slowly (Winter 1995, Gait & Posture 3:193-214); these periods and shares are assumed.
_PERIODS_TICKS = np.array([23.0, 41.0, 79.0])
_SHARES = np.array([0.2, 0.3, 0.5])
_HEADING_SWAY_RAD = 0.06


@dataclass
class Strides:
    """Walking: (x_m, y_m, heading_rad) at every tick from `start_tick` on."""

    start_tick: int
    end_tick: float = np.inf
    steps: list[tuple[float, float, float]] = field(default_factory=list)

    def motion(self, ticks: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
        """Return (n, 4) x, y, heading, speed and (n,) posture, straight from step to step."""
        steps = np.array(self.steps)
        if len(steps) < 2:
            steps = np.vstack([steps, steps])
        index = np.clip(np.floor(ticks - self.start_tick).astype(np.int64), 0, len(steps) - 2)
        share = (ticks - self.start_tick - index)[:, np.newaxis]
        change = steps[index + 1] - steps[index]
        speed_mps = np.hypot(change[:, 0], change[:, 1]) / STEP_S
        posture = np.where(speed_mps > WALKS_ABOVE_MPS, WALKING, STANDING).astype(np.int8)
        return np.column_stack([steps[index] + share * change, speed_mps]), posture


@dataclass
class Stance:
    """Standing or sitting within a disc: from one stance to another within a second, and swaying all the time.

    Attributes:
        start_tick: When it begins.
        end_tick: When it ends.
        centre_m: Middle of the disc.
        from_m: Offset from the middle in the beginning.
        to_m: Offset after the shift; with `sway_m` within the disc.
        sway_m: How far the sway reaches at most.
        phase_rad: (3, 3) of each sine of x, y and heading.
        from_rad: Heading in the beginning.
        to_rad: Heading after the shift.
        posture: Standing or sitting.
    """

    start_tick: int
    end_tick: float
    centre_m: Point
    from_m: Point
    to_m: Point
    sway_m: float
    phase_rad: NDArray[np.float64]
    from_rad: float
    to_rad: float
    posture: int

    def motion(self, ticks: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
        """Return (n, 4) x, y, heading, speed and (n,) posture."""
        here = self.at(ticks)
        before, after = self.at(ticks - _HALF_TICK), self.at(ticks + _HALF_TICK)
        speed_mps = np.hypot(after[:, 0] - before[:, 0], after[:, 1] - before[:, 1]) / STEP_S
        return np.column_stack([here, speed_mps]), np.full(len(ticks), self.posture, dtype=np.int8)

    def at(self, ticks: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n, 3) x, y, heading.

        The shift has the least jerk: Flash and Hogan 1985, J. Neurosci. 5(7):1688-1703,
        doi:10.1523/JNEUROSCI.05-07-01688.1985, who found it in movements of the arm.
        """
        done = np.clip((ticks - self.start_tick) / _SHIFT_TICKS, 0.0, 1.0)
        done = done**3 * (10 - 15 * done + 6 * done**2)
        angle = 2 * np.pi * ticks[:, np.newaxis, np.newaxis] / _PERIODS_TICKS + self.phase_rad
        sway = (np.sin(angle) * _SHARES).sum(axis=2) * done[:, np.newaxis]
        x_m, y_m = (
            self.centre_m[axis]
            + (self.from_m[axis] + done * (self.to_m[axis] - self.from_m[axis]))
            + sway[:, axis] * self.sway_m / np.sqrt(2)
            for axis in (0, 1)
        )
        heading_rad = self.from_rad + done * (self.to_rad - self.from_rad) + sway[:, 2] * _HEADING_SWAY_RAD
        return np.column_stack([x_m, y_m, heading_rad])

    def now(self, tick: float) -> tuple[float, float, float]:
        """Return x, y and heading at one instant."""
        x_m, y_m, heading_rad = self.at(np.array([float(tick)]))[0]
        return float(x_m), float(y_m), float(heading_rad)


@dataclass
class Trace:
    """One person's stay in the room, from the door to the door."""

    person: Person
    slot: int
    door_in: int
    enter_tick: int
    leave_tick: float = np.inf
    door_out: int = -1
    person_index: int = -1
    pieces: list[Strides | Stance] = field(default_factory=list)

    def begin(self, piece: Strides | Stance) -> None:
        """Let the last piece end where this one starts."""
        if self.pieces:
            self.pieces[-1].end_tick = piece.start_tick
        self.pieces.append(piece)

    def forget(self, tick: float) -> None:
        """Drop what ended by then."""
        self.pieces = [piece for piece in self.pieces if piece.end_tick > tick]
