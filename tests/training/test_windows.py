"""Windows keep to their blocks, batches to their mixture."""

from __future__ import annotations

import numpy as np
import pytest

from mcu_models.compiler.hold_zero import above_background
from training.architectures import read_architecture
from training.sessions import Session
from training.windows import Mixture, Pool, inputs, prepare, turned, whole_windows

SINGLE = read_architecture("single_frame_cnn", "C8-P-FC", 1)
CHANNELS = read_architecture("multi_channel_cnn", "C8-P-FC", 3)
JOINED = read_architecture("concatenated_cnn", "C8-P-C8-Cat-FC", 3)


def session(number: int, count: list[int], block: list[int]) -> Session:
    steps = np.random.default_rng(number).integers(90, 110, (len(count), 8, 8)).astype(np.int16)
    return Session(number, steps, np.array(count), np.ones(len(count), bool), np.array(block))


FRAMES = prepare([session(2, [0, 0, 1, 1], [0, 0, 1, 1]), session(3, [0, 0, 0, 0, 2], [0] * 5)])


def test_every_block_begins_with_a_fresh_background() -> None:
    steps = session(2, [0] * 4, [0] * 4).steps.reshape(-1, 64)
    assert np.array_equal(FRAMES.above[2:4].reshape(-1, 64), above_background(steps[2:4], 8))
    assert FRAMES.start.tolist() == [0, 0, 2, 2, 4, 4, 4, 4, 4]
    assert FRAMES.session.tolist() == [2] * 4 + [3] * 5


def test_a_window_never_reaches_into_another_block() -> None:
    assert whole_windows(FRAMES, 3).tolist() == [False] * 6 + [True] * 3
    window = inputs(FRAMES, np.array([3]), CHANNELS)[0]
    degc = np.clip(FRAMES.above / 256, -4, 8).astype(np.float32)
    assert np.array_equal(np.moveaxis(window, -1, 0), degc[[2, 2, 3]])


def test_joined_frames_and_channels_hold_the_same_frames() -> None:
    index = np.array([6, 8])
    channels, joined = inputs(FRAMES, index, CHANNELS), inputs(FRAMES, index, JOINED)
    assert joined.shape == (2, 3, 8, 8, 1)
    assert np.array_equal(np.moveaxis(joined[..., 0], 1, -1), channels)
    assert np.array_equal(inputs(FRAMES, index, SINGLE)[..., 0], channels[..., 2])


@pytest.mark.parametrize("architecture", [CHANNELS, JOINED], ids=["channels", "joined"])
def test_the_eight_symmetries_differ_and_keep_every_pixel(architecture: object) -> None:
    images = inputs(FRAMES, np.array([8]), architecture)
    found = {turned(images, symmetry).tobytes() for symmetry in range(8)}
    assert len(found) == 8
    assert all(np.array_equal(np.sort(turned(images, one), axis=None), np.sort(images, axis=None)) for one in range(8))


def test_counts_are_drawn_equally_often_or_as_found_with_weights() -> None:
    index = np.arange(9)
    even = Pool(FRAMES, index, None).draw(300, SINGLE, 4, np.random.default_rng(1))
    assert np.bincount(even.count, minlength=4).tolist() == [100, 100, 100, 0]
    assert even.absent[0].tolist() == [False, False, False, True]
    weights = np.array([0.5, 1.5, 3.0, 0.0])
    found = Pool(FRAMES, index, weights).draw(300, SINGLE, 4, np.random.default_rng(1))
    assert np.array_equal(found.weight, weights[found.count].astype(np.float32))
    assert np.mean(found.count == 0) == pytest.approx(6 / 9, abs=0.1)


def test_a_mixture_holds_its_shares_and_repeats_with_its_seed() -> None:
    mixture = Mixture((Pool(FRAMES, np.arange(4), None), Pool(FRAMES, np.arange(4, 9), np.ones(4))), (0.9, 0.1))
    first, again = (mixture.draw(100, CHANNELS, 4, np.random.default_rng(5)) for _ in range(2))
    assert first.inputs.shape == (100, 8, 8, 3)
    assert first.inputs.tobytes() == again.inputs.tobytes()
    assert np.sum(first.absent[:, 2]) == 90
