"""A frame wakes the network when a block of 2 x 2 pixels is warm enough on average."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from datasheet.bad_input import BadInputError
from mcu_models.compiler.frontend import FrontendTable, frontend_table
from mcu_models.compiler.reader import read_network
from mcu_models.compiler.wake_up import is_awake, wake_up_sum

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.compiler.model import Network

SCALE_DEGC, ZERO_POINT = 12 / 255, -43


@pytest.fixture
def network(models: Path) -> Network:
    """Return a network whose input spans -4 to 8 degC."""
    read = read_network(models / "c8_p_fc.tflite")
    return replace(read, inputs=(replace(read.input, scales=(SCALE_DEGC,), zero_points=(ZERO_POINT,)),))


@pytest.fixture
def table(network: Network) -> FrontendTable:
    return frontend_table(network, "hold_zero")


@pytest.mark.parametrize(("mean_degc", "is_awake_at_1"), [(0.95, False), (0.98, False), (1.02, True), (8.0, True)])
@pytest.mark.parametrize("corner", [(0, 0), (6, 6), (3, 5)])
def test_a_block_as_warm_as_asked_wakes(
    network: Network, table: FrontendTable, corner: tuple[int, int], *, mean_degc: float, is_awake_at_1: bool
) -> None:
    """Wherever the block lies, and though one of its pixels is colder than the others."""
    frame = np.full((1, 8, 8), ZERO_POINT, np.int8)
    codes = np.full(4, mean_degc / SCALE_DEGC + ZERO_POINT).round().astype(np.int8)
    codes += np.array([-3, 1, 1, 1], np.int8) if mean_degc < 7 else 0
    frame[0, corner[0] : corner[0] + 2, corner[1] : corner[1] + 2] = codes.reshape(2, 2)
    awake = is_awake(frame.reshape(1, 64), table, wake_up_sum(network, table, 1.0))
    assert awake.tolist() == [is_awake_at_1]


def test_one_hot_pixel_counts_as_a_quarter(network: Network, table: FrontendTable) -> None:
    """Beyond the scale's end a pixel counts as its end: 8 degC of one are 2 degC of a block, and no more."""
    frame = np.full((1, 64), ZERO_POINT, np.int8)
    frame[0, 27] = 127
    assert is_awake(frame, table, wake_up_sum(network, table, 1.99)).all()
    assert not is_awake(frame, table, wake_up_sum(network, table, 2.1)).any()


def warmest_block(frame: list[int]) -> int:
    """Return the largest sum of four codes, block by block."""
    corners = [8 * row + column for row in range(7) for column in range(7)]
    return max(sum(frame[p + step] for step in (0, 1, 8, 9)) for p in corners)


FITTING = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@FITTING
@given(codes=hnp.arrays(np.int8, (3, 64)), least=st.integers(-512, 508))
def test_the_warmest_block_decides(table: FrontendTable, codes: np.ndarray, least: int) -> None:
    assert is_awake(codes, table, least).tolist() == [warmest_block(frame) >= least for frame in codes.tolist()]


@FITTING
@given(first_degc=st.floats(-3.9, 7.9), second_degc=st.floats(-3.9, 7.9))
def test_a_higher_threshold_wakes_no_more_often(
    network: Network, table: FrontendTable, first_degc: float, second_degc: float
) -> None:
    low, high = sorted([first_degc, second_degc])
    assert wake_up_sum(network, table, low) <= wake_up_sum(network, table, high)


def test_frames_of_float32_are_added_up_exactly(models: Path) -> None:
    """A mean as warm as asked wakes, one of a step less in one of four pixels does not."""
    network = read_network(models / "float.tflite")
    table = frontend_table(network, "hold_zero", (-4.0, 8.0))
    frame = np.zeros((2, 8, 8), np.float32)
    frame[:, 2:4, 5:7] = 1.0
    frame[1, 2, 5] -= 1 / 32
    assert is_awake(frame.reshape(2, 64), table, wake_up_sum(network, table, 1.0)).tolist() == [True, False]
    with pytest.raises(BadInputError, match=r"must be above -4\.00 and up to 8\.00"):
        wake_up_sum(network, table, 8.1)


@pytest.mark.parametrize("wake_up_degc", [8.1, 60.0, -4.1])
def test_a_threshold_that_no_code_reaches_is_refused(
    network: Network, table: FrontendTable, wake_up_degc: float
) -> None:
    """The network would never run, or at every frame."""
    with pytest.raises(BadInputError, match=r"wake_up_degc is .*must be above -4\.00 and up to 8\.00"):
        wake_up_sum(network, table, wake_up_degc)


def test_a_line_of_pixels_has_no_block(network: Network) -> None:
    thin = replace(network, inputs=(replace(network.input, shape=(1, 1, 8, 1)),))
    with pytest.raises(BadInputError, match="needs 2 x 2 pixels"):
        wake_up_sum(thin, frontend_table(thin, "minus_median"), 1.0)
