"""Battery lives in words: in the unit in which people would say them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.energy.week import DAY_S

if TYPE_CHECKING:
    from twin.energy.outlook import LifeRange

YEAR_S = 365.25 * DAY_S
_DAYS_LIMIT_S = 2 * YEAR_S


@dataclass(frozen=True)
class SpanUnit:
    """A unit of long times."""

    name: str
    seconds: float


HOURS, DAYS, YEARS = SpanUnit("hours", 3600.0), SpanUnit("days", DAY_S), SpanUnit("years", YEAR_S)


def span_unit(span_s: float) -> SpanUnit:
    """Return the unit in which a time of this length is said: hours below two days, years from two years on."""
    if span_s < 2 * DAY_S:
        return HOURS
    return DAYS if span_s < _DAYS_LIMIT_S else YEARS


def said(span_s: float) -> str:
    """Return a time in words, such as "10.6 days"."""
    unit = span_unit(span_s)
    return f"{short_number(span_s / unit.seconds)} {unit.name}"


def said_range(life: LifeRange) -> str:
    """Return the interval of a life, such as "7.8 to 14 days"."""
    unit = span_unit(life.p90_s)
    return f"{short_number(life.p10_s / unit.seconds)} to {short_number(life.p90_s / unit.seconds)} {unit.name}"


def short_number(value: float) -> str:
    """Return a number with as many digits as matter in a battery life."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"
