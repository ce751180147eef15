"""Firmware images: read, run for some milliseconds of virtual time, and their crashes explained."""

from __future__ import annotations

import gc
import time
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mcu_models.boards.board import find_board
from mcu_models.emulators.cycle_profile import cycle_profile
from mcu_models.emulators.debug_lines import SourceLines
from mcu_models.emulators.image import read_image, read_image_for
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from twin.post_mortem import post_mortem

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.boards.board import Board
    from mcu_models.emulators.image import FirmwareImage

BOARD: Final = "stm32l4a6zg"
REGISTER_BOARDS: Final = ("stm32l4a6zg", "stm32l4r5zi", "stm32f746zg", "stm32h743vi")
"""One of every family, and one whose UARTs have FIFOs."""
VIRTUAL_S: Final = 0.002
HOST_S: Final = 0.1
"""An image that does not give the host back within some more than this hangs."""
PLAYER: Final = Path(__file__).parent.parent / "corpus" / "elf" / "register_player.elf"
TABLE_BYTES: Final = 2048
_CORE_REGISTERS: Final = 0xE000E000
_RUNS: Final = count(1)
_RUNS_HELD: Final = 4
"""Emulators are held by cycles of references, and map some 80 MiB each."""


def _run(board: Board, image: FirmwareImage) -> None:
    """Run an image and say all that is said of a run."""
    if next(_RUNS) % _RUNS_HELD == 0:
        gc.collect()
    emulator = UnicornEmulator(board, image)
    end_s = time.monotonic() + HOST_S
    outcome = emulator.run(until_s=VIRTUAL_S, give_up=lambda: time.monotonic() > end_s)
    death = post_mortem(emulator, outcome)
    if death is not None:
        death.text()
    cycle_profile(emulator.block_profile(), image, SourceLines(image), total_cycles=emulator.cycles)


def _any_image(path: Path) -> None:
    board = find_board_once(BOARD)
    _run(board, read_image_for(board, path))


def _registers(path: Path) -> None:
    """Let firmware that writes and reads what a table says play a file: any register, any value."""
    data = path.read_bytes()
    board = find_board_once(REGISTER_BOARDS[data[0] % len(REGISTER_BOARDS)] if data else BOARD)
    _run(board, _player().with_symbol("table", _table(board, data[1:])))


@cache
def find_board_once(name: str) -> Board:
    """Return a board of the library."""
    return find_board(name)


@cache
def _player() -> FirmwareImage:
    return read_image(PLAYER)


def _table(board: Board, data: bytes) -> bytes:
    """Return what the player does: first all clocks on, then what stands in the file.

    Of 8 bytes there, the first is the number of the peripheral, two are the offset in it, the last four the value.
    """
    sheets = board.sheet.peripherals.values()
    clocks_at = next(sheet.base for sheet in sheets if sheet.type.startswith("rcc_"))
    enables = sorted({sheet.enable.register_offset for sheet in sheets if sheet.enable is not None})
    entries = [_entry(clocks_at + offset, 0xFFFFFFFF) for offset in enables]
    homes = [*(sheet.base for sheet in sheets if sheet.type != "unmodelled"), _CORE_REGISTERS]
    for at in range(0, len(data) - 7, 8):
        home = homes[data[at] % len(homes)]
        inside = int.from_bytes(data[at + 1 : at + 3], "little") & (0xFFF if home == _CORE_REGISTERS else 0x3FF)
        entries.append(_entry(home + inside, int.from_bytes(data[at + 4 : at + 8], "little")))
    return b"".join(entries)[:TABLE_BYTES].ljust(TABLE_BYTES, b"\0")


def _entry(address: int, value: int) -> bytes:
    return address.to_bytes(4, "little") + value.to_bytes(4, "little")


TARGETS: Final[dict[str, Callable[[Path], object]]] = {
    "elf": _any_image,
    "hex": _any_image,
    "bin": _any_image,
    "registers": _registers,
}
