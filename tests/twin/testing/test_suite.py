"""Suites without Python: cases, outcomes, what a crash leaves."""

from __future__ import annotations

import os
import signal
import struct
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from datasheet.bad_input import BadInputError
from twin.cli import app
from twin.testing import suite_runner
from twin.testing.junit import junit_xml
from twin.testing.suite import read_suite
from twin.testing.suite_case import CaseResult, run_case
from twin.testing.suite_runner import RunnerOptions, run_cases

if TYPE_CHECKING:
    from collections.abc import Callable

    from twin.testing.suite import Case

STILL = struct.pack("<2I", 0x20001000, 0x080001C1) + bytes(0x1B8) + b"\xfe\xe7"
"""Two vectors and a branch to itself."""
HEAD = """
title = "a suite"
image = "people_counter_{board}"
boards = ["stm32l4a6zg"]
"""
OFFICE = """
[[scenario]]
name = "office"
play = "office_doorway"
seconds = 3.5
expect = ["people counter", '/^\\d+ \\d$/']
accuracy_at_least = 0.1
answers_within_s = 0.3
sleep_at_least = 0.5
[scenario.cycles_at_most]
people_count = 200_000
"""
UNPLUGGED = """
[[fault]]
name = "unplugged"
plan.i2c_brown_out = [{ bus = "I2C1", from_s = 0.5, until_s = 0.7 }]
expect = ["sensor does not answer"]
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def written(text: str) -> Path:
        path = tmp_path / "suite.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def run(case: Case, suite: Path, artefacts: Path | None = None) -> CaseResult:
    return run_case(case, suite=suite, host_seconds=60.0, artefacts=artefacts)


def test_every_scenario_runs_alone_and_with_every_fault(write: Callable[[str], Path]) -> None:
    suite = read_suite(write(HEAD + OFFICE + UNPLUGGED + OFFICE.replace('"office"', '"again"')))
    assert [case.name for case in suite.cases] == [
        "stm32l4a6zg/office/no fault",
        "stm32l4a6zg/office/unplugged",
        "stm32l4a6zg/again/no fault",
        "stm32l4a6zg/again/unplugged",
    ]


def test_a_case_passes_and_one_with_a_fault_is_held_to_its_own_checks(write: Callable[[str], Path]) -> None:
    path = write(HEAD + OFFICE + UNPLUGGED)
    results = [run(case, path) for case in read_suite(path).cases]
    assert [(one.outcome, one.told) for one in results] == [("passed", "")] * 2
    assert "sensor does not answer" in results[1].uart
    assert "sensor does not answer" not in results[0].uart


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("accuracy_at_least = 0.1", "accuracy_at_least = 1.0", "of the answers are right, 100.0% at least"),
        ("people_count = 200_000", "people_count = 1_000", "people_count took"),
        ("sleep_at_least = 0.5", "sleep_at_least = 1.0", "100.0% at least"),
        ("sleep_at_least = 0.5", "energy_uj_at_most = 1.0", "uJ, 1.0 at most"),
        ('expect = ["people counter"', 'expect = ["hello"', "'hello' did not come"),
        ("sleep_at_least = 0.5", 'never = ["counter"]', "'counter' came 1 times, first in 'people counter'"),
    ],
)
def test_what_is_not_shown_fails(write: Callable[[str], Path], before: str, after: str, told: str) -> None:
    path = write(HEAD + OFFICE.replace(before, after).replace("seconds = 3.5", "seconds = 0.5"))
    result = run(read_suite(path).cases[0], path)
    assert result.outcome == "failed"
    assert told in result.told
    assert "people_counter_stm32l4a6zg.elf on stm32l4a6zg" in result.told


def test_a_failed_case_leaves_what_is_needed_to_look_at_it(write: Callable[[str], Path], tmp_path: Path) -> None:
    path = write(HEAD + OFFICE.replace("accuracy_at_least = 0.1", 'never = ["people"]').replace("3.5", "0.5"))
    result = run(read_suite(path).cases[0], path, tmp_path / "left")
    assert Path(result.artefacts).parent == tmp_path / "left"
    assert Path(result.artefacts).name.startswith("stm32l4a6zg_office_no_fault-")
    assert "--case 'stm32l4a6zg/office/no fault'" in (Path(result.artefacts) / "reproduce.txt").read_text()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEAD, r"scenario"),
        (HEAD.replace("people_counter", "no_counter") + OFFICE, r"image.*no_counter_stm32l4a6zg"),
        (HEAD.replace('"stm32l4a6zg"', '"stm32"') + OFFICE, r"stm32"),
        (HEAD + OFFICE + OFFICE, r"scenario.name.*differ"),
        (HEAD + OFFICE.replace("seconds", "secs"), r"secs"),
        (HEAD + OFFICE.replace(r"\d$/", "(/"), r"regular expression"),
        (HEAD + OFFICE + UNPLUGGED.replace("i2c_brown_out", "i2c_brownout"), r"i2c_brownout"),
        (HEAD + OFFICE.replace("office_doorway", "office_dorway"), r"scenario.play.*office_dorway.*cannot be played"),
        (HEAD + OFFICE.replace("office_doorway", "frames.npz"), r"scenario.play.*frames.npz.*no such file"),
        (HEAD + OFFICE + '[[fault]]\nname = "none"\n', r"plan or plan_file"),
        (HEAD + 'quarantine = ["*/offce/*"]\n' + OFFICE, r"quarantine.*is no case"),
    ],
)
def test_what_is_wrong_with_a_suite_is_told(write: Callable[[str], Path], text: str, told: str) -> None:
    with pytest.raises(BadInputError, match=told):
        read_suite(write(text))


def still(tmp_path: Path, write: Callable[[str], Path], more: str = "") -> Path:
    """Write a suite of one case: firmware that does nothing, as Intel HEX knows its own address."""
    (tmp_path / "still.hex").write_text(_hex(0x08000000, STILL), encoding="ascii")
    head = f'title = "still"\nimage = "still.hex"\nboards = ["stm32l4a6zg"]\n{more}'
    return write(head + '[[scenario]]\nname = "alone"\nseconds = 0.001\n')


def _hex(address: int, data: bytes) -> str:
    """Return Intel HEX."""

    def record(kind: int, at: int, content: bytes) -> str:
        body = bytes((len(content), at >> 8 & 0xFF, at & 0xFF, kind)) + content
        return f":{(body + bytes((-sum(body) & 0xFF,))).hex().upper()}\n"

    rows = (record(0, place, data[place : place + 16]) for place in range(0, len(data), 16))
    return record(4, 0, struct.pack(">H", address >> 16)) + "".join(rows) + record(1, 0, b"")


def _dies(_results: object, _case: Case, _options: RunnerOptions) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hangs(_results: object, _case: Case, _options: RunnerOptions) -> None:
    signal.pause()


def test_a_crash_and_a_hang_are_results_like_others(
    tmp_path: Path, write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = still(tmp_path, write)
    first = read_suite(path).cases[0]
    monkeypatch.setattr(suite_runner, "GRACE_S", 0.2)
    monkeypatch.setattr(suite_runner, "_in_child", _dies)
    crashed = run_cases([first], RunnerOptions(path), lambda _: None)
    assert (crashed[0].outcome, crashed[0].told) == ("error", "the emulator's process ended with status -9")
    monkeypatch.setattr(suite_runner, "_in_child", _hangs)
    hung = run_cases([first], RunnerOptions(path, host_seconds=0.2), lambda _: None)
    assert hung[0].outcome == "timed out"


def test_a_case_that_did_not_pass_is_tried_again_only_when_asked(
    tmp_path: Path, write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = still(tmp_path, write)
    case = read_suite(path).cases[0]
    monkeypatch.setattr(suite_runner, "_in_child", _dies)
    assert run_cases([case], RunnerOptions(path), lambda _: None)[0].tries == 1
    assert run_cases([case], RunnerOptions(path, retries=2), lambda _: None)[0].tries == 3


def test_the_command_tells_writes_junit_and_fails(tmp_path: Path, write: Callable[[str], Path]) -> None:
    path = still(tmp_path, write)
    text = path.read_text(encoding="utf-8")
    path.write_text(text + 'expect = ["hello"]\n[[scenario]]\nname = "fine"\nseconds = 0.001\n', encoding="utf-8")
    junit = tmp_path / "out" / "junit.xml"
    result = CliRunner().invoke(app, ["test", str(path), "--junit", str(junit)])
    assert result.exit_code == 1, result.output
    assert "1 passed, 1 failed" in result.output
    cases = {case.get("name"): case for case in ET.parse(junit).getroot().iter("testcase")}  # noqa: S314 - our own
    assert cases["stm32l4a6zg/alone/no fault"].find("failure") is not None
    assert cases["stm32l4a6zg/fine/no fault"].find("failure") is None
    only = CliRunner().invoke(app, ["test", str(path), "--case", "*/fine/*", "--json"])
    assert only.exit_code == 0
    assert '"passed": true' in only.stdout


def test_a_case_in_quarantine_does_not_count(tmp_path: Path, write: Callable[[str], Path]) -> None:
    path = still(tmp_path, write, 'quarantine = ["*/alone/*"]\n')
    path.write_text(path.read_text(encoding="utf-8") + 'expect = ["hello"]\n', encoding="utf-8")
    result = run(read_suite(path).cases[0], path)
    assert (result.outcome, result.counts) == ("failed", False)
    root = ET.fromstring(junit_xml("a", [result]))  # noqa: S314 - our own
    assert (root.get("failures"), root.get("skipped")) == ("0", "1")


def test_junit_takes_whatever_firmware_sends() -> None:
    odd = CaseResult("a", "failed", told="it sent \x00 and \x1b[31m", uart="\x00\ufffe<&>")
    root = ET.fromstring(junit_xml("<suite>", [odd, replace(odd, name="b", outcome="timed out")]))  # noqa: S314
    assert root[0].get("name") == "<suite>"
    assert [len(list(root.iter(kind))) for kind in ("failure", "error")] == [1, 1]


def test_cases_of_one_name_are_refused(write: Callable[[str], Path]) -> None:
    scenarios = "".join(f'[[scenario]]\nname = "{name}"\n' for name in ("a", "a/b"))
    faults = "".join(f'[[fault]]\nname = "{name}"\nplan.watchdog_reset = [{{ at_s = 0.1 }}]\n' for name in ("c", "b/c"))
    with pytest.raises(BadInputError, match=r"stm32l4a6zg/a/b/c.*must differ"):
        read_suite(write(HEAD + scenarios + faults))


def test_the_command_takes_any_name_and_refuses_a_bad_report_before_it_runs(
    tmp_path: Path, write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = still(tmp_path, write)
    long = "x" * 100
    path.write_text(path.read_text(encoding="utf-8").replace('"alone"', f'"[/{long}] y"'), encoding="utf-8")
    result = CliRunner().invoke(app, ["test", str(path)])
    assert f"[/{long}] y/no fault" in result.output
    monkeypatch.setattr(suite_runner, "run_cases", lambda *_: pytest.fail("ran"))
    result = CliRunner().invoke(app, ["test", str(path), "--junit", str(tmp_path)])
    assert isinstance(result.exception, BadInputError)
