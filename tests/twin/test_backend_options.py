"""`--backend` of `twin emulate` and `twin run`, without a Renode, and options that only one backend knows."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from mcu_models.emulators.unicorn_backend import UnicornEmulator
from twin import emulation
from twin.cli import run

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = "people_counter_stm32l4a6zg"
EMULATE = ["emulate", IMAGE, "--seconds", "0.001"]
RUN = ["run", "office_doorway", "--node", "ceiling_counter", "--seconds", "5"]


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let there be no Renode: none named, none downloaded, none on PATH."""
    monkeypatch.delenv("RENODE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "renode_run", None)


@pytest.mark.parametrize("arguments", [[], ["--exact-memory"]])
def test_exact_memory_reaches_the_emulator(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    asked: list[bool] = []

    class Emulator(UnicornEmulator):
        def __init__(self, *parts: Any, exact_memory: bool = False) -> None:
            asked.append(exact_memory)
            super().__init__(*parts, exact_memory=exact_memory)

    monkeypatch.setattr(emulation, "UnicornEmulator", Emulator)
    assert run([*EMULATE, *arguments]) == 0
    assert asked == [bool(arguments)]


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    "arguments",
    [
        ["--trace", "t.json"],
        ["--profile"],
        ["--profile-out", "p.json"],
        ["--faults", "f.toml"],
        ["--exact-memory"],
        ["--gdb", "0"],
    ],
)
def test_what_only_unicorn_can_do_is_refused_of_renode(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run([*EMULATE, "--backend", "renode", *arguments]) == 2
    error = capsys.readouterr().err
    assert f"{arguments[0]}; only with --backend unicorn" in error
    assert error.count("\n") == 1


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("command", [EMULATE, RUN])
def test_without_a_renode_it_is_said_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([*command, "--backend", "renode"]) == 2
    error = capsys.readouterr().err
    assert "--backend is 'renode'; Renode " in error
    assert "environment variable RENODE" in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [EMULATE, RUN])
def test_a_renode_that_is_no_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RENODE", str(tmp_path / "nothing"))
    assert run([*command, "--backend", "renode"]) == 2
    error = capsys.readouterr().err
    assert "RENODE is " in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [EMULATE, RUN])
def test_a_backend_that_there_is_not(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    assert run([*command, "--backend", "qemu"]) == 2
    error = capsys.readouterr().err
    assert "--backend is 'qemu'; must be unicorn or renode" in error
    assert error.count("\n") == 1
