"""Hours of a week: when something is open, lit or otherwise on."""

from __future__ import annotations

import re
from dataclasses import dataclass

DAY_S = 86400.0
WEEK_S = 7 * DAY_S
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)$|^(24):(00)$")


def clock_s(text: str) -> float:
    """Return the seconds since midnight of a time such as "07:30"; "24:00" is the end of the day.

    Raises:
        ValueError: It is no such time.
    """
    match = _CLOCK.match(text)
    if match is None:
        raise ValueError("must be a time of day such as 07:30")
    hours, minutes = (part for part in match.groups() if part is not None)
    return int(hours) * 3600.0 + int(minutes) * 60.0


@dataclass(frozen=True)
class WeekHours:
    """The same hours on some days of every week.

    Attributes:
        from_s: Seconds since midnight.
        until_s: Seconds since midnight, later.
        days: Days of the week, Monday is 0.
    """

    from_s: float
    until_s: float
    days: tuple[int, ...]

    @property
    def share(self) -> float:
        """Share of the week."""
        return len(self.days) * (self.until_s - self.from_s) / WEEK_S

    @property
    def edges_s(self) -> tuple[float, ...]:
        """Times of the week, which begins on Monday at midnight, at which it goes on or off."""
        return tuple(day * DAY_S + edge for day in sorted(self.days) for edge in (self.from_s, self.until_s))

    def is_open(self, week_s: float) -> bool:
        """Return whether it is on at a time of the week."""
        day, time_s = divmod(week_s % WEEK_S, DAY_S)
        return int(day) in self.days and self.from_s <= time_s < self.until_s
