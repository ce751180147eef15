"""The golden reference gives the same answers one by one and in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from mcu_models.compiler.reference import ReferenceNetwork, classify

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("model", "batched"), [("c8_p_fc", True), ("c8_p_fc_fixed_batch", False)])
def test_many_frames_equal_each_alone(model: str, batched: bool, models: Path) -> None:  # noqa: FBT001 - a parameter
    """A network that reshapes to a fixed batch is noticed and computed frame by frame."""
    reference = ReferenceNetwork(models / f"{model}.tflite")
    assert reference.is_batched is batched
    inputs = np.random.default_rng(1).integers(-128, 128, (600, 8, 8, 1), np.int8)
    together = reference.run(inputs)
    alone = np.concatenate([reference.run(inputs[i : i + 1]) for i in range(0, 600, 7)])
    assert together.shape == (600, 4)
    assert np.array_equal(together[::7], alone)


def test_no_frames_give_no_outputs(models: Path) -> None:
    reference = ReferenceNetwork(models / "c8_p_fc.tflite")
    assert reference.run(np.empty((0, 8, 8, 1), np.int8)).shape == (0, 4)


@pytest.mark.parametrize(("shape", "dtype"), [((5, 8, 8), np.int8), ((5, 8, 8, 1), np.int16)])
def test_inputs_of_another_form_are_refused(shape: tuple[int, ...], dtype: type, models: Path) -> None:
    reference = ReferenceNetwork(models / "c8_p_fc.tflite")
    with pytest.raises(ValueError, match="expected int8"):
        reference.run(np.zeros(shape, dtype))


def test_a_float_network_has_no_reference(models: Path) -> None:
    with pytest.raises(BadInputError, match="expected int8"):
        ReferenceNetwork(models / "float.tflite")


def test_the_first_of_equal_outputs_wins() -> None:
    outputs = np.array([[3, 9, 9, 1], [-128, -128, -128, -128], [0, 1, 2, 3]], np.int8)
    assert classify(outputs).tolist() == [1, 0, 3]
    assert classify(outputs).dtype == np.int64
