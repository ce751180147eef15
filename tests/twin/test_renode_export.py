"""The folder that Renode runs alone: what is in it, that it needs nothing else, and that it does what is predicted."""

from __future__ import annotations

import hashlib
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mcu_models.emulators.renode.installation import find_renode, is_renode_there
from mcu_models.emulators.renode.platform import board_platform
from mcu_models.firmware.library import find_image
from scenarios.room import load_scenario
from sensors.resd import read_resd
from twin import renode_export
from twin.cli import run
from twin.emulated_node import node_rates
from twin.node import load_node
from twin.prediction import predict
from twin.renode_export import renode_files
from twin.renode_robot import (
    DUTY_TOLERANCE_PERCENT,
    LATENCY_TOLERANCE_PERCENT,
    Expectation,
    _cell,
    robot_test,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twin.node import Node
    from twin.prediction import Prediction

SECONDS = 11
"""More frames than a sample has."""
NODE = "ceiling_counter"
TEXTS = (f"{NODE}.robot", f"{NODE}.resc", f"{NODE}.repl", "README.md")
LIMIT_S = 240
TIMER = "sysbus.gpioa.timingPin"


def export(node: Node | None = None, seed: int = 1) -> dict[str, bytes]:
    return renode_files(load_scenario("office_doorway"), node or load_node(NODE), seconds=SECONDS, seed=seed)


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return export()


@pytest.fixture(scope="module")
def predicted() -> Prediction:
    return predict(load_scenario("office_doorway"), load_node(NODE), seconds=SECONDS, seed=1)


def rows(test: str, name: str) -> list[str]:
    """Return the cells of a list variable."""
    found = re.search(rf"^@\{{{name}\}}\n((?:\.\.\. .*\n)*)", test, re.MULTILINE)
    assert found is not None
    return [cell for row in found[1].splitlines() for cell in re.split(r" {2,}", row)[1:]]


def number(test: str, name: str) -> float:
    found = re.search(rf"^\$\{{{name}\}} +(\S+)$", test, re.MULTILINE)
    assert found is not None
    return float(found[1])


def node_file(folder: Path, **changes: str) -> Path:
    """Write the library's node with some of its text changed; return where it is."""
    text = load_node(NODE).path.read_text(encoding="utf-8")
    for old, new in changes.items():
        found = re.search(rf"^{old} = .*$", text, re.MULTILINE)
        assert found is not None
        text = text.replace(found[0], f"{old} = {new}")
    path = folder / "own node.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_folder_holds_machine_models_firmware_frames_test_and_what_to_know(files: Mapping[str, bytes]) -> None:
    others = set(files) - {*TEXTS, "firmware.elf", "frames.resd"}
    assert set(files) >= {*TEXTS, "firmware.elf", "frames.resd", "GridEye.cs", "PulseTimer.cs", "CoreClock.cs"}
    assert {Path(name).suffix for name in others} == {".cs"}
    assert "TwinLink.cs" not in files


def test_everything_the_script_names_lies_beside_it_and_nothing_lies_there_in_vain(files: Mapping[str, bytes]) -> None:
    script = files[f"{NODE}.resc"].decode()
    named = re.findall(r"\$ORIGIN/(\S+)", script)
    assert set(named) == set(files) - {f"{NODE}.resc", f"{NODE}.robot", "README.md"}
    assert len(named) == len(set(named))
    assert f"${{CURDIR}}/{NODE}.resc\n" in files[f"{NODE}.robot"].decode()


@pytest.mark.parametrize("name", TEXTS)
def test_no_text_names_a_place_of_this_machine_or_of_a_network(files: Mapping[str, bytes], name: str) -> None:
    text = files[name].decode()
    assert "@/" not in text
    assert not re.search(r"(?<![\w.}])/\w", text.replace("$ORIGIN/", ""))
    assert "http" not in text
    assert str(Path.cwd()) not in text


def test_same_seed_same_bytes_and_another_seed_other_frames(files: Mapping[str, bytes]) -> None:
    assert export() == files
    other = export(seed=2)
    assert other["frames.resd"] != files["frames.resd"]
    assert other["firmware.elf"] == files["firmware.elf"]


def test_the_test_expects_what_a_run_of_the_twin_predicts(files: Mapping[str, bytes], predicted: Prediction) -> None:
    test = files[f"{NODE}.robot"].decode()
    trace = predicted.trace
    assert rows(test, "GREETING") == ["people counter"]
    assert rows(test, "ANSWERS") == [f"{frame} {count}" for frame, count in enumerate(trace.count)]
    assert number(test, "INFERENCE_US") == pytest.approx(trace.inference_s.mean() * 1e6, abs=1e-3)
    asleep_s = sum(seconds for state, seconds in trace.residency_s.items() if state.mode != "run")
    assert number(test, "DUTY_PERCENT") == pytest.approx(100 * (1 - asleep_s / trace.span_s), abs=1e-3)
    assert number(test, "INFERENCE_TOLERANCE_PERCENT") == LATENCY_TOLERANCE_PERCENT
    assert number(test, "DUTY_TOLERANCE_PERCENT") == DUTY_TOLERANCE_PERCENT


def test_the_frames_are_those_of_the_prediction(
    files: Mapping[str, bytes], predicted: Prediction, tmp_path: Path
) -> None:
    path = tmp_path / "frames.resd"
    path.write_bytes(files["frames.resd"])
    shown = read_resd(path).pixels * 0.25
    np.testing.assert_array_equal(shown, predicted.recording.frames.reshape(-1, 64))


def test_firmware_platform_and_pace_are_those_of_the_node(files: Mapping[str, bytes], predicted: Prediction) -> None:
    node = predicted.node
    platform, script = files[f"{NODE}.repl"].decode(), files[f"{NODE}.resc"].decode()
    assert hashlib.sha256(files["firmware.elf"]).hexdigest() == find_image("people_counter_stm32l4a6zg").sha256
    assert platform.startswith(board_platform(node.board))
    assert "\ngridEye: EdgeSensorTwin.GridEye @ i2c1 0x69\n" in platform
    rates = node_rates(node.board, predicted.firmware.image, predicted.recording, node.sensor, bus="I2C1", address=0x69)
    lines = re.findall(r"^sysbus\.core SetRate .*$", script, re.MULTILINE)
    assert lines == [f"sysbus.core SetRate {clock_hz} {round(rate)}" for clock_hz, rate in sorted(rates.items())]
    assert len(lines) == 3


def test_the_readme_says_what_it_was_made_from_and_the_digest_of_every_other_file(files: Mapping[str, bytes]) -> None:
    text = files["README.md"].decode()
    for name, data in files.items():
        assert name == "README.md" or hashlib.sha256(data).hexdigest() in text, name
    for row in ("| scenario | office_doorway |", f"| seconds | {SECONDS} |", "| seed | 1 |", "| board | stm32l4a6zg |"):
        assert row in text
    assert re.search(r"^\| unicorn \| \d", text, re.MULTILINE)


def test_no_local_variable_of_the_test_hides_an_expectation(files: Mapping[str, bytes]) -> None:
    """Robot Framework tells names apart by neither case nor underscores."""
    test = files[f"{NODE}.robot"].decode()
    head, body = test.split("*** Test Cases ***")
    expected = {name.lower().replace("_", "") for name in re.findall(r"^[$@]\{(\w+)\}", head, re.MULTILINE)}
    local = {name.lower().replace("_", "") for name in re.findall(r"\$\{(\w+)\}(?==|  \$\{\w+\}=)", body)}
    assert len(expected) > 8
    assert len(local) > 8
    assert not expected & local


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("12 3", "12 3"),
        ("", "${EMPTY}"),
        ("a  b ", "a${SPACE} b${SPACE}"),
        ("# $x\\n=1", "\\# \\$x\\\\n\\=1"),
    ],
)
def test_text_of_the_firmware_is_read_back_as_it_is(text: str, cell: str) -> None:
    assert _cell(text) == cell


