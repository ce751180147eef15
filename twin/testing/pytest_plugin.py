"""The pytest plugin: a fixture `twin` that boots firmware, markers for boards and backends, budgets and artefacts.

It is found by its entry point and loaded at every start of pytest, so it imports what it needs only when a test asks.
Under pytest-xdist each worker keeps its own machines; values for budgets travel with the reports.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from twin.testing.bench import Bench
    from twin.testing.budgets import Budgets, Comparison
    from twin.testing.machine import Machine

BASELINE: Final = "twin-baseline.toml"
ARTEFACTS: Final = "twin-artefacts"
_BENCH: Final = pytest.StashKey["Bench"]()
_PROPERTY: Final = "twin_budget"
_MARKERS: Final = {
    "twin_boards(*names)": "run the test once for each board; `twin.boot` takes it as its usual board",
    "twin_backends(*names)": "run the test once for each emulator, unicorn or renode",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what can be chosen on the command line and in the settings file."""
    group = parser.getgroup("twin", "firmware on emulated boards")
    group.addoption("--twin-board", help="board of machines that are booted without one")
    group.addoption("--twin-backend", default="unicorn", choices=("unicorn", "renode"), help="their emulator")
    group.addoption("--twin-baseline", help=f"baseline of the budgets; {BASELINE} in the root folder if not given")
    group.addoption("--twin-update-baseline", action="store_true", help="renew the baseline with what is measured")
    group.addoption("--twin-summary", help="append a table of the budgets in Markdown to this file")
    group.addoption("--twin-artefacts", default=ARTEFACTS, help="folder for what failed tests leave behind")
    group.addoption(
        "--twin-host-seconds", type=_host_seconds, default=300.0, help="host time that each machine may take"
    )
    group.addoption("--twin-require-backends", action="store_true", help="fail, not skip, where a backend is missing")
    parser.addini("twin_board", "board of machines that are booted without one")
    parser.addini("twin_baseline", f"baseline of the budgets, from the root folder; {BASELINE} if not given")


def _host_seconds(text: str) -> float:
    seconds = float(text)
    if not seconds > 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return seconds


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known, and listen for budgets unless this is a worker."""
    for marker, text in _MARKERS.items():
        config.addinivalue_line("markers", f"{marker}: {text}")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(BudgetReporter(config), "twin-budgets")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each of its boards and backends."""
    if "twin" not in metafunc.fixturenames:
        return
    marked = {name: metafunc.definition.get_closest_marker(name) for name in ("twin_boards", "twin_backends")}
    boards, backends = (_names(mark) if mark else [None] for mark in marked.values())
    if boards == [None] and backends == [None]:
        return
    pairs = [(board, backend) for board in boards for backend in backends]
    ids = ["-".join(part for part in pair if part) for pair in pairs]
    metafunc.parametrize("twin", pairs, indirect=True, ids=ids)


def _names(mark: pytest.Mark) -> list[str | None]:
    """Return the names that a marker holds."""
    if mark.kwargs or not mark.args or not all(isinstance(name, str) for name in mark.args):
        shown = f"{list(mark.args)} {mark.kwargs}" if mark.kwargs else list(mark.args)
        pytest.fail(f"the marker {mark.name} takes one name or more, each a text; got {shown}", pytrace=False)
    return list(dict.fromkeys(mark.args))


