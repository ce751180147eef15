"""Runs one case of a suite in this process, and says what came of it."""

from __future__ import annotations

import shlex
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from datasheet.bad_input import BadInputError
from mcu_models.emulators.renode.installation import is_renode_there
from mcu_models.emulators.renode.process import RenodeError
from twin.testing.artefacts import folder_name, write_artefacts
from twin.testing.bench import Bench
from twin.testing.failures import FirmwareFailedError, HostTimeUpError, story
from twin.testing.playback import UNANSWERED
from twin.testing.suite import wanted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mcu_models.emulators.fault_plan import FaultPlan
    from twin.testing.machine import Machine
    from twin.testing.suite import Case, Checks

Outcome = Literal["passed", "failed", "error", "timed out", "skipped"]
SETTLE_S = 1.0
"""Behind the last frame, for the answer to it to come."""
_TIMES = ("from_s", "until_s", "at_s")


@dataclass(frozen=True)
class CaseResult:
    """What came of a case.

    Attributes:
        name: Of the case.
        outcome: "failed" is the firmware's doing, "error" the twin's or the input's.
        host_s: Time it took on the host.
        virtual_s: Virtual time it reached.
        told: Why it did not pass, and what the firmware said last; empty when it passed.
        uart: What the firmware said.
        tries: How often it was run.
        is_quarantined: Whether a failure does not count.
        artefacts: Folder with what it left behind; empty without.
    """

    name: str
    outcome: Outcome
    host_s: float = 0.0
    virtual_s: float = 0.0
    told: str = ""
    uart: str = ""
    tries: int = 1
    is_quarantined: bool = False
    artefacts: str = ""

    @property
    def counts(self) -> bool:
        """Whether it makes the suite fail."""
        return self.outcome not in ("passed", "skipped") and not self.is_quarantined


def run_case(case: Case, *, suite: Path, host_seconds: float, artefacts: Path | None) -> CaseResult:
    """Run a case; whatever happens, there is a result.

    Args:
        case: What to run.
        suite: The suite's file, for the command that runs it again.
        host_seconds: Time it may take.
        artefacts: Folder for what failed cases leave behind, each in one of its own.
    """
    begin_s = time.monotonic()
    if case.backend == "renode" and not is_renode_there():
        return CaseResult(case.name, "skipped", told="Renode is not installed", is_quarantined=case.is_quarantined)
    bench = Bench(host_seconds=host_seconds)
    outcome, told = _played(bench, case)
    machine = bench.machines[0] if bench.machines else None
    if machine is not None and outcome != "passed" and story(machine.emulator) not in told:
        told = f"{told}\n{story(machine.emulator)}"
    left = ""
    if machine is not None and outcome != "passed" and artefacts is not None:
        left, told = _left(machine, case, suite, artefacts, told)
    result = CaseResult(
        name=case.name,
        outcome=outcome,
        host_s=time.monotonic() - begin_s,
        virtual_s=machine.now_s if machine else 0.0,
        told=told,
        uart="".join(f"{line.text}\n" for line in machine.uart_lines()) if machine else "",
        is_quarantined=case.is_quarantined,
        artefacts=left,
    )
    bench.close()
    return result


def _played(bench: Bench, case: Case) -> tuple[Outcome, str]:
    try:
        machine = bench.boot(case.image, board=case.board, backend=case.backend, functions=case.functions)
        _play(machine, case)
        problems = list(_problems(machine, case.checks))
    except HostTimeUpError as error:
        return "timed out", str(error)
    except FirmwareFailedError as error:
        return "failed", str(error)
    except (BadInputError, RenodeError) as error:
        return "error", str(error)
    except Exception:  # noqa: BLE001 - one case must not end a suite
        return "error", traceback.format_exc()
    return ("failed", "\n".join(problems)) if problems else ("passed", "")


def _play(machine: Machine, case: Case) -> None:
    scenario = case.scenario
    if scenario.play is not None:
        machine.play(
            scenario.play,
            seconds=scenario.seconds,
            seed=scenario.seed,
            bus=scenario.bus,
            address=scenario.address,
            run=False,
        )
    for text in scenario.send:
        machine.send_uart(text + "\n")
    if case.plan is not None:
        machine.inject(_from_now(machine, case))
    if machine.stimulus is None:
        machine.run(scenario.seconds)
    else:
        machine.play_on()
        machine.run(SETTLE_S)


