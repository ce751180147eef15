"""Who passes a line is told once, in the right direction; who does not is not told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from datasheet.bad_input import BadInputError
from mcu_models.people_tracking.line import MIDDLE_LINE, DoorLine
from mcu_models.people_tracking.parameters import load_tracker
from mcu_models.people_tracking.tracker import TOTALS, followed, passages

if TYPE_CHECKING:
    from numpy.typing import NDArray

RULES = load_tracker("doorway_rules")
ROOM_STEPS = 92
EMPTY_FRAMES = 60
ANYTHING = hnp.arrays(np.int16, (12, 64), elements=st.integers(-32768, 32767))
UP = np.linspace(9.5, -2.5, 18)
"""Rows of somebody who walks in at 0.7 pixels a frame; the image's top is the room."""


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    """Compile before hypothesis sets deadlines."""
    passages(np.zeros((3, 64), np.int16), RULES, MIDDLE_LINE)


def warmth(row: float, column: float, kelvin: float = 3.0) -> NDArray[np.float64]:
    """Return (8, 8) K of somebody about two pixels wide."""
    rows, columns = np.indices((8, 8))
    return kelvin * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 2)


def shown(*ways: NDArray[np.float64], kelvin: float = 3.0, noise_k: float = 0.0) -> NDArray[np.int16]:
    """Return (N, 64) frames of an empty room, then of people on (n, 2) ways of row and column, then empty again."""
    frames = EMPTY_FRAMES * 2 + max(len(way) for way in ways)
    room = np.zeros((frames, 8, 8))
    for way in ways:
        for frame, (row, column) in enumerate(way, start=EMPTY_FRAMES):
            room[frame] = np.where(
                kelvin > 0, np.maximum(room[frame], warmth(row, column)), warmth(row, column, kelvin)
            )
    room += np.random.default_rng(1).normal(0, noise_k, room.shape) if noise_k else 0.0
    return (ROOM_STEPS + 4 * room).round().astype(np.int16).reshape(frames, 64)


def way(rows: NDArray[np.float64], column: float = 3.5) -> NDArray[np.float64]:
    return np.stack([rows, np.full(len(rows), column)], axis=1)


def told(raw: NDArray[np.int16], line: DoorLine = MIDDLE_LINE) -> tuple[int, int]:
    came_in, went_out, _ = passages(raw, RULES, line)[-1]
    return int(came_in), int(went_out)


@pytest.mark.parametrize("noise_k", [0.0, 0.33])
def test_who_walks_in_and_who_walks_out_is_told_once(noise_k: float) -> None:
    assert told(shown(way(UP), noise_k=noise_k)) == (1, 0)
    assert told(shown(way(UP[::-1]), noise_k=noise_k)) == (0, 1)


def test_the_answer_comes_when_the_line_is_passed() -> None:
    """Not when the track ends: within three frames of the passage."""
    found = passages(shown(way(UP)), RULES, MIDDLE_LINE)[:, 0]
    passed = EMPTY_FRAMES + int(np.argmax(UP < 3.5))
    assert passed <= int(np.argmax(found)) <= passed + 3


def test_nobody_is_told_of_an_empty_room() -> None:
    generator = np.random.default_rng(4)
    steps = ROOM_STEPS + generator.normal(0, 1, 64) + generator.normal(0, 1.35, (3000, 64))
    assert told(steps.round().astype(np.int16)) == (0, 0)


def test_two_meters_a_second_is_followed() -> None:
    """1.7 pixels a frame: 2 m/s at the height of a tall person's head."""
    assert told(shown(way(np.arange(9.5, -2.5, -1.7)))) == (1, 0)


def test_who_turns_back_within_the_band_counts_for_nothing() -> None:
    """The band reaches half a pixel beyond the line."""
    there = np.linspace(9.5, 3.4, 12)
    assert told(shown(way(np.concatenate([there, there[::-1]])))) == (0, 0)


