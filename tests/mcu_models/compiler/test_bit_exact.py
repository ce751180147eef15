"""The generated C computes what the golden reference computes, in every bit, for networks as the converter writes them.

`every_layer` (random weights) has 18 kinds of operators in a graph with branches, `folded_time_lstm` (random weights)
a convolution over five images at once and an LSTM over them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mcu_models.compiler.frontend import frontend_names, frontend_table, prepare
from mcu_models.compiler.reference import ReferenceNetwork, classify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

MODELS = (
    "c8_p_fc",
    "c8_p_fc_softmax",
    "c8_p_fc_per_tensor",
    "c8_p_fc_fixed_batch",
    "c8_p_c8_fc_fc",
    "same_depthwise",
    "dilated",
    "every_layer",
    "folded_time_lstm",
)
FRAMES = 2500


def inputs_for(shape: tuple[int, ...]) -> NDArray[np.int8]:
    """Return frames of noise, of extremes, of gentle pictures, and the two constant extremes."""
    generator = np.random.default_rng(17)
    noise = generator.integers(-128, 128, (FRAMES, *shape), np.int8)
    extremes = np.where(generator.random((500, *shape)) < 0.5, -128, 127).astype(np.int8)
    offsets = generator.integers(-100, 100, (1000,) + (1,) * len(shape))
    gentle = np.clip(offsets + generator.normal(0, 8, (1000, *shape)), -128, 127).astype(np.int8)
    constant = np.stack([np.full(shape, value, np.int8) for value in (-128, 127, 0)])
    return np.concatenate([noise, extremes, gentle, constant])


@pytest.mark.parametrize("model", MODELS)
def test_generated_c_equals_the_reference_kernels(model: str, host_network: Callable[..., Any], models: Path) -> None:
    """No output of random, extreme or gentle inputs differs from BUILTIN_REF, nor does its class."""
    reference = ReferenceNetwork(models / f"{model}.tflite")
    inputs = inputs_for(reference.network.input.shape[1:])
    expected = reference.run(inputs)
    assert len(np.unique(expected)) > 20, "the fixture hardly answers differently"
    host = host_network(model)
    outputs = host.run(inputs)
    assert np.count_nonzero(outputs != expected) == 0
    assert host.classes(expected[:300]) == classify(expected[:300]).tolist()


@pytest.mark.parametrize("frontend", frontend_names())
def test_generated_frontend_equals_the_host(frontend: str, host_network: Callable[..., Any]) -> None:
    """A frame prepared by the generated C is the frame prepared by the host."""
    compiled = host_network("c8_p_fc", frontend)
    table = frontend_table(compiled.network, frontend)
    generator = np.random.default_rng(5)
    room = generator.normal(88, 4, (2000, 64)).round()
    raw = np.concatenate([room, generator.integers(-2048, 2048, (500, 64)), np.full((1, 64), -2048)]).astype(np.int16)
    assert np.array_equal(compiled.prepare(raw), prepare(raw, table))
    assert np.array_equal(compiled.prepare(raw[100:]), prepare(raw[100:], table)), "a reset forgets the frames before"


def test_a_background_of_narrow_integers_equals_one_of_wide_ones(host_network: Callable[..., Any]) -> None:
    """Two halves hot by turns, and few pixels hot for ever, push the background to its limit; it fits its words."""
    compiled = host_network("c8_p_fc", "hold_zero")
    table = frontend_table(compiled.network, "hold_zero")
    generator = np.random.default_rng(6)
    halves = generator.permutation(np.repeat([-256, 255], 32))
    slow = np.repeat([1, -1], 20_000)[np.arange(200_000) % 40_000, np.newaxis] * halves
    random = generator.choice([-32768, -256, 0, 255, 32767], (20_000, 64))
    few = np.tile(np.where(np.arange(64) < 3, 255, -256), (60_000, 1))
    raw = np.concatenate([slow, few, random]).clip(-32768, 32767).astype(np.int16)
    assert np.array_equal(compiled.prepare(raw), prepare(raw, table))