def _from_now(machine: Machine, case: Case) -> FaultPlan:
    """Return the fault plan, its times counted from power-on; run to the first frame if they count from there."""
    assert case.plan is not None  # noqa: S101 - the caller has looked
    assert case.fault is not None  # noqa: S101 - a plan belongs to a fault
    stimulus = machine.stimulus
    if stimulus is None or case.fault.times_from == "power-on":
        return case.plan
    while stimulus.frame_now < 0 and machine.now_s < stimulus.end_s:
        machine.run(_LOOK_S)
    kinds = {name: getattr(case.plan, name) for name in type(case.plan).model_fields if name != "seed"}
    later = {kind: tuple(_later(one, machine.now_s) for one in faults) for kind, faults in kinds.items()}
    return case.plan.model_copy(update=later)


_LOOK_S = 0.05


def _later(fault: object, by_s: float) -> object:
    fields = {name: value + by_s for name in _TIMES if (value := getattr(fault, name, None)) is not None}
    return fault.model_copy(update=fields)  # type: ignore[attr-defined]


def _problems(machine: Machine, checks: Checks) -> Iterator[str]:
    """Yield what a case should have shown and did not."""
    yield from _texts(machine, checks)
    if machine.playback is not None:
        yield from _answers(machine, checks)
    for function, limit in checks.cycles_at_most.items():
        longest = machine.calls(function).longest
        if not machine.calls(function).calls:
            yield f"no call of {function} has ended"
        elif longest > limit:
            yield f"{function} took {longest:,} cycles, {limit:,} at most"
    if checks.sleep_at_least is not None and machine.sleep_fraction() < checks.sleep_at_least:
        yield f"slept {machine.sleep_fraction():.1%} of the time, {checks.sleep_at_least:.1%} at least"
    energy_uj = machine.energy_j() * 1e6
    if checks.energy_uj_at_most is not None and energy_uj > checks.energy_uj_at_most:
        yield f"took {energy_uj:,.1f} uJ, {checks.energy_uj_at_most:,.1f} at most"


def _texts(machine: Machine, checks: Checks) -> Iterator[str]:
    for text in checks.expect:
        try:
            machine.expect_uart(wanted(text), within_s=0.0)
        except FirmwareFailedError:
            yield f"{text!r} did not come"
            break
    lines = [line.text for line in machine.uart_lines()]
    for text in checks.never:
        looked_for = wanted(text)
        found = [line for line in lines if (text in line if isinstance(looked_for, str) else looked_for.search(line))]
        if found:
            yield f"{text!r} came {len(found)} times, first in {found[0]!r}"


def _answers(machine: Machine, checks: Checks) -> Iterator[str]:
    playback = machine.playback
    assert playback is not None  # noqa: S101 - the caller has looked
    if checks.accuracy_at_least is not None:
        accuracy = playback.accuracy(checks.answers)
        if not accuracy >= checks.accuracy_at_least:
            yield f"{accuracy:.1%} of the answers are right, {checks.accuracy_at_least:.1%} at least"
    if checks.answers_within_s is not None:
        answered = np.flatnonzero(playback.answers(checks.answers) != UNANSWERED)
        last_s = playback.stimulus.frame_s(int(answered[-1])) if len(answered) else -np.inf
        age_s = playback.stimulus.end_s - last_s
        if age_s > checks.answers_within_s:
            yield f"the last answer was {age_s:.1f} s old at the end, {checks.answers_within_s:g} s at most"


def _left(machine: Machine, case: Case, suite: Path, artefacts: Path, told: str) -> tuple[str, str]:
    """Leave artefacts; return their folder and the text with it."""
    folder = artefacts / folder_name(case.name)
    command = f"twin test {shlex.quote(str(suite))} --case {shlex.quote(case.name)}"
    try:
        files = write_artefacts(folder, machine, reproduce=command)
    except (BadInputError, OSError) as error:
        return "", f"{told}\nnothing could be left in {folder}: {error}"
    return str(folder), f"{told}\nto do it again: {command}\nleft in {folder}: {', '.join(files)}"
