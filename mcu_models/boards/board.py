"""A board: core, memories, clocks, peripherals and currents, read from `board.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from datasheet.bad_input import BadInputError, nearest_name
from datasheet.quantity import Ampere, AmperePerHertz, Byte, Hertz, HertzTable, Quantity, Ratio, Second, Volt
from datasheet.regular_file import is_file
from datasheet.sheet import Sheet, quantities, sheet_from_table
from datasheet.toml_file import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Address = Annotated[int, Field(ge=0, lt=2**32)]
Core = Literal["cortex-m4", "cortex-m7"]
MemoryKind = Literal["flash", "ram", "tcm", "rom"]


def _offsets_of_words(words: dict[str, int]) -> dict[str, int]:
    if any(int(offset, 0) % 4 for offset in words):
        raise ValueError("keys must be offsets of words such as 0x10")
    return words


class MemorySheet(Sheet):
    """One memory and the other addresses it can be seen at.

    `kind` "tcm" is tightly coupled to the core: no wait states and no cache before it. `miss_bus_cycles` are the
    clocks of the memory's bus that the core waits for the first word of a line missing in its caches, flash wait
    states excluded; the rest of the line follows while the core goes on. A memory without it is not cached.
    "rom" is read-only memory of the maker, such as the chip's identification: `words` stand in it, by offset.
    """

    base: Address
    size: Annotated[int, Field(gt=0, le=16 << 20)]
    kind: MemoryKind
    aliases: tuple[Address, ...] = ()
    miss_bus_cycles: Ratio | None = None
    words: dict[str, Address] = Field(default_factory=dict)

    @field_validator("words")
    @classmethod
    def _word_offsets(cls, words: dict[str, int]) -> dict[str, int]:
        return _offsets_of_words(words)

    @property
    def contents(self) -> dict[int, int]:
        """`words` by offset as a number."""
        return {int(offset, 0): word for offset, word in self.words.items()}

    def holds(self, address: int, length: int) -> bool:
        """Tell whether all of `length` bytes at `address` lie in this memory."""
        return any(base <= address and address + length <= base + self.size for base in (self.base, *self.aliases))


class EnableBit(Sheet):
    """The RCC bit that turns on a peripheral's bus clock."""

    register_offset: Annotated[int, Field(ge=0, lt=0x400, multiple_of=4)]
    bit: Annotated[int, Field(ge=0, lt=32)]


Interrupt = Annotated[int, Field(ge=0, lt=240)]
BANK_BYTES = 0x400


class PeripheralSheet(Sheet):
    """One peripheral: which model, where, and how it is switched on.

    `irqs` are its interrupt lines in the order that its model states, `size` the bytes of its registers, `reset` the
    words that stand in registers after reset where the part differs from the model, by offset, and `options` what
    else the model lets a part choose, such as the number of its channels.
    """

    type: str
    base: Annotated[int, Field(ge=0, lt=2**32, multiple_of=BANK_BYTES)]
    size: Annotated[int, Field(ge=BANK_BYTES, le=1 << 16, multiple_of=BANK_BYTES)] = BANK_BYTES
    irqs: tuple[Interrupt, ...] = ()
    enable: EnableBit | None = None
    reset: dict[str, Address] = Field(default_factory=dict)
    options: dict[str, int | str | bool] = Field(default_factory=dict)

    @field_validator("reset")
    @classmethod
    def _offsets(cls, reset: dict[str, int]) -> dict[str, int]:
        return _offsets_of_words(reset)

    @property
    def reset_values(self) -> dict[int, int]:
        """`reset` by offset as a number."""
        return {int(offset, 0): word for offset, word in self.reset.items()}


class ClockSheet(Sheet):
    """Oscillators: frequency and start-up time."""

    reset_hz: Hertz
    hsi_hz: Hertz
    hsi48_hz: Hertz | None = None
    hse_hz: Hertz
    lse_hz: Hertz
    lsi_hz: Hertz
    msi_startup_s: Second | None = None
    hsi_startup_s: Second
    hse_startup_s: Second
    lse_startup_s: Second
    lsi_startup_s: Second
    pll_startup_s: Second


class VoltageRangeSheet(Sheet):
    """What one supply range of the core allows.

    `limit_hz` is the highest clock of the flash interface for 0, 1, 2 ... wait states; the interface runs at the
    core clock divided by `bus_divider`.
    """

    highest_hz: Hertz
    limit_hz: HertzTable
    bus_divider: Annotated[int, Field(ge=1, le=16)] = 1

    def wait_states(self, core_hz: float) -> int | None:
        """Return the fewest wait states at a core clock; None when this range does not allow it."""
        if core_hz > self.highest_hz.value:
            return None
        limits = self.limit_hz.values[0]
        return next((n for n, limit in enumerate(limits) if core_hz / self.bus_divider <= limit), None)


