"""A Renode that does not start, hangs, dies or talks nonsense: one clear line, and nothing is left of it."""

from __future__ import annotations

import gc
import os
import shlex
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import psutil
import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.emulators.image import FirmwareImage, Segment
from mcu_models.emulators.port import GAVE_UP, PinEdge
from mcu_models.emulators.renode import process
from mcu_models.emulators.renode.installation import find_renode, is_renode_there
from mcu_models.emulators.renode.process import RenodeError, RenodeProcess
from mcu_models.emulators.renode_backend import RenodeEmulator
from mcu_models.emulators.virtual_clock import PowerState

if TYPE_CHECKING:
    from collections.abc import Callable

FAKE = Path(__file__).parent / "fake_renode.py"
LIMIT_S = 60.0
IMAGE = FirmwareImage(
    "test", "0" * 64, (Segment(0x08000000, struct.pack("<II", 0x20001000, 0x08000009) + b"\xfe\xe7"),), (), {}
)
"""A branch to itself."""


@pytest.fixture(autouse=True)
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be waited for as long as a real Renode may take."""
    monkeypatch.setattr(process, "SILENCE_S", 1.0)
    monkeypatch.setattr(process, "_END_S", 0.2)


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return where the folders of the processes are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def executable(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def fake(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that gives an executable which opens the pipes and then behaves as told."""

    def make(behaviour: str) -> Path:
        command = shlex.join([sys.executable, str(FAKE), behaviour, str(tmp_path)])
        return executable(tmp_path / "renode", f'{command} "$@"')

    return make


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def await_true(condition: Callable[[], bool]) -> bool:
    """Tell whether something becomes true before a limit that only a broken program reaches."""
    end_s = time.monotonic() + LIMIT_S
    while not condition() and time.monotonic() < end_s:
        time.sleep(0.02)
    return condition()


def is_nothing_left(tmp_path: Path, temporary: Path) -> bool:
    """Tell whether the fake, the child that it has started and the folder are gone."""
    pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
    return len(pids) == 2 and await_true(lambda: not any(map(is_running, pids))) and not list(temporary.iterdir())


# -- the start ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "echo 'Could not find mono' >&2; exit 3",
            r"ended by itself with status 3 before it ran; it says: Could not find mono$",
        ),
        ("exit 0", r"ended by itself with status 0 before it ran; it printed nothing$"),
        ("kill -9 $$", r"was ended by SIGKILL before it ran; it printed nothing$"),
        ("echo one; echo two; exit 1", r"ended by itself with status 1 before it ran; it says: two$"),
    ],
)
def test_a_renode_that_ends_before_it_runs(tmp_path: Path, temporary: Path, script: str, expected: str) -> None:
    with pytest.raises(RenodeError, match=expected) as failed:
        RenodeProcess(executable(tmp_path / "renode", script), {}, "")
    assert "\n" not in str(failed.value)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ("sleeps", r"does not answer: it did not start in 1 s; it printed nothing$"),
        ("talks", r"does not answer: it did not start in 1 s; it says: waiting for a display$"),
    ],
)
def test_a_renode_that_never_opens_its_pipes(
    tmp_path: Path, temporary: Path, fake: Callable[[str], Path], behaviour: str, expected: str
) -> None:
    with pytest.raises(RenodeError, match=expected):
        RenodeProcess(fake(behaviour), {}, "")
    assert is_nothing_left(tmp_path, temporary)


MONITOR = """\
echo 'Renode, version 1.16.1'
echo '(monitor) include @start.resc'
{said}
sleep 600
"""


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            (
                "echo \"There was an error executing command 'x @$PWD/board.repl'\"; echo 'Error E04: no such type'; "
                "echo 'At board.repl:9:1:'; echo '^^^'; printf '(machine) '"
            ),
            r"it says: There was an error executing command 'x @board.repl' / Error E04: no such type / At board.repl:",
        ),
        ("echo 'No such command or device: y'; printf '(machine) '", r"it says: No such command or device: y$"),
        ("echo 'Script: the script has been carried out'", "it says: "),
    ],
)
def test_a_machine_that_cannot_be_built_is_told_in_renodes_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, temporary: Path, said: str, expected: str
) -> None:
    """At once: not only when it has been silent for long enough to be taken as hanging."""
    monkeypatch.setattr(process, "SILENCE_S", 100 * LIMIT_S)
    with pytest.raises(RenodeError, match=expected) as failed:
        RenodeProcess(executable(tmp_path / "renode", MONITOR.format(said=said)), {}, "")
    assert str(failed.value).startswith("Renode could not build the machine; ")
    assert str(temporary) not in str(failed.value)
    assert "\n" not in str(failed.value)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("name", ["no_such_file", "text", "."])
