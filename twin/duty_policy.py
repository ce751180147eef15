"""When a node looks, sleeps and reports: the `[policy]` table of its TOML, in the words of its firmware.

The firmware counts in ticks of 100 ms, one for each frame of the sensor's full rate, and reads the policy from the
constant `duty_policy` of its image (`mcu_models/firmware/app/people_counter/duty_policy.h`), whose bytes are replaced
here: one image serves every policy.
"""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from datasheet.bad_input import BadInputError, nearest_name
from datasheet.config import Config
from twin.energy.week import DAY_S, DAYS, WeekHours, clock_s

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mcu_models.emulators.image import FirmwareImage
    from sensors.grid_eye_sheet import GridEyeSheet

Kind = Literal["always_on", "gated", "until_motion"]

NEVER: Final = 2**40
"""A tick that does not come."""
TICKS_PER_S: Final = 10
"""Of the firmware's heartbeat (`ticker.h`)."""
MOST_ANSWERS: Final = 4000
"""Answers between two reports: the firmware keeps 4096 (`batch.c`) and takes some more while a long line leaves."""
MOST_PERIOD_S: Final = 7 * DAY_S
SENSOR_SWITCH: Final = ("GPIOA", 5)
"""The pin that closes the load switch in the sensor's supply (`output_pins.h`)."""
RADIO_PIN: Final = ("GPIOA", 6)
"""A pulse hands the text sent last to the radio."""

_SYMBOL: Final = "duty_policy"
_KINDS: Final[dict[Kind, int]] = {"always_on": 0, "gated": 1, "until_motion": 2}
_KEYS: Final[dict[Kind, tuple[str, ...]]] = {
    "always_on": (),
    "gated": ("period_s", "look_s"),
    "until_motion": ("idle", "motion_degc", "hold_s"),
}
_EVERY_KIND: Final = ("kind", "report_every_s", "opening")
_HAS_SWITCH, _HAS_HOURS, _HAS_RADIO = 1, 2, 4
_LARGEST: Final = 1e9
"""More than any key of a policy may be, in seconds or kelvin: what is counted in ticks from it stays a number."""
_BLOCK_STEPS_PER_DEGC: Final = 4 * 4
"""Four pixels in steps of 0.25 degC."""
_REPORT_TICKS: Final = TICKS_PER_S
"""Room for the longest report between a look and the next power-up."""
_WEEK_TIME: Final = re.compile(r"^(\w+) (\S+)$")


class OpeningConfig(Config):
    """Hours of the week; without `power_on_at` the node is powered on as it opens."""

    opens_at: str
    closes_at: str
    days: tuple[str, ...] = DAYS
    power_on_at: str | None = None


class PolicyConfig(Config):
    """What a node's TOML says of when it works; which keys there are depends on the kind."""

    kind: str = "always_on"
    period_s: float | None = None
    look_s: float | None = None
    idle: str | None = None
    motion_degc: float | None = None
    hold_s: float | None = None
    report_every_s: float | None = None
    opening: OpeningConfig | None = None


@dataclass(frozen=True)
class Idle:
    """A rate of the sensor below its full one.

    Attributes:
        code: What the firmware calls it.
        ticks: From frame to frame.
        is_mean: Whether a frame is the mean of those of the full rate; else the sensor is in stand-by.
    """

    code: int
    ticks: int
    is_mean: bool


NO_IDLE: Final = Idle(0, 1, is_mean=False)


