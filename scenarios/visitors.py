"""What a scenario file says of people: who they are, when they come, and what they do."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from datasheet.config import Config

TRUNCATION_SD = 2.5
"""Bodies are normal draws within so many standard deviations."""

SHORTEST_STATURE_M = 0.4
"""No population may reach below: shorter than any newborn."""

BROADEST_M = 0.56
"""No population may reach above: broader shoulders do not fit through the narrowest door."""

# The clothing's heat balance holds for air of 10 to 30 degC, 0 to 2 clo, 0.8 to 4 met (ISO 7730:2005, scope).
Clo = Annotated[float, Field(ge=0, le=2)]
Met = Annotated[float, Field(ge=0.8, le=4)]
BodyDegc = Annotated[float, Field(ge=15, le=45)]
Ratio = Annotated[float, Field(ge=0, le=1)]
Hour = Annotated[float, Field(ge=0, lt=24)]
RatePerHour = Annotated[float, Field(ge=0, le=10_000)]


class RateFrom(Config):
    """From this hour of the day on, groups come at this rate."""

    from_hour: Hour
    rate_per_hour: RatePerHour


class Arrivals(Config):
    """Who comes when.

    Groups begin to come at `rate_per_hour`, or as `schedule` says: each of its rates holds from its hour on, the
    last one through midnight up to the first. `group_sizes` holds the weights of groups of one, two, three and so
    on, who walk side by side, as fast as their slowest, and stay together.

    Or else, people come one by one: after each arrival, with probability `accompanied_ratio`, somebody follows two
    seconds behind; otherwise the next begins after an exponential time. So the rate is the one at which they come
    while none is arriving: with ratio p, such trains hold 1 / (1 - p) people on average and begin every
    3600 s / rate + 2 s * p / (1 - p).

    Who finds `capacity` people in the room, or waiting at its doors, goes away. `passing_ratio` of the groups walk
    straight to the door by which they leave; the others visit one place plus a geometric number, `visits_mean` on
    average, and stay at each for a lognormal time with median `linger_median_s` and log-scale `linger_spread`. Who
    finds no free place leaves. `exit_door` says by which door: the one by which they came, any other, or any.
    """

    rate_per_hour: RatePerHour
    capacity: Annotated[int, Field(ge=1, le=200)]
    linger_median_s: Annotated[float, Field(gt=0, le=86_400)]
    linger_spread: Annotated[float, Field(ge=0, le=3)]
    visits_mean: Annotated[float, Field(ge=1, le=20)]
    accompanied_ratio: Annotated[float, Field(ge=0, lt=1)] = 0.0
    schedule: Annotated[tuple[RateFrom, ...], Field(max_length=96)] = ()
    group_sizes: Annotated[tuple[Annotated[float, Field(ge=0, le=1e6)], ...], Field(max_length=8)] = ()
    passing_ratio: Ratio = 0.0
    exit_door: Literal["same", "other", "any"] = "same"

    @model_validator(mode="after")
    def _schedule_is_in_order(self) -> Self:
        for index, (one, following) in enumerate(pairwise(self.schedule), start=1):
            if following.from_hour <= one.from_hour:
                key = f"schedule[{index}].from_hour"
                raise fault(key, following.from_hour, f"must be later than the hour before it ({one.from_hour:g})")
        return self

    @model_validator(mode="after")
    def _groups_are_told_in_one_way(self) -> Self:
        if self.group_sizes and self.accompanied_ratio:
            raise fault("accompanied_ratio", self.accompanied_ratio, "must be left out where group_sizes is given")
        if self.group_sizes and not any(self.group_sizes):
            raise fault("group_sizes[0]", 0.0, "one weight at least must be above 0")
        return self

    def rate_per_hour_at(self, hour: float) -> float:
        """Return the rate at an hour of the day."""
        if not self.schedule:
            return self.rate_per_hour
        begun = [step for step in self.schedule if step.from_hour <= hour]
        return (begun or self.schedule)[-1].rate_per_hour

    @property
    def highest_rate_per_hour(self) -> float:
        """The highest rate of the day."""
        return max((step.rate_per_hour for step in self.schedule), default=self.rate_per_hour)


class Staff(Config):
    """People with a desk each (a place of the zone "desk"), who come in the morning and leave in the evening.

    All hours are normal draws with `spread_minutes` as their standard deviation. `lunch_out_ratio` of them leave
    the room for lunch. Breaks come at random, `breaks_per_hour`, at a free place of the zone "break", or outside.
    """

    count: Annotated[int, Field(ge=1, le=100)]
    arrive_hour: Hour
    leave_hour: Hour
    spread_minutes: Annotated[float, Field(ge=0, le=120)]
    lunch_hour: Hour
    lunch_minutes: Annotated[float, Field(ge=0, le=180)]
    lunch_out_ratio: Ratio = 1.0
    breaks_per_hour: Annotated[float, Field(ge=0, le=20)] = 0.0
    break_minutes: Annotated[float, Field(gt=0, le=60)] = 5.0

    @model_validator(mode="after")
    def _the_day_is_in_order(self) -> Self:
        if self.leave_hour <= self.arrive_hour:
            raise fault("leave_hour", self.leave_hour, f"must be later than arrive_hour ({self.arrive_hour:g})")
        return self


class Meeting(Config):
    """Every day at `start_hour`, so many people sit together at places of a zone.

    They are drawn from the staff; those whom the staff lacks come in by a door, in the three minutes before.
    """

    start_hour: Hour
    minutes: Annotated[float, Field(gt=0, le=600)]
    attendees: Annotated[int, Field(ge=1, le=100)]
    zone: str = "meeting"


class Population(Config):
    """How people differ.

    A hair ratio of 0 is hair as warm as the air, of 1 as warm as the skin. `outdoors_ratio` of those who come in
    come from outdoors, where it is as cold as the room's `outdoor_degc` says.
    """

    stature_mean_m: Annotated[float, Field(ge=0.5, le=2.5)]
    stature_sd_m: Annotated[float, Field(ge=0, le=0.3)]
    walking_speed_mean_mps: Annotated[float, Field(gt=0, le=3)]
    walking_speed_sd_mps: Annotated[float, Field(ge=0, le=1)]
    clothing_low_clo: Clo
    clothing_high_clo: Clo
    skin_low_degc: BodyDegc
    skin_high_degc: BodyDegc
    hair_low_ratio: Ratio
    hair_high_ratio: Ratio
    # Upper body in clothes: assumed, means and spreads.
    breadth_mean_m: Annotated[float, Field(ge=0.2, le=BROADEST_M)] = 0.45
    breadth_sd_m: Annotated[float, Field(ge=0, le=0.1)] = 0.03
    depth_mean_m: Annotated[float, Field(ge=0.1, le=0.5)] = 0.25
    depth_sd_m: Annotated[float, Field(ge=0, le=0.03)] = 0.02
    activity_low_met: Met = 1.5
    activity_high_met: Met = 1.5
    hat_ratio: Ratio = 0.0
    outdoors_ratio: Ratio = 1.0

    @model_validator(mode="after")
    def _nobody_is_too_short(self) -> Self:
        largest_m = (self.stature_mean_m - SHORTEST_STATURE_M) / TRUNCATION_SD
        if self.stature_sd_m > largest_m:
            allowed = f"must not be above {largest_m:.3g}, so that nobody is shorter than {SHORTEST_STATURE_M:g} m"
            raise fault("stature_sd_m", self.stature_sd_m, allowed)
        return self

    @model_validator(mode="after")
    def _nobody_is_too_broad_or_thin(self) -> Self:
        largest_m = min(BROADEST_M - self.breadth_mean_m, self.breadth_mean_m) / TRUNCATION_SD
        if self.breadth_sd_m > largest_m:
            allowed = f"must not be above {largest_m:.3g}, so that nobody is broader than {BROADEST_M:g} m"
            raise fault("breadth_sd_m", self.breadth_sd_m, allowed)
        return self

    @model_validator(mode="after")
    def _ranges_are_in_order(self) -> Self:
        for name, unit in (("clothing", "clo"), ("skin", "degc"), ("hair", "ratio"), ("activity", "met")):
            low, high = (getattr(self, f"{name}_{end}_{unit}") for end in ("low", "high"))
            if low > high:
                raise fault(f"{name}_low_{unit}", low, f"must not be above {name}_high_{unit} ({high:g})")
        return self


def fault(key: str, found: object, allowed: str) -> PydanticCustomError:
    """Return the error to raise in a validator: which key, what it says, and what is allowed."""
    return PydanticCustomError("does_not_fit", "{allowed}", {"subkey": key, "found": found, "allowed": allowed})
