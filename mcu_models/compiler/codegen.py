"""Generates a network as C11: no heap, no interpreter, one function for each layer, a fixed arena."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError
from mcu_models.compiler import ctext
from mcu_models.compiler.arena import ArenaPlan, Buffer, lower_bound_bytes, plan_arena
from mcu_models.compiler.frontend_code import frontend_sources
from mcu_models.compiler.memory import Memory, Storage, plan_memory
from mcu_models.compiler.operators.family import C_TYPES, Layer
from mcu_models.compiler.operators.registry import family_of

if TYPE_CHECKING:
    from mcu_models.compiler.frontend import FrontendTable
    from mcu_models.compiler.model import Network, Tensor

_MACROS: Final = """\
/* May be defined when compiling, to place constants, arena and code: say, with
 * -D'NETWORK_WEIGHTS=__attribute__((section(".itcm_data")))'. The start-up code must fill such a section. */
#ifndef NETWORK_WEIGHTS
#define NETWORK_WEIGHTS
#endif
#ifndef NETWORK_ARENA
#define NETWORK_ARENA
#endif
#ifndef NETWORK_CODE
#define NETWORK_CODE
#endif

/* Cycles are attributed by function, so no compiler may merge or copy one. */
#if defined(__clang__)
#define NETWORK_LAYER static __attribute__((noinline)) NETWORK_CODE
#else
#define NETWORK_LAYER static __attribute__((noinline, noclone)) NETWORK_CODE
#endif
"""

_RUN_COMMENT: Final = """\
/* Compute the outputs for the inputs; no two of them may overlap. Nothing is kept from one call to the next. An output
 * may be written, and written again, before the end: it holds the answer when the function returns.
 *
 * The activations are static, so only one call may run at a time: not two threads', nor an interrupt's within another.
 * On a Cortex-M4 or M7 the int8 layers keep values in floating-point registers: the FPU must be on, and its registers
 * be saved wherever tasks are switched. Words are loaded from any address: unaligned access must be allowed
 * (SCB->CCR.UNALIGN_TRP is 0, as after reset; on a Cortex-M7 with an MPU, all data in normal memory). */
"""


@dataclass(frozen=True)
class GeneratedNetwork:
    """A network's C sources.

    Attributes:
        sources: Text by file name: `network.h`, `network.c`, and, given a front end, `frontend.h`, `frontend.c`.
        functions: The layers' C functions by operator index; an operator that needs no code has none.
        arena: Where the activations and the layers' scratch lie.
        largest_live_bytes: The most that activations alone need at any step, without scratch.
    """

    sources: dict[str, str]
    functions: dict[int, str]
    arena: ArenaPlan
    largest_live_bytes: int


def generate(network: Network, table: FrontendTable | None) -> GeneratedNetwork:
    """Generate the C of a network and, given its table, of its front end.

    The sources include the kernels of `mcu_models/firmware/kernels` and compute, in every bit, what
    `ReferenceNetwork` and `frontend.prepare` compute (float32: within rounding).

    Raises:
        BadInputError: The network computes nothing, or its numbers leave the range of the kernels.
    """
    memory = plan_memory(network)
    layers = {
        step: family_of(network.path, operator).write(network.path, operator)
        for step, operator in enumerate(network.operators)
        if operator.index not in memory.removed
    }
    if not layers:
        raise BadInputError(network.path, "operators", len(network.operators), "expected a network that computes")
    plan = plan_arena([*memory.buffers, *_scratches(layers)])
    sources = {"network.h": _header(network, plan), "network.c": _Source(network, layers, memory, plan).text()}
    if table is not None:
        sources |= frontend_sources(table)
    functions = {layer.operator.index: layer.function for layer in layers.values()}
    return GeneratedNetwork(sources, functions, plan, lower_bound_bytes(memory.buffers))


def _scratches(layers: dict[int, Layer]) -> list[Buffer]:
    return [
        Buffer(f"scratch_{step}", layer.scratch_bytes, step, step)
        for step, layer in layers.items()
        if layer.scratch_bytes
    ]


def _names(word: str, count: int) -> list[str]:
    """Return what a function calls its inputs or outputs."""
    return [word] if count == 1 else [f"{word}_{position}" for position in range(count)]


def _interface(network: Network) -> list[tuple[str, Tensor]]:
    inputs = zip(_names("input", len(network.inputs)), network.inputs, strict=True)
    return [*inputs, *zip(_names("output", len(network.outputs)), network.outputs, strict=True)]


def _run_signature(network: Network) -> str:
    parts = []
    for name, tensor in _interface(network):
        const = "const " if name.startswith("input") else ""
        parts.append(f"{const}{C_TYPES[tensor.dtype]} {name}[NETWORK_{name.upper()}_SIZE]")
    separator = ", " if len(parts) == 2 else ",\n                 "
    return f"void network_run({separator.join(parts)})"


def _class_signature(network: Network) -> str:
    return f"int32_t network_class(const {C_TYPES[network.output.dtype]} output[NETWORK_OUTPUT_SIZE])"


def _value_signature(network: Network) -> str:
    return f"float network_value({C_TYPES[network.output.dtype]} code)"


def _header(network: Network, plan: ArenaPlan) -> str:
    one = ""
    if len(network.outputs) == 1:
        one = f"""