@dataclass(frozen=True)
class Opening:
    """Opening hours, and the time of the week at which the node is powered on."""

    hours: WeekHours
    power_on_s: float

    @property
    def power_on_ticks(self) -> int:
        """Time of power-on in ticks of the week."""
        return round(self.power_on_s * TICKS_PER_S)

    def is_open(self, tick: int) -> bool:
        """Return whether the node is open at a tick since power-on."""
        return self.hours.is_open((self.power_on_ticks + tick) / TICKS_PER_S)

    def next_open(self, tick: int) -> int:
        """Return the next tick at which the node opens."""
        return min(edge for edge in self._edges(tick, self.hours.from_s) if edge > tick)

    def next_close(self, tick: int) -> int:
        """Return the next tick at which the node closes; very late when hours of a day meet those of the next."""
        edges = self._edges(tick, self.hours.until_s)
        return min((edge for edge in edges if edge > tick and not self.is_open(edge)), default=NEVER)

    def _edges(self, tick: int, edge_s: float) -> list[int]:
        """Return when it is a time of the day on one of the days, from the day of a tick on for a week."""
        day_ticks = round(DAY_S * TICKS_PER_S)
        today = (self.power_on_ticks + tick) // day_ticks
        days = (day for day in range(today, today + 8) if day % 7 in self.hours.days)
        return [day * day_ticks + round(edge_s * TICKS_PER_S) - self.power_on_ticks for day in days]


@dataclass(frozen=True)
class DutyPolicy:
    """A policy in ticks.

    Attributes:
        kind: What decides when the node looks.
        settle_ticks: From the sensor's power-up to the tick before its first frame is taken.
        period_ticks: Gated: from power-up to power-up.
        look_frames: Gated: frames taken each time.
        idle: Until motion: the sensor's rate without motion.
        motion_sum: Until motion: change of four pixels together that is motion, in steps of 0.25 degC.
        hold_ticks: Until motion: at full rate after the last motion.
        report_every: Ticks from report to report, looks if gated; 0 for a line of text with each answer.
        opening: Opening hours; None for always open.
        has_radio: Whether each line of text is handed to a radio, too.
    """

    kind: Kind = "always_on"
    settle_ticks: int = 155
    period_ticks: int = 0
    look_frames: int = 0
    idle: Idle = NO_IDLE
    motion_sum: int = 0
    hold_ticks: int = 0
    report_every: int = 0
    opening: Opening | None = None
    has_radio: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether every frame is answered by a line of text at once, from power-on until for ever."""
        return self.kind == "always_on" and self.report_every == 0 and self.opening is None

    @property
    def has_switch(self) -> bool:
        """Whether the sensor's supply is switched."""
        return self.kind == "gated" or self.opening is not None

    @property
    def first_read(self) -> int:
        """Ticks from power-up of the sensor to its first frame."""
        return self.settle_ticks + 1

    @property
    def report_ticks(self) -> int:
        """Ticks from report to report; 0 without reports."""
        return self.report_every * (self.period_ticks if self.kind == "gated" else 1)

    def image_bytes(self) -> bytes:
        """Return the firmware's `struct duty_policy`."""
        has = _HAS_SWITCH * self.has_switch + _HAS_HOURS * (self.opening is not None) + _HAS_RADIO * self.has_radio
        hours: tuple[int, ...] = (0, 0, 0, 0)
        if self.opening is not None:
            week = self.opening.hours
            edges = (round(edge_s * TICKS_PER_S) for edge_s in (week.from_s, week.until_s))
            hours = (*edges, sum(1 << day for day in week.days), self.opening.power_on_ticks)
        return struct.pack(
            "<13I",
            *(_KINDS[self.kind], has, self.settle_ticks, self.period_ticks, self.look_frames, self.idle.code),
            *(self.motion_sum, self.hold_ticks, self.report_every),
            *hours,
        )

    def applied_to(self, image: FirmwareImage) -> FirmwareImage:
        """Return an image with this policy in it; the one that comes with the twin always looks at every frame.

        Raises:
            BadInputError: The firmware knows no policies.
        """
        if self == ALWAYS_ON and _SYMBOL not in image.symbols:
            return image
        return image.with_symbol(_SYMBOL, self.image_bytes())


ALWAYS_ON: Final = DutyPolicy()