@pytest.fixture
def twin(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Boots firmware images on emulated boards; see `twin.testing.bench.Bench`."""
    from twin.testing.bench import Bench  # noqa: PLC0415

    config = request.config
    board, backend = getattr(request, "param", (None, None))
    backend = backend or config.getoption("--twin-backend")
    _require(backend, required=config.getoption("--twin-require-backends"))
    bench = Bench(
        board=board or config.getoption("--twin-board") or config.getini("twin_board") or None,
        backend=backend,
        budgets=_budgets(config),
        host_seconds=config.getoption("--twin-host-seconds"),
    )
    request.node.stash[_BENCH] = bench
    yield bench
    bench.close()


def _require(backend: str, *, required: bool) -> None:
    from mcu_models.emulators.renode.installation import is_renode_there  # noqa: PLC0415

    if backend != "renode" or is_renode_there():
        return
    reason = "Renode is not installed; RENODE may name its executable"
    if required:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _baseline(config: pytest.Config) -> Path:
    chosen = config.getoption("--twin-baseline")
    return Path(chosen).absolute() if chosen else config.rootpath / (config.getini("twin_baseline") or BASELINE)


def _budgets(config: pytest.Config) -> Budgets:
    from twin.testing.budgets import Budgets  # noqa: PLC0415

    return Budgets(_baseline(config), updates=config.getoption("--twin-update-baseline"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell of the firmware where a test has failed, and send what budgets were compared with."""
    report = yield
    bench = item.stash.get(_BENCH, None)
    # Fixtures boot and play, too: what fails there has no call.
    if bench is None or not (report.when == "call" or (report.when == "setup" and report.failed)):
        return report
    for comparison in bench.comparisons:
        item.user_properties.append((_PROPERTY, json.dumps(asdict(comparison))))
    report.user_properties = list(item.user_properties)
    if report.failed:
        from twin.testing.failures import FirmwareFailedError  # noqa: PLC0415

        has_told = call.excinfo is not None and call.excinfo.errisinstance(FirmwareFailedError)
        for number, machine in enumerate(bench.machines):
            _tell(report, item, machine, number, has_told=has_told and len(bench.machines) == 1)
    return report


def _tell(report: pytest.TestReport, item: pytest.Item, machine: Machine, number: int, *, has_told: bool) -> None:
    from twin.testing.artefacts import folder_name, write_artefacts  # noqa: PLC0415
    from twin.testing.failures import story  # noqa: PLC0415

    name = f"firmware {number + 1}" if number else "firmware"
    command = _command(item)
    # A firmware's failure has told it already.
    text = f"to do it again: {command}" if has_told else f"{story(machine.emulator)}\nto do it again: {command}"
    folder = Path(item.config.getoption("--twin-artefacts")).absolute() / folder_name(item.nodeid)
    folder = folder / str(number + 1) if number else folder
    try:
        files = write_artefacts(folder, machine, reproduce=command)
        text += f"\nleft in {folder}: {', '.join(files)}"
        report.user_properties.append(("twin_artefacts", str(folder)))
    except Exception as error:  # noqa: BLE001 - what went wrong first is what has to be told
        text += f"\nnothing could be left in {folder}: {error}"
    report.sections.append((name, text))


def _command(item: pytest.Item) -> str:
    """Return the command that runs one test again as it was run."""
    config = item.config
    words = ["python", "-m", "pytest", item.nodeid]
    for option in ("--twin-board", "--twin-backend"):
        value = config.getoption(option)
        if value and value != "unicorn":
            words += [option, str(value)]
    if config.getoption("--twin-baseline"):
        words += ["--twin-baseline", str(_baseline(config))]
    return f"cd {shlex.quote(str(config.rootpath))} && {shlex.join(words)}"


class BudgetReporter:
    """Gathers what budgets came to, where all reports arrive, and leaves baseline and summary at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._comparisons: list[Comparison] = []
        self._of_passed: list[Comparison] = []
        self._not_left: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a test was compared with."""
        from twin.testing.budgets import Comparison  # noqa: PLC0415

        if report.when != "teardown":
            sent = [json.loads(str(text)) for name, text in report.user_properties if name == _PROPERTY]
            comparisons = [Comparison(**fields) for fields in sent]
            self._comparisons += comparisons
            # What a firmware cost that did not do its work is no baseline.
            self._of_passed += comparisons if report.passed else []

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Renew the baseline if asked to, and leave the summary; a session that cannot has failed."""
        if not self._comparisons:
            return
        from datasheet.bad_input import BadInputError  # noqa: PLC0415
        from twin.testing.budget_summary import summary  # noqa: PLC0415
        from twin.testing.budgets import write_baseline  # noqa: PLC0415

        baseline = _baseline(self._config)
        text = summary(self._comparisons, baseline.name)
        for target in {self._config.getoption("--twin-summary"), os.environ.get("GITHUB_STEP_SUMMARY")} - {None, ""}:
            try:
                with Path(target).open("a", encoding="utf-8") as file:
                    file.write(text)
            except OSError as error:
                self._not_left.append(f"{target} cannot be written to: {error.strerror}")
        if self._renews:
            try:
                write_baseline(baseline, self._of_passed)
            except BadInputError as error:
                self._not_left.append(str(error))
        if self._not_left and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR

    @property
    def _renews(self) -> bool:
        return bool(self._config.getoption("--twin-update-baseline"))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what the budgets came to."""
        if not self._comparisons:
            return
        terminalreporter.section("firmware budgets")
        for one in self._comparisons:
            if one.verdict != "within" or self._config.get_verbosity() > 0:
                terminalreporter.line(f"{one.verdict:7} {one.budget} on {one.place}: {one}")
        within = sum(one.verdict == "within" for one in self._comparisons)
        name = _baseline(self._config).name
        told = ""
        if self._renews and not self._not_left:
            left_out = len(self._comparisons) - len(self._of_passed)
            told = ", which is renewed" + (f" but for {left_out} of failed tests" if left_out else "")
        terminalreporter.line(f"{within} of {len(self._comparisons)} values within {name}{told}")
        for line in self._not_left:
            terminalreporter.line(line, red=True)
