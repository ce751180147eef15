"""The golden reference gives the same answers one by one and in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from mcu_models.compiler.graph_builder import GraphBuilder
from mcu_models.compiler.model import ConcatenationOptions, SliceOptions
from mcu_models.compiler.reference import ReferenceNetwork, classify
from mcu_models.compiler.writer import write_network

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.compiler.model import Tensor


@pytest.mark.parametrize("model", ["c8_p_fc", "c8_p_fc_fixed_batch"])
def test_many_frames_equal_each_alone(model: str, models: Path) -> None:
    """Frames computed together do not touch each other, even where the file reshapes to a fixed batch."""
    reference = ReferenceNetwork(models / f"{model}.tflite")
    assert reference.is_batched
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


def built(path: Path, builder: GraphBuilder, inputs: list[Tensor], outputs: list[Tensor]) -> ReferenceNetwork:
    path.write_bytes(write_network(builder.network(inputs, outputs)))
    return ReferenceNetwork(path)


def test_a_network_that_takes_a_fixed_slice_of_the_batch_is_computed_frame_by_frame(tmp_path: Path) -> None:
    """A slice from 0 to 1 along the batch would answer for the first frame alone."""
    builder = GraphBuilder()
    source, result = builder.tensor((1, 6), 0.1), builder.tensor((1, 3), 0.1)
    bounds = [builder.constant(np.array(values, np.int32)) for values in ([0, 2], [1, 5], [1, 1])]
    builder.operator("STRIDED_SLICE", [source, *bounds], [result], SliceOptions(0, 0, 0))
    reference = built(tmp_path / "slice.tflite", builder, [source], [result])
    assert not reference.is_batched
    inputs = np.random.default_rng(1).integers(-128, 128, (300, 6), np.int8)
    assert np.array_equal(reference.run(inputs), inputs[:, 2:5])


def test_several_inputs_and_outputs_come_in_the_files_order(tmp_path: Path) -> None:
    builder = GraphBuilder()
    first, second = builder.tensor((1, 2), 0.5), builder.tensor((1, 3), 0.5)
    joined, parts = builder.tensor((1, 5), 0.5), [builder.tensor((1, 1), 0.5) for _ in range(5)]
    builder.operator("CONCATENATION", [second, first], [joined], ConcatenationOptions(1, "none"))
    builder.operator("SPLIT", [builder.constant(np.array(1, np.int32)), joined], parts)
    reference = built(tmp_path / "several.tflite", builder, [first, second], parts[::-1])
    answers = reference.run_all([np.array([[1, 2]], np.int8), np.array([[3, 4, 5]], np.int8)])
    assert [int(answer[0, 0]) for answer in answers] == [2, 1, 5, 4, 3]


@pytest.mark.parametrize(
    "model", ["c8_p_fc", "c8_p_fc_softmax", "same_depthwise", "dilated", "every_layer", "folded_time_lstm", "float"]
)
def test_the_file_itself_gives_the_same_answers(model: str, models: Path) -> None:
    """What the writer makes of a network computes what LiteRT computes from the original file."""
    path = models / f"{model}.tflite"
    reference = ReferenceNetwork(path)
    generator = np.random.default_rng(3)
    frames = generator.integers(-128, 128, (40, *reference.network.input.shape[1:]), np.int8)
    inputs = frames.astype(reference.network.input.dtype)
    original = Interpreter(model_path=str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    original.allocate_tensors()
    answers = []
    for frame in inputs:
        original.reset_all_variables()
        original.set_tensor(original.get_input_details()[0]["index"], frame[np.newaxis])
        original.invoke()
        answers.append(original.get_tensor(original.get_output_details()[0]["index"])[0])
    assert np.array_equal(reference.run(inputs), np.array(answers))


def test_the_first_of_equal_outputs_wins() -> None:
    outputs = np.array([[3, 9, 9, 1], [-128, -128, -128, -128], [0, 1, 2, 3]], np.int8)
    assert classify(outputs).tolist() == [1, 0, 3]
    assert classify(outputs).dtype == np.int64
