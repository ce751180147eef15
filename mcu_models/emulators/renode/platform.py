"""Renode platform descriptions (.repl) of boards, written from their sheets.

`python -m mcu_models.emulators.renode.platform --write` writes `board.repl` into every board's folder of the library.
The text names models of Renode 1.16.1 and of ours (`peripherals/*.cs`), which must be included before it is loaded. It
needs no network.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError, nearest_name
from mcu_models.boards.board import board_names, find_board
from mcu_models.emulators.renode.platform_core import core_entries, memory_entries
from mcu_models.emulators.renode.platform_entry import Entry, Tag, entry_text, tags_text
from mcu_models.emulators.renode.platform_interrupts import with_interrupts
from mcu_models.emulators.renode.platform_models import MODELS
from mcu_models.emulators.renode.platform_part import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcu_models.boards.board import Board

PLATFORM_FILE = "board.repl"
COMMAND = "python -m mcu_models.emulators.renode.platform --write"
_HEADER = """\
// {title}
// Written from board.toml by `{command}`; do not edit.
// Include the models of mcu_models/emulators/renode/peripherals before it is loaded.
"""


def platform_text(board: Board) -> str:
    """Return the platform description of a board.

    Raises:
        BadInputError: A peripheral's type is unknown.
    """
    stands = [_stand_in(Part(name, sheet, board)) for name, sheet in board.sheet.peripherals.items()]
    entries = [*core_entries(board.sheet), *memory_entries(board.sheet), *(s for s in stands if isinstance(s, Entry))]
    texts = [entry_text(entry) for entry in with_interrupts(entries)]
    texts.append(tags_text(stand for stand in stands if isinstance(stand, Tag)))
    header = _HEADER.format(title=board.sheet.title, command=COMMAND)
    return "\n".join([header, *(text for text in texts if text)])


def board_platform(board: Board) -> str:
    """Return the platform description in a board's folder; without one, what its sheet gives."""
    file = board.folder / PLATFORM_FILE
    return file.read_text(encoding="utf-8") if file.is_file() else platform_text(board)


def write_platforms(boards: Iterable[Board]) -> None:
    """Write the platform description of each board into its folder."""
    for board in boards:
        file = board.folder / PLATFORM_FILE
        scratch = file.with_suffix(".tmp")
        scratch.write_text(platform_text(board), encoding="utf-8")
        scratch.replace(file)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the library's descriptions, or show that of one board."""
    parser = argparse.ArgumentParser(prog=COMMAND.removesuffix(" --write"), description=main.__doc__)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--write", action="store_true", help="write board.repl of every board of the library")
    choice.add_argument("--show", metavar="BOARD", help="print that of a board, by name or folder")
    chosen = parser.parse_args(arguments)
    if chosen.write:
        write_platforms(find_board(name) for name in board_names())
    else:
        sys.stdout.write(platform_text(find_board(chosen.show)))


def _stand_in(part: Part) -> Entry | Tag:
    make = MODELS.get(part.sheet.type)
    if make is None:
        allowed = nearest_name(part.sheet.type, MODELS)
        raise BadInputError(part.board.folder / "board.toml", f"peripherals.{part.name}.type", part.sheet.type, allowed)
    return make(part)


if __name__ == "__main__":
    main()
