"""Renode platform descriptions: what stands in them, without Renode."""

from __future__ import annotations

import re
from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import Board, board_names, find_board
from mcu_models.emulators.peripherals.registry import PERIPHERALS
from mcu_models.emulators.renode.platform import PLATFORM_FILE, board_platform, main, platform_text, write_platforms
from mcu_models.emulators.renode.platform_entry import Entry, Tag, Wire, entry_text, tags_text
from mcu_models.emulators.renode.platform_interrupts import with_interrupts
from mcu_models.emulators.renode.platform_models import MODELS
from mcu_models.emulators.renode.platform_scripts import bank_script

if TYPE_CHECKING:
    from pathlib import Path

BOARDS = board_names()


def entry(text: str, name: str) -> str:
    """Return the entry of a name with its indented lines."""
    found = re.search(rf"^{name}: .*\n(?:[ ]+.*\n)*", text, re.MULTILINE)
    assert found is not None, name
    return found[0]


def test_an_entry_is_written_with_its_arguments_wires_and_contents() -> None:
    written = entry_text(
        Entry(
            "rom",
            "Memory.X",
            "sysbus 0x0; sysbus 0x8",
            {"size": "8"},
            (Wire("IRQ", target="nvic@3"),),
            ("Fill",),
            "Why.",
        )
    )
    assert written.splitlines() == [
        "// Why.",
        "rom: Memory.X @ { sysbus 0x0; sysbus 0x8 }",
        "    size: 8",
        "    IRQ -> nvic@3",
        "    init:",
        "        Fill",
    ]


def test_tags_stand_together_by_their_reason_and_include_their_last_byte() -> None:
    tags = [Tag("B", 0x400, 0x400, "one"), Tag("C", 0x900, 4, "two"), Tag("A", 0x0, 0x400, "one")]
    assert [line.strip() for line in tags_text(tags).splitlines()] == [
        "sysbus:",
        "init:",
        "// one",
        'Tag <0x00000000, 0x000003FF> "A"',
        'Tag <0x00000400, 0x000007FF> "B"',
        "// two",
        'Tag <0x00000900, 0x00000903> "C"',
    ]


def test_outputs_that_share_an_interrupt_are_ored() -> None:
    entries = [Entry("a", "M", wires=(Wire("X", 5), Wire("Y", 6))), Entry("b", "M", wires=(Wire("Z", 5),))]
    a, b, combined = with_interrupts(entries)
    assert [wire.target for wire in a.wires] == ["nvicInput5@0", "nvic@6"]
    assert [wire.target for wire in b.wires] == ["nvicInput5@1"]
    assert (combined.name, combined.arguments) == ("nvicInput5", {"numberOfInputs": "2"})
    assert combined.wires[0].target == "nvic@5"


def test_every_type_of_peripheral_has_its_stand_in() -> None:
    assert set(MODELS) == set(PERIPHERALS)


@pytest.mark.parametrize("name", BOARDS)
def test_the_files_of_the_library_are_up_to_date(name: str) -> None:
    board = find_board(name)
    assert (board.folder / PLATFORM_FILE).read_text(encoding="utf-8") == platform_text(board)


@pytest.mark.parametrize("name", BOARDS)
def test_every_memory_and_peripheral_of_the_sheet_is_there_once(name: str) -> None:
    sheet = find_board(name).sheet
    text = platform_text(find_board(name))
    names = Counter(re.findall(r"^(\w+): ", text, re.MULTILINE))
    tags = Counter(re.findall(r'Tag <.*> "(\w+)"', text))
    assert max(names.values()) == 1
    assert set(sheet.memories) <= set(names)
    for peripheral in sheet.peripherals:
        lower = peripheral.lower()
        label = f"{lower}Controller" if lower in sheet.memories else lower
        assert names[label] + tags[peripheral] == 1, peripheral


@pytest.mark.parametrize("name", BOARDS)
def test_no_input_of_the_interrupt_controller_is_driven_twice(name: str) -> None:
    inputs = Counter(re.findall(r"-> (nvic\w*@\d+)", platform_text(find_board(name))))
    assert set(inputs.values()) == {1}


@pytest.mark.parametrize("name", BOARDS)
def test_nothing_is_fetched(name: str) -> None:
    text = platform_text(find_board(name))
    assert "http" not in text
    assert "ApplySVD" not in text


