"""The plugin as pytest loads it: failures, matrices, budgets."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("blinker")
STILL = struct.pack("<2I", 0x20001000, 0x080001C1) + bytes(0x1B8) + b"\xfe\xe7"
"""Two vectors and a branch to itself."""
BOOT = "twin.boot('still.bin', board='stm32l4a6zg', load_address=0x08000000)"


@pytest.fixture
def blinker(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with the smallest firmware there is."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    (pytester.path / "still.bin").write_bytes(STILL)


def test_a_failure_tells_what_the_firmware_said_and_where_it_was(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_counts(twin):
            machine = twin.boot("people_counter_stm32l4a6zg", board="stm32l4a6zg")
            machine.play("office_doorway", seconds=0.5)
            assert machine.sleep_fraction() > 2
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    lines = result.stdout
    lines.fnmatch_lines(["*people_counter_stm32l4a6zg.elf on stm32l4a6zg, * in * at 0x08*", "UART:", "*people counter"])
    lines.fnmatch_lines(["to do it again: cd * && python -m pytest *test_counts*", "left in *: state.txt, uart.log*"])
    folder = next((pytester.path / "twin-artefacts").iterdir())
    assert {path.name for path in folder.iterdir()} == {
        "state.txt", "uart.log", "reproduce.txt", "frames.png", "frames.npz", "trace.json"
    }  # fmt: skip
    events = json.loads((folder / "trace.json").read_text(encoding="utf-8"))["traceEvents"]
    assert {"network_run", "stop2", "people counter", "PA8 high"} <= {event["name"] for event in events}
    assert "people counter" in (folder / "uart.log").read_text(encoding="utf-8")


def test_a_test_runs_once_for_each_board_and_backend(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("RENODE", raising=False)
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.twin_boards("stm32l4a6zg", "stm32l476rg")
        @pytest.mark.twin_backends("unicorn", "renode")
        def test_boots(twin):
            machine = twin.boot("still.bin", load_address=0x08000000)
            machine.run(1e-3)
            print("on", machine.emulator.board.name)
        """
    )
    result = pytester.runpytest_inprocess("-v", "-rs", "-s", "-p", "no:cacheprovider", "--strict-markers")
    result.assert_outcomes(passed=2, skipped=2)
    result.stdout.fnmatch_lines(["*stm32l4a6zg-unicorn* on stm32l4a6zg*", "*stm32l476rg-unicorn* on stm32l476rg*"])
    result.stdout.fnmatch_lines(["SKIPPED * Renode is not installed; RENODE may name its executable"])


def test_a_backend_that_is_required_fails_where_it_is_missing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("RENODE", raising=False)
    pytester.makepyfile(f"def test_boots(twin): {BOOT}")
    options = ("--twin-backend", "renode", "--twin-require-backends", "-p", "no:cacheprovider")
    pytester.runpytest_inprocess(*options).assert_outcomes(errors=1)


def test_budgets_are_written_held_and_summed_up(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = pytester.path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("CYCLES", "1000")
    pytester.makepyfile(
        f"""
        import os

        def test_cost(twin):
            {BOOT}
            twin.assert_budget("work", cycles=int(os.environ["CYCLES"]))
        """
    )
    run = ("-p", "no:cacheprovider")
    pytester.runpytest_inprocess(*run).assert_outcomes(failed=1)
    pytester.runpytest_inprocess(*run, "--twin-update-baseline").assert_outcomes(passed=1)
    baseline = (pytester.path / "twin-baseline.toml").read_text(encoding="utf-8")
    assert "cycles = 1000\n" in baseline
    pytester.runpytest_inprocess(*run).assert_outcomes(passed=1)
    monkeypatch.setenv("CYCLES", "1030")
    result = pytester.runpytest_inprocess(*run)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*budget 'work' on stm32l4a6zg unicorn is exceeded:"])
    result.stdout.fnmatch_lines(["grew*cycles 1,000 -> 1,030: +30 (+3.00%), allowed +10"])
    assert "| ❌ | work | stm32l4a6zg unicorn | cycles | 1,000 | 1,030 | +30 (+3.00%) | +10 |" in summary.read_text()
    assert baseline == (pytester.path / "twin-baseline.toml").read_text(encoding="utf-8")


def test_what_a_failed_test_has_measured_is_no_baseline(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.parametrize("works", [True, False])
        def test_cost(twin, works):
            {BOOT}
            twin.assert_budget(f"work {{works}}", cycles=1000)
            assert works
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--twin-update-baseline")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["0 of 2 values within twin-baseline.toml, which is renewed but for 1 of failed tests"])
    text = Path(pytester.path / "twin-baseline.toml").read_text(encoding="utf-8")
    assert "work True" in text
    assert "work False" not in text


def test_workers_of_xdist_renew_one_baseline(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_cost(twin, number):
            {BOOT}
            twin.assert_budget(f"work {{number}}", cycles=1000 + number)
        """
    )
    result = pytester.runpytest_subprocess("-n", "2", "-p", "no:cacheprovider", "--twin-update-baseline")
    result.assert_outcomes(passed=4)
    text = Path(pytester.path / "twin-baseline.toml").read_text(encoding="utf-8")
    assert [f"cycles = {1000 + number}\n" in text for number in range(4)] == [True] * 4


def test_a_session_without_firmware_loads_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing():
            assert "numba" not in sys.modules
            assert "twin.testing.bench" not in sys.modules
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


@pytest.mark.parametrize("mark", ["twin_boards()", "twin_boards('a', 5)", "twin_boards(board='a')"])
def test_a_marker_without_names_is_told_in_one_line(pytester: pytest.Pytester, mark: str) -> None:
    pytester.makepyfile(f"import pytest\n@pytest.mark.{mark}\ndef test_boots(twin): pass")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["the marker twin_boards takes one name or more*"])
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_a_fixture_that_fails_leaves_what_a_test_does(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.fixture
        def machine(twin):
            machine = {BOOT}
            twin.assert_budget("boot", cycles=5)

        def test_boots(machine): pass
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["left in *: state.txt*", "new *boot on stm32l4a6zg unicorn: cycles 5*"])


@pytest.mark.parametrize(
    "option", ["--twin-summary=nowhere/x.md", "--twin-baseline=still.bin/x --twin-update-baseline"]
)
def test_what_cannot_be_left_at_the_end_is_told_and_fails(pytester: pytest.Pytester, option: str) -> None:
    pytester.makepyfile(f"def test_cost(twin):\n    {BOOT}\n    twin.assert_budget('work', cycles=1)")
    pytester.runpytest_inprocess("-p", "no:cacheprovider", "--twin-update-baseline").assert_outcomes(passed=1)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", *option.split())
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["*cannot be written*"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
