"""Every board's platform description in a real Renode: it loads, a UART speaks, pins interrupt, clocks follow."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

import pytest

from mcu_models.boards.board import board_names, find_board
from mcu_models.emulators.renode.platform import board_platform

if TYPE_CHECKING:
    from pathlib import Path

FLASH, STACK_TOP, CODE = 0x08000000, 0x20001000, 0x08000200
# ldr r0, uart; ldr r1, brr; str r1, [r0, #BRR]; movs r1, #UE|TE; str r1, [r0, #CR1]; adr r3, text;
# next: ldrb r2, [r3]; cmp r2, #0; beq done; wait: ldr r1, [r0, #ISR]; lsls r1, #24 (TXE); bpl wait;
# str r2, [r0, #TDR]; adds r3, #1; b next; done: b done; uart: .word; brr: .word; text:
HELLO = bytes.fromhex("07480849c1600921016007a31a78002a05d0c1690906fcd582620133f6e7fee7")
BAUD = 115_200
UARTS = {"stm32l4r5zi": "LPUART1", "stm32f746zg": "USART1", "stm32l4a6zg": "USART2", "stm32l476rg": "USART2"}
# Writes and reads of registers: the port of line 13 is C, its rising edge interrupts, its pins are inputs; one rises.
PINS = {
    "stm32l4a6zg": (
        "WriteDoubleWord 0x40010014 0x20", "WriteDoubleWord 0x40010400 0x2000", "WriteDoubleWord 0x40010408 0x2000",
        "WriteDoubleWord 0x48000800 0", "gpioc OnGPIO 13 true", "ReadDoubleWord 0x40010414",
    ),
    "stm32h743vi": (
        "WriteDoubleWord 0x58000414 0x20", "WriteDoubleWord 0x58000080 0x2000", "WriteDoubleWord 0x58000000 0x2000",
        "WriteDoubleWord 0x58020800 0", "gpioc OnGPIO 13 true", "ReadDoubleWord 0x58000088",
    ),
}  # fmt: skip
# PLL of 8 MHz / 2 x 240 / 2 = 480 MHz; of 25 MHz / 25 x 432 / 2 = 216 MHz.
CLOCKS = {
    "stm32h743vi": ("58024428 0x22", "58024430 0x2EF", "58024400 0x1010001", "58024410 0x3"),
    "stm32f746zg": ("40023804 0x406C19", "40023800 0x1010001", "40023808 0x1402"),
}
CLOCK_HZ = {"stm32h743vi": 480_000_000, "stm32f746zg": 216_000_000}


@dataclass(frozen=True)
class Seen:
    """What Renode said: `errors` of all boards, `texts` of UARTs and `numbers` printed, by board."""

    errors: list[str]
    texts: dict[str, str]
    numbers: dict[str, list[int]]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    renode = os.environ.get("RENODE") or shutil.which("renode")
    if renode is None:
        pytest.skip("needs Renode 1.16.1 on PATH, or its path in the environment variable RENODE")
    folder = tmp_path_factory.mktemp("platforms")
    script = folder / "all.resc"
    script.write_text("\n".join(_script(folder)), encoding="utf-8")
    run = subprocess.run(
        [renode, str(script)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, check=False
    )
    return _read(folder, run.stdout + run.stderr)


def _script(folder: Path) -> list[str]:
    models = resources.files("mcu_models.emulators.renode") / "peripherals"
    sources = sorted(str(file) for file in models.iterdir() if file.name.endswith(".cs"))
    lines = [
        "logLevel 3",  # a warning may be printed within a line that is echoed
        "include " + " ".join(f"@{source}" for source in sources),
        "emulation SetGlobalAdvanceImmediately true",
    ]
    for name in board_names():
        lines += [f'mach create "{name}"', *_board_lines(folder, name)]
    return [*lines, 'emulation RunFor "0.02"', "quit"]


def _board_lines(folder: Path, name: str) -> list[str]:
    platform, image = folder / f"{name}.repl", folder / f"{name}.bin"
    platform.write_text(board_platform(find_board(name)), encoding="utf-8")
    image.write_bytes(_image(name))
    uart = _uart(name).lower()
    return [
        f"machine LoadPlatformDescription @{platform}",
        f"sysbus.{uart} CreateFileBackend @{folder / name}.txt true",
        f"sysbus LoadBinary @{image} {FLASH:#x}",
        f'echo "begin {name}"',
        *(f"sysbus.{line}" if line.startswith("gpio") else f"sysbus {line}" for line in PINS.get(name, ())),
        *(f"sysbus WriteDoubleWord 0x{line}" for line in CLOCKS.get(name, ())),
        *(["sysbus.core ClockHz", "sysbus.nvic Frequency"] if name in CLOCKS else []),
        f'echo "end {name}"',
    ]


def _uart(name: str) -> str:
    return UARTS.get(name, "USART3")


def _image(name: str) -> bytes:
    """Return vectors and a program that sends "hello " and the board's name."""
    sheet = find_board(name).sheet
    uart = _uart(name)
    divisor = round(sheet.clocks.reset_hz.value * (256 if uart.startswith("LP") else 1) / BAUD)
    start = struct.pack("<2I", STACK_TOP, CODE | 1).ljust(CODE - FLASH, b"\0")
    return (
        start + HELLO + struct.pack("<2I", sheet.peripherals[uart].base, divisor) + f"hello {name}\n".encode() + b"\0"
    )


def _read(folder: Path, output: str) -> Seen:
    errors = [line for line in output.splitlines() if re.search(r"error|ERROR|Exception", line)]
    files = {name: folder / f"{name}.txt" for name in board_names()}
    texts = {name: file.read_text(encoding="utf-8") for name, file in files.items() if file.is_file()}
    parts = {name: re.search(rf"begin {name}\b(.*?)end {name}\b", output, re.DOTALL) for name in board_names()}
    numbers = {name: re.findall(r"^0x([0-9A-F]+)\s*$", part[1], re.MULTILINE) for name, part in parts.items() if part}
    return Seen(errors, texts, {name: [int(number, 16) for number in found] for name, found in numbers.items()})


def test_all_boards_load_without_an_error(seen: Seen) -> None:
    assert seen.errors == []


@pytest.mark.parametrize("name", board_names())
def test_a_uart_says_hello(seen: Seen, name: str) -> None:
    assert seen.texts.get(name) == f"hello {name}\n"


@pytest.mark.parametrize("name", PINS)
def test_a_rising_pin_is_pending_in_the_edge_detector(seen: Seen, name: str) -> None:
    assert seen.numbers[name][0] == 1 << 13


@pytest.mark.parametrize("name", CLOCKS)
def test_core_and_systick_run_at_the_clock_that_rcc_describes(seen: Seen, name: str) -> None:
    assert seen.numbers[name][-2:] == [CLOCK_HZ[name], CLOCK_HZ[name]]
