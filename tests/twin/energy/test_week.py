"""Hours of the week."""

from __future__ import annotations

import pytest

from twin.energy.week import DAY_S, WEEK_S, WeekHours, clock_s


@pytest.mark.parametrize(("text", "seconds"), [("00:00", 0), ("07:30", 27000), ("24:00", 86400)])
def test_reads_times_of_day(text: str, seconds: float) -> None:
    assert clock_s(text) == seconds


@pytest.mark.parametrize("text", ["7:30", "25:00", "24:01", "12:60", "noon", ""])
def test_refuses_other_words(text: str) -> None:
    with pytest.raises(ValueError, match="07:30"):
        clock_s(text)


def test_knows_when_it_is_open() -> None:
    """Edges belong to what follows them, and weeks repeat."""
    hours = WeekHours(9 * 3600.0, 17 * 3600.0, (0, 4))
    assert hours.share == pytest.approx(16 / 168)
    assert hours.edges_s == (9 * 3600, 17 * 3600, 4 * DAY_S + 9 * 3600, 4 * DAY_S + 17 * 3600)
    assert [hours.is_open(t) for t in (9 * 3600, 17 * 3600 - 1, 17 * 3600, DAY_S + 9 * 3600)] == [
        True,
        True,
        False,
        False,
    ]
    assert hours.is_open(WEEK_S + 4 * DAY_S + 10 * 3600)
