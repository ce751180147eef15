"""Where the cycles went: by function and by line of source, as rows and as a file for https://www.speedscope.app.

The hook counts by block, a run of instructions with one entry and one exit; a block belongs to the function and to the
line of its first instruction. At -O2 and above a block often spans several lines, and an inlined function counts as the
one it was inlined into, by its own lines. Virtual time jumps over the turns of a loop that polls an unchanged flag;
their cycles are no block's and stand apart.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcu_models.emulators.debug_lines import SourceLine, SourceLines
    from mcu_models.emulators.image_model import FirmwareImage

OTHER = "(polling passed over, exceptions)"
_SPEEDSCOPE_SCHEMA = "https://www.speedscope.app/file-format-schema.json"


@dataclass(frozen=True)
class ProfileRow:
    """One function, or one line of one function.

    Attributes:
        function: Its name; a hexadecimal address when the image has no name for it.
        line: The line; None for a function as a whole, and where the image does not say.
        cycles: Core cycles spent there, called functions excluded.
        runs: Times its first block ran; for a line, that of its blocks that ran most often.
    """

    function: str
    line: SourceLine | None
    cycles: float
    runs: int


@dataclass(frozen=True)
class CycleProfile:
    """Cycles by function and by line, most first.

    Attributes:
        functions: One row for each function that ran.
        lines: One row for each pair of function and line; empty without debugging information.
        cycles: Of all together.
        other_cycles: Core cycles that no block was charged with: turns of polling loops that were passed over, entries
            to exceptions and returns from them, waking up.
    """

    functions: tuple[ProfileRow, ...]
    lines: tuple[ProfileRow, ...]
    cycles: float
    other_cycles: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the profile as JSON has it; cycles are multiples of a half."""
        return {
            "cycles": self.cycles,
            "other_cycles": self.other_cycles,
            "functions": [{"function": r.function, "cycles": r.cycles, "runs": r.runs} for r in self.functions],
            "lines": [
                {"function": r.function, "file": r.line.file, "line": r.line.line, "cycles": r.cycles, "runs": r.runs}
                for r in self.lines
                if r.line is not None
            ],
        }


@dataclass
class _Sum:
    half_cycles: int = 0
    first_address: int = 1 << 32
    first_runs: int = 0
    most_runs: int = 0

    def add(self, address: int, half_cycles: int, runs: int) -> None:
        """Add a block."""
        self.half_cycles += half_cycles
        self.most_runs = max(self.most_runs, runs)
        if address < self.first_address:
            self.first_address, self.first_runs = address, runs


def cycle_profile(
    blocks: Iterable[tuple[int, int, int]],
    image: FirmwareImage,
    source: SourceLines | None = None,
    *,
    total_cycles: int | None = None,
) -> CycleProfile:
    """Sum up what a hook has counted.

    Args:
        blocks: Address, half cycles with stalls, and times run; one block may come several times, as once for each
            block before it.
        image: Whose functions they are.
        source: Its lines; None to do without.
        total_cycles: What the core has spent in all; as much as the blocks when left out.
    """
    functions: defaultdict[str, _Sum] = defaultdict(_Sum)
    lines: defaultdict[tuple[str, SourceLine | None], _Sum] = defaultdict(_Sum)
    for address, (half_cycles, runs) in _by_address(blocks).items():
        function = image.function_at(address)
        functions[function].add(address, half_cycles, runs)
        if source is not None:
            lines[function, source.at(address)].add(address, half_cycles, runs)
    by_function = [ProfileRow(name, None, s.half_cycles / 2, s.first_runs) for name, s in functions.items()]
    by_line = [ProfileRow(name, line, s.half_cycles / 2, s.most_runs) for (name, line), s in lines.items()]
    if all(row.line is None for row in by_line):
        by_line = []
    cycles = sum(row.cycles for row in by_function)
    other_cycles = 0.0 if total_cycles is None else max(0.0, total_cycles - cycles)
    return CycleProfile(_ordered(by_function), _ordered(by_line), cycles, other_cycles)


def _by_address(blocks: Iterable[tuple[int, int, int]]) -> dict[int, tuple[int, int]]:
    sums: dict[int, tuple[int, int]] = {}
    for address, half_cycles, runs in blocks:
        before = sums.get(address, (0, 0))
        sums[address] = (before[0] + half_cycles, before[1] + runs)
    return sums


def _ordered(rows: list[ProfileRow]) -> tuple[ProfileRow, ...]:
    return tuple(sorted(rows, key=lambda row: (-row.cycles, row.function, str(row.line))))


def speedscope_json(profile: CycleProfile, title: str) -> bytes:
    """Return the profile in the file format of speedscope: one sample for each line, its weight in cycles.

    The stack of a sample is the function and, where the image says it, the line within; who called whom is not known.
    """
    frames: dict[tuple[str, str, int], int] = {}
    samples, weights = [], []
    for row in profile.lines or profile.functions:
        keys = [(row.function, "", 0)]
        if row.line is not None:
            keys.append((str(row.line), row.line.file, row.line.line))
        samples.append([frames.setdefault(key, len(frames)) for key in keys])
        weights.append(row.cycles)
    if profile.other_cycles:
        samples.append([frames.setdefault((OTHER, "", 0), len(frames))])
        weights.append(profile.other_cycles)
    content = {
        "$schema": _SPEEDSCOPE_SCHEMA,
        "name": title,
        "exporter": "twin emulate",
        "activeProfileIndex": 0,
        "shared": {"frames": [_frame(*key) for key in frames]},
        "profiles": [
            {
                "type": "sampled",
                "name": f"{title}, core cycles",
                "unit": "none",
                "startValue": 0,
                "endValue": sum(weights),
                "samples": samples,
                "weights": weights,
            }
        ],
    }
    return (json.dumps(content, allow_nan=False) + "\n").encode()


def _frame(name: str, file: str, line: int) -> dict[str, Any]:
    return {"name": name, "file": file, "line": line} if file else {"name": name}
