"""Inputs of a network with the reference's answers, as C: what a build's host test compares with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mcu_models.compiler import ctext
from mcu_models.compiler.interpreter import ReferenceInterpreter
from mcu_models.compiler.operators.family import C_TYPES

if TYPE_CHECKING:
    from mcu_models.compiler.model import Network, Tensor

CASES: Final = 8
_SEED: Final = 8
_FLOAT_TOLERANCE: Final = 1e-5


def golden_header(network: Network) -> str:
    """Return `golden_vectors.h`: `GOLDEN_CASES` random inputs and the outputs of LiteRT's reference kernels."""
    inputs, outputs = _answers(network)
    arrays = [
        ctext.braced(f"static const {c_type} {name}[GOLDEN_CASES][{values[0].size}]", _items(c_type, values))
        for name, c_type, values in (*inputs, *outputs)
    ]
    return ctext.guarded(
        "GOLDEN_VECTORS_H", f"#include <stdint.h>\n\n#define GOLDEN_CASES {CASES}\n\n" + "".join(arrays)
    )


def host_test(network: Network) -> str:
    """Return the C of a program that runs the cases on the host; its exit status is the number that differ."""
    calls = ", ".join([*(f"{name}[i]" for name in _names("input", len(network.inputs))), *_results(network)])
    declared = "".join(
        f"        {C_TYPES[tensor.dtype]} {result}[{tensor.size}];\n"
        for result, tensor in zip(_results(network), network.outputs, strict=True)
    )
    compared = " || ".join(
        f"{'differ_real' if tensor.dtype == 'float32' else 'differ'}({result}, {name}[i], {tensor.size})"
        for result, name, tensor in zip(
            _results(network), _names("output", len(network.outputs)), network.outputs, strict=True
        )
    )
    return f"""\
#include "golden_vectors.h"
#include "network.h"

#include <stdio.h>

{_comparisons(network)}
int main(void)
{{
    int wrong = 0;
    for (int i = 0; i < GOLDEN_CASES; ++i) {{
{declared}        network_run({calls});
        wrong += {compared};
    }}
    printf("%d of %d cases differ from the reference\\n", wrong, GOLDEN_CASES);
    return wrong;
}}
"""


def _comparisons(network: Network) -> str:
    texts = []
    kinds = sorted({tensor.dtype for tensor in network.outputs})
    whole = [C_TYPES[kind] for kind in kinds if kind != "float32"]
    if whole:
        texts.append(f"""\
static int differ(const {whole[0]} *found, const {whole[0]} *expected, int count)
{{
    int wrong = 0;
    for (int i = 0; i < count; ++i) {{
        wrong |= found[i] != expected[i];
    }}
    return wrong;
}}
""")
    if "float32" in kinds:
        texts.append(f"""\
static int differ_real(const float *found, const float *expected, int count)
{{
    float largest = 0.0f;
    for (int i = 0; i < count; ++i) {{
        const float size = expected[i] < 0.0f ? -expected[i] : expected[i];
        largest = size > largest ? size : largest;
    }}
    int wrong = 0;
    for (int i = 0; i < count; ++i) {{
        const float apart = found[i] - expected[i];
        wrong |= (apart < 0.0f ? -apart : apart) > {_FLOAT_TOLERANCE}f * largest;
    }}
    return wrong;
}}
""")
    return "\n".join(texts)


def _answers(network: Network) -> tuple[list[tuple[str, str, list[Any]]], list[tuple[str, str, list[Any]]]]:
    """Return name, C type and values by case, of the inputs and of the outputs."""
    reference = ReferenceInterpreter(network)
    rng = np.random.default_rng(_SEED)
    cases = [[_random(tensor, rng) for tensor in network.inputs] for _ in range(CASES)]
    given = [list(values) for values in zip(*cases, strict=True)]
    answered = [list(values) for values in zip(*(reference.run(case) for case in cases), strict=True)]
    return (
        [
            (name, C_TYPES[tensor.dtype], values)
            for name, tensor, values in zip(_names("input", len(given)), network.inputs, given, strict=True)
        ],
        [
            (name, C_TYPES[tensor.dtype], values)
            for name, tensor, values in zip(_names("output", len(answered)), network.outputs, answered, strict=True)
        ],
    )


def _random(tensor: Tensor, rng: np.random.Generator) -> Any:
    if tensor.dtype == "float32":
        return rng.standard_normal(tensor.shape).astype(np.float32)
    kind = np.iinfo(tensor.dtype)
    return rng.integers(kind.min, kind.max + 1, tensor.shape).astype(tensor.dtype)


def _items(c_type: str, cases: list[Any]) -> list[str]:
    write = ctext.real if c_type == "float" else lambda value: str(int(value))
    return ["{" + ", ".join(write(value) for value in case.reshape(-1).tolist()) + "}" for case in cases]


def _names(word: str, count: int) -> list[str]:
    return [f"golden_{word}"] if count == 1 else [f"golden_{word}_{position}" for position in range(count)]


def _results(network: Network) -> list[str]:
    return [name.replace("golden_output", "output") for name in _names("output", len(network.outputs))]