class FlashSheet(Sheet):
    """The flash interface: bytes of one read of the array, and the wait states by voltage range."""

    read_bytes: Byte
    ranges: Annotated[dict[str, VoltageRangeSheet], Field(min_length=1)]


class CacheSheet(Sheet):
    """Level-1 caches of the core: two ways for instructions, four for data, lines of 32 bytes."""

    code_bytes: Byte
    data_bytes: Byte


class RangeCurrentSheet(Sheet):
    """A supply current in one voltage range of the core.

    Without knowledge of the range, it is taken for clocks up to `used_up_to`; a range that does not say is only taken
    when named.
    """

    used_up_to_hz: Hertz | None = None
    static_a: Ampere
    dynamic_a_per_hz: AmperePerHertz


class CurrentSheet(Sheet):
    """A supply current that grows with the core clock: static + dynamic x clock; other voltage ranges by name."""

    static_a: Ampere
    dynamic_a_per_hz: AmperePerHertz
    ranges: dict[str, RangeCurrentSheet] = Field(default_factory=dict)


SupplyKind = Literal["ldo", "smps"]
"""Behind a linear regulator the current is constant, behind a switching converter about the power."""


class SupplySheet(Sheet):
    """Another way to supply the chip, with the currents measured there; asleep as with the first one unless stated."""

    title: str
    kind: SupplyKind
    supply_v: Volt
    run: CurrentSheet
    sleep: CurrentSheet | None = None


