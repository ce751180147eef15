"""The host level: the same answers as the firmware, whatever the network has seen before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from mcu_models.firmware.library import firmware_for
from mcu_models.firmware.toolchain import find_toolchain
from mcu_models.networks.library import find_network
from sensors.recording import Recording
from twin.host_node import (
    SAMPLE_FRAMES,
    SAMPLE_RUN_FRAMES,
    check_frame_shape,
    count_recording,
    host_count,
    looks_back,
    sample_frames,
)
from twin.node import load_node
from twin.prediction import run_node

if TYPE_CHECKING:
    from mcu_models.networks.library import NetworkEntry
    from twin.emulated_node import NodeTrace

FRAMES = 250
MODELS = Path(__file__).parents[1] / "mcu_models" / "compiler" / "models"


def voting() -> NetworkEntry:
    """Return the library's network with an answer by votes."""
    return replace(find_network("people_c8_p_fc"), frontend="minus_median", votes=7)


def joining() -> NetworkEntry:
    """Return a network that joins five frames."""
    return find_network(MODELS / "folded_time_lstm.tflite")


def real() -> NetworkEntry:
    """Return a network of float32."""
    return replace(find_network(MODELS / "float.tflite"), span_degc=(-4.0, 8.0))


@pytest.fixture(scope="module")
def backgrounds() -> NetworkEntry:
    """Return the library's network behind a front end that looks back."""
    return replace(find_network("people_c8_p_fc"), frontend="hold_zero")


@pytest.fixture(scope="module")
def recording() -> Recording:
    """Return 25 s of a floor with a pattern, over which two people come and stay; the time tells the frame."""
    generator = np.random.default_rng(8)
    steps = 88 + generator.normal(0, 3, (8, 8)) + generator.normal(0, 1, (FRAMES, 8, 8))
    steps[60:, 2:4, 2:4] += 12
    steps[150:, 5:7, 4:6] += 12
    frames = (steps.round() / 4).astype(np.float32)
    return Recording(np.arange(FRAMES) / 10, frames, np.zeros(FRAMES, np.int64))


def shown(sample: Recording, recording: Recording) -> list[int]:
    """Return which frames of the recording a sample has; no two frames are alike."""
    return [int(np.flatnonzero((recording.frames == frame).all(axis=(1, 2)))[0]) for frame in sample.frames]


def without_history() -> NetworkEntry:
    """Return a network whose answers depend on one frame each."""
    return replace(find_network("people_c8_p_fc"), frontend="minus_median")


def test_a_sample_is_spread_over_the_recording(recording: Recording) -> None:
    chosen = shown(sample_frames(recording, without_history()), recording)
    assert (len(chosen), chosen[0], chosen[-1]) == (SAMPLE_FRAMES, 0, FRAMES - 1)
    assert set(np.diff(chosen).tolist()) == {2, 3}


def test_a_sample_for_who_looks_back_is_runs_of_frames(recording: Recording, backgrounds: NetworkEntry) -> None:
    chosen = np.array(shown(sample_frames(recording, backgrounds), recording)).reshape(-1, SAMPLE_RUN_FRAMES)
    assert chosen.size == SAMPLE_FRAMES
    assert (np.diff(chosen, axis=1) == 1).all()
    assert (chosen[0, 0], chosen[-1, -1]) == (0, FRAMES - 1)


@pytest.mark.parametrize("network", [voting(), joining()])
def test_votes_and_windows_look_back(recording: Recording, network: NetworkEntry) -> None:
    """They get runs of frames, begin anew where a recording does, and are told by the frames before."""
    assert looks_back(network)
    assert not looks_back(replace(without_history(), wake_up_degc=1.0))
    chosen = np.array(shown(sample_frames(recording, network), recording)).reshape(-1, SAMPLE_RUN_FRAMES)
    assert (np.diff(chosen, axis=1) == 1).all()
    whole = host_count(network, recording.frames)
    begun = host_count(network, recording.frames[1:])
    late = np.where(np.arange(FRAMES) >= 120, 1, 0)
    parts = count_recording(network, replace(recording, session=late))
    assert np.array_equal(parts[120:], host_count(network, recording.frames[120:]))
    assert np.array_equal(begun[10:], whole[11:]), "no further back than window and votes reach"


def test_frames_of_another_size_are_refused_for_a_window_too() -> None:
    assert check_frame_shape(joining(), (8, 8)).input.shape == (1, 5, 8, 8, 1)
    with pytest.raises(BadInputError, match="input is '8 x 8'; the sensor's frames are 4 x 4"):
        check_frame_shape(joining(), (4, 4))


def test_a_short_recording_is_its_own_sample(recording: Recording, backgrounds: NetworkEntry) -> None:
    short = replace(recording, time_s=recording.time_s[:30], frames=recording.frames[:30], count=recording.count[:30])
    assert np.array_equal(sample_frames(short, backgrounds).frames, short.frames)


def played(recording: Recording, network: NetworkEntry) -> NodeTrace:
    """Return what the library's node does with another network, at host level; skip without a compiler."""
    try:
        find_toolchain()
    except BadInputError as missing:
        pytest.skip(str(missing))
    node = replace(load_node("ceiling_counter"), network=network)
    return run_node(node, firmware_for(network, node.board, node.config.app), recording, level="host")


def test_the_firmware_answers_a_sample_as_the_host_does(recording: Recording, backgrounds: NetworkEntry) -> None:
    """At host level the firmware sees the sample only, and the answers are those of the whole recording."""
    trace = played(recording, backgrounds)
    expected = host_count(backgrounds, recording.frames)
    assert np.array_equal(trace.count, expected)
    assert len(set(expected.tolist())) > 1


@pytest.mark.parametrize("network", [voting(), replace(joining(), wake_up_degc=1.0, votes=3), real()])
def test_the_firmware_answers_a_sample_of_windows_and_votes_as_the_host_does(
    recording: Recording, network: NetworkEntry
) -> None:
    network = replace(network, frontend="hold_zero")
    expected = host_count(network, recording.frames)
    assert np.array_equal(played(recording, network).count, expected)
    assert len(set(expected.tolist())) > 1


def test_the_cycles_of_a_background_are_in_the_time_of_an_inference(
    recording: Recording, backgrounds: NetworkEntry
) -> None:
    """It takes longer than a median, and both fit a frame's period many times."""
    median_s, background_s = (played(recording, entry).inference_s.mean() for entry in (without_history(), backgrounds))
    assert median_s < background_s < 0.01


@pytest.mark.parametrize("broken", ["gap", "back", "session"])
def test_the_node_begins_anew_where_a_recording_does(
    recording: Recording, backgrounds: NetworkEntry, broken: str
) -> None:
    """After a pause, a step back in time or at another session nothing is known of the frames before."""
    late = np.arange(FRAMES) >= 120
    moved_s = {"gap": 6.0, "back": -60.0, "session": 0.0}[broken]
    parts = replace(recording, time_s=recording.time_s + moved_s * late)
    if broken == "session":
        parts = replace(parts, session=late.astype(np.int64))
    separate = [host_count(backgrounds, frames) for frames in np.split(recording.frames, [120])]
    assert np.array_equal(count_recording(backgrounds, parts), np.concatenate(separate))
    assert not np.array_equal(np.concatenate(separate), host_count(backgrounds, recording.frames))
    assert np.array_equal(count_recording(backgrounds, recording), host_count(backgrounds, recording.frames))
