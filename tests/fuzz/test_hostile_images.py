"""Firmware that wants to fill the host's memory, or never to give the host back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from fuzz.readers import CORPUS
from mcu_models.boards.board import find_board
from mcu_models.emulators import connections, memory_map, native_hook, unicorn_backend
from mcu_models.emulators.image import read_image
from mcu_models.emulators.peripherals import base
from mcu_models.emulators.unicorn_backend import UnicornEmulator

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.emulators.port import RunOutcome

HOST_S = 0.3


def hostile(name: str) -> UnicornEmulator:
    return UnicornEmulator(find_board("stm32l4a6zg"), read_image(CORPUS / "hostile" / f"{name}.elf"))


def run(machine: UnicornEmulator, until_s: float, is_enough: Callable[[], bool] = lambda: False) -> RunOutcome:
    end_s = time.monotonic() + 20
    return machine.run(until_s=until_s, give_up=lambda: is_enough() or time.monotonic() > end_s)


def test_problems_without_end_are_listed_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "MAX_PROBLEMS", 20)
    machine = hostile("problem_flood")
    run(machine, 0.005)
    assert len(machine.problems) == 21
    assert machine.problems[-1] == "more than 20 problems; further ones are not listed"


def test_looks_at_ever_other_registers_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_map, "MAX_LOOKS", 50)
    machine = hostile("many_reads")
    run(machine, 0.01)
    remembered = [len(one._unchanging) for one in machine._registers if isinstance(one, memory_map.PeripheralSpace)]
    assert 0 < max(remembered) <= 50


def test_lines_of_all_uarts_together_stay_within_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_LINES", 60)
    machine = hostile("lines_flood")
    run(machine, 0.02)
    transcripts = machine.connections.transcripts.values()
    assert len(transcripts) > 4
    assert sum(one.sent_bytes for one in transcripts) > 200
    assert sum(len(one.lines) for one in transcripts) <= 60


def test_text_of_all_uarts_together_stays_within_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_TEXT_BYTES", 400)
    monkeypatch.setattr(connections, "MAX_LINE_BYTES", 20)
    machine = hostile("text_flood")
    run(machine, 0.02)
    transcripts = machine.connections.transcripts.values()
    assert sum(one.sent_bytes for one in transcripts) > 1000
    assert sum(len(one.text) for one in transcripts) <= 400 + 20 * len(transcripts)
    assert sum(one.line_characters for one in transcripts) <= 400
    assert all(one.line_characters == sum(len(line.text) for line in one.lines) for one in transcripts)


def test_code_written_without_end_is_booked_by_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_hook, "MAX_EDGES", 300)
    machine = hostile("new_code")
    run(machine, 0.002)
    booked = [address for address, _, _ in machine._hook._forgotten]
    assert len(booked) == len(set(booked)) > 100
    # Each edge is booked in whole half cycles, and what the engine charges apart from blocks is in no function.
    assert sum(machine.function_cycles().values()) == pytest.approx(machine.cycles, rel=0.01)


def test_divides_are_watched_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unicorn_backend, "MAX_TRAPPED_DIVIDES", 5)
    machine = hostile("new_divides")
    run(machine, 0.001)
    assert len(machine._trapped_divides) == 5
    assert machine.problems == ("only 5 divides are watched for a divisor of zero",)


def test_a_full_trace_follows_no_further_calls() -> None:
    machine, depths, looks = hostile("endless_calls"), list[int](), [0]
    machine.trace_events(lambda _event: False)

    def enough() -> bool:
        depths.append(len(machine._trace._contexts[-1]) if machine._trace else -1)
        looks[0] += 1
        return looks[0] > 5

    outcome = run(machine, 10.0, enough)
    assert outcome.gave_up
    assert max(depths) == 0


def test_code_at_the_end_of_a_memory_is_decoded_up_to_there() -> None:
    machine = hostile("reset_loop")
    end = 0x08000000 + (1 << 20)
    assert machine._hook.block_at(end - 6, 64).size == 6


@pytest.mark.parametrize("name", ["reset_loop", "endless_calls", "new_code", "lines_flood"])
def test_whoever_wants_to_give_up_is_heard(name: str) -> None:
    begin_s = time.monotonic()
    outcome = run(hostile(name), 1e9, lambda: time.monotonic() > begin_s + HOST_S)
    assert outcome.gave_up