def test_a_node_without_greeting_has_an_empty_list() -> None:
    test = robot_test("n", "t", "gpioa.timingPin", Expectation("usart1", (), ("0 1", "1 1", "2 1"), 0.2, 1e-3, 0.01))
    assert rows(test, "GREETING") == []
    assert number(test, "TO_THE_LAST_S") == 0.15


def test_a_name_of_the_users_own_becomes_one_that_renode_takes(tmp_path: Path) -> None:
    path = node_file(tmp_path, title='"two\\nlines | and a bar"')
    exported = export(load_node(str(path)))
    script = exported["own_node.resc"].decode()
    assert '$name?="own_node"\n' in script
    assert ":description: two lines | and a bar\n" in script
    assert "...               Run it with `renode-test own_node.robot`.\n" in exported["own_node.robot"].decode()


def test_a_bus_that_renode_does_not_know_is_named_with_those_it_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = node_file(tmp_path, bus='"SPI1"'), tmp_path / "out"
    assert run(["renode-export", str(path), "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "sensor.bus is 'SPI1'; of stm32l4a6zg, Renode knows I2C1, I2C2, I2C3, I2C4" in said
    assert not out.exists()


def test_a_board_whose_core_renode_cannot_pace_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    text = board_platform(load_node(NODE).board).replace("EdgeSensorTwin.CoreClock", "Other.Clock")
    monkeypatch.setattr(renode_export, "board_platform", lambda _: text)
    with pytest.raises(ValueError, match="stm32l4a6zg: core; has no model in Renode"):
        export()


def test_a_uart_without_model_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    text = re.sub(r"^usart2: ", "other: ", board_platform(load_node(NODE).board), flags=re.MULTILINE)
    monkeypatch.setattr(renode_export, "board_platform", lambda _: text)
    with pytest.raises(ValueError, match="stm32l4a6zg: USART2; has no model in Renode"):
        export()


def test_a_sensor_of_another_size_is_refused() -> None:
    node = load_node(NODE)
    with pytest.raises(ValueError, match="rows and columns must be 8"):
        export(replace(node, sensor=node.sensor.model_copy(update={"columns": 16})))


@pytest.mark.parametrize(
    "arguments",
    [
        ["no_such_node", "--out", "DIR"],
        [NODE, "--out", "DIR", "--scenario", "no_such_scenario"],
        [NODE, "--out", ""],
        [NODE, "--out", "DIR", "--seconds", "0.5"],
        [NODE, "--out", "DIR", "--seed", "-1"],
        [NODE, "--out", "FILE"],
    ],
)
def test_bad_input_ends_in_one_line_and_writes_nothing(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    places = {"DIR": str(tmp_path / "out"), "FILE": str(tmp_path / "file")}
    assert run(["renode-export", *(places.get(one, one) for one in arguments)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_command_writes_the_folder(
    files: Mapping[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made" / "here"
    assert run(["renode-export", NODE, "--out", str(out), "--seconds", str(SECONDS)]) == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == dict(files)
    assert f"renode-test {out / NODE}.robot" in capsys.readouterr().out


@pytest.mark.skipif(not is_renode_there(), reason="needs Renode: `renode` on PATH, or its path in RENODE")
def test_renode_alone_says_and_takes_what_is_predicted(files: Mapping[str, bytes], tmp_path: Path) -> None:
    """The lines of the script's analyzer, and the pulses of the timing pin."""
    folder = tmp_path / "moved"
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    test = files[f"{NODE}.robot"].decode()
    answers = rows(test, "ANSWERS")
    printed = _renode(folder, f"include @{folder / NODE}.resc", 'emulation RunFor "32"', f"{TIMER} MeanMicroseconds")
    said = re.findall(r"usart2: \[host: .*\] (.*)$", printed, re.MULTILINE)
    assert said[: 1 + len(answers)] == [*rows(test, "GREETING"), *answers], printed
    numbers = re.findall(r"^([\d.]+)$", printed, re.MULTILINE)
    assert float(numbers[-1]) == pytest.approx(number(test, "INFERENCE_US"), rel=LATENCY_TOLERANCE_PERCENT / 100)


def _renode(folder: Path, *lines: str) -> str:
    """Run monitor commands in a Renode that knows no Python of ours, and return what it prints."""
    script = folder / "run.resc"
    script.write_text("\n".join((*lines, "quit")) + "\n")
    options = ["--disable-xwt", "--console", "--plain", "--config", str(folder / "renode.config")]
    done = subprocess.run(
        [str(find_renode()), *options, str(script)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        cwd=folder,
    )
    printed: str = done.stdout + done.stderr
    return printed
