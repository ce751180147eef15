"""The kernels' fixed-point arithmetic, against the definition in unbounded integers."""

from __future__ import annotations

import ctypes
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HARNESS = """
#include "int8_arithmetic.h"
void rescale_all(const int32_t *sums, const int8_channel *channels, int8_t *out, int32_t count, int32_t only_right)
{
    const int8_output form = {-7, -128, 127, only_right != 0};
    for (int32_t i = 0; i < count; ++i) {
        out[i] = int8_rescale(sums[i], &channels[i], form);
    }
}
void divide_all(const int32_t *values, const int32_t *exponents, int32_t *out, int32_t count)
{
    for (int32_t i = 0; i < count; ++i) {
        out[i] = int8_divide(values[i], exponents[i]);
    }
}
"""
CHANNEL = np.dtype([("bias", "<i4"), ("multiplier", "<i4"), ("left", "<i2"), ("right", "<i2")])


@pytest.fixture(scope="module")
def arithmetic(
    tmp_path_factory: pytest.TempPathFactory, compile_host: Callable[[Path, list[str]], ctypes.CDLL]
) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("arithmetic")
    header = resources.files("mcu_models.firmware") / "kernels" / "int8_arithmetic.h"
    (folder / "int8_arithmetic.h").write_text(header.read_text())
    (folder / "harness.c").write_text(HARNESS)
    return compile_host(folder, ["harness.c"])


def halves_away(value: int, exponent: int) -> int:
    """Return value / 2^exponent, halves away from zero."""
    quotient = (abs(value) + (1 << exponent >> 1)) >> exponent
    return quotient if value >= 0 else -quotient


def rescaled(total: int, multiplier: int, left: int, right: int) -> int:
    """Return what gemmlowp defines: a doubling high product, nudged and cut towards zero, then a division."""
    nudged = (total << left) * multiplier
    nudged += (1 << 30) if nudged >= 0 else 1 - (1 << 30)
    product = nudged >> 31 if nudged >= 0 else -(-nudged >> 31)
    return max(-128, min(127, halves_away(product, right) - 7))


@pytest.mark.parametrize("only_right", [True, False])
def test_rescaling_equals_gemmlowp(arithmetic: ctypes.CDLL, only_right: bool) -> None:  # noqa: FBT001 - a parameter
    """40,000 accumulators, ties of both roundings among them, with every shift."""
    generator = np.random.default_rng(11)
    count = 40_000
    channels = np.zeros(count, CHANNEL)
    channels["multiplier"] = generator.integers(1 << 30, 1 << 31, count)
    channels["multiplier"][::3] = 1 << 30
    channels["left"] = 0 if only_right else generator.integers(0, 8, count)
    channels["right"] = generator.integers(1, 24, count)
    if not only_right:
        channels["right"][channels["left"] > 0] = 0
    left, right = channels["left"].astype(np.int64), channels["right"].astype(np.int64)
    largest = np.minimum(((1 << 30) - 1) >> left, 300 << right)
    sums = generator.integers(-largest, largest, endpoint=True).astype(np.int32)
    out = np.empty(count, np.int8)
    arithmetic.rescale_all(
        sums.ctypes.data_as(ctypes.c_void_p),
        channels.ctypes.data_as(ctypes.c_void_p),
        out.ctypes.data_as(ctypes.c_void_p),
        count,
        int(only_right),
    )
    expected = [
        rescaled(s, m, left, right) for s, (_, m, left, right) in zip(sums.tolist(), channels.tolist(), strict=True)
    ]
    assert out.tolist() == expected


def test_division_rounds_halves_away_for_every_int32(arithmetic: ctypes.CDLL) -> None:
    """Random values, both ends of int32 and exact halves, by every power of two."""
    generator = np.random.default_rng(12)
    exponents = np.tile(np.arange(32, dtype=np.int32), 300)
    values = generator.integers(-(2**31), 2**31, len(exponents)).astype(np.int32)
    values[:64] = np.repeat([-(2**31), 2**31 - 1], 32)
    halves = slice(1000, 3000)
    values[halves] = (values[halves] >> exponents[halves] << exponents[halves]) | (1 << exponents[halves] >> 1)
    out = np.empty(len(values), np.int32)
    arithmetic.divide_all(
        values.ctypes.data_as(ctypes.c_void_p),
        exponents.ctypes.data_as(ctypes.c_void_p),
        out.ctypes.data_as(ctypes.c_void_p),
        len(values),
    )
    expected = [halves_away(v, e) for v, e in zip(values.tolist(), exponents.tolist(), strict=True)]
    assert out.tolist() == expected
