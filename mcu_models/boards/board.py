"""A board: core, memories, clocks, peripherals and currents, read from `board.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from datasheet.bad_input import BadInputError, nearest_name
from datasheet.quantity import Ampere, AmperePerHertz, Hertz, HertzTable, Second, Volt
from datasheet.sheet import Sheet, load_sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Address = Annotated[int, Field(ge=0, lt=2**32)]


class MemorySheet(Sheet):
    """One memory and the other addresses it can be seen at."""

    base: Address
    size: Annotated[int, Field(gt=0, le=16 << 20)]
    kind: Literal["flash", "ram"]
    aliases: tuple[Address, ...] = ()


class EnableBit(Sheet):
    """The RCC bit that turns on a peripheral's bus clock."""

    register_offset: Annotated[int, Field(ge=0, lt=0x400, multiple_of=4)]
    bit: Annotated[int, Field(ge=0, lt=32)]


class PeripheralSheet(Sheet):
    """One peripheral: which model, where, and how it is switched on."""

    type: str
    base: Address
    irq: Annotated[int, Field(ge=0, lt=240)] | None = None
    enable: EnableBit | None = None


class ClockSheet(Sheet):
    """Oscillators: frequency and start-up time."""

    reset_hz: Hertz
    hsi_hz: Hertz
    hse_hz: Hertz
    lse_hz: Hertz
    lsi_hz: Hertz
    msi_startup_s: Second
    hsi_startup_s: Second
    hse_startup_s: Second
    lse_startup_s: Second
    lsi_startup_s: Second
    pll_startup_s: Second


class FlashSheet(Sheet):
    """Wait states: the highest core clock for 0, 1, 2 ... wait states, by voltage range."""

    range1_limit_hz: HertzTable
    range2_limit_hz: HertzTable


class CurrentSheet(Sheet):
    """A supply current that grows with the core clock: static + dynamic x clock."""

    static_a: Ampere
    dynamic_a_per_hz: AmperePerHertz


class PowerSheet(Sheet):
    """Supply currents by mode. The regulator is linear: current, not power, stays when the supply rises."""

    supply_v: Volt
    run: CurrentSheet
    sleep: CurrentSheet
    stop0_a: Ampere
    stop1_a: Ampere
    stop2_a: Ampere
    standby_a: Ampere
    shutdown_a: Ampere
    stop_wakeup_s: Second


class BoardSheet(Sheet):
    """Everything `board.toml` says."""

    title: str
    core: Literal["cortex-m4"]
    interrupts: Annotated[int, Field(gt=0, le=240)]
    priority_bits: Annotated[int, Field(ge=2, le=8)]
    clocks: ClockSheet
    flash: FlashSheet
    power: PowerSheet
    memories: dict[str, MemorySheet]
    peripherals: dict[str, PeripheralSheet]


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
        """The memory layout firmware is linked with."""
        return self.folder / "memory.ld"

    @property
    def core(self) -> str:
        """Core of the microcontroller."""
        return self.sheet.core

    @property
    def defines(self) -> Mapping[str, str]:
        """Preprocessor definitions of the drivers; this family needs none."""
        return {}

    def memory(self, kind: Literal["flash", "ram"]) -> MemorySheet:
        """Return the first memory of a kind."""
        return next(m for m in self.sheet.memories.values() if m.kind == kind)


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
    if not (folder / "board.toml").is_file():
        raise BadInputError("board", "name", name_or_path, nearest_name(name_or_path, folders))
    sheet = load_sheet(folder / "board.toml", BoardSheet)
    kinds = {memory.kind for memory in sheet.memories.values()}
    if kinds != {"flash", "ram"}:
        raise BadInputError(folder / "board.toml", "memories", sorted(kinds), "needs one flash and one ram at least")
    return Board(folder.name, folder, sheet)


def _library_folders() -> dict[str, Path]:
    root = resources.files("mcu_models.boards")
    return {folder.name: Path(str(folder)) for folder in _folders(root.iterdir())}


def _folders(entries: Iterable[resources.abc.Traversable]) -> Iterable[resources.abc.Traversable]:
    return (entry for entry in entries if entry.is_dir() and entry.joinpath("board.toml").is_file())
