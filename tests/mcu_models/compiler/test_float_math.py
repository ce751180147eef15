"""Exponential, sigmoid and hyperbolic tangent of the kernels, against double precision."""

from __future__ import annotations

import ctypes
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

HARNESS = """
#include "float_math.h"
void run_exp(const float *x, float *y, int32_t count) { for (int32_t i = 0; i < count; ++i) y[i] = float_exp(x[i]); }
void run_tanh(const float *x, float *y, int32_t count) { for (int32_t i = 0; i < count; ++i) y[i] = float_tanh(x[i]); }
void run_sigmoid(const float *x, float *y, int32_t count)
{
    for (int32_t i = 0; i < count; ++i) y[i] = float_sigmoid(x[i]);
}
"""
# Four units in the last place of float32.
TOLERANCE = 4 * 2.0**-24


@pytest.fixture(scope="module")
def library(
    tmp_path_factory: pytest.TempPathFactory, compile_host: Callable[[Path, list[str]], ctypes.CDLL]
) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("float_math")
    header = resources.files("mcu_models.firmware") / "kernels" / "float_math.h"
    (folder / "float_math.h").write_text(header.read_text())
    (folder / "harness.c").write_text(HARNESS)
    return compile_host(folder, ["harness.c"])


def computed(library: ctypes.CDLL, name: str, values: NDArray[np.float32]) -> NDArray[np.float64]:
    answers = np.empty_like(values)
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (values, answers)]
    library[f"run_{name}"](*pointers, len(values))
    return answers.astype(np.float64)


def test_functions_are_right_to_four_units_in_the_last_place(library: ctypes.CDLL) -> None:
    """200,000 values each over the whole range, dense around zero."""
    generator = np.random.default_rng(4)
    wide, near = generator.uniform(-87, 88, 100_000), generator.normal(0, 0.5, 100_000)
    values = np.concatenate([wide, near]).astype(np.float32)
    exact = values.astype(np.float64)
    for name, expected in (("exp", np.exp(exact)), ("tanh", np.tanh(exact)), ("sigmoid", 1 / (1 + np.exp(-exact)))):
        assert np.max(np.abs(computed(library, name, values) / expected - 1)) < TOLERANCE


def test_beyond_the_range_the_limits_are_reached(library: ctypes.CDLL) -> None:
    far = np.array([-1e30, -100.0, 100.0, 1e30], np.float32)
    assert computed(library, "exp", far)[:2].tolist() == [0.0, 0.0]
    assert np.all(computed(library, "exp", far)[2:] > 1e38)
    assert computed(library, "tanh", far).tolist() == [-1.0, -1.0, 1.0, 1.0]
    assert computed(library, "sigmoid", far) == pytest.approx([0.0, 0.0, 1.0, 1.0])
