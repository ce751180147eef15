"""Lets one fault happen to a bench, watches what comes of it, and says how the firmware took it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcu_models.emulators.fault_injection import inject
from twin.campaign.bench import GRID_S
from twin.campaign.verdict import FAILED, Watched
from twin.uart_script import never

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.emulators.connections import Disturbance
    from mcu_models.emulators.unicorn_backend import UnicornEmulator
    from twin.campaign.bench import Bench, Golden
    from twin.campaign.campaign_file import Campaign
    from twin.campaign.draws import DrawnFault
    from twin.campaign.verdict import Answer, Verdict

MOST_SAID = 5
"""Different lines that are kept of what was said."""
MOST_CHARACTERS = 100
_DIGITS = 6


@dataclass(frozen=True)
class FaultResult:
    """A row of a campaign's table.

    Attributes:
        number: Of the fault.
        kind: Of the fault.
        fault: Its parameters in words.
        target: Variable, memory or register that a bit flip hits; else empty.
        begin_s: When it began, in virtual time.
        end_s: When it was over; None where it lasts for good.
        hit: What the firmware was running when the fault first did something; empty when it never did.
        outcome: How the firmware took it.
        silent: Whether an answer was wrong and nothing was said.
        recovery_s: How long it took to recover; None when it did not.
        answers_lost: How many.
        answers_wrong: How many.
        answers_following: How many are not those of the golden run, but follow from the frames that were missed.
        wrong_for_s: From the first wrong answer to the last.
        renumbered: Whether the firmware has numbered frames anew.
        resets: Causes of resets.
        said: Lines, each once, with which the firmware said something.
        note: How the core ended, before a watchdog reset it if one did; or how the emulator ended.
    """

    number: int
    kind: str
    fault: str
    target: str
    begin_s: float
    end_s: float | None
    hit: str
    outcome: str
    silent: bool = False
    recovery_s: float | None = None
    answers_lost: int = 0
    answers_wrong: int = 0
    answers_following: int = 0
    wrong_for_s: float = 0.0
    renumbered: bool = False
    resets: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    note: str = ""

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> FaultResult:
        """Return a row that came as JSON."""
        return cls(**{**row, "resets": tuple(row["resets"]), "said": tuple(row["said"])})


def failed(fault: DrawnFault, why: str) -> FaultResult:
    """Return the row of a fault that the emulator did not survive."""
    return _row(fault, hit="", outcome=FAILED, note=why)


def follow(
    bench: Bench, fault: DrawnFault, golden: Golden, campaign: Campaign, give_up: Callable[[], bool] = never
) -> FaultResult:
    """Return how the firmware took a fault.

    Args:
        bench: It stands at the last point of the grid before the fault.
        fault: What happens.
        golden: The run without it.
        campaign: How long it is watched, and what is said.
        give_up: Asked every few milliseconds on the host, so that it may end this process.
    """
    return _Follower(bench, fault, golden, campaign).result(give_up)


class _Follower:
    def __init__(self, bench: Bench, fault: DrawnFault, golden: Golden, campaign: Campaign) -> None:
        self._bench, self._fault, self._golden, self._campaign = bench, fault, golden, campaign
        self._judge = golden.judge(campaign)
        self._detected = re.compile(campaign.detected)
        self._first_answer, self._first_line = len(bench.answers), len(bench.lines)
        self._first_reset = len(bench.emulator.resets)
        self._reset_s = math.inf
        self._hit = ""
        self._over_s = fault.end_s
        bench.emulator.connections.listeners.on_disturbance.append(self._disturbed)

    def result(self, give_up: Callable[[], bool]) -> FaultResult:
        """Let it happen."""
        emulator, fault = self._bench.emulator, self._fault
        inject(emulator, fault.plan, source=f"fault {fault.number}")
        tick, note = math.floor(emulator.now_s / GRID_S + 0.5), ""
        while True:
            tick += 1
            outcome = emulator.run(until_s=tick * GRID_S, give_up=give_up)
            if math.isinf(self._reset_s) and len(emulator.resets) > self._first_reset:
                self._reset_s = emulator.now_s
            if outcome.end in ("fault", "halt"):
                note = note or outcome.detail
                if not emulator.lock_up():
                    until_s = self._horizon_s(math.inf)
                    break
                tick = math.floor(emulator.now_s / GRID_S)
            until_s = emulator.now_s
            if self._is_seen(until_s):
                break
        return self._finished(self._judged(until_s), note)

    def _is_seen(self, now_s: float) -> bool:
        """Tell whether a fault has been watched for long enough."""
        calm_s = self._campaign.calm_s
        may_be_calm = calm_s is not None and not self._fault.lasts and now_s >= self._over_s + calm_s
        if not may_be_calm and now_s < self._horizon_s(math.inf):
            return False
        verdict = self._judged(now_s)
        if calm_s is not None and may_be_calm and now_s >= max(self._over_s, verdict.recovered_s) + calm_s:
            return True
        return now_s >= self._horizon_s(verdict.first_harm_s)

    def _horizon_s(self, harm_s: float) -> float:
        """Return until when the fault is watched."""
        campaign = self._campaign
        is_late = math.inf > harm_s > self._over_s + campaign.recover_s
        counted_from_s = harm_s if is_late else self._over_s
        return min(counted_from_s + campaign.recover_s + campaign.watch_s, self._golden.end_s)

    def _judged(self, until_s: float) -> Verdict:
        said_s = next((line.time_s for line in self._said()), math.inf)
        answers = [one for one in self._answers() if one.time_s >= self._fault.begin_s]
        noticed_s = min(said_s, self._reset_s)
        return self._judge.judge(Watched(self._fault.begin_s, self._over_s, until_s, answers, noticed_s))

    def _answers(self) -> list[Answer]:
        answers, replay = self._bench.answers, self._bench.replay
        since = answers[self._first_answer :]
        if replay is None or not self._judge.finds_wrong(since):
            return since
        return replay.expected(answers, self._first_answer)

    def _said(self) -> list[Any]:
        lines = self._bench.lines[self._first_line :]
        return [line for line in lines if line.time_s >= self._fault.begin_s and self._detected.search(line.text)]

    def _disturbed(self, disturbance: Disturbance) -> None:
        if not self._hit:
            self._hit = _running(self._bench.emulator)
        if "let go" in disturbance.what:
            self._over_s = min(disturbance.time_s, self._fault.end_s)

    def _finished(self, verdict: Verdict, note: str) -> FaultResult:
        said = dict.fromkeys(line.text[:MOST_CHARACTERS] for line in self._said())
        resets = self._bench.emulator.resets[self._first_reset :]
        return _row(
            self._fault,
            hit=self._hit,
            outcome=verdict.outcome,
            end_s=None if self._fault.lasts else round(self._over_s, _DIGITS),
            silent=verdict.is_silent,
            recovery_s=None if verdict.recovery_s is None else round(verdict.recovery_s, _DIGITS),
            answers_lost=verdict.lost,
            answers_wrong=verdict.wrong,
            answers_following=verdict.following,
            wrong_for_s=round(verdict.wrong_for_s, _DIGITS),
            renumbered=verdict.is_renumbered,
            resets=tuple(resets[:MOST_SAID]),
            said=tuple(said)[:MOST_SAID],
            note=note,
        )


def _row(fault: DrawnFault, **rest: Any) -> FaultResult:
    values: dict[str, Any] = {
        "number": fault.number,
        "kind": fault.kind,
        "fault": fault.words,
        "target": fault.target,
        "begin_s": round(fault.begin_s, _DIGITS),
        "end_s": None if fault.lasts else round(fault.end_s, _DIGITS),
    }
    return FaultResult(**(values | rest))


def _running(emulator: UnicornEmulator) -> str:
    """Return which function runs, or sleeps."""
    blocks = emulator.recent_blocks()
    name = emulator.image.function_at(blocks[-1] if blocks else emulator.pc)
    spans = emulator.recent_spans()
    return f"{name}, asleep" if spans and spans[-1].state.mode != "run" else name
