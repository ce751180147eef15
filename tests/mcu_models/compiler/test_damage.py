"""A damaged or foreign file never gets further than one line of refusal; LiteRT sees only what was checked.

Two kinds of damage: bytes changed anywhere, which mostly break the file's structure, and values changed within a sound
structure, which reach the checks of shapes, scales, types and options.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from datasheet.bad_input import BadInputError
from mcu_models.compiler.codegen import generate
from mcu_models.compiler.reference import ReferenceNetwork

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODELS = ("c8_p_fc", "c8_p_fc_softmax", "dilated", "same_depthwise", "float", "every_layer", "folded_time_lstm")

# How many damaged files of each kind and network; 2,000 for a thorough run.
CASES_EACH = int(os.environ.get("TWIN_TEST_MUTATIONS", "80"))

WORDS = (0, 1, 2, 127, 128, 255, 65535, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
LENGTHS = (0, -1, 1, 2, 3, 1000, 100_000, 2**30)
SCALES = (0.0, 1e-38, 1e-6, 0.5, 1.0, 1e3, 1e20, float("inf"), float("nan"), -1.0)
ZERO_POINTS = (0, -128, 127, 128, -129, 2**40)


def damaged_bytes(content: bytes, draw: random.Random) -> bytes:
    """Return a file cut short, or with some bytes or a word changed."""
    damaged = bytearray(content)
    kind = draw.randrange(3)
    if kind == 0:
        return bytes(damaged[: draw.randrange(len(damaged))])
    if kind == 1:
        for _ in range(draw.randint(1, 6)):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
    else:
        place = draw.randrange(len(damaged) // 4 - 1) * 4
        damaged[place : place + 4] = draw.choice(WORDS).to_bytes(4, "little")
    return bytes(damaged)


def damaged_values(content: bytes, draw: random.Random) -> bytes:
    """Return a file of sound structure in which one to three values are wrong."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    for _ in range(draw.randint(1, 3)):
        damage = draw.choice((damage_shape, damage_scale, damage_type, damage_operands, damage_options, damage_data))
        damage(draw, model, graph)
    builder = schema.flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def damage_shape(draw: random.Random, _: Any, graph: Any) -> None:
    tensor = draw.choice(graph.tensors)
    if tensor.shape is not None and len(tensor.shape):
        tensor.shape = np.array(tensor.shape)
        tensor.shape[draw.randrange(len(tensor.shape))] = draw.choice(LENGTHS)


def damage_scale(draw: random.Random, _: Any, graph: Any) -> None:
    quantised = [t.quantization for t in graph.tensors if t.quantization and t.quantization.scale is not None]
    if quantised:
        table = draw.choice(quantised)
        table.scale, table.zeroPoint = np.array(table.scale), np.array(table.zeroPoint)
        table.scale[draw.randrange(len(table.scale))] = draw.choice(SCALES)
        table.zeroPoint[draw.randrange(len(table.zeroPoint))] = draw.choice(ZERO_POINTS)


def damage_type(draw: random.Random, _: Any, graph: Any) -> None:
    draw.choice(graph.tensors).type = draw.choice((0, 2, 4, 7, 9))


def damage_operands(draw: random.Random, _: Any, graph: Any) -> None:
    operator = draw.choice(graph.operators)
    operator.inputs = np.array(operator.inputs)
    operator.inputs[draw.randrange(len(operator.inputs))] = draw.choice((-1, 9999, draw.randrange(len(graph.tensors))))


def damage_options(draw: random.Random, _: Any, graph: Any) -> None:
    options = draw.choice(graph.operators).builtinOptions
    numbers = {name: v for name, v in vars(options).items() if isinstance(v, int | float)} if options else {}
    if numbers:
        name = draw.choice(sorted(numbers))
        switch = isinstance(numbers[name], bool)
        setattr(options, name, not numbers[name] if switch else draw.choice((0, 1, 2, 3, 7, 100)))


def damage_data(draw: random.Random, model: Any, _: Any) -> None:
    buffer = draw.choice(model.buffers)
    if buffer.data is not None and len(buffer.data):
        buffer.data = np.array(buffer.data)[: draw.randrange(len(buffer.data)) or None]


@pytest.mark.parametrize("damage", [damaged_bytes, damaged_values])
@pytest.mark.parametrize("model", MODELS)
def test_a_damaged_file_is_refused_in_one_line_or_computed(
    damage: Callable[[bytes, random.Random], bytes], model: str, models: Path, tmp_path: Path
) -> None:
    """Nothing but BadInputError ever comes out, and some of the damage is indeed found."""
    content = (models / f"{model}.tflite").read_bytes()
    path = tmp_path / "damaged.tflite"
    refused = 0
    for seed in range(CASES_EACH):
        path.write_bytes(damage(content, random.Random(seed)))  # noqa: S311 - no secret
        try:
            generate(ReferenceNetwork(path).network, None)
        except BadInputError as error:
            refused += 1
            assert "\n" not in str(error)  # noqa: PT017 - many cases pass
            assert str(path) in str(error)  # noqa: PT017
    assert refused > CASES_EACH // 4
