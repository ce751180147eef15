"""What fits: flash and each RAM of a board, frames and stack included, and what firmware it is sold with leaves.

What an image takes is counted in the image itself, by where the linker has put it; frames of the camera are added
where firmware has its own, or to the board's largest RAM. Of firmware that a board is sold with (`twin/board_firmware`)
only the stated limits are known: the network's file must fit one, a frame with the activations the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from datasheet.bad_input import BadInputError
from datasheet.config import find_in_library, library_names
from datasheet.quantity import Byte
from datasheet.sheet import Sheet, load_sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from mcu_models.boards.board import Board

BOARD_FIRMWARE: Final = "twin.board_firmware"
CAMERA_SIDE: Final = 200
"""Rows and columns of the window that the mask door's firmware takes."""
BUFFERS: Final = 2
"""DMA fills one while the core looks at the other."""
_RGB565_BYTES: Final = 2
_STACK: Final = "stack_top"
_FRAMES: Final = "frames"
_LOADED: Final = "PT_LOAD"


class BoardFirmwareSheet(Sheet):
    """Firmware that a board is sold with: how large a network's file may be, and its frame buffer."""

    title: str
    board: str
    model_bytes: Byte
    frame_buffer_bytes: Byte


@dataclass(frozen=True)
class FrameBuffers:
    """Frames of a camera that are in memory at once, RGB565.

    Attributes:
        rows: Of a frame.
        columns: Of a frame.
        number: So many frames.
    """

    rows: int = CAMERA_SIDE
    columns: int = CAMERA_SIDE
    number: int = BUFFERS

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame."""
        return self.rows * self.columns * _RGB565_BYTES

    @property
    def size_bytes(self) -> int:
        """Bytes of all of them."""
        return self.number * self.frame_bytes

    def __str__(self) -> str:
        return f"{self.number} frames of {self.columns} x {self.rows}"


@dataclass(frozen=True)
class MemoryLimit:
    """A memory, or a rule of somebody's firmware, and what would have to fit it.

    Attributes:
        limit: What it is.
        needs_bytes: So much is needed.
        allowed_bytes: So much there is.
        what: What is counted.
    """

    limit: str
    needs_bytes: int
    allowed_bytes: int
    what: str

    @property
    def fits(self) -> bool:
        """Whether it fits."""
        return self.needs_bytes <= self.allowed_bytes

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {**vars(self), "fits": self.fits}


@dataclass(frozen=True)
class MemoryVerdict:
    """What fits and what does not.

    Attributes:
        limits: Flash and memories of the board that are used, all RAM together, then limits of firmware it is sold
            with.
    """

    limits: tuple[MemoryLimit, ...]

    @property
    def too_small(self) -> tuple[MemoryLimit, ...]:
        """The limits that are exceeded."""
        return tuple(one for one in self.limits if not one.fits)

    def as_list(self) -> list[dict[str, Any]]:
        """Return what `--json` prints."""
        return [one.as_dict() for one in self.limits]

    def require(self, what: str, *, of: str = "") -> None:
        """Refuse what does not fit.

        Args:
            what: Network or file, as said to the user.
            of: Only limits whose name begins so count, such as "OpenMV Cam H7".

        Raises:
            BadInputError: With the first limit that is exceeded, what is needed and what there is.
        """
        for one in self.too_small:
            if one.limit.startswith(of):
                raise BadInputError(what, one.limit, f"{one.needs_bytes} bytes", f"{one.allowed_bytes} are allowed")


def memory_verdict(
    elf: Path,
    board: Board,
    *,
    stack_bytes: int = 0,
    frames: FrameBuffers | None = None,
    network_bytes: int = 0,
    arena_bytes: int = 0,
) -> MemoryVerdict:
    """Return what fits of a built image.

    Args:
        elf: An image with the network, alone or as firmware.
        board: What it was built for.
        stack_bytes: Depth of its stack.
        frames: Frames of a camera that must be in memory; those that the image has are not counted twice. Without
            them, nothing is said of firmware that the board is sold with, which is about images.
        network_bytes: Length of the network's file.
        arena_bytes: Activations and scratch.

    Raises:
        BadInputError: The file is no ELF image.
    """
    used, top, own_frames, frames_at = _layout(elf, board)
    if top is not None:
        used[top] = used.get(top, 0) + stack_bytes
    if frames is not None:
        place = frames_at or _largest_ram(board)
        used[place] = used.get(place, 0) + frames.size_bytes - own_frames
    limits = _limits_of_board(board, used)
    if frames is not None:
        limits += limits_of_firmware(board.name, network_bytes, arena_bytes, frames)
    return MemoryVerdict(limits)


def limits_of_firmware(
    board_name: str, network_bytes: int, arena_bytes: int, frames: FrameBuffers
) -> tuple[MemoryLimit, ...]:
    """Return what firmware that the board is sold with allows a network; nothing for a board without such."""
    found: list[MemoryLimit] = []
    for sheet in board_firmware(board_name):
        shared = frames.frame_bytes + arena_bytes
        found += [
            MemoryLimit(f"{sheet.title}: model", network_bytes, round(sheet.model_bytes.value), "the network's file"),
            MemoryLimit(
                f"{sheet.title}: frame buffer",
                shared,
                round(sheet.frame_buffer_bytes.value),
                f"a frame of {frames.columns} x {frames.rows} and the activations",
            ),
        ]
    return tuple(found)


def board_firmware(board_name: str) -> tuple[BoardFirmwareSheet, ...]:
    """Return the firmware that is known for a board."""
    sheets = (
        load_sheet(find_in_library(name, BOARD_FIRMWARE, kind="board firmware"), BoardFirmwareSheet)
        for name in library_names(BOARD_FIRMWARE)
    )
    return tuple(sheet for sheet in sheets if sheet.board == board_name)


def require_frames_fit(frames: FrameBuffers, board: Board) -> None:
    """Refuse frames that no memory of the board can hold.

    Raises:
        BadInputError: They need more than the largest RAM.
    """
    name = _largest_ram(board)
    size = board.sheet.memories[name].size
    if frames.size_bytes > size:
        said = f"{frames.size_bytes} bytes; the largest memory of {board.name}, {name}, has {size}"
        raise BadInputError("frame buffer", "", str(frames), said)


def frames_of(text: str) -> FrameBuffers:
    """Return buffers for frames of a size such as "640x480", columns first.

    Raises:
        BadInputError: It is no such size.
    """
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and 1 <= int(part[:6]) <= 9999 for part in parts):
        raise BadInputError("command line", "--frame", text, "must be columns x rows of pixels, such as 320x240")
    return FrameBuffers(rows=int(parts[1]), columns=int(parts[0]))


def _largest_ram(board: Board) -> str:
    """Return the name of the largest memory that DMA can write to, the first of equals."""
    memories = {name: memory.size for name, memory in board.sheet.memories.items() if memory.kind == "ram"}
    return max(memories, key=memories.__getitem__)


def _limits_of_board(board: Board, used: Mapping[str, int]) -> tuple[MemoryLimit, ...]:
    memories = board.sheet.memories
    limits = [
        MemoryLimit(name.replace("_", " "), used[name], memory.size, _counted(memory.kind))
        for name, memory in memories.items()
        if used.get(name)
    ]
    of_ram = [name for name, memory in memories.items() if memory.kind in ("ram", "tcm")]
    together = sum(used.get(name, 0) for name in of_ram)
    return (*limits, MemoryLimit("RAM in all", together, sum(memories[name].size for name in of_ram), "all memories"))


def _counted(kind: str) -> str:
    return "code, weights, constants" if kind == "flash" else "code, variables, activations, stack, frames"


def _layout(elf: Path, board: Board) -> tuple[dict[str, int], str | None, int, str | None]:
    """Return bytes by memory, the memory with the stack, and bytes and memory of the image's own frames."""
    try:
        with elf.open("rb") as stream:
            file = ELFFile(stream)
            used = _used(board, (one.header for one in file.iter_segments() if one["p_type"] == _LOADED))
            table = file.get_section_by_name(".symtab")
            symbols = {} if table is None else {one.name: one.entry for one in table.iter_symbols()}
    except (OSError, ELFError) as error:
        raise BadInputError(elf, "", None, f"expected an ELF image ({error})") from None
    top = _memory_at(board, int(symbols[_STACK]["st_value"]) - 4) if _STACK in symbols else None
    frames = symbols.get(_FRAMES)
    if frames is None:
        return used, top, 0, None
    return used, top, int(frames["st_size"]), _memory_at(board, int(frames["st_value"]))


def _used(board: Board, segments: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return bytes by memory: what runs or varies where it runs, and all that is stored, in flash."""
    used: dict[str, int] = {}
    for segment in segments:
        runs, stored = _memory_at(board, segment["p_vaddr"]), _memory_at(board, segment["p_paddr"])
        if runs is not None and runs != stored:
            used[runs] = used.get(runs, 0) + segment["p_memsz"]
        if stored is not None and segment["p_filesz"]:
            used[stored] = used.get(stored, 0) + segment["p_filesz"]
        elif stored is not None and runs == stored:
            used[stored] = used.get(stored, 0) + segment["p_memsz"]
    return used


def _memory_at(board: Board, address: int) -> str | None:
    return next((name for name, memory in board.sheet.memories.items() if memory.holds(address, 1)), None)
