"""The host level: the int8 network runs on the host, bit-exact; its cost is measured on a few emulated frames."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from datasheet.bad_input import BadInputError
from mcu_models.compiler.frontend import frontend_table, prepare, raw_from_degc
from mcu_models.compiler.reader import read_network
from mcu_models.compiler.reference import ReferenceNetwork, classify
from sensors.recording import Recording

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mcu_models.compiler.model import Network
    from mcu_models.networks.library import NetworkEntry
    from twin.emulated_node import NodeTrace

SAMPLE_FRAMES = 100
"""Frames emulated to learn what a frame costs. Times depend on what a frame shows, by a few percent, so they are
taken from all over the recording. Networks that look at several frames at once would need neighbours."""


class LevelsDisagreeError(RuntimeError):
    """Firmware and host answered differently, which is a defect."""


def host_count(network: NetworkEntry, frames_degc: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the people the network counts in each frame, (N,) int64.

    Args:
        network: An int8 network whose classes are counts.
        frames_degc: (N, rows, cols) temperatures in the sensor's steps of 0.25 degC.

    Raises:
        BadInputError: The network cannot be used.
    """
    table = frontend_table(check_frame_shape(network, frames_degc.shape[1:]), network.frontend)
    return classify(ReferenceNetwork(network.path).run(prepare(raw_from_degc(frames_degc), table)))


def check_frame_shape(network: NetworkEntry, frame_shape: tuple[int, ...]) -> Network:
    """Return the network, made sure that it takes the sensor's frames.

    Raises:
        BadInputError: Its input has another number of rows or columns.
    """
    read = read_network(network.path)
    taken = tuple(read.input.shape[1:3])
    if taken != frame_shape:
        allowed = f"the sensor's frames are {' x '.join(str(n) for n in frame_shape)}"
        raise BadInputError(network.path, "input", " x ".join(str(n) for n in taken), allowed)
    return read


def sample_frames(recording: Recording) -> tuple[Recording, NDArray[np.int64]]:
    """Return frames spread evenly over a recording, as a short recording, and their indices in the long one."""
    frames = len(recording.frames)
    chosen = np.unique(np.linspace(0, frames - 1, min(SAMPLE_FRAMES, frames)).round().astype(np.int64))
    sample = Recording(
        time_s=recording.time_s[: len(chosen)],
        frames=recording.frames[chosen],
        count=recording.count[chosen],
        thermistor_degc=None if recording.thermistor_degc is None else recording.thermistor_degc[chosen],
    )
    return sample, chosen


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


def extend_trace(sample: NodeTrace, count: NDArray[np.int64]) -> NodeTrace:
    """Return the trace of a long run with the cost per frame of an emulated sample."""
    frames = len(count)
    repeats = -(-frames // len(sample.count))
    return replace(
        sample,
        count=count,
        inference_s=np.tile(sample.inference_s, repeats)[:frames],
        answer_delay_s=np.tile(sample.answer_delay_s, repeats)[:frames],
    )