def test_memories_have_their_aliases_and_their_words() -> None:
    text = platform_text(find_board("stm32l4a6zg"))
    assert "flash: Memory.MappedMemory @ { sysbus 0x08000000; sysbus 0x00000000 }\n    size: 0x100000\n" in text
    assert "WriteDoubleWord 0x5E0 0xFFFF0400" in entry(text, "system")
    assert "bitbandPeripherals: Miscellaneous.BitBanding @ sysbus <0x42000000, +0x2000000>" in text


def test_the_flash_of_the_stm32h743_stands_in_two_banks() -> None:
    text = platform_text(find_board("stm32h743vi"))
    assert "flash: Memory.MappedMemory @ sysbus 0x08000000\n    size: 0x100000\n" in text
    assert "flash_bank2: Memory.MappedMemory @ sysbus 0x08100000\n    size: 0x100000\n" in text
    assert "bitband" not in text


def test_a_core_that_boots_elsewhere_is_told_so() -> None:
    assert "VectorTableOffset 0x08000000" in entry(platform_text(find_board("stm32h743vi")), "cpu")
    assert "VectorTableOffset" not in entry(platform_text(find_board("stm32l4a6zg")), "cpu")


def test_our_models_are_clocked_by_the_rcc_of_the_stm32l4_and_served_by_its_dma() -> None:
    text = platform_text(find_board("stm32l4a6zg"))
    usart = entry(text, "usart2")
    assert "clocks: rcc\n    dma: dma1\n    secondDma: dma2\n    IRQ -> nvic@38" in usart
    assert "lowPower: true" in entry(text, "lpuart1")
    assert "hsi48Hz: 48000000" in entry(text, "rcc")
    assert "hsi48Hz" not in entry(platform_text(find_board("stm32l476rg")), "rcc")


def test_behind_a_dmamux_our_models_have_no_dma() -> None:
    text = platform_text(find_board("stm32l4r5zi"))
    assert "dma" not in entry(text, "usart2")
    assert '"DMAMUX1"' in text
    assert "ownDividers: true" in entry(text, "rcc")


def test_timers_know_their_width_and_their_lines() -> None:
    text = platform_text(find_board("stm32f746zg"))
    assert "initialLimit: 0xFFFFFFFF" in entry(text, "tim5")
    assert "frequency: 108000000" in entry(text, "tim5")
    assert "frequency: 216000000\n    initialLimit: 0xFFFF\n    BreakInterrupt -> nvicInput24@0" in entry(text, "tim1")
    assert "CaptureCompareInterrupt -> nvic@27" in entry(text, "tim1")


def test_a_folder_without_a_description_gets_one_from_its_sheet(tmp_path: Path) -> None:
    (tmp_path / "board.toml").write_text('extends = "stm32l4a6zg"\ntitle = "mine"\n', encoding="utf-8")
    board = find_board(str(tmp_path))
    assert board_platform(board).startswith("// mine\n")
    (tmp_path / PLATFORM_FILE).write_text("// by hand\n", encoding="utf-8")
    assert board_platform(board) == "// by hand\n"


def test_descriptions_are_written_into_the_folders_of_boards(tmp_path: Path) -> None:
    (tmp_path / "board.toml").write_text('extends = "stm32l476rg"\n', encoding="utf-8")
    board = find_board(str(tmp_path))
    write_platforms([board])
    assert (tmp_path / PLATFORM_FILE).read_text(encoding="utf-8") == platform_text(board)
    assert {file.name for file in tmp_path.iterdir()} == {"board.toml", PLATFORM_FILE}


def test_an_unknown_type_is_named(tmp_path: Path) -> None:
    (tmp_path / "board.toml").write_text(
        'extends = "stm32l4a6zg"\n[peripherals.X]\ntype = "usrt"\nbase = 0x40030000\n', encoding="utf-8"
    )
    with pytest.raises(BadInputError, match=r"board\.toml.*peripherals\.X\.type.*usrt.*usart"):
        platform_text(find_board(str(tmp_path)))