/* Where the output is largest; the first of equals. */
{_class_signature(network)};

/* The number that one value of the output stands for. */
{_value_signature(network)};
"""
    functions = f"{_RUN_COMMENT}{_run_signature(network)};\n{one}"
    return ctext.guarded(
        "NETWORK_H",
        f"""\
/* Generated from the .tflite file with sha256 {network.sha256}. */

#include <stdint.h>

{_interface_macros(network)}
/* Memory for activations, part of the program's zeroed data. */
#define NETWORK_ARENA_BYTES {plan.size_bytes}

{ctext.c_linkage(functions)}""",
    )


def _interface_macros(network: Network) -> str:
    lines = []
    for name, tensor in _interface(network):
        macro = f"NETWORK_{name.upper()}"
        lines.append(f"#define {macro}_SIZE {tensor.size}\n")
        if len(tensor.scales) == 1:
            lines.append(f"#define {macro}_SCALE {ctext.real(tensor.scale)}\n")
            lines.append(f"#define {macro}_ZERO_POINT ({tensor.zero_point})\n")
    return "".join(lines)


class _Source:
    """Writes network.c."""

    def __init__(self, network: Network, layers: dict[int, Layer], memory: Memory, plan: ArenaPlan) -> None:
        self._network = network
        self._layers = layers
        self._memory = memory
        self._plan = plan

    def text(self) -> str:
        headers = sorted({header for layer in self._layers.values() for header in layer.headers})
        includes = "".join(f'#include "{name}"\n' for name in headers)
        parts = [f'#include "network.h"\n\n{includes}', _MACROS]
        if self._plan.size_bytes:
            parts.append("static NETWORK_ARENA _Alignas(8) int8_t network_arena[NETWORK_ARENA_BYTES];\n")
        for layer in self._layers.values():
            parts += [layer.data] if layer.data else []
            parts.append(self._function(layer))
        parts.append(self._run_function())
        if len(self._network.outputs) == 1:
            parts += [self._class_function(), self._value_function()]
        return "\n".join(parts)

    def _function(self, layer: Layer) -> str:
        return f"NETWORK_LAYER void {layer.function}({', '.join(self._parameters(layer))})\n{{\n{layer.body}}}\n"

    def _parameters(self, layer: Layer) -> list[str]:
        operator = layer.operator
        restrict = "" if operator.index in self._memory.in_place else "restrict "
        sources, results = operator.computed_inputs, operator.outputs
        parameters = [
            f"const {C_TYPES[tensor.dtype]} *{restrict}{name}"
            for name, tensor in zip(_names("input", len(sources)), sources, strict=True)
        ]
        parameters += [
            f"{C_TYPES[tensor.dtype]} *{restrict}{name}"
            for name, tensor in zip(_names("output", len(results)), results, strict=True)
        ]
        return [*parameters, "int8_t *restrict scratch"] if layer.scratch_bytes else parameters

    def _run_function(self) -> str:
        calls = "".join(self._call(step, layer) for step, layer in self._layers.items())
        return f"{_run_signature(self._network)}\n{{\n{self._unread_inputs()}{calls}}}\n"

    def _unread_inputs(self) -> str:
        """Return a mention of each input that nothing reads, which compilers would warn of."""
        read = {
            id(self._memory.by_tensor[t.index])
            for layer in self._layers.values()
            for t in layer.operator.computed_inputs
        }
        pairs = zip(_names("input", len(self._network.inputs)), self._network.inputs, strict=True)
        return "".join(f"    (void){name};\n" for name, t in pairs if id(self._memory.by_tensor[t.index]) not in read)

    def _call(self, step: int, layer: Layer) -> str:
        tensors = (*layer.operator.computed_inputs, *layer.operator.outputs)
        arguments = [self._place(self._memory.by_tensor[tensor.index], tensor) for tensor in tensors]
        if layer.scratch_bytes:
            arguments.append(f"network_arena + {self._plan.offsets_bytes[f'scratch_{step}']}")
        return f"    {layer.function}({', '.join(arguments)});\n"

    def _place(self, storage: Storage, tensor: Tensor) -> str:
        if storage.owner == "arena":
            place = f"network_arena + {self._plan.offsets_bytes[storage.name]}"
            return place if tensor.dtype == "int8" else f"({C_TYPES[tensor.dtype]} *)(void *)({place})"
        count = len(self._network.inputs if storage.owner == "input" else self._network.outputs)
        return _names(storage.owner, count)[storage.position]

    def _class_function(self) -> str:
        return f"""\
{_class_signature(self._network)}
{{
    int32_t best = 0;
    for (int32_t i = 1; i < NETWORK_OUTPUT_SIZE; ++i) {{
        best = output[i] > output[best] ? i : best;
    }}
    return best;
}}
"""

    def _value_function(self) -> str:
        value = "NETWORK_OUTPUT_SCALE * (float)(code - NETWORK_OUTPUT_ZERO_POINT)"
        value = value if self._network.output.scales else "code"
        return f"{_value_signature(self._network)}\n{{\n    return {value};\n}}\n"
