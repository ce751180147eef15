"""`twin profile`: what a network costs, layer by layer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.firmware.toolchain import find_toolchain
from mcu_models.networks.library import find_network
from twin.cli import run


@pytest.fixture(autouse=True)
def _compiler() -> None:
    try:
        find_toolchain()
    except BadInputError as missing:
        pytest.skip(str(missing))


def profiled(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert run(["profile", *arguments, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert isinstance(answer, dict)
    return answer


def test_layers_add_up_to_the_network(capsys: pytest.CaptureFixture[str]) -> None:
    found = profiled(capsys, "people_c8_p_fc", "--board", "stm32l4a6zg")
    layers = found["layers"]
    assert isinstance(layers, list)
    assert [layer["operator"] for layer in layers] == ["CONV_2D", "MAX_POOL_2D", "RESHAPE", "FULLY_CONNECTED"]
    assert sum(layer["macs"] for layer in layers) == found["macs"] == 2880
    cycles = found["cycles"]
    assert isinstance(cycles, int)
    assert 0.98 * cycles < sum(layer["cycles"] for layer in layers) <= cycles
    assert found["latency_s"] == pytest.approx(cycles / 80e6)


def test_a_board_that_is_slower_per_clock_needs_more_cycles(capsys: pytest.CaptureFixture[str]) -> None:
    both = profiled(capsys, "people_c8_p_fc", "--board", "stm32l4a6zg", "--board", "stm32h743vi")["profiles"]
    assert isinstance(both, list)
    small, large = both
    assert small["cycles"] > large["cycles"]
    assert small["macs"] == large["macs"]


def test_without_wait_states_nothing_stalls(capsys: pytest.CaptureFixture[str]) -> None:
    slow = profiled(capsys, "people_c8_p_fc", "--board", "stm32l4a6zg", "--clock-mhz", "16")
    fast = profiled(capsys, "people_c8_p_fc", "--board", "stm32l4a6zg")
    assert slow["wait_states"] == slow["stall_cycles"] == 0
    assert isinstance(slow["cycles"], int)
    assert isinstance(fast["cycles"], int)
    assert slow["cycles"] < fast["cycles"]


def test_one_network_may_be_compared_with_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", "people_c8_p_fc", "--compare"]) == 0
    assert "cycles/MAC" in capsys.readouterr().out


def test_weights_are_moved_of_a_network_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "people_c8_p_fc", "--weights", "ram", "--out", str(tmp_path / "out")]) == 2
    assert "--app network" in capsys.readouterr().err


def test_tables_name_layers_and_compiler(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", "people_c8_p_fc"]) == 0
    text = capsys.readouterr().out
    assert "FULLY_CONNECTED" in text
    assert "preparation" in text
    assert "hold_zero" in text
    assert "compiled by" in text


def test_what_is_done_around_a_network_is_shown_beside_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By its manifest row; the network's own numbers do not change by it."""
    path = written(tmp_path, "votes = 5\nwake_up_degc = 1.0\n")
    with_row = profiled(capsys, str(path))
    preparation = with_row.pop("preparation")
    assert isinstance(preparation, dict)
    told = {key: preparation[key] for key in ("frontend", "window", "votes", "wake_up_degc", "ram_bytes")}
    kept_bytes = 64 * (4 + 2 + 1) + 2 * 5 + 2
    assert told == {"frontend": "hold_zero", "window": 1, "votes": 5, "wake_up_degc": 1.0, "ram_bytes": kept_bytes}
    assert preparation["latency_s"] == preparation["cycles"] / 80e6
    assert preparation["flash_bytes"] > 500
    alone = profiled(capsys, "people_c8_p_fc")
    without = alone.pop("preparation")
    assert isinstance(without, dict)
    assert (without["frontend"], without["votes"], without["ram_bytes"]) == ("hold_zero", 1, 64 * (4 + 2 + 1))
    assert 500 < without["cycles"] < preparation["cycles"]
    assert {**with_row, "network": ""} == {**alone, "network": ""}


def written(folder: Path, lines: str) -> Path:
    """Return the library's network in a folder of the user's own, with a manifest row."""
    entry, path = find_network("people_c8_p_fc"), folder / "mine.tflite"
    shutil.copy(entry.path, path)
    head = f'[[network]]\nfile = "mine.tflite"\nsha256 = "{entry.sha256}"\nfrontend = "hold_zero"\n'
    (folder / "manifest.toml").write_text(head + lines)
    return path


def test_a_row_that_does_not_fit_the_network_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", str(written(tmp_path, "wake_up_degc = 60.0\n"))]) == 2
    message = capsys.readouterr().err
    assert "mine.tflite: wake_up_degc is 60.0; must be above" in message
    assert message.count("\n") == 1


@pytest.mark.parametrize("model", ["same_depthwise", "every_layer", "dilated"])
def test_a_network_of_no_thermal_frames_has_no_preparation(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(__file__).parents[1] / "mcu_models" / "compiler" / "models" / f"{model}.tflite"
    assert profiled(capsys, str(path))["preparation"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["people_c8_p_f"], "people_c8_p_fc"),
        (["people_c8_p_fc", "--board", "stm32l4a6"], "stm32l4a6zg"),
        (["people_c8_p_fc", "--weights", "rom"], "--weights"),
        (["people_c8_p_fc", "--clock-mhz", "900"], "at most"),
    ],
)
def test_bad_input_is_told_in_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", *arguments]) == 2
    message = capsys.readouterr().err
    assert said in message
    assert message.count("\n") == 1


def test_a_network_alone_is_built(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run(["build", "people_c8_p_fc", "--app", "network", "--board", "stm32h743vi", "--out", str(out)]) == 0
    assert "bytes of code" in capsys.readouterr().out
    names = {path.name for path in out.iterdir()}
    assert names == {"src", "test", "memory.ld", "CMakeLists.txt", "firmware.elf", "firmware.map", "sizes.txt"}
