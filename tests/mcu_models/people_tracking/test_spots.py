"""Spots are where people are: one for each, at the middle of their warmth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from mcu_models.people_tracking.parameters import load_tracker
from mcu_models.people_tracking.spots import MOST_SPOTS, NOWHERE, hills, smoothed, spots

if TYPE_CHECKING:
    from numpy.typing import NDArray

RULES = load_tracker("doorway_rules")
FRAMES = hnp.arrays(np.int16, 64, elements=st.integers(-16384, 16384))
ROOMS = hnp.arrays(np.int16, 64, elements=st.integers(-100, 400))


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    """Compile before hypothesis sets deadlines."""
    found(np.zeros(64, np.int16))


def found(above: NDArray[np.int16]) -> NDArray[np.int64]:
    image = smoothed(above)
    return spots(image, hills(image, RULES), RULES.low)


def person(row: float, column: float, value: float = 800.0) -> NDArray[np.float64]:
    rows, columns = np.indices((8, 8))
    return value * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 2)


def as_frame(*people: NDArray[np.float64]) -> NDArray[np.int16]:
    return np.maximum.reduce(people).round().astype(np.int16).reshape(64)


@given(above=FRAMES)
def test_pixels_are_taken_with_their_neighbours(above: NDArray[np.int16]) -> None:
    """As scipy's convolution with the nearest pixel beyond the edge has it, rounded, without the sign."""
    kernel = np.outer([1, 2, 1], [1, 2, 1])
    sums = ndimage.convolve(above.astype(np.int64).reshape(8, 8), kernel, mode="nearest")
    assert np.array_equal(smoothed(above), np.abs((sums + 8) >> 4).reshape(64))


@pytest.mark.parametrize(("row", "column"), [(3.5, 3.5), (2.0, 5.0), (4.3, 2.6)])
def test_a_spot_is_where_somebody_is(row: float, column: float) -> None:
    place = found(as_frame(person(row, column)))
    assert place.shape == (1, 2)
    assert np.abs(place[0] - (16 * np.array([row, column]) + 8)).max() <= 2


def test_two_people_with_a_dip_between_them_are_two_spots() -> None:
    """Regions of pixels alone would be one: the pass between them is above the lower threshold."""
    frame = as_frame(person(3.5, 2.0), person(3.5, 5.2, 700))
    image = smoothed(frame)
    assert (image.reshape(8, 8)[3, 2:6] >= RULES.low).all()
    assert len(found(frame)) == 2


def test_two_hills_with_a_shallow_pass_are_one() -> None:
    image = np.zeros((8, 8), np.int64)
    image[3, 2:6] = 400 - (RULES.prominence - 1) * np.array([0, 1, 1, 0])
    image[3, 5] = 410
    assert len(np.unique(hills(image.reshape(64), RULES))) == 2
    image[3, 3:5] = 400 - RULES.prominence
    assert len(np.unique(hills(image.reshape(64), RULES))) == 3


def test_below_the_upper_threshold_is_nobody() -> None:
    assert len(found(as_frame(person(3.5, 3.5, RULES.high * 0.9)))) == 0


@given(above=ROOMS)
def test_every_hill_is_one_piece_and_reaches_the_upper_threshold(above: NDArray[np.int16]) -> None:
    image = smoothed(above)
    hill = hills(image, RULES)
    numbers = [number for number in np.unique(hill) if number != NOWHERE]
    assert len(numbers) <= MOST_SPOTS
    for number in numbers:
        mask = (hill == number).reshape(8, 8)
        assert ndimage.label(mask, np.ones((3, 3)))[1] == 1
        assert image[hill == number].max() >= RULES.high
        assert image[hill == number].min() >= RULES.low


@given(above=ROOMS)
def test_spots_turn_with_the_image(above: NDArray[np.int16]) -> None:
    """Their number does; where pixels are equally warm the first one leads, so that borders may lie elsewhere."""
    image = smoothed(above)
    values = image[image >= RULES.low]
    if len(np.unique(values)) < len(values):
        return
    turned = smoothed(above.reshape(8, 8).T.reshape(64).copy())
    assert len(spots(turned, hills(turned, RULES), RULES.low)) == len(spots(image, hills(image, RULES), RULES.low))