def test_what_cannot_be_executed(tmp_path: Path, temporary: Path, name: str) -> None:
    (tmp_path / "text").write_text("no program")
    with pytest.raises(RenodeError, match="cannot start "):
        RenodeProcess(tmp_path / name, {}, "")
    assert list(temporary.iterdir()) == []


# -- a run -------------------------------------------------------------------------------------------------------------


def test_what_renode_sends_in_a_run(fake: Callable[[str], Path]) -> None:
    edges: list[PinEdge] = []
    with RenodeEmulator(find_board("stm32l4a6zg"), IMAGE, renode=fake("answers")) as emulator:
        emulator.on_pin_edge(edges.append)
        outcome = emulator.run(until_s=0.5)
        assert (outcome.end, outcome.instructions, outcome.cycles, outcome.sleep_s) == ("seconds", 100, 200, 0.25)
        assert outcome.virtual_s == emulator.now_s == 0.5
        assert [(line.text, line.time_s) for line in emulator.uart_lines("USART2")] == [("hi", 3e-6)]
        assert edges == [PinEdge(5e-6, "GPIOA", 8, high=True)]
        assert emulator.problems == ("[WARNING] cpu: something odd",)
        assert emulator.residency_s() == {PowerState("run", 4_000_000): 0.25, PowerState("stop2", 0): 0.25}
        assert emulator.pc == 0x08000008


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ("hangs", "does not answer: nothing came in 1 s"),
        ("dies", "was ended by SIGKILL"),
        ("exits", "ended by itself with status 4; it says: Fatal error: out of something"),
        ("says failed run: no such thing", "could not do a run: run: no such thing"),
        ("says nonsense", "no event: nonsense"),
        ("says byte usart2 soon 41", "no event: byte usart2 soon 41"),
        ("says byte usart2", "no event: byte usart2"),
        ("says pin gpioa 8", "no event: pin gpioa 8"),
        ("says alive|done 1 2 3", "no outcome: 1 2 3"),
        ("says \xff\xfe\xfd", "no event: "),
    ],
)
def test_a_renode_that_fails_in_a_run(
    tmp_path: Path, temporary: Path, fake: Callable[[str], Path], behaviour: str, expected: str
) -> None:
    """The launcher is a shell: what it started goes with it."""
    with RenodeEmulator(find_board("stm32l4a6zg"), IMAGE, renode=fake(behaviour)) as emulator:
        with pytest.raises(RenodeError, match=expected) as failed:
            emulator.run(until_s=1.0)
        assert "\n" not in str(failed.value)
        assert is_nothing_left(tmp_path, temporary)
        with pytest.raises(RenodeError):
            emulator.run(until_s=2.0)


def test_an_emulator_that_nobody_has_closed_leaves_nothing_either(
    tmp_path: Path, temporary: Path, fake: Callable[[str], Path]
) -> None:
    emulator = RenodeEmulator(find_board("stm32l4a6zg"), IMAGE, renode=fake("answers"))
    assert len(list(temporary.iterdir())) == 1
    del emulator
    gc.collect()
    assert is_nothing_left(tmp_path, temporary)


def test_closing_twice_is_closing_once(tmp_path: Path, temporary: Path, fake: Callable[[str], Path]) -> None:
    emulator = RenodeEmulator(find_board("stm32l4a6zg"), IMAGE, renode=fake("answers"))
    emulator.close()
    emulator.close()
    assert is_nothing_left(tmp_path, temporary)


# -- the command line --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("behaviour", "at"), [("lives", "running"), ("sleeps", "pids")])
def test_ctrl_c_ends_renode_with_the_twin(
    tmp_path: Path, temporary: Path, fake: Callable[[str], Path], behaviour: str, at: str
) -> None:
    """In a run, and while Renode starts."""
    command = [sys.executable, "-m", "twin", "emulate", "people_counter_stm32l4a6zg", "--seconds", "0.1"]
    environment = os.environ | {"RENODE": str(fake(behaviour)), "TMPDIR": str(temporary)}
    twin = subprocess.Popen([*command, "--backend", "renode"], env=environment, stderr=subprocess.PIPE, text=True)
    assert await_true((tmp_path / at).exists)
    twin.send_signal(signal.SIGINT)
    _, error = twin.communicate(timeout=LIMIT_S)
    assert twin.returncode == 130
    assert "interrupted" in error
    assert error.count("\n") == 1
    assert is_nothing_left(tmp_path, temporary)


