"""The host level: the int8 network runs on the host, bit-exact; its cost is measured on a few emulated frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datasheet.bad_input import BadInputError
from mcu_models.compiler.counter import count_people
from mcu_models.compiler.frontend import raw_from_degc
from mcu_models.compiler.reader import read_network
from mcu_models.compiler.reference import ReferenceNetwork
from mcu_models.compiler.window import window_of
from mcu_models.networks.counting import counter_of
from mcu_models.people_detection.detection import counts
from mcu_models.people_detection.parameters import COLUMNS, ROWS, load_detector
from mcu_models.people_tracking.answers import as_numbers
from mcu_models.people_tracking.parameters import load_tracker
from mcu_models.people_tracking.tracker import passages
from sensors.recording import Recording

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mcu_models.compiler.model import Network
    from mcu_models.networks.library import NetworkEntry

SAMPLE_FRAMES = 100
"""Frames emulated to learn what a frame costs. Times depend on what a frame shows, by a few percent, so they are
taken from all over the recording."""
SAMPLE_RUN_FRAMES = 20
"""Frames in a row of that sample for nodes that look back: they see people come and go as they would."""
GAP_S = 5.0
"""A recording that pauses for longer is taken for two, between which the node was off; assumed."""


class LevelsDisagreeError(RuntimeError):
    """Firmware and host answered differently, which is a defect."""


def host_count(network: NetworkEntry, frames_degc: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the answer to each frame, (N,) int64, as the firmware gives it from power-on.

    That is how many people are there; of rules that count who passes a door, `people_tracking.answers.as_numbers`.

    Args:
        network: A network whose classes are counts, or rules.
        frames_degc: (N, rows, cols) temperatures in the sensor's steps of 0.25 degC.

    Raises:
        BadInputError: The network cannot be used.
    """
    frame_shape = frames_degc.shape[1:]
    if network.has_rules:
        check_sensor(network, frame_shape)
        raw = raw_from_degc(frames_degc)
        if network.counts_passages:
            return as_numbers(passages(raw, load_tracker(network.path), network.door_line))
        return counts(raw, load_detector(network.path))
    counter = counter_of(network, check_frame_shape(network, frame_shape))
    return count_people(ReferenceNetwork(network.path), counter, raw_from_degc(frames_degc))


def looks_back(network: NetworkEntry) -> bool:
    """Return whether the answer to a frame depends on the frames before: by front end, window, votes or rules.

    Raises:
        BadInputError: The network cannot be used.
    """
    return network.has_rules or counter_of(network, read_network(network.path)).looks_back


def check_frame_shape(network: NetworkEntry, frame_shape: tuple[int, ...]) -> Network:
    """Return the network, made sure that it takes the sensor's frames, one or several.

    Raises:
        BadInputError: Its input has another number of rows or columns, or is no window of frames.
    """
    read = read_network(network.path)
    window = window_of(read)
    _check_taken(network, (window.rows, window.columns), frame_shape)
    return read


def check_sensor(network: NetworkEntry, frame_shape: tuple[int, ...]) -> None:
    """Make sure that a network, or rules, can be used and takes the sensor's frames.

    Raises:
        BadInputError: It cannot, or takes frames of another number of rows or columns.
    """
    if network.has_rules:
        (load_tracker if network.counts_passages else load_detector)(network.path)
        _check_taken(network, (ROWS, COLUMNS), frame_shape)
    else:
        check_frame_shape(network, frame_shape)


def _check_taken(network: NetworkEntry, taken: tuple[int, int], frame_shape: tuple[int, ...]) -> None:
    if taken != frame_shape:
        allowed = f"the sensor's frames are {' x '.join(str(n) for n in frame_shape)}"
        raise BadInputError(network.path, "input", " x ".join(str(n) for n in taken), allowed)


def count_recording(network: NetworkEntry, recording: Recording) -> NDArray[np.int64]:
    """Return the people the network counts in each frame of a recording, (N,) int64.

    The node is powered on anew where a session ends, time goes back, or more than `GAP_S` passed.

    Raises:
        BadInputError: The network cannot be used, or counts who passes a door.
    """
    if network.counts_passages:
        raise BadInputError(network.path, "", None, "counts who passes a door, not who is there; for `twin run` alone")
    blocks = power_on_blocks(recording) if looks_back(network) else [recording.frames]
    return np.concatenate([host_count(network, block) for block in blocks])


def power_on_blocks(recording: Recording) -> list[NDArray[np.float32]]:
    """Return a recording's frames, split where the node is powered on anew (`count_recording` says where)."""
    return np.split(recording.frames, _beginnings(recording))


def _beginnings(recording: Recording) -> NDArray[np.int64]:
    """Return the frames before which the node was off, without the first."""
    waited_s = np.diff(recording.time_s)
    is_new = (waited_s < 0) | (waited_s > GAP_S)
    if recording.session is not None:
        is_new |= np.diff(recording.session) != 0
    return np.flatnonzero(is_new) + 1


def sample_frames(recording: Recording, network: NetworkEntry) -> Recording:
    """Return frames from all over a recording as a short recording, which costs a frame what the long one costs.

    They are spread evenly; for a network that `looks_back`, runs of frames in a row are. Its history is then not that
    of the long recording: only host and firmware that both play the sample from its first frame agree.
    """
    chosen = _spread(len(recording.frames), SAMPLE_RUN_FRAMES if looks_back(network) else 1)
    return Recording(
        time_s=recording.time_s[: len(chosen)],
        frames=recording.frames[chosen],
        count=recording.count[chosen],
        thermistor_degc=None if recording.thermistor_degc is None else recording.thermistor_degc[chosen],
    )


def _spread(frames: int, run_frames: int) -> NDArray[np.int64]:
    """Return `SAMPLE_FRAMES` of `frames` indices, or all, in runs that begin evenly spread."""
    if frames <= SAMPLE_FRAMES:
        return np.arange(frames)
    first = np.linspace(0, frames - run_frames, SAMPLE_FRAMES // run_frames).round().astype(np.int64)
    return np.asarray((first[:, np.newaxis] + np.arange(run_frames)).reshape(-1))


def check_levels(emulated: NDArray[np.int64], host: NDArray[np.int64]) -> None:
    """Compare counts frame by frame; both (N,).

    Raises:
        LevelsDisagreeError: They differ anywhere.
    """
    wrong = np.flatnonzero(emulated != host)
    if len(wrong):
        frame = int(wrong[0])
        raise LevelsDisagreeError(
            f"{len(wrong)} of {len(host)} frames differ between firmware and host, first frame {frame}: "
            f"firmware {emulated[frame]}, host {host[frame]}"
        )
