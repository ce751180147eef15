"""The boards of the library, as data."""

from __future__ import annotations

import shutil
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import MemorySheet, board_names, find_board
from mcu_models.emulators.image import FirmwareImage, Segment
from mcu_models.emulators.unicorn_backend import UnicornEmulator

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "core", "clock_hz", "wait_states", "bus_divider"),
    [
        ("stm32l4a6zg", "cortex-m4", 80e6, 4, 1),
        ("stm32l4r5zi", "cortex-m4", 120e6, 5, 1),
        ("stm32l476rg", "cortex-m4", 80e6, 4, 1),
        ("stm32h743vi", "cortex-m7", 480e6, 4, 2),
        ("stm32h7a3zi", "cortex-m7", 280e6, 6, 1),
        ("stm32f746zg", "cortex-m7", 216e6, 7, 1),
    ],
)
def test_the_highest_clock_and_its_wait_states(
    name: str, core: str, clock_hz: float, wait_states: int, bus_divider: int
) -> None:
    board = find_board(name)
    point = board.operating_point()
    assert board.core == core
    assert (point.clock_hz, point.wait_states, point.bus_divider) == (clock_hz, wait_states, bus_divider)


@pytest.mark.parametrize(
    ("name", "clock_hz", "wait_states", "range_name"),
    [
        ("stm32l4r5zi", 120e6, 5, "boost"),
        ("stm32l4r5zi", 100e6, 4, "boost"),
        ("stm32l4r5zi", 100.1e6, 5, "boost"),
        ("stm32l4a6zg", 16e6, 0, "range1"),
        ("stm32h743vi", 400e6, 2, "vos0"),
        ("stm32h7a3zi", 160e6, 3, "vos0"),
        ("stm32f746zg", 180e6, 5, "overdrive"),
        ("stm32f746zg", 100e6, 3, "overdrive"),
    ],
)
def test_wait_states_at_other_clocks(name: str, clock_hz: float, wait_states: int, range_name: str) -> None:
    point = find_board(name).operating_point(clock_hz)
    assert (point.wait_states, point.range_name) == (wait_states, range_name)


@pytest.mark.parametrize("clock_hz", [0.0, -1.0, 120.1e6])
def test_a_clock_the_board_does_not_allow(clock_hz: float) -> None:
    with pytest.raises(BadInputError, match=r"at most 1\.2e\+08 Hz on stm32l4r5zi"):
        find_board("stm32l4r5zi").operating_point(clock_hz)


@pytest.mark.parametrize("name", board_names())
def test_every_board_says_where_its_memories_are(name: str) -> None:
    board = find_board(name)
    memories = board.sheet.memories.values()
    spans = sorted((base, base + m.size) for m in memories for base in (m.base, *m.aliases))
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert board.linker_script.is_file()
    has_tcm = any(memory.kind == "tcm" for memory in board.sheet.memories.values())
    assert has_tcm == (board.core == "cortex-m7")


@pytest.mark.parametrize("name", board_names())
def test_a_peripheral_lies_alone_at_its_address(name: str) -> None:
    spans = sorted((p.base, p.base + p.size) for p in find_board(name).sheet.peripherals.values())
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


@pytest.mark.parametrize("name", board_names())
def test_interrupts_of_peripherals_exist(name: str) -> None:
    sheet = find_board(name).sheet
    assert all(irq < sheet.interrupts for p in sheet.peripherals.values() for irq in p.irqs)


@pytest.mark.parametrize("name", ["stm32h743vi", "stm32h7a3zi", "stm32f746zg"])
def test_tightly_coupled_memories_are_not_cached(name: str) -> None:
    for memory in find_board(name).sheet.memories.values():
        assert (memory.miss_bus_cycles is None) == (memory.kind in {"tcm", "rom"})