class PowerSheet(Sheet):
    """Supply currents by mode, at `supply_v`, which lies between the lowest and the highest that the chip stands.

    A family without one of these modes states there the nearest mode it has, and says so in the source. `supplies`
    are other ways to supply the same chip, `wakeup` times to the first instruction from modes other than Stop.
    """

    kind: SupplyKind = "ldo"
    supply_v: Volt
    run: CurrentSheet
    sleep: CurrentSheet
    stop0_a: Ampere
    stop1_a: Ampere
    stop2_a: Ampere
    standby_a: Ampere
    shutdown_a: Ampere
    stop_wakeup_s: Second
    wakeup_s: dict[str, Second] = Field(default_factory=dict)
    supplies: dict[str, SupplySheet] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Refuse negative currents, and deeper modes that would draw more."""
        negative = next((key for key, value in _least_values(self) if value < 0), None)
        if negative is not None:
            raise ValueError(f"{negative} must not be negative")
        deepening = ("stop0_a", "stop1_a", "stop2_a", "standby_a", "shutdown_a")
        for shallow, deep in pairwise(deepening):
            if getattr(self, deep).value > getattr(self, shallow).value:
                raise ValueError(f"{deep[:-2]} must not draw more than {shallow[:-2]}, which is less deep")
        asleep, awake = self.sleep, self.run
        if asleep.static_a.value > awake.static_a.value or asleep.dynamic_a_per_hz.value > awake.dynamic_a_per_hz.value:
            raise ValueError("sleep must not draw more than run")
        return self


def _least_values(sheet: PowerSheet) -> Iterator[tuple[str, float]]:
    """Yield the dotted key and the lowest value of each single value."""
    for key, quantity in quantities(sheet):
        if isinstance(quantity, Quantity):
            yield key, quantity.value if quantity.low is None else quantity.low


class BoardSheet(Sheet):
    """Everything `board.toml` says.

    `cpuid` is the core's identification where it is not its family's usual one, `double_precision` whether its
    floating-point unit computes in 64 bits.
    """

    title: str
    core: Core
    cpuid: Address | None = None
    double_precision: bool = False
    interrupts: Annotated[int, Field(gt=0, le=240)]
    priority_bits: Annotated[int, Field(ge=2, le=8)]
    clocks: ClockSheet
    flash: FlashSheet
    caches: CacheSheet | None = None
    power: PowerSheet
    memories: dict[str, MemorySheet]
    peripherals: dict[str, PeripheralSheet] = Field(default_factory=dict)


@dataclass(frozen=True)
class OperatingPoint:
    """The clock a board runs at, and what follows from it.

    Attributes:
        range_name: Supply range of the core, as the board's sheet names it.
        clock_hz: Core clock.
        bus_divider: Core clocks per clock of the bus to flash and cached RAM.
        wait_states: Of the flash, in clocks of that bus.
    """

    range_name: str
    clock_hz: float
    bus_divider: int
    wait_states: int


@dataclass(frozen=True)
class Board:
    """A board of the library or of the user's own.

    Attributes:
        name: Name of its folder.
        folder: Where its files lie.
        sheet: Its datasheet.
    """

    name: str
    folder: Path
    sheet: BoardSheet

    @property
    def linker_script(self) -> Path:
        """The memory layout firmware is linked with; that of the board it extends when it has none of its own."""
        own = self.folder / "memory.ld"
        base = read_toml(self.folder / "board.toml").get("extends")
        return own if own.is_file() or base is None else _library_folders()[str(base)] / "memory.ld"

    @property
    def core(self) -> str:
        """Core of the microcontroller."""
        return self.sheet.core

    @property
    def family(self) -> str:
        """The family whose clock control it has, such as "h743"; empty where whole firmware cannot run."""
        return next((p.type[4:] for p in self.sheet.peripherals.values() if p.type.startswith("rcc_")), "")

    @property
    def defines(self) -> Mapping[str, str]:
        """Preprocessor definitions of the drivers; this family needs none."""
        return {}

    def holds(self, address: int, length: int) -> bool:
        """Tell whether all of `length` bytes at `address` lie in one memory."""
        return any(memory.holds(address, length) for memory in self.sheet.memories.values())

    def memory(self, kind: MemoryKind) -> MemorySheet:
        """Return the first memory of a kind."""
        return next(m for m in self.sheet.memories.values() if m.kind == kind)

    def operating_point(self, clock_hz: float | None = None) -> OperatingPoint:
        """Return the operating point at a core clock; without one, at the highest the board allows.

        Of the supply ranges that allow the clock, the one with the fewest wait states is taken.

        Raises:
            BadInputError: No supply range allows this clock.
        """
        ranges = self.sheet.flash.ranges
        wanted_hz = max(r.highest_hz.value for r in ranges.values()) if clock_hz is None else clock_hz
        points = [
            OperatingPoint(name, wanted_hz, sheet.bus_divider, wait_states)
            for name, sheet in ranges.items()
            if (wait_states := sheet.wait_states(wanted_hz)) is not None and wanted_hz > 0
        ]
        if not points:
            highest_hz = max(r.highest_hz.value for r in ranges.values())
            allowed = f"above 0 and at most {highest_hz:g} Hz on {self.name}"
            raise BadInputError("board", "clock_hz", wanted_hz, allowed)
        return min(points, key=lambda point: point.wait_states)


def board_names() -> list[str]:
    """Return the names of the boards in the library."""
    return sorted(_library_folders())


def find_board(name_or_path: str) -> Board:
    """Return a board of the library by name, or the one in a folder of the user's own.

    Raises:
        BadInputError: No such board, or its `board.toml` cannot be used.
    """
    folders = _library_folders()
    folder = folders.get(name_or_path) or Path(name_or_path)
    if not is_file(folder / "board.toml"):
        raise BadInputError("board", "name", name_or_path, nearest_name(name_or_path, folders))
    file = folder / "board.toml"
    sheet = sheet_from_table(file, _board_table(file, folders), BoardSheet)
    kinds = {memory.kind for memory in sheet.memories.values()}
    if not kinds >= {"flash", "ram"}:
        raise BadInputError(folder / "board.toml", "memories", sorted(kinds), "needs one flash and one ram at least")
    return Board(folder.name, folder, sheet)


def _board_table(file: Path, library: Mapping[str, Path]) -> dict[str, Any]:
    """Return what a file says; with `extends`, on top of what that board of the library says."""
    table = read_toml(file)
    if "extends" not in table:
        return table
    base = str(table.pop("extends"))
    if base not in library or "extends" in read_toml(library[base] / "board.toml"):
        raise BadInputError(file, "extends", base, nearest_name(base, library))
    return _merged(read_toml(library[base] / "board.toml"), table)


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with the tables of `changes` put into its tables; a value replaces a value as a whole."""
    merged = dict(base)
    for key, change in changes.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(change, dict) and "value" not in change:
            merged[key] = _merged(old, change)
        else:
            merged[key] = change
    return merged


def _library_folders() -> dict[str, Path]:
    root = resources.files("mcu_models.boards")
    return {folder.name: Path(str(folder)) for folder in _folders(root.iterdir())}


def _folders(entries: Iterable[resources.abc.Traversable]) -> Iterable[resources.abc.Traversable]:
    return (entry for entry in entries if entry.is_dir() and entry.joinpath("board.toml").is_file())
