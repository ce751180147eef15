"""What is known of a fault that ended a run: registers, status bits in words, who called whom, the last blocks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from mcu_models.emulators.backtrace import backtrace
from mcu_models.emulators.debug_lines import SourceLines
from mcu_models.emulators.faults import FaultRecord
from mcu_models.emulators.frame_rules import FrameRules
from mcu_models.emulators.unicorn_backend import MAX_FAULTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mcu_models.emulators.backtrace import How
    from mcu_models.emulators.port import RunOutcome
    from mcu_models.emulators.unicorn_backend import UnicornEmulator

LAST_BLOCKS = 32
MAX_NAME_CHARACTERS = 120
_CONFIGURABLE: Final = {
    0: ("IACCVIOL", "instruction fetch the MPU forbids"), 1: ("DACCVIOL", "data access the MPU forbids"),
    3: ("MUNSTKERR", "MPU fault while unstacking"), 4: ("MSTKERR", "MPU fault while stacking"),
    5: ("MLSPERR", "MPU fault while saving floating-point state"), 7: ("MMARVALID", "MMFAR holds the address"),
    8: ("IBUSERR", "bus error at an instruction fetch"), 9: ("PRECISERR", "bus error at a data access"),
    10: ("IMPRECISERR", "bus error of an earlier data access"), 11: ("UNSTKERR", "bus error while unstacking"),
    12: ("STKERR", "bus error while stacking"), 13: ("LSPERR", "bus error while saving floating-point state"),
    15: ("BFARVALID", "BFAR holds the address"), 16: ("UNDEFINSTR", "undefined instruction"),
    17: ("INVSTATE", "no Thumb bit, or an invalid state"), 18: ("INVPC", "invalid EXC_RETURN"),
    19: ("NOCP", "coprocessor off or missing"), 24: ("UNALIGNED", "unaligned access"),
    25: ("DIVBYZERO", "divide by zero"),
}  # fmt: skip
"""Bits of CFSR (DDI 0403E, B3.2.15)."""
_HARD: Final = {
    1: ("VECTTBL", "bus error at a vector fetch"), 30: ("FORCED", "a fault that could not be taken as itself"),
    31: ("DEBUGEVT", "debug event"),
}  # fmt: skip
"""Bits of HFSR (DDI 0403E, B3.2.16)."""
_NUMBERS: Final = {f"r{number}": number for number in range(13)} | {"sp": 13, "lr": 14}


@dataclass(frozen=True)
class Place:
    """Somewhere in the code.

    Attributes:
        address: Of the instruction.
        function: Its function; a hexadecimal address when the image has no name.
        line: "file:line"; None when the image does not say.
    """

    address: int
    function: str
    line: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` shows."""
        return {"address": f"{self.address:#010x}", "function": self.function, "line": self.line}

    def __str__(self) -> str:
        line = f" ({self.line})" if self.line else ""
        return f"{self.address:#010x} {self.function}{line}"


