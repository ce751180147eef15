"""Networks are read as they are, and nothing damaged or foreign gets through."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from datasheet.bad_input import BadInputError
from mcu_models.compiler.graph_builder import GraphBuilder
from mcu_models.compiler.model import DenseOptions, ElementwiseOptions, WindowOptions
from mcu_models.compiler.reader import MAX_FILE_BYTES, SUPPORTED_OPERATORS, read_network
from mcu_models.compiler.writer import write_network

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.compiler.model import Network


def test_a_network_is_read_with_its_shapes_scales_and_costs(models: Path) -> None:
    """C8-P-FC has the layers, the multiplications and the weights that its name promises."""
    path = models / "c8_p_fc.tflite"
    network = read_network(path)
    assert network.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert network.input.shape == (1, 8, 8, 1)
    assert network.output.shape == (1, 4)
    names = [operator.name for operator in network.operators]
    assert names == ["CONV_2D", "MAX_POOL_2D", "RESHAPE", "FULLY_CONNECTED"]
    conv, _, _, dense = network.operators
    assert (conv.macs, dense.macs) == (6 * 6 * 8 * 9, 72 * 4)
    assert (conv.weights_bytes, dense.weights_bytes) == (72 + 8 * 4, 288 + 4 * 4)
    assert (network.macs, network.weights_bytes) == (2880, 408)
    assert conv.weights is not None
    assert len(conv.weights.scales) == 8
    assert conv.weights.axis == 0


def test_windows_are_read_with_padding_stride_and_dilation(models: Path) -> None:
    same = read_network(models / "same_depthwise.tflite").operators[0].options
    assert same == WindowOptions("same", (2, 2), (3, 3), (1, 1), "relu6")
    dilated = read_network(models / "dilated.tflite").operators[1].options
    assert dilated == WindowOptions("same", (1, 1), (3, 3), (2, 1), "none")


@pytest.mark.parametrize(
    ("rows", "padding", "stride", "window", "dilation", "positions", "before"),
    [
        (8, "valid", 1, 3, 1, 6, 0),
        (8, "same", 1, 3, 1, 8, 1),
        (9, "same", 2, 3, 1, 5, 1),
        (8, "same", 2, 3, 1, 4, 0),
        (10, "valid", 1, 3, 2, 6, 0),
        (2, "valid", 1, 3, 1, 0, 0),
    ],
)
def test_window_positions_follow_tensorflow(
    rows: int, padding: str, stride: int, window: int, dilation: int, positions: int, before: int
) -> None:
    """SAME takes ceil(n / stride) positions, VALID ceil((n - reach + 1) / stride); padding is half of the lack."""
    options = WindowOptions(padding, (stride, stride), (window, window), (dilation, dilation), "none")  # type: ignore[arg-type]
    assert options.output_length(rows, 0) == positions
    assert options.padding_before(rows, positions, 0) == before


def refusal(path: Path, network: Network) -> str:
    """Return why a built network is refused."""
    path.write_bytes(write_network(network))
    with pytest.raises(BadInputError) as refused:
        read_network(path)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_an_unsupported_operator_is_named_with_its_index(tmp_path: Path) -> None:
    builder = GraphBuilder()
    source, middle, result = (builder.tensor((1, 4), 0.1) for _ in range(3))
    builder.operator("RELU", [source], [middle])
    builder.operator("ELU", [middle], [result])
    message = refusal(tmp_path / "elu.tflite", builder.network([source], [result]))
    assert "operator 1 is 'ELU'; supported: " in message
    assert all(name in message for name in SUPPORTED_OPERATORS)


def test_an_unsupported_type_is_named_with_the_types_that_are(tmp_path: Path) -> None:
    builder = GraphBuilder()
    source, result = (builder.tensor((1, 4), None, 0, "float32") for _ in range(2))
    builder.operator("TANH", [source], [result])
    message = refusal(tmp_path / "tanh.tflite", builder.network([source], [result]))
    assert "operator 0 TANH: input type is 'float32'; supported: int8" in message


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    builder = GraphBuilder()
    source, result = builder.tensor((1, 2), None, 0, "float32"), builder.tensor((1, 1), None, 0, "float32")
    weights = builder.constant(np.array([[1, np.nan]], np.float32))
    builder.operator("FULLY_CONNECTED", [source, weights, None], [result], DenseOptions("none"))
    message = refusal(tmp_path / "nan.tflite", builder.network([source], [result]))
    assert "operator 0 FULLY_CONNECTED: weights is 'tensor_2'; expected finite numbers" in message


def test_an_operand_that_nothing_computes_is_refused(tmp_path: Path) -> None:
    builder = GraphBuilder()
    source, never, result = (builder.tensor((1, 4), 0.1) for _ in range(3))
    builder.operator("ADD", [source, never], [result], ElementwiseOptions("none"))
    message = refusal(tmp_path / "never.tflite", builder.network([source], [result]))
    assert "operator 0 ADD: input is 'tensor_1'; expected one that an earlier operator computes" in message


def test_an_output_that_no_operator_computes_is_refused(tmp_path: Path) -> None:
    builder = GraphBuilder()
    source, result = (builder.tensor((1, 4), 0.1) for _ in range(2))
    builder.operator("RELU", [source], [result])
    message = refusal(tmp_path / "through.tflite", builder.network([source], [source]))
    assert "output is 'tensor_0'; expected a tensor that an operator computes" in message


def test_a_shape_left_open_is_refused(models: Path, tmp_path: Path) -> None:
    """Only the batch may be open: it is read as 1."""
    content = (models / "c8_p_fc.tflite").read_bytes()
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].shapeSignature = np.array([-1, -1, 8, 1], np.int32)
    builder = schema.flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path = tmp_path / "open.tflite"
    path.write_bytes(builder.Output())
    with pytest.raises(BadInputError, match=r"input shape is \[-1, -1, 8, 1\]; expected every length but the batch"):
        read_network(path)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x1c\0\0\0TFL3", b"PK\x03\x04" * 100, bytes(5000)])
def test_what_is_no_network_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "network.tflite"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"network\.tflite.*expected a \.tflite file"):
        read_network(path)


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.tflite"
    with path.open("wb") as stream:
        stream.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(BadInputError, match="at most 16777216 are read"):
        read_network(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.tflite", tmp_path):
        with pytest.raises(BadInputError, match="cannot be read"):
            read_network(path)
