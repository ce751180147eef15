"""What wake-up thresholds give and take."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.firmware.toolchain import find_toolchain
from mcu_models.networks.library import find_network
from scenarios.room import load_scenario
from scenarios.simulation import simulate
from sensors.grid_eye_sheet import load_grid_eye
from sensors.sensing import sense
from twin.cli import run
from twin.host_node import count_recording
from twin.metrics import count_accuracy
from twin.network_profile import profile_network
from twin.node import scenario_mount
from twin.wake_up_curve import WakeUpCurve, WakeUpPoint, wake_up_curve

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.networks.library import NetworkEntry
    from sensors.recording import Recording
    from twin.network_profile import NetworkProfile

NETWORK = "people_c8_p_fc"


@pytest.fixture(scope="module")
def entry() -> NetworkEntry:
    return find_network(NETWORK)


@pytest.fixture(scope="module")
def recording() -> Recording:
    room = load_scenario("office_doorway")
    timeline = simulate(room, seconds=60, seed=3, frame_rate_hz=10.0)
    return sense(timeline, scenario_mount(room), load_grid_eye("amg8833"), seed=3)


@pytest.fixture(scope="module")
def profile(entry: NetworkEntry) -> NetworkProfile:
    try:
        toolchain = find_toolchain()
    except BadInputError as error:
        pytest.skip(str(error))
    return profile_network(entry, find_board("stm32l4a6zg"), toolchain=toolchain)


@pytest.fixture(scope="module")
def curve(entry: NetworkEntry, recording: Recording, profile: NetworkProfile) -> WakeUpCurve:
    return wake_up_curve(entry, recording, profile)


def test_higher_thresholds_save_more(curve: WakeUpCurve) -> None:
    saved = [point.energy_saved for point in curve.points]
    assert saved == sorted(saved)
    assert saved[-1] > saved[0] + 0.1
    assert all(0 <= point.awake_share <= 1 for point in curve.points)


def test_what_is_saved_is_the_network_s_share(curve: WakeUpCurve, profile: NetworkProfile) -> None:
    """Front end, window and votes go on while the network sleeps."""
    assert profile.preparation is not None
    network = profile.cycles / (profile.cycles + profile.preparation.cycles)
    for point in curve.points:
        assert point.energy_saved == pytest.approx((1 - point.awake_share) * network)
        assert point.energy_j == pytest.approx(curve.energy_j * (1 - point.energy_saved))


@pytest.mark.parametrize("votes", [1, 3])
def test_a_point_is_what_the_network_with_this_threshold_counts(
    entry: NetworkEntry, recording: Recording, profile: NetworkProfile, votes: int
) -> None:
    voting = replace(entry, votes=votes)
    found = wake_up_curve(voting, recording, profile, thresholds_degc=[0.9])
    waking = count_recording(replace(voting, wake_up_degc=0.9), recording)
    assert found.points[0].balanced_accuracy == count_accuracy(recording.count, waking).balanced_accuracy
    always = count_recording(voting, recording)
    assert found.balanced_accuracy == count_accuracy(recording.count, always).balanced_accuracy


def test_accuracy_is_judged_by_the_frames_asked_for(
    entry: NetworkEntry, recording: Recording, profile: NetworkProfile, curve: WakeUpCurve
) -> None:
    empty = recording.count == 0
    found = wake_up_curve(entry, recording, profile, asked=empty)
    assert found.points[-1].balanced_accuracy == pytest.approx(1.0, abs=0.02)
    assert [point.awake_share for point in found.points] == [point.awake_share for point in curve.points]


def test_recommended_is_the_most_saving_that_loses_little() -> None:
    points = [WakeUpPoint(1.0, 0.5, 0.80, 1.0, 0.3), WakeUpPoint(1.2, 0.4, 0.795, 0.8, 0.4)]
    points.append(WakeUpPoint(1.4, 0.2, 0.70, 0.6, 0.6))
    assert WakeUpCurve(0.80, 1.4, tuple(points)).recommended is points[1]
    assert WakeUpCurve(0.95, 1.4, tuple(points)).recommended is None


def test_thresholds_beyond_the_scale_are_refused(
    entry: NetworkEntry, recording: Recording, profile: NetworkProfile
) -> None:
    with pytest.raises(BadInputError, match="wake_up_degc"):
        wake_up_curve(entry, recording, profile, thresholds_degc=[90.0])


@pytest.mark.usefixtures("profile")
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
