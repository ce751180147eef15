"""Faults that are played: each in a process of its own, and the same whoever plays them."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from mcu_models.emulators.fault_plan import FaultPlan
from twin.campaign import walker
from twin.campaign.bench import Bench, Golden, Setup, play_golden
from twin.campaign.draws import DrawnFault
from twin.campaign.follow import FaultResult
from twin.campaign.heat_map import heat_map_png
from twin.campaign.replay import Replay
from twin.campaign.session import CampaignResult, run_campaign
from twin.campaign.tables import campaign_answer, faults_csv
from twin.campaign.verdict import FAILED, HANG, MASKED, OUTCOMES, RECOVERED
from twin.emulated_node import no_progress
from twin.host_limits import LEAST_MEMORY_BYTES, memory_limited
from twin.testing.stimuli import stimulus_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

AT_S = 21.03


class Client:
    """Whoever hands out faults, without a pipe."""

    def __init__(self, *messages: Any) -> None:
        self._messages = iter(messages)
        self.heard: list[Any] = []

    def send(self, what: Any) -> None:
        self.heard.append(what)

    def recv(self) -> Any:
        return next(self._messages)


def fault(number: int, kind: str, table: dict[str, Any], *, seconds: float = 0.0) -> DrawnFault:
    plan = FaultPlan.model_validate({kind: (table,)}, strict=False)
    return DrawnFault(number, kind, "words", "", AT_S, AT_S + seconds, lasts=False, plan=plan)


def played(setup: Setup, golden: Golden, faults: Sequence[DrawnFault]) -> list[FaultResult]:
    client: Any = Client(golden, *faults, None)
    walker.walk(setup, client)
    assert client.heard[0] == walker.READY
    return [FaultResult.from_dict(row) for row in client.heard[1:]]


LOST_LINE = fault(
    0,
    "uart_loss",
    {"port": "USART2", "direction": "sent", "from_s": AT_S, "until_s": AT_S + 0.5},
    seconds=0.5,
)
SILENT_SENSOR = fault(
    1, "i2c_nack", {"bus": "I2C1", "address": 0x69, "from_s": AT_S, "until_s": AT_S + 9.0}, seconds=9.0
)
UNUSED_RAM = fault(2, "ram_bit_flip", {"at_s": AT_S, "address": 0x20030000, "bit": 0})
LOST_COUNTER = fault(3, "register_bit_flip", {"at_s": AT_S, "name": "pc", "bit": 30})
RESET = fault(4, "watchdog_reset", {"at_s": AT_S})


def test_every_fault_is_told_by_what_came_of_it(setup: Setup, golden_bench: tuple[Golden, Bench]) -> None:
    lost, unused, reset = played(setup, golden_bench[0], [LOST_LINE, UNUSED_RAM, RESET])
    assert (lost.outcome, lost.answers_lost, lost.said) == (RECOVERED, 5, ())
    assert unused.outcome == MASKED
    assert unused.hit.endswith(", asleep")
    assert reset.resets == ("iwdg",)
    assert reset.outcome != MASKED


def test_rows_do_not_depend_on_who_plays_them(setup: Setup, golden_bench: tuple[Golden, Bench]) -> None:
    """One walker or two: every fault leaves the golden run at the same point."""
    golden, _ = golden_bench
    later = replace(UNUSED_RAM, number=5, begin_s=AT_S + 0.5, end_s=AT_S + 0.5)
    together = played(setup, golden, [LOST_LINE, LOST_COUNTER, later])
    apart = [*played(setup, golden, [LOST_LINE, later]), *played(setup, golden, [LOST_COUNTER])]
    assert sorted(together, key=lambda row: row.number) == sorted(apart, key=lambda row: row.number)


def test_a_sensor_that_is_gone_for_the_rest_is_a_hang(setup: Setup, golden_bench: tuple[Golden, Bench]) -> None:
    (row,) = played(setup, golden_bench[0], [SILENT_SENSOR])
    assert (row.outcome, row.recovery_s) == (HANG, None)
    assert any("answer" in line for line in row.said)


def test_a_crash_of_the_emulator_is_an_outcome_of_one_fault(
    setup: Setup, golden_bench: tuple[Golden, Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    follow = walker.follow

    def crash(bench: Bench, one: DrawnFault, *rest: Any) -> FaultResult:
        if one is UNUSED_RAM:
            os.kill(os.getpid(), signal.SIGKILL)
        if one is RESET:
            raise RuntimeError("lost\nits way")
        return follow(bench, one, *rest)

    monkeypatch.setattr(walker, "follow", crash)
    rows = played(setup, golden_bench[0], [UNUSED_RAM, RESET, LOST_LINE])
    assert [row.outcome for row in rows] == [FAILED, FAILED, RECOVERED]
    assert [row.note for row in rows] == ["its process ended by SIGKILL", "RuntimeError: lost", ""]


def test_a_fault_that_takes_too_long_on_the_host_is_ended(
    setup: Setup, golden_bench: tuple[Golden, Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    def spin(*_: Any) -> FaultResult:
        while True:
            pass

    monkeypatch.setattr(walker, "follow", spin)
    hasty = replace(setup, campaign=setup.campaign.model_copy(update={"host_s": 0.05}))
    (row,) = played(hasty, golden_bench[0], [UNUSED_RAM])
    assert (row.outcome, row.note) == (FAILED, "no end within 0.05 s of the host's processor")


def test_a_fault_that_takes_too_much_memory_is_ended(
    setup: Setup, golden_bench: tuple[Golden, Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    def swell(*_: Any) -> FaultResult:
        taken = []
        while True:
            taken.append(bytearray(64 << 20))

    monkeypatch.setattr(walker, "follow", swell)
    monkeypatch.setattr(walker, "memory_limited", partial(memory_limited, LEAST_MEMORY_BYTES))
    (row,) = played(setup, golden_bench[0], [UNUSED_RAM])
    assert (row.outcome, row.note) == (FAILED, "needs more than 256 MiB of the host's memory")


def test_a_dead_core_waits_for_its_watchdog(golden_bench: tuple[Golden, Bench]) -> None:
    """The watchdog is started as firmware would do it; without one nothing wakes the core."""
    emulator = golden_bench[1].emulator
    dog = emulator.peripheral("IWDG")
    snapshot = emulator.snapshot()
    before, resets = emulator.now_s, len(emulator.resets)
    if not emulator.lock_up():
        dog.write(0x00, 4, 0xCCCC)
        assert emulator.lock_up()
    emulator.run(until_s=before + 40.0)
    assert emulator.resets[resets:][:1] == ["iwdg"]
    emulator.restore(snapshot)


def test_a_recording_that_is_too_short_is_refused(setup: Setup, golden_bench: tuple[Golden, Bench]) -> None:
    assert golden_bench[0].from_s < golden_bench[0].until_s
    short = replace(setup, campaign=setup.campaign.model_copy(update={"seconds": 2.0}))
    with pytest.raises(BadInputError, match=r"campaign.toml: seconds is 2.0; is too short"):
        play_golden(Bench(short), short, no_progress)


def test_what_follows_from_missed_frames_is_the_answer_of_the_same_network(
    setup: Setup, golden_bench: tuple[Golden, Bench]
) -> None:
    """Without a fault that is what the firmware says; another network is refused."""
    golden, bench = golden_bench
    assert bench.replay is None
    frames = stimulus_of(setup.campaign.play).frames
    replay = Replay("people_c16_p_c16_fc_w3", frames, "campaign.toml")
    replay.check(golden.answers)
    part = [*golden.answers[:50], *golden.answers[60:]]
    again = replay.expected(part, 40)
    assert [one.frame for one in again] == [one.frame for one in part[40:]]
    assert all(one.value == one.expected for one in again[:10])
    with pytest.raises(BadInputError, match=r"campaign.toml: network is 'people_c8_p_fc'; must be the firmware's"):
        Replay("people_c8_p_fc", frames, "campaign.toml").check(golden.answers)


def test_frames_that_were_missed_are_no_fault_of_the_answers_behind(setup: Setup) -> None:
    """A sensor that was silent for a while, with a network named: all that differs follows."""
    named = replace(setup, campaign=setup.campaign.model_copy(update={"network": "people_c16_p_c16_fc_w3"}))
    golden = play_golden(Bench(named), named, no_progress)
    table = {"bus": "I2C1", "address": 0x69, "from_s": AT_S, "until_s": AT_S + 0.8}
    (row,) = played(named, golden, [fault(6, "i2c_nack", table, seconds=0.8)])
    assert (row.outcome, row.answers_wrong) == (RECOVERED, 0)
    assert row.answers_lost > 5


def test_a_campaign_from_its_file(recording: Path, tmp_path: Path) -> None:
    """Golden run, draws, processes and rows together."""
    path = tmp_path / "campaign.toml"
    path.write_text(
        f"play = '{recording}'\nseconds = 12.0\nfaults = 2\nrecover_s = 1.0\n[uart_loss]\n[watchdog_reset]\n"
    )
    result = run_campaign("people_counter_stm32l4a6zg", "stm32l4a6zg", str(path), jobs=1)
    assert [row.kind for row in result.rows] == ["uart_loss", "watchdog_reset"]
    assert [row.number for row in result.rows] == [0, 1]
    assert FAILED not in {row.outcome for row in result.rows}
    answer = json.loads(json.dumps(campaign_answer(result), allow_nan=False))
    assert sum(answer["outcomes"].values()) == 2
    with pytest.raises(BadInputError, match="--jobs is 0"):
        run_campaign("people_counter_stm32l4a6zg", "stm32l4a6zg", str(path), jobs=0)


@pytest.fixture
def result(setup: Setup, golden_bench: tuple[Golden, Bench]) -> CampaignResult:
    generator = np.random.default_rng(1)
    rows = tuple(
        FaultResult(
            number, kind, 'bit, "quoted"', target, 20.0, 20.0, "main", str(generator.choice(OUTCOMES)), said=("a", "b")
        )
        for number, (kind, target) in enumerate(
            [("i2c_nack", ""), *(("ram_bit_flip", f"v{n}") for n in range(6)), ("register_bit_flip", "r1")]
        )
    )
    return CampaignResult(setup.campaign, "image", "0" * 64, "board", golden_bench[0], rows)


def test_what_is_written_is_the_same_every_time(result: CampaignResult) -> None:
    assert heat_map_png(result) == heat_map_png(result)
    assert heat_map_png(result).startswith(b"\x89PNG")
    lines = faults_csv(result).decode().splitlines()
    assert len(lines) == 9
    assert lines[1].startswith('0,i2c_nack,"bit, ""quoted""",,20.0,20.0,main,')
    assert ",a; b," in lines[1]


def test_the_answer_adds_up(result: CampaignResult) -> None:
    answer = campaign_answer(result)
    assert sum(answer["outcomes"].values()) == answer["faults"] == 8
    assert len(answer["by_symbol"]) == 6
    harm = [sum(counts.values()) - counts[MASKED] for counts in answer["by_symbol"].values()]
    assert harm == sorted(harm, reverse=True)
