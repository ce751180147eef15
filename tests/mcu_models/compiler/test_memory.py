"""Tensors share memory where they can, and only there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcu_models.compiler.codegen import generate
from mcu_models.compiler.graph_builder import GraphBuilder
from mcu_models.compiler.memory import plan_memory
from mcu_models.compiler.model import ElementwiseOptions
from mcu_models.compiler.reader import read_network
from mcu_models.compiler.writer import write_network

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mcu_models.compiler.model import Network, Tensor


class Graph:
    """A graph of tensors of eight values, read back from its file."""

    def __init__(self, folder: Path) -> None:
        self.builder = GraphBuilder()
        self.path = folder / "graph.tflite"

    def tensor(self, *shape: int) -> Tensor:
        return self.builder.tensor(shape or (1, 8), 0.1)

    def step(self, name: str, operands: Sequence[Tensor | None], shape: tuple[int, ...] = (1, 8)) -> Tensor:
        result = self.tensor(*shape)
        self.builder.operator(name, operands, [result], ElementwiseOptions("none") if name == "ADD" else None)
        return result

    def network(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Network:
        self.path.write_bytes(write_network(self.builder.network(inputs, outputs)))
        return read_network(self.path)


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return Graph(tmp_path)


def test_a_chain_of_elementwise_operators_works_in_the_callers_output(graph: Graph) -> None:
    """No arena is needed: the first writes the output, the others overwrite it."""
    source = graph.tensor()
    last = graph.step("QUANTIZE", [graph.step("RELU", [graph.step("RELU6", [source])])])
    network = graph.network([source], [last])
    memory = plan_memory(network)
    assert memory.in_place == {1, 2}
    assert [memory.by_tensor[t].owner for t in (0, 1, 2, 3)] == ["input", "output", "output", "output"]
    assert generate(network, None).arena.size_bytes == 0


def test_an_operand_read_later_is_not_overwritten(graph: Graph) -> None:
    """Of two operands of a sum, the one that nothing reads afterwards gives its place."""
    source = graph.tensor()
    kept, spent = graph.step("RELU", [source]), graph.step("RELU6", [source])
    total = graph.step("ADD", [kept, spent])
    network = graph.network([source], [graph.step("ADD", [kept, total])])
    memory = plan_memory(network)
    assert memory.by_tensor[total.index] is memory.by_tensor[spent.index]
    assert memory.by_tensor[total.index] is not memory.by_tensor[kept.index]


def test_the_callers_input_is_never_written(graph: Graph) -> None:
    source = graph.tensor()
    network = graph.network([source], [graph.step("RELU", [source])])
    assert plan_memory(network).in_place == frozenset()
    assert "const int8_t *restrict input" in generate(network, None).sources["network.c"]


def test_a_reshape_costs_nothing_between_operators(graph: Graph) -> None:
    source = graph.tensor()
    reshaped = graph.step("RESHAPE", [graph.step("RELU", [source]), None], (1, 2, 4))
    network = graph.network([source], [graph.step("RELU6", [reshaped], (1, 2, 4))])
    generated = generate(network, None)
    assert generated.functions == {0: "network_layer_0_relu", 2: "network_layer_2_relu6"}


def test_a_reshape_from_the_callers_input_to_its_output_copies(graph: Graph) -> None:
    source = graph.tensor()
    network = graph.network([source], [graph.step("RESHAPE", [source, None], (1, 2, 4))])
    assert generate(network, None).functions == {0: "network_layer_0_reshape"}


def test_an_output_that_is_read_again_keeps_its_place(graph: Graph) -> None:
    """A later operator reads the caller's output and does not overwrite it."""
    source = graph.tensor()
    first = graph.step("RELU", [source])
    network = graph.network([source], [first, graph.step("RELU6", [first])])
    memory = plan_memory(network)
    assert memory.in_place == frozenset()
    assert {memory.by_tensor[t.index].name for t in network.outputs} == {"output_0", "output_1"}


def test_the_largest_live_set_is_reported(graph: Graph) -> None:
    """Two tensors of eight bytes are kept for later sums, which are all computed in the caller's output."""
    source = graph.tensor()
    first, second = graph.step("RELU", [source]), graph.step("RELU6", [source])
    total = graph.step("ADD", [first, second])
    joined = graph.step("ADD", [graph.step("ADD", [first, total]), second])
    generated = generate(graph.network([source], [joined]), None)
    assert generated.largest_live_bytes == 16
    assert generated.arena.size_bytes == 16