def test_who_comes_in_and_turns_back_has_come_and_gone() -> None:
    there = np.linspace(9.5, 1.0, 16)
    assert told(shown(way(np.concatenate([there, there[::-1]])))) == (1, 1)


def test_two_who_meet_in_the_door_are_both_told() -> None:
    assert told(shown(way(UP, 1.5), way(UP[::-1], 6.0))) == (1, 1)


def test_two_abreast_are_two_and_are_told_in_two_frames() -> None:
    found = passages(shown(way(UP, 1.3), way(UP, 5.7)), RULES, MIDDLE_LINE)
    assert found[-1, 0] == 2
    assert np.diff(found[:, 0]).max() == 1


def test_who_comes_in_from_the_cold_is_told_too() -> None:
    """Their coats are colder than the floor."""
    assert told(shown(way(UP), kelvin=-3.0)) == (1, 0)


@pytest.mark.parametrize(
    ("axis", "inward", "expected"), [(0, -1, (1, 0)), (0, 1, (0, 1)), (1, 1, (0, 1)), (1, -1, (1, 0))]
)
def test_the_line_lies_along_rows_or_columns_and_in_is_either_way(
    axis: int, inward: int, expected: tuple[int, int]
) -> None:
    raw = shown(way(UP)).reshape(-1, 8, 8)
    turned = raw if axis == 0 else raw.transpose(0, 2, 1)
    line = MIDDLE_LINE._replace(axis=axis, inward=inward)
    assert told(np.ascontiguousarray(turned.reshape(-1, 64)), line) == expected


def test_who_passes_beside_the_door_counts_for_nothing() -> None:
    beside = MIDDLE_LINE._replace(first=64, last=128)
    assert told(shown(way(UP, 1.5)), beside) == (0, 0)
    assert told(shown(way(UP, 6.0)), beside) == (1, 0)


def test_the_answer_says_where_along_the_line_somebody_passed() -> None:
    """In sixteenths of a pixel; the middle of column 5 is at 88."""
    place = passages(shown(way(UP, 5.0)), RULES, MIDDLE_LINE)[-1, 2]
    assert abs(place - 88) <= 6


def test_a_track_too_young_or_too_slow_counts_for_nothing() -> None:
    raw = shown(way(UP))
    assert passages(raw, RULES._replace(least_age=40), MIDDLE_LINE)[-1, 0] == 0
    stays = np.concatenate([np.linspace(9.5, 3.6, 10), np.full(60, 3.5), np.linspace(3.4, -2.5, 10)])
    slow = shown(way(stays))
    assert passages(slow, RULES, MIDDLE_LINE)[-1, 0] == 1
    assert passages(slow, RULES._replace(longest_passage=30), MIDDLE_LINE)[-1, 0] == 0


def test_who_is_unseen_for_some_frames_is_still_followed() -> None:
    """Four frames in the middle show nobody."""
    rows = UP.copy()
    rows[9:13] = 50.0
    raw = shown(way(rows))
    assert told(raw) == (1, 0)
    assert passages(raw, RULES._replace(longest_gap=0, gate=20), MIDDLE_LINE)[-1, 0] == 0


@given(raw=ANYTHING)
def test_whatever_is_shown_totals_rise_one_by_one_and_places_stay_in_the_image(raw: NDArray[np.int16]) -> None:
    found, seen = followed(raw, RULES, MIDDLE_LINE)
    steps = np.diff(found[:, :2], axis=0, prepend=0) % TOTALS
    assert set(np.unique(steps.sum(axis=1))) <= {0, 1}
    assert (found[:, 2] >= 0).all()
    assert (found[:, 2] <= 128).all()
    assert (seen[..., 2] >= 0).all()


def test_frames_of_another_size_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"frames: pixels is \(768,\); the tracker takes 8 x 8"):
        passages(np.zeros((3, 768), np.int16), RULES, MIDDLE_LINE)