def duty_policy(path: Path, config: PolicyConfig, sensor: GridEyeSheet, *, has_radio: bool = False) -> DutyPolicy:
    """Return the policy that a node's TOML asks for.

    Args:
        path: The TOML, for errors.
        config: Its `[policy]` table.
        sensor: The sensor, which has to follow.
        has_radio: Whether lines of text are handed to a radio.

    Raises:
        BadInputError: A key does not belong to the kind or is missing, or sensor or firmware cannot follow.
    """
    kind = _kind(path, config)
    opening = None if config.opening is None else _opening(path, config.opening)
    settle_ticks = math.ceil(sensor.startup_stable_s.value * TICKS_PER_S)
    if kind == "always_on" and opening is None:
        settle_ticks = ALWAYS_ON.settle_ticks
    policy = _BUILDERS[kind](path, config, sensor, settle_ticks)
    report_every = 0 if config.report_every_s is None else _report_every(path, config.report_every_s, policy)
    return DutyPolicy(
        kind=kind,
        settle_ticks=settle_ticks,
        period_ticks=policy.period_ticks,
        look_frames=policy.look_frames,
        idle=policy.idle,
        motion_sum=policy.motion_sum,
        hold_ticks=policy.hold_ticks,
        report_every=report_every,
        opening=opening,
        has_radio=has_radio,
    )


def _kind(path: Path, config: PolicyConfig) -> Kind:
    kind = next((known for known in _KINDS if known == config.kind), None)
    if kind is None:
        raise BadInputError(path, "policy.kind", config.kind, nearest_name(config.kind, _KINDS))
    known = (*_EVERY_KIND, *_KEYS[kind])
    for key in config.model_fields_set:
        if key not in known:
            value = getattr(config, key)
            raise BadInputError(path, f"policy.{key}", value, f"is no key of kind {kind!r}; known: {', '.join(known)}")
    for key in _KEYS[kind]:
        if getattr(config, key) is None:
            raise BadInputError(path, f"policy.{key}", None, f"is required for kind {kind!r} and missing")
    return kind


def _always_on(path: Path, config: PolicyConfig, sensor: GridEyeSheet, settle_ticks: int) -> DutyPolicy:  # noqa: ARG001
    return ALWAYS_ON


def _gated(path: Path, config: PolicyConfig, sensor: GridEyeSheet, settle_ticks: int) -> DutyPolicy:
    period_ticks, look_frames = _ticks(path, config, "period_s"), _ticks(path, config, "look_s")
    if period_ticks > MOST_PERIOD_S * TICKS_PER_S:
        raise BadInputError(path, "policy.period_s", config.period_s, f"at most {MOST_PERIOD_S:g} s")
    least = settle_ticks + 1 + look_frames + _REPORT_TICKS
    if period_ticks < least:
        stable_s = sensor.startup_stable_s.value
        allowed = (
            f"must be at least {least / TICKS_PER_S:g} s: {sensor.part} settles for startup_stable_s = {stable_s:g} s "
            f"before look_s = {config.look_s:g} s, and a report takes a second"
        )
        raise BadInputError(path, "policy.period_s", config.period_s, allowed)
    return DutyPolicy(kind="gated", period_ticks=period_ticks, look_frames=look_frames)


def _until_motion(path: Path, config: PolicyConfig, sensor: GridEyeSheet, settle_ticks: int) -> DutyPolicy:  # noqa: ARG001
    modes = idle_modes(sensor)
    if config.idle not in modes:
        allowed = f"{sensor.part} has {', '.join(modes)}"
        raise BadInputError(path, "policy.idle", config.idle, allowed)
    motion_degc = _positive(path, config, "motion_degc")
    span_degc = sensor.object_high_degc.value - sensor.object_low_degc.value
    if motion_degc > span_degc:
        raise BadInputError(path, "policy.motion_degc", motion_degc, f"at most {span_degc:g}, the sensor's range")
    return DutyPolicy(
        kind="until_motion",
        idle=modes[config.idle],
        motion_sum=math.ceil(motion_degc * _BLOCK_STEPS_PER_DEGC),
        hold_ticks=_ticks(path, config, "hold_s"),
    )