@dataclass(frozen=True)
class PostMortem:
    """What is known of the fault that ended a run, and shortly of those before it.

    Attributes:
        time_s: Virtual time.
        exception: Exception taken; "lockup" when none could be.
        cause: In words.
        place: Where.
        registers: Core registers by name; empty when they were not recorded.
        status: Bits of CFSR and HFSR that are set, each with what it means.
        calls: Functions that had not returned, innermost first, and how each was found.
        last_blocks: Beginnings of the blocks that ran last, the newest last.
        earlier: One line for each fault taken before.
    """

    time_s: float
    exception: str
    cause: str
    place: Place
    registers: Mapping[str, int]
    status: tuple[str, ...]
    calls: tuple[tuple[Place, How], ...]
    last_blocks: tuple[Place, ...]
    earlier: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` shows."""
        return {
            "time_s": self.time_s,
            "exception": self.exception,
            "cause": self.cause,
            "place": self.place.as_dict(),
            "registers": {name: f"{value:#010x}" for name, value in self.registers.items()},
            "status": list(self.status),
            "backtrace": [place.as_dict() | {"found_by": how} for place, how in self.calls],
            "last_blocks": [place.as_dict() for place in self.last_blocks],
            "earlier_faults": list(self.earlier),
        }

    def text(self) -> str:
        """Return a block of lines for a terminal."""
        lines = [f"post-mortem: {self.exception} at {self.time_s:.6f} s, {self.cause}", f"  at {self.place}"]
        lines += [f"  {bit}" for bit in self.status]
        lines += _register_lines(self.registers)
        lines += ["backtrace:", *(f"  #{n} {place}{_doubt(how)}" for n, (place, how) in enumerate(self.calls))]
        if self.last_blocks:
            lines += ["last blocks, newest last:", *_block_lines(self.last_blocks)]
        if self.earlier:
            lines += ["faults before it:", *(f"  {line}" for line in self.earlier)]
        return "\n".join(lines)


def post_mortem(emulator: UnicornEmulator, outcome: RunOutcome) -> PostMortem | None:
    """Return what is known of the fault that ended a run; None when no fault did.

    A handler that halts, at a breakpoint or asleep for ever, ends it as well.
    """
    if outcome.end != "fault" and not (outcome.end == "halt" and emulator.faults):
        return None
    record = emulator.faults[-1] if emulator.faults else _unrecorded(emulator, outcome)
    places = _Places(emulator)
    return PostMortem(
        time_s=record.time_s,
        exception=record.exception,
        cause=record.cause,
        place=places.at(record.pc),
        registers=dict(record.registers) | ({"pc": record.pc} if record.registers else {}),
        status=(*_bits(record.status, _CONFIGURABLE), *_bits(record.hard_status, _HARD)),
        calls=tuple((places.at(frame.pc), frame.how) for frame in _frames(emulator, record)),
        last_blocks=tuple(places.at(address) for address in record.last_blocks[-LAST_BLOCKS:]),
        earlier=tuple(_earlier(emulator.faults)),
    )


def _unrecorded(emulator: UnicornEmulator, outcome: RunOutcome) -> FaultRecord:
    """Return what can be said of an end that was no fault of an instruction, as when there is no stack to enter on."""
    blocks = emulator.recent_blocks()
    pc = blocks[-1] if blocks else emulator.pc
    where = emulator.image.function_at(pc)
    return FaultRecord(outcome.virtual_s, "lockup", outcome.detail, pc, where, {}, 0, 0, blocks)


def _earlier(faults: Sequence[FaultRecord]) -> Iterator[str]:
    yield from map(_in_short, faults[:-1])
    if len(faults) >= MAX_FAULTS:
        yield f"only the first {MAX_FAULTS} faults are recorded: the one that ended the run may be a later one"


def _in_short(fault: FaultRecord) -> str:
    return f"{fault.time_s:.6f} s {fault.exception}: {fault.cause} at {fault.pc:#010x} in {_shown(fault.function)}"


def _frames(emulator: UnicornEmulator, record: FaultRecord) -> Iterable[Any]:
    registers = {number: record.registers.get(name, 0) for name, number in _NUMBERS.items()} | {15: record.pc}
    memory = _Memory(emulator)
    process_stack = record.registers.get("psp")
    return backtrace(emulator.image, FrameRules(emulator.image), registers, memory.read, process_stack=process_stack)


class _Memory:
    """Memories of the board, without its registers: to look at those may change something."""

    def __init__(self, emulator: UnicornEmulator) -> None:
        self._emulator = emulator

    def read(self, address: int, length: int) -> bytes | None:
        """Return bytes; None where there is no memory."""
        if self._emulator.board.holds(address, length):
            return self._emulator.read_memory(address, length)
        return None


class _Places:
    """Names addresses."""

    def __init__(self, emulator: UnicornEmulator) -> None:
        self._image = emulator.image
        self._lines = SourceLines(emulator.image)

    def at(self, address: int) -> Place:
        line = self._lines.at(address)
        return Place(address, _shown(self._image.function_at(address)), None if line is None else _shown(str(line)))


def _shown(name: str) -> str:
    """Return a name as a terminal may have it, whatever the image calls its functions."""
    return "".join(character if character.isprintable() else "?" for character in name[:MAX_NAME_CHARACTERS])


def _bits(status: int, names: Mapping[int, tuple[str, str]]) -> list[str]:
    return [f"{name}: {words}" for bit, (name, words) in names.items() if status >> bit & 1]


def _register_lines(registers: Mapping[str, int]) -> list[str]:
    words = [f"{name:>4} {value:#010x}" for name, value in registers.items()]
    return ["  " + " ".join(words[first : first + 4]) for first in range(0, len(words), 4)]


def _doubt(how: How) -> str:
    return f", by {how}" if how in ("guess", "link register", "exception frame") else ""


def _block_lines(blocks: Iterable[Place]) -> list[str]:
    lines = []
    for place, again in groupby(blocks):
        times = sum(1 for _ in again)
        lines.append(f"  {place}" + (f", {times} times" if times > 1 else ""))
    return lines
