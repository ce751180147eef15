"""Generates a network as C11: no heap, no interpreter, one function for each layer, a fixed arena."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError
from mcu_models.compiler import ctext
from mcu_models.compiler.arena import ArenaPlan, Buffer, plan_arena
from mcu_models.compiler.layers import Layer, layer_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcu_models.compiler.frontend import FrontendTable
    from mcu_models.compiler.model import Int8Network

_HEADERS: Final = ("int8_convolution.h", "int8_dense.h", "int8_pool.h", "int8_softmax.h")

# Cycles are attributed by function, so no compiler may merge or copy one.
_LAYER_MACRO: Final = """\
#if defined(__clang__)
#define NETWORK_LAYER static __attribute__((noinline))
#else
#define NETWORK_LAYER static __attribute__((noinline, noclone))
#endif
"""

_CLASS_FUNCTION: Final = """\
int32_t network_class(const int8_t output[NETWORK_OUTPUT_SIZE])
{
    int32_t best = 0;
    for (int32_t i = 1; i < NETWORK_OUTPUT_SIZE; ++i) {
        best = output[i] > output[best] ? i : best;
    }
    return best;
}
"""


@dataclass(frozen=True)
class GeneratedNetwork:
    """A network's C sources.

    Attributes:
        sources: Text by file name: `network.h`, `network.c`, and, given a front end, `frontend.h`, `frontend.c`.
        functions: The layers' C functions by operator index.
        arena: Where the activations lie.
    """

    sources: dict[str, str]
    functions: dict[int, str]
    arena: ArenaPlan


def generate(network: Int8Network, table: FrontendTable | None) -> GeneratedNetwork:
    """Generate the C of a network and, given its table, of its front end.

    The sources include the kernels of `mcu_models/firmware/kernels` and compute, in every bit, what
    `ReferenceNetwork` and `frontend.prepare` compute.

    Raises:
        BadInputError: The network computes nothing, or its numbers leave the range of the kernels.
    """
    computing = [operator for operator in network.operators if operator.name != "RESHAPE"]
    if not computing:
        raise BadInputError(network.path, "operators", "RESHAPE", "expected a network that computes")
    layers = [layer_of(network.path, operator) for operator in computing]
    plan = plan_arena(_buffers(layers))
    sources = {
        "network.h": _header(network),
        "network.c": _source(layers, plan),
    }
    if table is not None:
        sources |= {"frontend.h": _frontend_header(table), "frontend.c": _frontend_source(table)}
    return GeneratedNetwork(sources, {layer.operator.index: layer.function for layer in layers}, plan)


def _buffers(layers: Sequence[Layer]) -> list[Buffer]:
    """Return each step's scratch and output; the last output is the caller's."""
    outputs = [
        Buffer(f"output_{step}", layer.operator.output.size, step, step + 1) for step, layer in enumerate(layers[:-1])
    ]
    scratches = [
        Buffer(f"scratch_{step}", layer.scratch_bytes, step, step)
        for step, layer in enumerate(layers)
        if layer.scratch_bytes
    ]
    return outputs + scratches


def _header(network: Int8Network) -> str:
    return ctext.guarded(
        "NETWORK_H",
        f"""\
/* Generated from the .tflite file with sha256 {network.sha256}. */

#include <stdint.h>

#define NETWORK_INPUT_SIZE {network.input.size}
#define NETWORK_OUTPUT_SIZE {network.output.size}

/* Compute the output for an input; the two must not overlap. */
void network_run(const int8_t input[NETWORK_INPUT_SIZE], int8_t output[NETWORK_OUTPUT_SIZE]);

/* Where the output is largest; the first of equals. */
int32_t network_class(const int8_t output[NETWORK_OUTPUT_SIZE]);
""",
    )


def _source(layers: Sequence[Layer], plan: ArenaPlan) -> str:
    includes = "".join(f'#include "{name}"\n' for name in _HEADERS)
    parts = [f'#include "network.h"\n\n{includes}', _LAYER_MACRO]
    if plan.size_bytes:
        parts.append(f"static _Alignas(4) int8_t network_arena[{plan.size_bytes}];\n")
    for layer in layers:
        parts += [layer.data] if layer.data else []
        parts.append(_function(layer))
    parts += [_run_function(layers, plan), _CLASS_FUNCTION]
    return "\n".join(parts)


def _function(layer: Layer) -> str:
    arguments = "const int8_t *restrict input, int8_t *restrict output"
    if layer.scratch_bytes:
        arguments += ", int8_t *restrict scratch"
    return f"NETWORK_LAYER void {layer.function}({arguments})\n{{\n{layer.body}}}\n"


def _run_function(layers: Sequence[Layer], plan: ArenaPlan) -> str:
    calls = []
    source = "input"
    for step, layer in enumerate(layers):
        result = "output" if step == len(layers) - 1 else _place(plan, f"output_{step}")
        scratch = f", {_place(plan, f'scratch_{step}')}" if layer.scratch_bytes else ""
        calls.append(f"    {layer.function}({source}, {result}{scratch});\n")
        source = result
    arguments = "const int8_t input[NETWORK_INPUT_SIZE], int8_t output[NETWORK_OUTPUT_SIZE]"
    return f"void network_run({arguments})\n{{\n{''.join(calls)}}}\n"


def _place(plan: ArenaPlan, name: str) -> str:
    return f"network_arena + {plan.offsets_bytes[name]}"


def _frontend_header(table: FrontendTable) -> str:
    return ctext.guarded(
        "FRONTEND_H",
        f"""\
#include <stdint.h>

#include "network.h"

#define FRONTEND_PIXELS {table.pixels}

/* Turn a frame, in the sensor's steps of 0.25 degC, into the network's input. */
void frontend_prepare(const int16_t raw[FRONTEND_PIXELS], int8_t input[NETWORK_INPUT_SIZE]);
""",
    )


def _frontend_source(table: FrontendTable) -> str:
    length = len(table.codes)
    reference = "lower_median(raw, FRONTEND_PIXELS)" if table.subtracts_median else "0"
    return f"""\
#include "frontend.h"

#include "lower_median.h"

#define FRONTEND_FIRST ({table.first})
#define FRONTEND_LENGTH {length}

{ctext.int_array("static const int8_t frontend_codes[FRONTEND_LENGTH]", table.codes.tolist())}
void frontend_prepare(const int16_t raw[FRONTEND_PIXELS], int8_t input[NETWORK_INPUT_SIZE])
{{
    const int32_t reference = {reference} + FRONTEND_FIRST;
    for (int32_t i = 0; i < FRONTEND_PIXELS; ++i) {{
        int32_t index = raw[i] - reference;
        index = index < 0 ? 0 : index;
        index = index > FRONTEND_LENGTH - 1 ? FRONTEND_LENGTH - 1 : index;
        input[i] = frontend_codes[index];
    }}
}}
"""
