"""Draws the faults of a campaign: each from a generator of its own, made from the seed, its kind and its number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from datasheet.bad_input import BadInputError, nearest_name
from mcu_models.emulators.fault_plan import FaultPlan
from mcu_models.emulators.fault_sheets import FIRST_BITS, FLAGS
from twin.campaign.fault_ranges import FlipRange
from twin.campaign.ram_places import memories, stack, variables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mcu_models.boards.board import Board
    from mcu_models.emulators.image import FirmwareImage
    from twin.campaign.campaign_file import Campaign
    from twin.campaign.fault_ranges import (
        BrownOutRange,
        DataRange,
        DriftRange,
        FaultRange,
        NackRange,
        RamFlipRange,
        RegisterFlipRange,
        StuckRange,
        UartRange,
    )
    from twin.campaign.ram_places import Place

_STEP_S = 1e-6
"""Times are whole microseconds, so that they can be read."""


@dataclass(frozen=True)
class Surroundings:
    """What a fault can hit.

    Attributes:
        board: The board.
        image: What runs on it.
        address: Of the sensor on its bus.
        port: UART on which answers come.
        oscillators: That the chip has.
        from_s: When faults may begin.
        until_s: And until when.
        awake: Stretches of that time in which the core runs: begin and end, in order.
        source: File of the campaign, for messages.
    """

    board: Board
    image: FirmwareImage
    address: int
    port: str
    oscillators: tuple[str, ...]
    from_s: float
    until_s: float
    awake: tuple[tuple[float, float], ...]
    source: Path | str


@dataclass(frozen=True)
class DrawnFault:
    """One fault of a campaign.

    Attributes:
        number: Of the fault, from 0, kind after kind.
        kind: Table of the fault plan that it is in.
        words: Its parameters.
        target: What a bit flip hits: a variable, "stack", a memory or a register; else empty.
        begin_s: Virtual time.
        end_s: When it is over: its begin for what happens once, and for what lasts for good.
        lasts: Whether it lasts for good.
        plan: The fault, alone.
    """

    number: int
    kind: str
    words: str
    target: str
    begin_s: float
    end_s: float
    lasts: bool
    plan: FaultPlan


@dataclass(frozen=True)
class _Draw:
    """What is drawn of a fault besides its beginning."""

    table: dict[str, Any]
    words: str
    target: str = ""
    seconds: float = 0.0
    lasts: bool = False


def draw_faults(campaign: Campaign, around: Surroundings) -> list[DrawnFault]:
    """Return the faults of a campaign in the order of their numbers.

    Raises:
        BadInputError: A variable, a memory or an oscillator is named that there is not, or there is nothing to hit.
    """
    dealer = _Dealer(campaign, around)
    return [
        dealer.deal(number, kind, index)
        for number, (kind, index) in enumerate(
            (kind, index) for kind, count in campaign.counts.items() for index in range(count)
        )
    ]


class _Dealer:
    def __init__(self, campaign: Campaign, around: Surroundings) -> None:
        self._campaign = campaign
        self._around = around
        ranges = campaign.kinds.get("ram_bit_flip")
        self._places: list[Place] = [] if ranges is None else list(self._flip_places(ranges))

    def deal(self, number: int, kind: str, index: int) -> DrawnFault:
        """Draw one fault."""
        generator = np.random.default_rng([self._campaign.seed, *kind.encode(), index])
        ranges = self._campaign.kinds[kind]
        begin_s = self._begin_s(ranges, generator)
        draw: _Draw = getattr(self, f"_{kind}")(ranges, generator, begin_s)
        seed = int(generator.integers(1 << 31))
        plan = FaultPlan.model_validate({"seed": seed, kind: (draw.table,)}, strict=False)
        end_s = begin_s + draw.seconds
        return DrawnFault(number, kind, draw.words, draw.target, begin_s, end_s, draw.lasts, plan)

    def _begin_s(self, ranges: FaultRange, generator: np.random.Generator) -> float:
        around = self._around
        any_s = float(generator.uniform(around.from_s, around.until_s))
        if not isinstance(ranges, FlipRange):
            return _rounded(any_s)
        is_awake, left = generator.random() < ranges.awake_share, float(generator.random())
        if not is_awake or not around.awake:
            return _rounded(any_s)
        left *= sum(end_s - begin_s for begin_s, end_s in around.awake)
        for begin_s, end_s in around.awake:
            if left < end_s - begin_s:
                return _rounded(begin_s + left)
            left -= end_s - begin_s
        return _rounded(around.awake[-1][1])

    # -- buses and wires -----------------------------------------------------------------------------------

    def _device(self) -> dict[str, Any]:
        return {"bus": self._campaign.bus, "address": self._around.address}

    def _i2c_nack(self, ranges: NackRange, generator: np.random.Generator, begin_s: float) -> _Draw:
        byte = int(generator.choice(ranges.bytes))
        once, seconds = bool(generator.random() < ranges.once_share), _log_uniform(generator, ranges.seconds)
        table: dict[str, Any] = {**self._device(), "from_s": begin_s} | ({"byte": byte} if byte else {})
        what = f"byte {byte}" if byte else "address"
        if once:
            return _Draw({**table, "times": 1}, f"{what} not acknowledged once")
        table["until_s"] = begin_s + seconds
        return _Draw(table, f"{what} not acknowledged for {_duration(seconds)}", seconds=seconds)

    def _i2c_stuck(self, ranges: StuckRange, generator: np.random.Generator, begin_s: float) -> _Draw:
        seconds = _log_uniform(generator, ranges.seconds)
        clocks = int(generator.integers(ranges.clocks[0], ranges.clocks[1] + 1))
        table = {"bus": self._campaign.bus, "from_s": begin_s, "seconds": seconds, "sda": ranges.sda}
        words = f"SDA low for {_duration(seconds)}"
        if ranges.scl is not None and generator.random() < ranges.clocked_share:
            table |= {"clocks": clocks, "scl": ranges.scl}
            words += f" or {clocks} clocks"
        return _Draw(table, words, seconds=seconds)

    def _i2c_brown_out(self, ranges: BrownOutRange, generator: np.random.Generator, begin_s: float) -> _Draw:
        seconds = _log_uniform(generator, ranges.seconds)
        table = {**self._device(), "from_s": begin_s, "until_s": begin_s + seconds}
        return _Draw(table, f"no supply for {_duration(seconds)}", seconds=seconds)

    def _i2c_data(self, ranges: DataRange, generator: np.random.Generator, begin_s: float) -> _Draw:
        seconds = _log_uniform(generator, ranges.seconds)
        probability = _probability(generator, ranges.probability)
        bit, value = int(generator.choice(ranges.bits)), int(generator.choice(ranges.values))
        table = {**self._device(), "from_s": begin_s, "until_s": begin_s + seconds, "probability": probability}
        if generator.random() < ranges.value_share:
            table["value"], what = value, f"sent as {value:#04x}"
        else:
            table["flip"], what = 1 << bit, f"with bit {bit} inverted"
        return _Draw(table, f"{probability:.1%} of bytes {what} for {_duration(seconds)}", seconds=seconds)

    def _uart_loss(self, ranges: UartRange, generator: np.random.Generator, begin_s: float) -> _Draw:
        seconds = _log_uniform(generator, ranges.seconds)
        probability = _probability(generator, ranges.probability)
        effect = str(generator.choice(ranges.effects))
        port = ranges.port or self._around.port
        table = {"port": port, "direction": "sent", "effect": effect, "probability": probability}
        done = {"drop": "lost", "corrupt": "damaged"}[effect]
        words = f"{probability:.1%} of characters {done} for {_duration(seconds)}"
        return _Draw({**table, "from_s": begin_s, "until_s": begin_s + seconds}, words, seconds=seconds)

    # -- the chip ------------------------------------------------------------------------------------------

    def _ram_bit_flip(self, ranges: RamFlipRange, generator: np.random.Generator, begin_s: float) -> _Draw:
        places = self._places
        if ranges.each == "variable":
            places = [places[int(generator.integers(len(places)))]]
        place, offset = _spot(places, int(generator.integers(sum(place.size for place in places))))
        bit = int(generator.integers(8))
        table = {"at_s": begin_s, "address": place.address + offset, "bit": bit}
        return _Draw(table, f"bit {bit} of {place.name}+{offset} ({place.address + offset:#010x})", place.name)

    def _register_bit_flip(self, ranges: RegisterFlipRange, generator: np.random.Generator, begin_s: float) -> _Draw:
        name = str(generator.choice(ranges.names))
        if name in FLAGS:
            return _Draw({"at_s": begin_s, "name": name}, f"flag {name.upper()}", name)
        bit = int(generator.integers(FIRST_BITS.get(name, 0), 32))
        return _Draw({"at_s": begin_s, "name": name, "bit": bit}, f"bit {bit} of {name}", name)

    def _clock_drift(self, ranges: DriftRange, generator: np.random.Generator, begin_s: float) -> _Draw:
        known = self._around.oscillators
        missing = next((one for one in ranges.oscillators or () if one not in known), None)
        if missing is not None:
            key = "clock_drift.oscillators"
            raise BadInputError(self._around.source, key, missing, nearest_name(missing, known))
        name = str(generator.choice(ranges.oscillators or known))
        ppm = round(float(generator.uniform(*ranges.ppm)), 1)
        table = {"oscillator": name, "ppm": ppm, "from_s": begin_s}
        return _Draw(table, f"{name.upper()} off by {ppm:+g} ppm for good", lasts=True)

    def _watchdog_reset(self, _ranges: object, _generator: np.random.Generator, begin_s: float) -> _Draw:
        return _Draw({"at_s": begin_s}, "reset, RAM kept")

    def _flip_places(self, ranges: Any) -> Iterator[Place]:
        """Yield where bits of memory are inverted."""
        around = self._around
        ram, own = memories(around.board), variables(around.board, around.image)
        own += stack(around.board, around.image, ranges.stack_bytes)
        for key, wanted, known in (("symbols", ranges.symbols, own), ("memories", ranges.memories, ram)):
            names = {place.name for place in known}
            for name in wanted or ():
                if name not in names:
                    where = f"ram_bit_flip.{key}"
                    raise BadInputError(around.source, where, name, nearest_name(name, names))
            yield from (place for place in known if place.name in (wanted or ()))
        if ranges.symbols is None and ranges.memories is None:
            yield from own or ram


def _spot(places: Sequence[Place], byte: int) -> tuple[Place, int]:
    for place in places:
        if byte < place.size:
            return place, byte
        byte -= place.size
    raise AssertionError("a byte within all places lies in one of them")


def _rounded(time_s: float) -> float:
    return round(time_s / _STEP_S) * _STEP_S


def _log_uniform(generator: np.random.Generator, span: tuple[float, float]) -> float:
    return max(_rounded(math.exp(generator.uniform(math.log(span[0]), math.log(span[1])))), _STEP_S)


def _probability(generator: np.random.Generator, span: tuple[float, float]) -> float:
    return round(math.exp(generator.uniform(math.log(span[0]), math.log(span[1]))), 4) or span[0]


def _duration(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms" if seconds < 1.0 else f"{seconds:.2f} s"