def test_the_command_line_says_in_one_line_that_renode_has_died(fake: Callable[[str], Path]) -> None:
    command = [sys.executable, "-m", "twin", "emulate", "people_counter_stm32l4a6zg", "--seconds", "0.1"]
    environment = os.environ | {"RENODE": str(fake("dies"))}
    done = subprocess.run(
        [*command, "--backend", "renode"], env=environment, capture_output=True, text=True, check=False, timeout=LIMIT_S
    )
    assert done.returncode == 1
    assert "Renode was ended by SIGKILL" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_give_up_is_passed_on_once(fake: Callable[[str], Path]) -> None:
    """A Renode that answers all the same."""
    with RenodeEmulator(find_board("stm32l4a6zg"), IMAGE, renode=fake("answers")) as emulator:
        outcome = emulator.run(until_s=1.0, give_up=lambda: True)
    assert (outcome.end, outcome.detail, outcome.gave_up) == ("seconds", GAVE_UP, True)


# -- where it is -------------------------------------------------------------------------------------------------------


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let there be no Renode: none named, none downloaded, none on PATH."""
    monkeypatch.delenv("RENODE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setitem(sys.modules, "renode_run", None)


def renode_run(give: Callable[[], str | None]) -> SimpleNamespace:
    """Return what stands in for the package of that name, which is told to download nothing and talks."""

    def get_default_renode_path(*, try_to_download: bool, use_system_renode: bool) -> str | None:
        assert not try_to_download
        assert not use_system_renode
        sys.stdout.write("Renode not found in some folder\n")
        return give()

    return SimpleNamespace(get_default_renode_path=get_default_renode_path)


@pytest.mark.usefixtures("nowhere")
def test_without_a_renode_it_is_said_how_to_get_one() -> None:
    assert not is_renode_there()
    with pytest.raises(BadInputError, match=r"RENODE, .*renode-run") as missing:
        find_renode()
    assert "\n" not in str(missing.value)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("name", ["nothing", "folder", "text"])
def test_an_environment_that_names_no_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("no program")
    monkeypatch.setenv("RENODE", str(tmp_path / name))
    with pytest.raises(BadInputError, match=r"RENODE is '.*; must be the path"):
        find_renode()


@pytest.mark.usefixtures("nowhere")
def test_the_environment_comes_before_what_was_downloaded_and_that_before_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    on_path = executable(tmp_path / "bin" / "renode", "")
    assert find_renode() == on_path
    downloaded = executable(tmp_path / "downloaded", "")
    monkeypatch.setitem(sys.modules, "renode_run", renode_run(lambda: str(downloaded)))
    assert find_renode() == downloaded
    named = executable(tmp_path / "named", "")
    monkeypatch.setenv("RENODE", str(named))
    assert find_renode() == named


def _broken() -> str:
    raise OSError("no such release")


def _leaving() -> str:
    raise SystemExit(1)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("give", [_broken, _leaving, lambda: None, lambda: "/nowhere/renode"])
def test_a_tool_that_has_downloaded_nothing_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    give: Callable[[], str | None],
) -> None:
    monkeypatch.setitem(sys.modules, "renode_run", renode_run(give))
    assert not is_renode_there()
    (tmp_path / "bin").mkdir()
    on_path = executable(tmp_path / "bin" / "renode", "")
    assert find_renode() == on_path
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("nowhere")
def test_a_path_from_here_is_one_from_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Renode is started in a folder of its own, so a relative path has to be made absolute."""
    executable(tmp_path / "renode", "exit 0")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RENODE", "./renode")
    assert find_renode() == tmp_path / "renode"


def test_a_temporary_folder_with_a_space_is_refused(
    fake: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Renode's monitor cannot read such a path; the message names the folder."""
    folder = tmp_path / "with space"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with pytest.raises(RenodeError, match="must not have a space in its name"):
        RenodeProcess(fake("answers"), {}, "")
    assert not list(folder.iterdir())