def test_the_command_shows_a_board(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--show", "stm32l476rg"])
    assert capsys.readouterr().out == platform_text(find_board("stm32l476rg"))


class Bank:
    """The script of a bank, driven as Renode does it; what it sets is in `objects`."""

    def __init__(self, board: Board, peripheral: str) -> None:
        self._code = compile(bank_script(board.sheet.peripherals[peripheral], board.sheet), peripheral, "exec")
        names = ["core", "nvic", *(name.lower() for name in board.sheet.peripherals)]
        self.clocks_hz: list[int] = []
        self.objects = {f"sysbus.{name}": SimpleNamespace(SetClock=self.clocks_hz.append) for name in names}
        found = SimpleNamespace(TryGetMachineForPeripheral=lambda _peripheral: (True, self.objects))
        manager = SimpleNamespace(CurrentEmulation=found)
        self._scope: dict[str, Any] = {"emulationManager": manager, "self": None}
        self._run(IsInit=True)

    def read(self, offset: int, length: int = 4) -> int:
        return int(self._run(IsRead=True, Offset=offset, Length=length).Value)

    def write(self, offset: int, value: int, length: int = 4) -> None:
        self._run(IsWrite=True, Offset=offset, Length=length, Value=value)

    def hz(self, name: str) -> int:
        return int(self.objects[f"sysbus.{name}"].Frequency)

    def _run(self, **request: Any) -> SimpleNamespace:
        asked = SimpleNamespace(**{"IsInit": False, "IsRead": False, "IsWrite": False, **request})
        self._scope["request"] = asked
        exec(self._code, self._scope)  # noqa: S102 - it is Renode that runs these scripts
        return asked


def test_the_core_of_an_stm32h7_runs_at_the_clock_that_its_pll_makes() -> None:
    """HSE 8 MHz / 2 x 240 / 2 = 480 MHz; AXI at half of it, APB1 at a quarter, timers at 240 MHz."""
    rcc = Bank(find_board("stm32h743vi"), "RCC")
    assert rcc.clocks_hz == [64_000_000]
    rcc.write(0x28, 2 | 2 << 4)
    rcc.write(0x30, 239 | 1 << 9)
    rcc.write(0x18, 8)
    rcc.write(0x1C, 4 << 4 | 5 << 8)
    rcc.write(0x00, rcc.read(0x00) | 1 << 16 | 1 << 24)
    rcc.write(0x10, 3)
    assert rcc.clocks_hz[-1] == 480_000_000
    assert rcc.hz("nvic") == 480_000_000
    assert rcc.hz("tim2") == 240_000_000
    assert rcc.hz("tim1") == 120_000_000


def test_ready_flags_of_an_stm32h7_follow_at_once() -> None:
    rcc = Bank(find_board("stm32h7a3zi"), "RCC")
    assert rcc.read(0x00) & 1 << 17 == 0
    rcc.write(0x00, 1 << 16 | 1 << 12)
    assert rcc.read(0x00) & (1 << 17 | 1 << 13 | 1 << 25) == 1 << 17 | 1 << 13
    rcc.write(0x10, 3)
    assert rcc.read(0x10) >> 3 & 7 == 3
    rcc.write(0x74, 1, length=1)
    assert rcc.read(0x74, length=2) == 3


def test_bytes_and_halfwords_are_parts_of_their_word() -> None:
    rcc = Bank(find_board("stm32h743vi"), "RCC")
    rcc.write(0x34, 0x11223344)
    rcc.write(0x36, 0xAABB, length=2)
    rcc.write(0x35, 0xCC, length=1)
    assert rcc.read(0x34) == 0xAABBCC44
    assert rcc.read(0x37, length=1) == 0xAA


def test_the_core_of_an_stm32f7_runs_at_the_clock_that_its_pll_makes() -> None:
    """HSE 25 MHz / 25 x 432 / 2 = 216 MHz; APB1 at a quarter, APB2 at half: timers at 108 and 216 MHz."""
    rcc = Bank(find_board("stm32f746zg"), "RCC")
    assert rcc.clocks_hz == [16_000_000]
    rcc.write(0x04, 25 | 432 << 6 | 1 << 22)
    rcc.write(0x08, 2 | 5 << 10 | 4 << 13)
    assert rcc.clocks_hz[-1] == 216_000_000
    assert (rcc.hz("tim5"), rcc.hz("tim1")) == (108_000_000, 216_000_000)
    rcc.write(0x8C, 1 << 24)
    assert rcc.hz("tim5") == 216_000_000


def test_a_voltage_of_an_stm32h7_is_reached_at_once() -> None:
    pwr = Bank(find_board("stm32h7a3zi"), "PWR")
    pwr.write(0x18, 3 << 14)
    assert pwr.read(0x18) == 3 << 14 | 1 << 13
    assert pwr.read(0x04) & 7 << 13 == 7 << 13