_BUILDERS: Final[dict[Kind, Callable[[Path, PolicyConfig, GridEyeSheet, int], DutyPolicy]]] = {
    "always_on": _always_on,
    "gated": _gated,
    "until_motion": _until_motion,
}


def idle_modes(sensor: GridEyeSheet) -> dict[str, Idle]:
    """Return the lower rates of a sensor that the firmware can choose, by name."""
    known = {
        "1_hz": (sensor.slow_frame_rate_hz.value, 1.0, Idle(1, 10, is_mean=True)),
        "standby_10s": (sensor.standby_short_period_s.value, 10.0, Idle(2, 100, is_mean=False)),
        "standby_60s": (sensor.standby_long_period_s.value, 60.0, Idle(3, 600, is_mean=False)),
    }
    return {name: idle for name, (has, needs, idle) in known.items() if has == needs}


def _report_every(path: Path, report_every_s: float, policy: DutyPolicy) -> int:
    """Return ticks or looks between reports."""
    key, unit = "policy.report_every_s", max(policy.period_ticks, 1)
    answers = max(policy.look_frames, 1)
    number = round(min(report_every_s, _LARGEST) * TICKS_PER_S / unit)
    if number < 1 or abs(number * unit - report_every_s * TICKS_PER_S) > 1e-6 * unit:
        raise BadInputError(path, key, report_every_s, f"must be a multiple of {unit / TICKS_PER_S:g} s above 0")
    if number * answers > MOST_ANSWERS:
        longest_s = MOST_ANSWERS // answers * unit / TICKS_PER_S
        allowed = f"at most {longest_s:g} s: the firmware keeps {MOST_ANSWERS} answers from report to report"
        raise BadInputError(path, key, report_every_s, allowed)
    return number


def _positive(path: Path, config: PolicyConfig, key: str) -> float:
    value = float(getattr(config, key))
    if not 0 < value <= _LARGEST:
        raise BadInputError(path, f"policy.{key}", value, f"must be greater than 0, and {_LARGEST:g} at most")
    return value


def _ticks(path: Path, config: PolicyConfig, key: str) -> int:
    value_s = _positive(path, config, key)
    ticks = round(value_s * TICKS_PER_S)
    if ticks < 1 or abs(ticks - value_s * TICKS_PER_S) > 1e-6:
        raise BadInputError(path, f"policy.{key}", value_s, "must be a multiple of 0.1 s, the time of a frame")
    return ticks


def _opening(path: Path, config: OpeningConfig) -> Opening:
    from_s = _clock_s(path, "policy.opening.opens_at", config.opens_at)
    until_s = _clock_s(path, "policy.opening.closes_at", config.closes_at)
    if until_s <= from_s:
        allowed = f"must be later than opens_at, {config.opens_at}"
        raise BadInputError(path, "policy.opening.closes_at", config.closes_at, allowed)
    days = tuple(sorted(_day(path, "policy.opening.days", day) for day in config.days))
    if not days or len(set(days)) < len(days):
        raise BadInputError(path, "policy.opening.days", list(config.days), f"each once, of {', '.join(DAYS)}")
    hours = WeekHours(from_s, until_s, days)
    if config.power_on_at is None:
        return Opening(hours, days[0] * DAY_S + from_s)
    return Opening(hours, _week_s(path, "policy.opening.power_on_at", config.power_on_at))


def _week_s(path: Path, key: str, text: str) -> float:
    match = _WEEK_TIME.match(text)
    if match is None:
        raise BadInputError(path, key, text, 'must be a day and a time such as "mon 00:00"')
    return _day(path, key, match[1]) * DAY_S + _clock_s(path, key, match[2]) % DAY_S


def _day(path: Path, key: str, name: str) -> int:
    if name not in DAYS:
        raise BadInputError(path, key, name, nearest_name(name, DAYS))
    return DAYS.index(name)


def _clock_s(path: Path, key: str, text: str) -> float:
    try:
        return clock_s(text)
    except ValueError as error:
        raise BadInputError(path, key, text, str(error)) from None
