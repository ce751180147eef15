"""Who called whom at a fault: beside the calls that a trace has seen, and on stacks nobody should have."""

from __future__ import annotations

import os
import random
import struct
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu_models.boards.board import find_board
from mcu_models.emulators.backtrace import MAX_FRAMES, backtrace
from mcu_models.emulators.frame_rules import FrameRule, FrameRules
from mcu_models.emulators.image import FirmwareImage, Function, Segment, read_image
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from mcu_models.firmware.library import find_image
from twin.post_mortem import post_mortem

if TYPE_CHECKING:
    from mcu_models.emulators.trace_events import TraceEvent

REFERENCE = Path(str(resources.files("mcu_models.firmware.images"))) / "people_counter_stm32l4a6zg.elf"
MUTATIONS = int(os.environ.get("TWIN_TEST_MUTATIONS", "300")) // 10
FRAME_START, FRAME_END = 0x13A0C, 0x13F48
"""Where .debug_frame of the reference image lies, as `readelf -S` prints it."""
UNDEFINED = b"\x00\xde"
FLASH, STACK = 0x08000000, 0x20000100
OUTER, INNER = FLASH + 0x100, FLASH + 0x200
RETURN_TO = OUTER + 0x14


class CallStack:
    """The calls that a trace sees, up to the first HardFault."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._frozen = False

    def hear(self, event: TraceEvent) -> bool:
        self._frozen = self._frozen or (event.kind == "exception_enter" and event.name == "HardFault")
        if self._frozen:
            return True
        if event.kind == "enter":
            self.names.append(event.name)
        elif event.kind == "leave":
            while self.names and self.names.pop() != event.name:
                pass
        return True


@pytest.mark.parametrize("has_frame_information", [True, False])
@pytest.mark.parametrize(
    "function",
    ["dma_begin", "amg8833_read", "network_run", "frontend_prepare", "lptim1_handler", "usart2_handler", "memset"],
)
def test_calls_are_found_as_a_trace_has_seen_them(
    thermal_array: Any, function: str, *, has_frame_information: bool
) -> None:
    """An undefined instruction where a function begins; with call frame information, and with none."""
    image = find_image("people_counter_stm32l4a6zg")
    emulator = UnicornEmulator(
        find_board("stm32l4a6zg"), image if has_frame_information else replace(image, elf=b"")
    )  # fmt: skip
    emulator.attach_i2c("I2C1", thermal_array)
    calls = CallStack()
    emulator.trace_events(calls.hear)
    emulator._engine.mem_write(image.symbols[function] & ~1, UNDEFINED)
    found = post_mortem(emulator, emulator.run(until_s=19.0))
    assert found is not None
    assert found.calls[0][0].function == function
    assert [place.function for place, _ in found.calls] == calls.names[::-1]


def image_with(code: dict[int, bytes]) -> FirmwareImage:
    content = bytearray(0x400)
    for address, data in code.items():
        content[address - FLASH : address - FLASH + len(data)] = data
    functions = (Function(OUTER, 0x100, "outer"), Function(INNER, 0x100, "inner"))
    return FirmwareImage("test", "0" * 64, (Segment(FLASH, bytes(content)),), functions, {})


class Memory:
    """The code of an image, and words of a stack."""

    def __init__(self, image: FirmwareImage, words: dict[int, int]) -> None:
        self._code = image.segments[0].data
        self._words = words

    def read(self, address: int, length: int) -> bytes | None:
        if address >= FLASH and address + length <= FLASH + len(self._code):
            return self._code[address - FLASH : address - FLASH + length]
        if STACK <= address < STACK + 0x100:
            return struct.pack("<I", self._words.get(address, 0))
        return None


class Rules:
    def __init__(self, rules: dict[int, FrameRule] | None = None) -> None:
        self._rules = rules or {}

    def at(self, address: int) -> FrameRule | None:
        return self._rules.get(address & ~0xFF)


# bl inner, at outer + 0x10
CALL = {OUTER + 0x10: struct.pack("<HH", 0xF000, 0xF8F6)}
IMAGE = image_with(CALL)


def found(registers: dict[int, int], words: dict[int, int], rules: Rules | None = None, **options: int) -> list[Any]:
    memory = Memory(IMAGE, words)
    frames = backtrace(IMAGE, rules or Rules(), registers, memory.read, **options)
    return [(frame.pc, frame.how) for frame in frames]


def test_the_link_register_leads_out_of_a_function_that_calls_nothing() -> None:
    assert found({13: STACK, 14: RETURN_TO | 1, 15: INNER}, {}) == [
        (INNER, "here"),
        (RETURN_TO - 2, "link register"),
    ]


def test_a_jump_to_nowhere_is_seen_from_where_it_came() -> None:
    assert found({13: STACK, 14: RETURN_TO | 1, 15: 0}, {})[1] == (RETURN_TO - 2, "link register")


@pytest.mark.parametrize("word", [RETURN_TO, OUTER + 0x21, 0x20000001, 0xFFFFFFFF])
def test_words_that_follow_no_call_are_no_return_addresses(word: int) -> None:
    assert found({13: STACK, 15: INNER}, {STACK + 8: word}) == [(INNER, "here")]


def test_a_return_address_on_the_stack_is_guessed() -> None:
    assert found({13: STACK, 15: INNER}, {STACK + 8: RETURN_TO | 1})[1:] == [(RETURN_TO - 2, "guess")]


def test_frame_information_tells_where_the_return_address_is() -> None:
    """And that the one below it is stale."""
    rules = Rules({INNER: FrameRule(13, 16, {14: -4})})
    words = {STACK + 4: RETURN_TO | 1, STACK + 12: RETURN_TO | 1}
    assert found({13: STACK, 15: INNER + 4}, words, rules)[1:] == [(RETURN_TO - 2, "frame information")]


@pytest.mark.parametrize(
    ("code", "size", "stacked_status"),
    [(0xFFFFFFF9, 0x20, 0), (0xFFFFFFF9, 0x24, 1 << 9), (0xFFFFFFE9, 0x68, 0), (0xFFFFFFE9, 0x6C, 1 << 9)],
)
def test_an_exception_is_followed_through_its_stack_frame(code: int, size: int, stacked_status: int) -> None:
    """Basic and floating-point frames, with and without a word that aligned the stack."""
    words = {STACK + 24: INNER + 8, STACK + 28: stacked_status, STACK + size: RETURN_TO | 1}
    trace = found({13: STACK, 14: code, 15: OUTER + 0x40}, words)
    assert trace == [(OUTER + 0x40, "here"), (INNER + 8, "exception frame"), (RETURN_TO - 2, "guess")]


def test_the_stack_of_a_thread_is_looked_at_when_it_is_known() -> None:
    words = {STACK + 0x80 + 24: INNER + 8, STACK + 0x80 + 20: RETURN_TO | 1}
    registers = {13: STACK, 14: 0xFFFFFFFD, 15: OUTER + 0x40}
    known = found(registers, words, process_stack=STACK + 0x80)
    assert known == [(OUTER + 0x40, "here"), (INNER + 8, "exception frame"), (RETURN_TO - 2, "link register")]
    assert found(registers, words) == [(OUTER + 0x40, "here")]


def test_recursion_without_end_ends() -> None:
    words = {STACK + offset: RETURN_TO | 1 for offset in range(0, 0x100, 4)}
    assert len(found({13: STACK, 15: INNER}, words)) == MAX_FRAMES


@given(
    registers=st.dictionaries(st.integers(0, 15), st.integers(0, 0xFFFFFFFF)),
    words=st.dictionaries(
        st.integers(0, 63).map(lambda index: STACK + 4 * index),
        st.sampled_from([RETURN_TO | 1, 0xFFFFFFF9, 0xFFFFFFFD, 0xFFFFFFE1, STACK, INNER | 1, 0xFFFFFFFF]),
    ),
    base=st.integers(0, 20),
    offset=st.integers(-(1 << 33), 1 << 33),
)
def test_no_state_of_a_core_is_too_much(
    registers: dict[int, int], words: dict[int, int], base: int, offset: int
) -> None:
    rules = Rules({INNER: FrameRule(base, offset, {14: -4, 4: offset})})
    frames = found(registers, words, rules, process_stack=registers.get(3, 0))
    assert 1 <= len(frames) <= MAX_FRAMES


def test_every_function_of_the_reference_image_has_a_rule() -> None:
    image = read_image(REFERENCE)
    rules = FrameRules(image)
    for function in image.functions:
        rule = rules.at(function.address)
        assert rule is not None, function.name
        # Nothing has been pushed where a function begins.
        assert (rule.base, rule.offset, dict(rule.saved)) == (13, 0, {}), function.name
    assert rules.at(0) is None


def test_an_image_without_call_frame_information_has_no_rules() -> None:
    assert FrameRules(IMAGE).at(FLASH) is None
    assert FrameRules(replace(IMAGE, elf=b"\x7fELF")).at(FLASH) is None


@pytest.mark.parametrize("seed", range(MUTATIONS))
def test_damaged_call_frame_information_does_no_harm(seed: int) -> None:
    lots, image = random.Random(seed), read_image(REFERENCE)  # noqa: S311 - which bytes are damaged is no secret
    data = bytearray(REFERENCE.read_bytes())
    for _ in range(lots.choice([1, 4, 32])):
        data[lots.randrange(FRAME_START, FRAME_END)] = lots.randrange(256)
    rules = FrameRules(replace(image, elf=bytes(data)))
    for function in image.functions:
        rule = rules.at(function.address + 2)
        assert rule is None or rule.base >= 0
