"""What wake-up thresholds give and take."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.compiler.counter import people_counter
from mcu_models.compiler.frontend import raw_from_degc
from mcu_models.compiler.reader import read_network
from mcu_models.emulators.bare_core import BareCore
from mcu_models.emulators.image import read_image
from mcu_models.firmware.network_library import build_network
from mcu_models.firmware.toolchain import find_toolchain
from mcu_models.networks.library import find_network
from scenarios.room import load_scenario
from scenarios.simulation import simulate
from sensors.grid_eye_sheet import load_grid_eye
from sensors.recording import Recording
from sensors.sensing import sense
from twin.cli import run
from twin.host_node import count_recording
from twin.metrics import count_accuracy
from twin.network_profile import profile_network
from twin.node import scenario_mount
from twin.wake_up_curve import WakeUpCosts, WakeUpCurve, WakeUpPoint, wake_up_costs, wake_up_curve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mcu_models.firmware.toolchain import Toolchain
    from mcu_models.networks.library import NetworkEntry

BOARD = "stm32l4a6zg"
NETWORK = "people_c8_p_fc"
FLOAT_NETWORK = Path(__file__).parents[1] / "mcu_models" / "compiler" / "models" / "float.tflite"


@pytest.fixture(scope="module")
def entry() -> NetworkEntry:
    return find_network(NETWORK)


@pytest.fixture(scope="module")
def recording() -> Recording:
    room = load_scenario("office_doorway")
    timeline = simulate(room, seconds=60, seed=3, frame_rate_hz=10.0)
    return sense(timeline, scenario_mount(room), load_grid_eye("amg8833"), seed=3)


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    try:
        return find_toolchain()
    except BadInputError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def costs(entry: NetworkEntry, toolchain: Toolchain) -> WakeUpCosts:
    return wake_up_costs(entry, find_board(BOARD), toolchain=toolchain)


@pytest.fixture(scope="module")
def curve(entry: NetworkEntry, recording: Recording, costs: WakeUpCosts) -> WakeUpCurve:
    return wake_up_curve(entry, recording, costs)


def core_cycles(entry: NetworkEntry, toolchain: Toolchain, frames: NDArray[np.int16], folder: Path) -> float:
    """Return the cycles that the firmware's counter takes for a frame, on average."""
    counter = people_counter(read_network(entry.path), entry.frontend, wake_up_degc=entry.wake_up_degc)
    board = find_board(BOARD)
    build = build_network(entry.path, board=board, out_dir=folder, toolchain=toolchain, counter=counter)
    core, spent = BareCore(board, read_image(build.elf)), []
    for frame in frames:
        core.write(core.address_of("loop_raw"), frame.astype("<i2").tobytes())
        spent.append(core.call("counter_count", core.address_of("loop_raw")).cycles)
    return float(np.mean(spent))


def test_higher_thresholds_save_more(curve: WakeUpCurve) -> None:
    saved = [point.energy_saved for point in curve.points]
    assert saved == sorted(saved)
    assert saved[-1] > saved[0] + 0.1


def test_awake_frames_pay_for_looking_and_the_network_asleep_ones_for_looking(
    curve: WakeUpCurve, costs: WakeUpCosts
) -> None:
    for point in curve.points:
        energy_j = point.awake_share * costs.awake_j + (1 - point.awake_share) * costs.asleep_j
        assert point.energy_j == pytest.approx(energy_j)
        assert point.energy_j == pytest.approx(curve.energy_j * (1 - point.energy_saved))
    assert curve.energy_j == costs.always_j


@pytest.mark.parametrize("frontend", ["hold_zero", "minus_median"])
def test_to_look_for_somebody_costs_at_every_frame(entry: NetworkEntry, toolchain: Toolchain, frontend: str) -> None:
    """Most where nobody is found, since all blocks are looked at."""
    other, board = replace(entry, frontend=frontend), find_board(BOARD)
    costs = wake_up_costs(replace(other, wake_up_degc=0.4), board, toolchain=toolchain)
    profile = profile_network(other, board, toolchain=toolchain)
    assert profile.preparation is not None
    assert profile.preparation.asleep_cycles is None
    around_j = profile.preparation.cycles * profile.energy_j / profile.cycles
    assert costs.always_j == pytest.approx(around_j + profile.energy_j), "a threshold of its own is left out of account"
    assert costs.awake_j > costs.always_j
    assert costs.asleep_j > 1.05 * around_j


@pytest.mark.parametrize("threshold_degc", [0.3, 1.0])
def test_energy_is_that_of_the_same_frames_on_the_core(
    entry: NetworkEntry, recording: Recording, toolchain: Toolchain, costs: WakeUpCosts, tmp_path: Path,
    threshold_degc: float,
) -> None:  # fmt: skip
    part = Recording(recording.time_s[:100], recording.frames[:100], recording.count[:100])
    (point,) = wake_up_curve(entry, part, costs, thresholds_degc=[threshold_degc]).points
    raw = raw_from_degc(part.frames)
    waking = core_cycles(replace(entry, wake_up_degc=threshold_degc), toolchain, raw, tmp_path / "waking")
    always = core_cycles(entry, toolchain, raw, tmp_path / "always")
    assert point.energy_saved == pytest.approx(1 - waking / always, abs=0.015)


