"""How long batteries last under a timetable: over years in jumps, at the end by the second."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from datasheet.bad_input import BadInputError
from twin.energy.cell import LASTING_S, Cells, cells_of
from twin.energy.demand import Pulse, Stretch
from twin.spans_of_time import YEAR_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.energy.battery_sheet import BatterySheet
    from twin.energy.demand import Timetable
    from twin.energy.uncertainty import Draws

    Values = NDArray[np.float64]

_Many = TypeVar("_Many", Cells, Pulse, Stretch)


STEP = 0.01
"""Share of the charge in which the current is taken as that in the middle."""
LONGEST_JUMP_S = YEAR_S / 4
"""A battery that is charged as much as it is used still ages."""
AVERAGE_LOAD = "the average load"
_ALMOST = 1.0 - 1e-12
_TINY = 1e-300
_ROWS = ("harvested_c", "load_c", "undelivered_c", "self_discharge_c", "charging_loss_c", "overflow_c")
_OVERFLOW = _ROWS.index("overflow_c")


class Ending(IntEnum):
    """What ends a life."""

    YEARS_LIMIT = 0
    EMPTY = 1
    VOLTAGE = 2


@dataclass(frozen=True)
class Books:
    """Where the charge went: `fresh_c + harvested_c` is the sum of all others, for each of (n,) lives.

    Attributes:
        fresh_c: In the battery when it was put in.
        harvested_c: Offered by the harvester.
        load_c: Taken by the load, also straight from the harvester.
        undelivered_c: What a heavy load or cold leaves in the battery.
        self_discharge_c: Lost by itself.
        charging_loss_c: Put in, but not kept.
        overflow_c: Offered while the battery was full.
        fade_c: Lost with the capacity that ageing takes.
        left_c: Still in the battery.
    """

    fresh_c: Values
    harvested_c: Values
    load_c: Values
    undelivered_c: Values
    self_discharge_c: Values
    charging_loss_c: Values
    overflow_c: Values
    fade_c: Values
    left_c: Values


@dataclass(frozen=True)
class History:
    """One life, drawn out; the last of (k,) moments is its end.

    Attributes:
        time_s: Since the battery was put in.
        charge_left: Share of the full charge.
        pulse_v: Terminal voltage under the worst pulse, the one with the least to spare.
        needed_v: What is needed under that pulse.
        power_w: Average power of the load over a round of the timetable.
    """

    time_s: Values
    charge_left: Values
    pulse_v: Values
    needed_v: Values
    power_w: Values


@dataclass(frozen=True)
class Lives:
    """(n,) lives.

    Attributes:
        life_s: How long the battery lasts; no longer than the limit.
        endings: (n,) of `Ending`.
        pulses: Name of the pulse that ended it, for each life; empty where none did.
        books: Where the charge went.
        history: One of the lives, when it was asked for.
    """

    life_s: Values
    endings: NDArray[np.int64]
    pulses: tuple[str, ...]
    books: Books
    history: History | None

    @property
    def charge_c(self) -> Values:
        """Charge the load has taken."""
        return self.books.load_c

    def ends_by(self, index: int = 0) -> str:
        """Return in words what ends a life."""
        if self.endings[index] == Ending.VOLTAGE:
            return f"the voltage under {self.pulses[index]!r} falls below what the node needs"
        return "the battery is empty" if self.endings[index] == Ending.EMPTY else "it outlives the years computed"


@dataclass(frozen=True)
class _Ask:
    """A stretch with the share of charge at which it ends a life, and the pulse that does."""

    stretch: Stretch
    critical: Values
    cause: NDArray[np.int64]


@dataclass(frozen=True)
class _Flows:
    """Charge per second, or charge, by where it goes: the rows of `_ROWS` in this order."""

    rows: Values

    @property
    def change(self) -> Values:
        """What the battery gains."""
        harvested, *spent = self.rows
        return np.asarray(harvested - sum(spent), dtype=np.float64)


@dataclass(frozen=True)
class _Round:
    """What one round of the timetable does, from a share of charge on.

    Attributes:
        rows: Charge by where it went, rows as `_ROWS`.
        change: Of the share of charge.
        elapsed_s: How long it lasted.
        cause: Index of the cause of the end, -1 where it did not end.
        slack: Least share of charge above the one that ends the life.
    """

    rows: Values
    change: Values
    elapsed_s: Values
    cause: NDArray[np.int64]
    slack: Values


def lives(
    sheet: BatterySheet, draws: Draws, timetable: Timetable, *, years_limit: float, history_of: int | None = None
) -> Lives:
    """Return how long batteries last that begin a timetable full, and why not longer.

    A life ends when the voltage under a pulse falls below what it needs while its stretch lasts, or with the charge.
    Rounds of the timetable that change the charge by less than `STEP` together are taken as so many times the one in
    their middle; a round that changes it more is followed in parts of a stretch. Within a part currents are constant,
    so that charge is linear in time and the moments of full, of empty and of the last pulse follow exactly.

    Args:
        sheet: The battery.
        draws: Its values, for n lives.
        timetable: What is asked of it; (n,) arrays, or (1,) for all alike.
        years_limit: Nothing is computed beyond.
        history_of: Index of a life to be drawn out.

    Raises:
        BadInputError: The battery cannot deliver a pulse or load in any of the lives, even when full; a current is
            above what its maker allows; it cannot be charged, but is to be.
        ValueError: The timetable takes no time.
    """
    if timetable.duration_s <= 0:
        raise ValueError("a timetable must take time")
    cells = cells_of(sheet, draws)
    _check(sheet, cells, timetable)
    causes = _causes(timetable)
    asks = _asks(cells, timetable, causes)
    run = _Run(cells, asks, timetable.duration_s, years_limit * YEAR_S, draws.number, history_of)
    run.to_the_end()
    return Lives(
        life_s=run.time_s,
        endings=np.select([run.cause < 0, run.cause == 0], [Ending.YEARS_LIMIT, Ending.EMPTY], Ending.VOLTAGE),
        pulses=tuple(causes[cause] if cause > 0 else "" for cause in run.cause),
        books=run.books(),
        history=None if history_of is None else _history(cells, timetable, run, history_of),
    )


class _Run:
    """Lives on their way, each at a time and a share of charge of its own."""

    def __init__(
        self, cells: Cells, asks: Sequence[_Ask], round_s: float, limit_s: float, number: int, watched: int | None
    ) -> None:
        self.cells = cells
        self.asks = asks
        self.round_s = round_s
        self.limit_s = limit_s
        self.watched = watched
        self.time_s = np.zeros(number)
        self.charge_left = np.ones(number)
        self.fresh_c = np.broadcast_to(cells.full_c, (number,)).copy()
        self.full_c = self.fresh_c.copy()
        self.rows = np.zeros((len(_ROWS), number))
        self.fade_c = np.zeros(number)
        self.cause = np.full(number, -1)
        self.alive = np.full(number, limit_s > 0)
        self.moments: list[tuple[float, float]] = []

    def to_the_end(self) -> None:
        """Let all lives end."""
        rounds = np.ones_like(self.time_s)
        expected = np.zeros_like(self.time_s)
        self._watch()
        while self.alive.any():
            start = np.clip(self.charge_left + (rounds - 1) / 2 * expected, 0.0, 1.0)
            left_s = np.where(rounds > 1, np.inf, self.limit_s - self.time_s)
            middle = _round(self.cells, self.asks, start, self.full_c, np.where(self.alive, left_s, 0.0))
            shift = self.charge_left - start + np.minimum((rounds - 1) * middle.change, 0.0)
            holds = (rounds == 1) | ((middle.cause < 0) & (middle.slack + shift >= 0))
            self._take(middle, rounds, self.alive & holds)
            expected = middle.change
            planned = self._plan(middle)
            rounds = np.where(holds, planned, np.maximum(1.0, np.floor(rounds / 2)))
            self._watch()

    def _take(self, middle: _Round, rounds: Values, which: NDArray[np.bool_]) -> None:
        """Go on by rounds that are all like the middle one."""
        times = np.where(which, rounds, 0.0)
        passed_s = np.where(which, np.where(rounds > 1, rounds * self.round_s, middle.elapsed_s), 0.0)
        self.rows += times * middle.rows
        reached = self.charge_left + times * middle.change
        self.rows[_OVERFLOW] += np.maximum(reached - 1.0, 0.0) * self.full_c
        self.charge_left = np.minimum(reached, 1.0)
        self.time_s = self.time_s + passed_s
        faded_c = self.full_c * -np.expm1(-self.cells.fade_per_s * passed_s)
        self.fade_c += self.charge_left * faded_c
        self.full_c = self.full_c - faded_c
        self.cause = np.where(which, middle.cause, self.cause)
        self.alive = self.alive & ~(which & (middle.cause >= 0)) & (self.time_s < self.limit_s * _ALMOST)

    def _plan(self, middle: _Round) -> Values:
        """Return how many rounds may be taken at once next."""
        change = np.maximum(np.abs(middle.change), _TINY)
        by_charge = np.minimum(STEP, np.maximum(middle.slack, 0.0)) / change
        by_age_s = np.maximum(middle.slack, 0.0) / np.maximum(self.cells.fade_per_s, _TINY)
        by_time_s = np.minimum(np.minimum(LONGEST_JUMP_S, self.limit_s - self.time_s), by_age_s)
        return np.maximum(1.0, np.floor(np.minimum(by_charge, by_time_s / self.round_s)))

    def _watch(self) -> None:
        if self.watched is not None:
            moment = (float(self.time_s[self.watched]), float(self.charge_left[self.watched]))
            if not self.moments or moment[0] > self.moments[-1][0]:
                self.moments.append(moment)

    def books(self) -> Books:
        """Return where the charge has gone so far."""
        return Books(
            fresh_c=self.fresh_c,
            fade_c=self.fade_c,
            left_c=self.charge_left * self.full_c,
            **dict(zip(_ROWS, self.rows, strict=True)),
        )


def _round(cells: Cells, asks: Sequence[_Ask], start: Values, full_c: Values, left_s: Values) -> _Round:
    """Follow one round of the timetable stretch by stretch, for no longer than the time that is left."""
    charge_left, rows = start, np.zeros((len(_ROWS), len(start)))
    elapsed_s, slack = np.zeros_like(start), np.full_like(start, np.inf)
    cause = np.full(len(start), -1)
    for ask in asks:
        open_s = np.where(cause < 0, np.clip(left_s - elapsed_s, 0.0, ask.stretch.duration_s), 0.0)
        part = _stretch(cells, ask, charge_left, full_c, open_s)
        charge_left = charge_left + part.change
        rows += part.rows
        elapsed_s += part.elapsed_s
        slack = np.where(open_s > 0, np.minimum(slack, part.slack), slack)
        cause = np.where(part.cause >= 0, part.cause, cause)
    return _Round(rows, charge_left - start, elapsed_s, cause, slack)


def _stretch(cells: Cells, ask: _Ask, start: Values, full_c: Values, duration_s: Values) -> _Round:
    """Follow one stretch in parts that change the charge by no more than `STEP`."""
    charge_left, rows = start, np.zeros((len(_ROWS), len(start)))
    cause, slack = np.full(len(start), -1), start - ask.critical
    elapsed_s, remaining_s = np.zeros_like(start), duration_s
    while (remaining_s > 0).any():
        part_s, flows, ends = _part(cells, ask, charge_left, full_c, remaining_s)
        moved = flows.rows * part_s
        reached = charge_left + flows.change * part_s / full_c
        moved[_OVERFLOW] += np.maximum(reached - 1.0, 0.0) * full_c
        charge_left = np.minimum(reached, 1.0)
        rows += moved
        elapsed_s = elapsed_s + part_s
        remaining_s = np.where(ends, 0.0, remaining_s - part_s)
        slack = np.minimum(slack, charge_left - ask.critical)
        cause = np.where(ends, ask.cause, cause)
    return _Round(rows, charge_left - start, elapsed_s, cause, slack)


def _part(
    cells: Cells, ask: _Ask, charge_left: Values, full_c: Values, remaining_s: Values
) -> tuple[Values, _Flows, NDArray[np.bool_]]:
    """Return how long the next part lasts, what flows in it, and whether the life ends with it."""
    first = _flows(cells, ask.stretch, charge_left, full_c).change / full_c
    first = np.where((charge_left >= 1.0) & (first > 0), 0.0, first)
    part_s = np.minimum(remaining_s, STEP / np.maximum(np.abs(first), _TINY))
    middle = np.clip(charge_left + first * part_s / 2, 0.0, 1.0)
    flows = _flows(cells, ask.stretch, middle, full_c)
    fall = -flows.change * part_s / full_c
    ends = (remaining_s > 0) & (np.minimum(charge_left, charge_left - fall) < ask.critical)
    until = np.clip((charge_left - ask.critical) / np.maximum(fall, _TINY), 0.0, 1.0)
    return np.where(ends, part_s * until, part_s), flows, ends


def _flows(cells: Cells, stretch: Stretch, charge_left: Values, full_c: Values) -> _Flows:
    """Return the charge per second in a stretch at a share of charge."""
    degc = stretch.temperature_degc
    load_v = cells.load_v(charge_left, stretch.current_a, stretch.power_w, degc)
    load_v = np.where(np.isnan(load_v), cells.open_v(charge_left) / 2, load_v)
    harvested_a = np.maximum(stretch.harvested_w, 0.0) / load_v
    load_a = stretch.current_a + (stretch.power_w + np.maximum(-stretch.harvested_w, 0.0)) / load_v
    drawn_a = np.maximum(load_a - harvested_a, 0.0)
    put_a = np.maximum(harvested_a - load_a, 0.0)
    rows = np.empty((len(_ROWS), len(charge_left)))
    rows[0], rows[1] = harvested_a, load_a
    rows[2] = drawn_a * (1.0 / cells.delivered_share(drawn_a, degc) - 1.0)
    rows[3] = cells.lost_per_s(degc) * full_c
    rows[4] = put_a * (1.0 - cells.charge_efficiency)
    rows[_OVERFLOW] = 0.0
    return _Flows(rows)


def _causes(timetable: Timetable) -> tuple[str, ...]:
    """Return what can end a life: nothing left, or a pulse by name."""
    names = (pulse.name for stretch in timetable.stretches for pulse in stretch.pulses)
    return ("", AVERAGE_LOAD, *dict.fromkeys(names))


def _asks(cells: Cells, timetable: Timetable, causes: Sequence[str]) -> list[_Ask]:
    """Return the stretches, each with the charge at which it ends a life; equal ones are computed once."""
    known: dict[tuple[int, int, int, float], _Ask] = {}
    asks = []
    for stretch in timetable.stretches:
        key = (id(stretch.pulses), id(stretch.current_a), id(stretch.power_w), stretch.temperature_degc)
        if key not in known:
            known[key] = _ask(cells, stretch, causes)
        asks.append(replace(known[key], stretch=stretch))
    return asks


def _ask(cells: Cells, stretch: Stretch, causes: Sequence[str]) -> _Ask:
    pulses = (_average_load(stretch), *stretch.pulses)
    least = np.stack(
        [
            np.broadcast_to(cells.lowest_charge_left(pulse, stretch.temperature_degc), cells.full_c.shape)
            for pulse in pulses
        ]
    )
    critical, which = least.max(axis=0), least.argmax(axis=0)
    numbers = np.array([causes.index(pulse.name) for pulse in pulses])
    return _Ask(stretch, critical, np.where(critical > 0, numbers[which], 0))


def _average_load(stretch: Stretch) -> Pulse:
    """Return the average load as a pulse without end, which only has to be possible."""
    none = np.zeros(1)
    return Pulse(AVERAGE_LOAD, LASTING_S, 0.0, stretch.current_a, stretch.power_w, none)


def _check(sheet: BatterySheet, cells: Cells, timetable: Timetable) -> None:
    """Refuse what cannot be asked of the battery in any of the lives."""
    source, full = f"battery {sheet.stem or sheet.title}", np.ones(1)
    for stretch in timetable.stretches:
        if not sheet.rechargeable and bool((stretch.harvested_w > 0).any()):
            raise BadInputError(
                source, "chemistry", sheet.chemistry, "cannot be charged: harvesting needs one that can"
            )
        for pulse in (_average_load(stretch), *stretch.pulses):
            reached_v = cells.pulse_v(pulse, full, stretch.temperature_degc)
            _check_voltage(source, pulse, reached_v, cells.open_v(full))
            current_a = pulse.current_a + pulse.power_w / reached_v
            limit = "continuous" if pulse.name == AVERAGE_LOAD else "pulse"
            allowed_a = (sheet.limits.continuous_a if limit == "continuous" else sheet.limits.pulse_a).value
            if np.nanmin(current_a) > allowed_a:
                words = f"takes {np.nanmedian(current_a) * 1e3:.3g} mA; limits.{limit} is {allowed_a * 1e3:.3g} mA"
                raise BadInputError(source, _named(pulse), None, words)


def _check_voltage(source: str, pulse: Pulse, reached_v: Values, open_v: Values) -> None:
    if bool((reached_v >= pulse.needed_v).any()):
        return
    needed_v = float(np.median(pulse.needed_v))
    if np.isnan(reached_v).all():
        words = f"cannot be delivered at any voltage; full, the battery has {open_v[0]:.2f} V without load"
    else:
        words = f"takes the full battery down to {np.nanmedian(reached_v):.2f} V; needed are {needed_v:.2f} V"
    raise BadInputError(source, _named(pulse), None, words)


def _named(pulse: Pulse) -> str:
    return AVERAGE_LOAD if pulse.name == AVERAGE_LOAD else f"the pulse {pulse.name!r}"


def _history(cells: Cells, timetable: Timetable, run: _Run, index: int) -> History:
    """Return voltages and powers at the moments that were written down."""
    one = _of_one(cells, index)
    time_s, charge_left = np.array(run.moments).T
    spare_v, pulse_v, needed_v = (np.full_like(time_s, fill) for fill in (np.inf, np.nan, np.nan))
    energy_j = np.zeros_like(time_s)
    for stretch in timetable.stretches:
        asked = _of_one(stretch, index)
        load_v = one.load_v(charge_left, asked.current_a, asked.power_w, stretch.temperature_degc)
        energy_j += np.nan_to_num(asked.current_a * load_v + asked.power_w) * stretch.duration_s
        for pulse in stretch.pulses:
            single = _of_one(pulse, index)
            reached_v = one.pulse_v(single, charge_left, stretch.temperature_degc)
            worse = ~(reached_v - single.needed_v >= spare_v)
            spare_v = np.where(worse, reached_v - single.needed_v, spare_v)
            pulse_v, needed_v = np.where(worse, reached_v, pulse_v), np.where(worse, single.needed_v, needed_v)
    return History(time_s, charge_left, pulse_v, needed_v, energy_j / timetable.duration_s)


def _of_one(many: _Many, index: int) -> _Many:
    """Return the same for one of the lives."""
    arrays = {f.name: getattr(many, f.name) for f in fields(many)}
    return replace(many, **{k: v[index : index + 1] for k, v in arrays.items() if np.ndim(v) == 1 and np.size(v) > 1})
