"""Cycles by function and by line, and the file speedscope reads."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from mcu_models.boards.board import find_board
from mcu_models.emulators.cycle_profile import CycleProfile, ProfileRow, cycle_profile, speedscope_json
from mcu_models.emulators.debug_lines import SourceLine, SourceLines
from mcu_models.emulators.image import FirmwareImage, Function, read_image
from mcu_models.emulators.unicorn_backend import UnicornEmulator

REFERENCE = Path(str(resources.files("mcu_models.firmware.images"))) / "people_counter_stm32l4a6zg.elf"
IMAGE = FirmwareImage("a.elf", "0" * 64, (), (Function(0x100, 16, "main"), Function(0x110, 16, "work")), {})
BLOCKS = [(0x100, 7, 1), (0x110, 40, 3), (0x118, 10, 2), (0x110, 20, 1), (0x200, 2, 1)]


class TwoLines:
    """Lines of an image by address: every 8 bytes another one."""

    def at(self, address: int) -> SourceLine | None:
        return SourceLine("a.c", address // 8) if address < 0x200 else None


def profile(*, lines: bool = True) -> CycleProfile:
    source: Any = TwoLines() if lines else None
    return cycle_profile(iter(BLOCKS), IMAGE, source)


def test_functions_come_most_expensive_first_and_their_runs_are_those_of_their_entry() -> None:
    assert profile().functions == (
        ProfileRow("work", None, 35.0, 4), ProfileRow("main", None, 3.5, 1), ProfileRow("0x200", None, 1.0, 1)
    )  # fmt: skip


def test_lines_add_up_to_the_functions() -> None:
    rows = profile().lines
    assert rows[0] == ProfileRow("work", SourceLine("a.c", 0x110 // 8), 30.0, 4)
    assert sum(row.cycles for row in rows) == profile().cycles == 39.5


def test_cycles_of_no_block_stand_apart() -> None:
    found = cycle_profile(BLOCKS, IMAGE, total_cycles=100)
    assert (found.cycles, found.other_cycles) == (39.5, 60.5)
    assert json.loads(speedscope_json(found, "a"))["profiles"][0]["endValue"] == 100


def test_without_lines_there_are_none() -> None:
    assert profile(lines=False).lines == ()
    assert cycle_profile(BLOCKS, IMAGE, SourceLines(IMAGE)).lines == ()


def test_json_has_every_function_and_every_known_line() -> None:
    content = json.loads(json.dumps(profile().as_dict()))
    assert [row["function"] for row in content["functions"]] == ["work", "main", "0x200"]
    assert content["lines"][0] == {"function": "work", "file": "a.c", "line": 34, "cycles": 30.0, "runs": 4}
    assert len(content["lines"]) == 3


@pytest.mark.parametrize("lines", [True, False])
def test_the_speedscope_file_keeps_its_own_rules(*, lines: bool) -> None:
    """file-format-spec of speedscope: weights beside samples, indices into frames, the end behind the start."""
    content = json.loads(speedscope_json(profile(lines=lines), "a.elf"))
    assert content["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    frames = content["shared"]["frames"]
    assert all(set(frame) <= {"name", "file", "line", "col"} and frame["name"] for frame in frames)
    (sampled,) = content["profiles"]
    assert (sampled["type"], sampled["unit"], sampled["startValue"]) == ("sampled", "none", 0)
    assert len(sampled["samples"]) == len(sampled["weights"])
    assert sampled["endValue"] == sum(sampled["weights"]) == 39.5
    assert {index for stack in sampled["samples"] for index in stack} == set(range(len(frames)))


def test_a_line_lies_within_its_function() -> None:
    content = json.loads(speedscope_json(profile(), "a.elf"))
    names = [frame["name"] for frame in content["shared"]["frames"]]
    stacks = [[names[index] for index in stack] for stack in content["profiles"][0]["samples"]]
    assert stacks[0] == ["work", "a.c:34"]
    assert stacks[-1] == ["0x200"]


def test_the_reference_firmware_spends_its_cycles_in_functions_with_lines() -> None:
    image = read_image(REFERENCE)
    emulator = UnicornEmulator(find_board("stm32l4a6zg"), image)
    emulator.run(until_s=2.2)
    found = cycle_profile(emulator._hook.profile(), image, SourceLines(image))
    spent = emulator.function_cycles()
    assert {row.function: int(row.cycles) for row in found.functions} == spent
    located = sum(row.cycles for row in found.lines if row.line is not None)
    assert located > 0.9 * found.cycles