def test_a_board_without_peripherals_cannot_run_whole_firmware(tmp_path: Path) -> None:
    shutil.copytree(find_board("stm32h743vi").folder, tmp_path / "bare")
    sheet = tmp_path / "bare" / "board.toml"
    sheet.write_text(sheet.read_text().partition("[peripherals.")[0])
    image = FirmwareImage("test", "0" * 64, (Segment(0x08000000, bytes(64)),), (), {})
    with pytest.raises(BadInputError, match="whole firmware"):
        UnicornEmulator(find_board(str(tmp_path / "bare")), image)


@pytest.mark.parametrize(
    ("name", "device", "flash_kib"),
    [("stm32l4a6zg", 0x461, 1024), ("stm32l4r5zi", 0x470, 2048), ("stm32l476rg", 0x415, 1024)],
)
def test_a_chip_says_what_it_is(name: str, device: int, flash_kib: int) -> None:
    """Device number in DBGMCU_IDCODE, flash size in system memory (RM0351 and RM0432, electronic signature)."""
    sheet = find_board(name).sheet
    assert sheet.peripherals["DBGMCU"].reset_values[0] & 0xFFF == device
    assert sheet.memories["system"].contents[0x5E0] & 0xFFFF == flash_kib == sheet.memories["flash"].size >> 10


@pytest.mark.parametrize("name", ["stm32l4a6zg", "stm32l4r5zi", "stm32l476rg"])
def test_whole_firmware_runs_on_every_l4(name: str) -> None:
    """Every type that a board names has a model; an image of one jump loops until its time is over."""
    code = bytes.fromhex("fee7")
    vectors = (0x20010000).to_bytes(4, "little") + (0x08000201).to_bytes(4, "little")
    image = FirmwareImage("test", "0" * 64, (Segment(0x08000000, vectors), Segment(0x08000200, code)), (), {})
    emulator = UnicornEmulator(find_board(name), image)
    assert emulator.run(until_s=1e-3).end == "seconds"
    assert emulator.problems == ()


def test_words_of_read_only_memory_stand_at_offsets_of_words() -> None:
    with pytest.raises(ValueError, match="offsets of words"):
        MemorySheet(base=0, size=16, kind="rom", words={"0x2": 1})


def test_a_new_board_is_a_folder(tmp_path: Path) -> None:
    shutil.copytree(find_board("stm32l4r5zi").folder, tmp_path / "mine")
    sheet = tmp_path / "mine" / "board.toml"
    sheet.write_text(sheet.read_text().replace("20, 40, 60, 80, 100, 120", "30, 60, 90, 120"))
    board = find_board(str(tmp_path / "mine"))
    assert (board.name, board.operating_point().wait_states) == ("mine", 3)


def test_a_memory_that_holds_an_address() -> None:
    sram2 = find_board("stm32l4r5zi").sheet.memories["sram2"]
    assert sram2.holds(0x2003FFFC, 4)
    assert sram2.holds(0x10000000, 0x10000)
    assert not sram2.holds(0x2003FFFE, 4)
    assert not sram2.holds(0x20000000, 1)


def test_a_board_that_extends_another_differs_only_in_what_it_says() -> None:
    one, two = find_board("stm32l4r5zi"), find_board("stm32l4r5zi_dual_bank")
    assert (one.sheet.flash.read_bytes.value, two.sheet.flash.read_bytes.value) == (16, 8)
    assert two.sheet.peripherals["FLASH"].reset_values[0x20] == 0xFFEFF8AA
    assert two.sheet.memories == one.sheet.memories
    assert two.sheet.flash.ranges == one.sheet.flash.ranges
    assert two.linker_script == one.linker_script


@pytest.mark.parametrize("base", ["stm32l4r5", "stm32l4r5zi_dual_bank"])
def test_only_a_whole_board_of_the_library_can_be_extended(tmp_path: Path, base: str) -> None:
    (tmp_path / "board.toml").write_text(f'extends = "{base}"\n')
    with pytest.raises(BadInputError, match="extends") as error:
        find_board(str(tmp_path))
    assert "\n" not in str(error.value)
