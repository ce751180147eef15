"""The int8 models of MLPerf Tiny read, fit and compute as the golden reference does.

They are not part of this repository: TWIN_MLPERF_TINY names a folder with the .tflite files of
https://github.com/mlcommons/tiny (benchmark/training/*/trained_models).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mcu_models.compiler.codegen import generate
from mcu_models.compiler.reader import read_network

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = os.environ.get("TWIN_MLPERF_TINY")
# Multiplications by a weight, counted from the layers' shapes.
MACS = {
    "ad01_int8": 264_192,
    "kws_ref_model": 2_656_768,
    "vww_96_int8": 7_489_664,
    "pretrainedResnet_quant": 12_501_632,
}
FRAMES = 20


@pytest.fixture(params=MACS)
def path(request: pytest.FixtureRequest) -> Path:
    if FOLDER is None:
        pytest.skip("set TWIN_MLPERF_TINY to a folder with the models of github.com/mlcommons/tiny")
    return Path(FOLDER) / f"{request.param}.tflite"


def test_generated_c_equals_the_reference(path: Path, compare: Callable[..., Any]) -> None:
    assert compare(read_network(path), frames=FRAMES).mismatches == 0


def test_the_arena_is_as_short_as_can_be(path: Path) -> None:
    network = read_network(path)
    generated = generate(network, None)
    assert network.macs == MACS[path.stem]
    assert generated.arena.size_bytes <= 1.1 * generated.largest_live_bytes