def test_a_profile_says_what_a_frame_costs_at_which_the_network_sleeps(
    entry: NetworkEntry, toolchain: Toolchain
) -> None:
    waking = profile_network(replace(entry, wake_up_degc=1.5), find_board(BOARD), toolchain=toolchain).preparation
    assert waking is not None
    told = waking.as_dict()
    assert told["asleep_cycles"] > told["cycles"] > 0


def test_a_threshold_that_is_always_reached_saves_nothing(
    entry: NetworkEntry, recording: Recording, costs: WakeUpCosts
) -> None:
    curve = wake_up_curve(entry, recording, costs, thresholds_degc=[-1.0])
    assert curve.points[0].awake_share == 1
    assert curve.points[0].energy_saved < 0
    assert curve.recommended is None


@pytest.mark.parametrize("votes", [1, 3])
def test_a_point_is_what_the_network_with_this_threshold_counts(
    entry: NetworkEntry, recording: Recording, costs: WakeUpCosts, votes: int
) -> None:
    voting = replace(entry, votes=votes)
    found = wake_up_curve(voting, recording, costs, thresholds_degc=[0.9])
    waking = count_recording(replace(voting, wake_up_degc=0.9), recording)
    assert found.points[0].balanced_accuracy == count_accuracy(recording.count, waking).balanced_accuracy
    always = count_recording(voting, recording)
    assert found.balanced_accuracy == count_accuracy(recording.count, always).balanced_accuracy


def test_sums_of_float32_are_not_cut(recording: Recording, costs: WakeUpCosts) -> None:
    """They are fractions of a degree, held within the span of the network's row."""
    real = replace(find_network(FLOAT_NETWORK), span_degc=(-4.0, 1.5))
    found = wake_up_curve(real, recording, costs, thresholds_degc=[0.7, 0.9, 1.1, 1.6])
    for point in found.points:
        waking = count_recording(replace(real, wake_up_degc=point.wake_up_degc), recording)
        assert point.balanced_accuracy == count_accuracy(recording.count, waking).balanced_accuracy
    shares = [point.awake_share for point in found.points]
    assert len(set(shares)) == len(shares) == 3, "1.6 degC is beyond the span, and no other threshold is the next one"


def test_rules_have_no_network_to_wake(recording: Recording, costs: WakeUpCosts) -> None:
    with pytest.raises(BadInputError, match="these are rules, which run at every frame"):
        wake_up_curve(find_network("panasonic_grid_eye_api"), recording, costs)


def test_no_costs_of_what_cannot_sleep(toolchain: Toolchain) -> None:
    """Rules, and a network of no thermal frames."""
    with pytest.raises(BadInputError, match="these are rules, which run at every frame"):
        wake_up_costs(find_network("panasonic_grid_eye_api"), find_board(BOARD), toolchain=toolchain)
    camera = find_network(FLOAT_NETWORK.with_name("same_depthwise.tflite"))
    with pytest.raises(BadInputError, match="takes no frames of 8 x 8, so that there is nothing to wake"):
        wake_up_costs(camera, find_board(BOARD), toolchain=toolchain)


def test_accuracy_is_judged_by_the_frames_asked_for(
    entry: NetworkEntry, recording: Recording, costs: WakeUpCosts, curve: WakeUpCurve
) -> None:
    empty = recording.count == 0
    found = wake_up_curve(entry, recording, costs, asked=empty)
    assert found.points[-1].balanced_accuracy == pytest.approx(1.0, abs=0.02)
    assert [point.awake_share for point in found.points] == [point.awake_share for point in curve.points]


def test_recommended_is_the_most_saving_that_loses_little() -> None:
    points = [WakeUpPoint(1.0, 0.5, 0.80, 1.0, 0.3), WakeUpPoint(1.2, 0.4, 0.795, 0.8, 0.4)]
    points.append(WakeUpPoint(1.4, 0.2, 0.70, 0.6, 0.6))
    assert WakeUpCurve(0.80, 1.4, tuple(points)).recommended is points[1]
    assert WakeUpCurve(0.95, 1.4, tuple(points)).recommended is None


def test_thresholds_beyond_the_scale_are_refused(entry: NetworkEntry, recording: Recording, costs: WakeUpCosts) -> None:
    with pytest.raises(BadInputError, match="wake_up_degc"):
        wake_up_curve(entry, recording, costs, thresholds_degc=[90.0])


@pytest.mark.usefixtures("toolchain")
def test_command_writes_curve_and_picture(
    recording: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "frames.npz"
    np.savez(path, frames=recording.frames, count=recording.count, time_s=recording.time_s)
    words = ["wake-up", NETWORK, str(path), "--plot", str(tmp_path / "curve.png")]
    assert run([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["board"] == "stm32l4a6zg"
    assert found["recommended"] in found["points"]
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert run(words) == 0
    assert "recommended" in capsys.readouterr().out


def test_command_refuses_a_recording_without_easy_frames(
    recording: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "frames.npz"
    np.savez(path, frames=recording.frames, count=recording.count, time_s=recording.time_s)
    assert run(["wake-up", NETWORK, str(path), "--easy"]) == 2
    assert "confidence" in capsys.readouterr().err
