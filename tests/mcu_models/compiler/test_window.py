"""A window holds the last frames, the oldest first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from mcu_models.compiler.reader import read_network
from mcu_models.compiler.window import Window, window_of, windowed

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.compiler.model import Network


def network_of(models: Path, *shape: int) -> Network:
    network = read_network(models / "c8_p_fc.tflite")
    return replace(network, inputs=(replace(network.input, shape=shape),))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((8, 8, 1), Window(8, 8, 1, is_channels=True)),
        ((8, 8, 9), Window(8, 8, 9, is_channels=True)),
        ((1, 8, 8, 1), Window(8, 8, 1, is_channels=False)),
        ((9, 8, 8, 1), Window(8, 8, 9, is_channels=False)),
        ((16, 24, 1), Window(16, 24, 1, is_channels=True)),
    ],
)
def test_the_input_tells_the_window(models: Path, shape: tuple[int, ...], expected: Window) -> None:
    found = window_of(network_of(models, 1, *shape))
    assert found == expected
    assert found.input_shape == shape


@pytest.mark.parametrize(
    "shape", [(1, 8, 8, 10), (1, 10, 8, 8, 1), (1, 96, 96, 3), (1, 9, 7, 3), (1, 3, 9, 7, 1), (2, 8, 8, 1), (1, 64)]
)
def test_what_is_no_window_is_refused(models: Path, shape: tuple[int, ...]) -> None:
    """Too many frames, a camera's three channels, several images at once, no image."""
    with pytest.raises(BadInputError, match=r"input shape is .*a front end needs \(rows, columns, 1\), or \(8, 8, n\)"):
        window_of(network_of(models, *shape))


@pytest.mark.parametrize("is_channels", [True, False])
def test_each_frame_stands_where_the_strides_say(is_channels: bool) -> None:  # noqa: FBT001 - a parameter
    """Before the first frame stands the first; the newest is the last, at `newest`."""
    window = Window(2, 3, 3, is_channels=is_channels)
    codes = np.arange(5 * 6, dtype=np.int8).reshape(5, 6)
    inputs = windowed(codes, window)
    assert inputs.shape == (5, *window.input_shape)
    for frame, flat in enumerate(inputs.reshape(5, -1)):
        for position in range(3):
            begin = position * window.frame_stride
            seen = flat[begin : begin + 5 * window.pixel_stride + 1 : window.pixel_stride]
            assert seen.tolist() == codes[max(frame + position - 2, 0)].tolist()
        assert flat[window.newest] == codes[frame, 0]


def test_inputs_of_chosen_frames_are_those_of_all(models: Path) -> None:
    window = window_of(network_of(models, 1, 8, 8, 3))
    codes = np.random.default_rng(1).integers(-128, 128, (20, 64), np.int8)
    chosen = np.array([0, 1, 7, 19])
    assert np.array_equal(windowed(codes, window, chosen), windowed(codes, window)[chosen])
