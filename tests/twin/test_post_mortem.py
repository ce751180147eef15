"""What is said of a fault that ended a run."""

from __future__ import annotations

import json
import os
import random
import struct
from dataclasses import replace
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.emulators.image import FirmwareImage, Function, Segment, parse_image
from mcu_models.emulators.unicorn_backend import MAX_FAULTS, UnicornEmulator
from twin.cli import run
from twin.post_mortem import PostMortem, post_mortem

REFERENCE = Path(str(resources.files("mcu_models.firmware.images"))) / "people_counter_stm32l4a6zg.elf"
MUTATIONS = int(os.environ.get("TWIN_TEST_MUTATIONS", "300")) // 10
BOARD = "stm32l4a6zg"
FLASH, STACK_TOP = 0x08000000, 0x20010000
CODE = FLASH + 0x10
UNDEFINED = b"\x00\xde"


def crashing(tmp_path: Path, function: str) -> str:
    """Return the reference image with an undefined instruction where a function begins."""
    data = bytearray(REFERENCE.read_bytes())
    image = parse_image("image", bytes(data))
    at = data.index(image.segments[0].data) + (image.symbols[function] & ~1) - image.segments[0].address
    data[at : at + 2] = UNDEFINED
    (tmp_path / "image.elf").write_bytes(data)
    return str(tmp_path / "image.elf")


def test_a_crash_is_told_with_lines_of_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["emulate", crashing(tmp_path, "dma_begin"), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["post_mortem"]
    assert (found["exception"], found["cause"]) == ("HardFault", "undefined instruction")
    assert found["place"]["function"] == "dma_begin"
    assert "src/drivers/dma.c:" in found["place"]["line"]
    assert [bit.partition(":")[0] for bit in found["status"]] == ["UNDEFINSTR", "FORCED"]
    calls = [frame["function"] for frame in found["backtrace"]]
    assert calls == ["dma_begin", "uart_send", "uart_flush", "main", "reset_handler"]
    assert "src/drivers/uart.c:" in found["backtrace"][1]["line"]
    assert len(found["registers"]) == 18
    assert found["registers"]["pc"] == found["place"]["address"]
    assert len(found["last_blocks"]) == 32
    assert found["last_blocks"][-1]["function"] == "dma_begin"
    assert found["earlier_faults"] == []


def test_a_crash_is_told_on_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["emulate", crashing(tmp_path, "dma_begin")]) == 1
    lines = capsys.readouterr().err.splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith("post-mortem: HardFault at 2.001"))
    assert "dma_begin (src/drivers/dma.c:" in lines[begin + 1]
    assert "  UNDEFINSTR: undefined instruction" in lines
    assert any(line.startswith("    r0 0x") for line in lines)
    assert any(line.startswith("  #1 ") and "uart_send (src/drivers/uart.c:" in line for line in lines)
    assert "last blocks, newest last:" in lines


def machine_with(code: bytes, *, stack: int = STACK_TOP, name: str = "main", vectors: int = 4) -> UnicornEmulator:
    table = struct.pack("<IIII", stack, CODE | 1, 0, 0)[: 4 * vectors]
    image = FirmwareImage(
        "test", "0" * 64, (Segment(FLASH, table), Segment(CODE, code)), (Function(CODE, len(code), name),), {}
    )
    return UnicornEmulator(find_board(BOARD), image)


def dead(machine: UnicornEmulator) -> PostMortem:
    found = post_mortem(machine, machine.run(until_s=0.1))
    assert found is not None
    json.dumps(found.as_dict())
    assert "\n" in found.text()
    return found


def test_a_run_without_a_fault_has_no_post_mortem() -> None:
    machine = machine_with(b"\xfe\xe7")
    assert post_mortem(machine, machine.run(until_s=0.01)) is None


def test_names_are_shown_as_a_terminal_may_have_them() -> None:
    found = dead(machine_with(UNDEFINED, name="a\x1b[2J\nb" + 500 * "c"))
    assert found.place.function.startswith("a?[2J?bccc")
    assert len(found.place.function) == 120
    assert "\x1b" not in found.text()


def test_repeated_blocks_are_shown_once() -> None:
    # movs r0,#40; subs r0,#1; bne; udf
    found = dead(machine_with(bytes.fromhex("28200138fdd100de")))
    assert len(found.last_blocks) == 32
    assert sum("times" in line for line in found.text().splitlines()) == 1


def test_a_stack_pointer_into_registers_is_not_followed() -> None:
    """Reading there could change something: the stack pointer is set to a USART before the crash."""
    # ldr r0,[pc,#4]; mov sp,r0; udf; nop; .word 0x40004400
    machine = machine_with(bytes.fromhex("0148854600de00bf") + struct.pack("<I", 0x40004400))
    reads: list[int] = []
    usart = machine.peripheral("USART2")
    usart.read = lambda offset, _size: reads.append(offset) or 0  # type: ignore[func-returns-value,assignment,method-assign]
    found = dead(machine)
    assert found.registers["sp"] == 0x40004400
    assert len(found.calls) == 1
    assert reads == []


def test_a_core_that_cannot_stack_for_an_interrupt_has_blocks_but_no_registers() -> None:
    """An end of the engine that no instruction caused is told as far as it is known."""
    machine = machine_with(b"\xfe\xe7")
    machine.run(until_s=1e-4)
    outcome: Any = SimpleNamespace(end="fault", detail="lockup: the stack is outside memory", virtual_s=1e-4)
    found = post_mortem(machine, outcome)
    assert found is not None
    assert (found.exception, found.cause, found.registers) == ("lockup", outcome.detail, {})
    assert found.place.function == "main"


def test_earlier_faults_are_told_shortly() -> None:
    # ldr r0,[pc,#0]; ldr r1,[r0]; .word 0x30000000: no handler for the HardFault either
    machine = machine_with(bytes.fromhex("00480168") + struct.pack("<I", 0x30000000))
    found = dead(machine)
    assert any(bit.startswith("PRECISERR") for bit in found.status)
    machine.faults.insert(0, replace(machine.faults[0], cause="something before"))
    again = post_mortem(machine, machine._outcome())
    assert again is not None
    assert len(again.earlier) == 1
    assert "something before" in again.text()
    machine.faults[:] = machine.faults[-1:] * MAX_FAULTS
    many = post_mortem(machine, machine._outcome())
    assert many is not None
    assert "only the first 16 faults are recorded" in many.text()


@pytest.mark.parametrize("seed", range(MUTATIONS))
def test_no_damaged_image_does_more_than_end(seed: int) -> None:
    """Bytes anywhere in the reference image, run for a while and dissected when it has died of it."""
    lots = random.Random(seed)  # noqa: S311 - which bytes are damaged is no secret
    data = bytearray(REFERENCE.read_bytes())
    begin, end = lots.choice([(0x1000, 0x2DEC), (0x13A0C, 0x13F48), (0, len(data))])
    for _ in range(lots.choice([1, 8, 64])):
        data[lots.randrange(begin, end)] = lots.randrange(256)
    try:
        machine = UnicornEmulator(find_board(BOARD), parse_image("image", bytes(data)))
    except BadInputError:
        return
    outcome = machine.run(until_s=2.2)
    found = post_mortem(machine, outcome)
    assert (found is None) == (outcome.end != "fault" and not (outcome.end == "halt" and machine.faults))
    if found is not None:
        assert found.text()
