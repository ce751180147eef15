"""A node that counts by rules: the same answers on the host and in its firmware, and a cost like any other node's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from mcu_models.firmware.library import firmware_for
from mcu_models.firmware.toolchain import find_toolchain
from mcu_models.networks.library import find_network
from sensors.recording import Recording, write_recording
from twin.cli import run
from twin.host_node import check_sensor, count_recording, host_count, looks_back
from twin.node import load_node
from twin.prediction import run_node

if TYPE_CHECKING:
    from pathlib import Path

RULES = "panasonic_grid_eye_api"
NODE = "ceiling_counter_rules"
FRAMES = 250


@pytest.fixture(scope="module")
def recording() -> Recording:
    """Return 25 s of a floor with a pattern, over which two people come and stay."""
    generator = np.random.default_rng(8)
    steps = 88 + generator.normal(0, 3, (8, 8)) + generator.normal(0, 1, (FRAMES, 8, 8))
    steps[60:, 1:3, 1:3] += 10
    steps[150:, 5:7, 5:7] += 10
    frames = (steps.round() / 4).astype(np.float32)
    return Recording(np.arange(FRAMES) / 10, frames, np.repeat([0, 1, 2], [60, 90, 100]))


@pytest.fixture
def _compiler() -> None:
    try:
        find_toolchain()
    except BadInputError as missing:
        pytest.skip(str(missing))


@pytest.mark.usefixtures("_compiler")
@pytest.mark.parametrize("level", ["emulated", "host"])
def test_both_levels_count_alike(level: str, recording: Recording) -> None:
    """Each answer of the firmware is checked within; every frame of the recording gets the host's answer."""
    node = load_node(NODE)
    firmware = firmware_for(node.network, node.board, node.config.app)
    trace = run_node(node, firmware, recording, level="host" if level == "host" else "emulated")
    assert np.array_equal(trace.count, host_count(node.network, recording.frames))
    assert trace.count[[50, 140, 240]].tolist() == [0, 1, 2]
    assert (trace.inference_s > 0).all()


def test_after_a_pause_the_rules_begin_anew(recording: Recording) -> None:
    """The person who stands there when the node is switched on again is background."""
    entry = find_network(RULES)
    time_s = recording.time_s + np.where(np.arange(FRAMES) < 100, 0.0, 60.0)
    paused = Recording(time_s, recording.frames, recording.count)
    count = count_recording(entry, paused)
    assert looks_back(entry)
    assert count[[90, 140, 240]].tolist() == [1, 0, 1]
    assert np.array_equal(count[100:], host_count(entry, recording.frames[100:]))


def test_a_sensor_of_another_size_is_refused() -> None:
    with pytest.raises(BadInputError, match=rf"{RULES}\.toml: input is '8 x 8'; the sensor's frames are 24 x 32"):
        check_sensor(find_network(RULES), (24, 32))


def test_evaluate_takes_rules_by_name(recording: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "room.npz"
    write_recording(path, recording)
    assert run(["evaluate", RULES, str(path), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["frames"] == FRAMES
    assert answer["balanced_accuracy"] > 0.9


@pytest.mark.usefixtures("_compiler")
def test_profile_says_what_a_frame_costs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", RULES, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["layers"] == []
    assert found["ram_bytes"]["arena"] == 1604
    assert 10_000 < found["cycles"] < 60_000
    assert found["latency_s"] == pytest.approx(found["cycles"] / 80e6)
    assert found["energy_low_j"] < found["energy_j"] < found["energy_high_j"]


@pytest.mark.usefixtures("_compiler")
def test_rules_have_no_weights_to_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", RULES, "--weights", "ram"]) == 2
    assert "weights is 'ram'; rules have none to place" in capsys.readouterr().err


@pytest.mark.usefixtures("_compiler")
def test_rules_hold_no_network_to_build_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", RULES, "--app", "network", "--out", str(tmp_path / "out")]) == 2
    assert "holds rules and no network; use people_counter" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
