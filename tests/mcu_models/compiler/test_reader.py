"""Networks are read as they are, and nothing damaged or foreign gets through."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasheet.bad_input import BadInputError
from mcu_models.compiler.codegen import generate
from mcu_models.compiler.model import WindowOptions
from mcu_models.compiler.reader import MAX_FILE_BYTES, SUPPORTED_OPERATORS, read_network

if TYPE_CHECKING:
    from pathlib import Path


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


def test_a_float_network_is_refused(models: Path) -> None:
    with pytest.raises(BadInputError, match=r"float\.tflite: input type is 'float32'; expected int8"):
        read_network(models / "float.tflite")


def test_an_unsupported_operator_is_named_with_its_index(models: Path) -> None:
    with pytest.raises(BadInputError, match="operator 1 is 'LEAKY_RELU'; supported: ") as refused:
        read_network(models / "unsupported.tflite")
    assert all(name in str(refused.value) for name in SUPPORTED_OPERATORS)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x1c\0\0\0TFL3", b"PK\x03\x04" * 100, bytes(5000)])
def test_what_is_no_network_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "network.tflite"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"network\.tflite.*expected an int8 \.tflite file"):
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


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    model=st.sampled_from(["c8_p_fc", "c8_p_fc_softmax", "dilated", "float"]),
    cut=st.one_of(st.none(), st.floats(0, 1)),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
)
def test_a_damaged_file_is_refused_in_one_line_or_read(
    models: Path, tmp_path: Path, model: str, cut: float | None, flips: list[tuple[float, int]]
) -> None:
    """Truncations and wrong bytes anywhere never end in anything but BadInputError or a network with C."""
    content = bytearray((models / f"{model}.tflite").read_bytes())
    for place, value in flips:
        content[int(place * len(content))] = value
    path = tmp_path / "damaged.tflite"
    path.write_bytes(content if cut is None else content[: int(cut * len(content))])
    try:
        generate(read_network(path), None)
    except BadInputError as refused:
        assert "\n" not in str(refused)  # noqa: PT017 - many examples pass
        assert str(path) in str(refused)  # noqa: PT017
