"""The door opens for somebody near with a mask in several frames; host and firmware decide alike."""

from __future__ import annotations

import ctypes
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasheet.bad_input import BadInputError
from mcu_models.compiler.door_code import door_sources
from mcu_models.compiler.door_decision import DoorDecision, DoorPolicy
from mcu_models.compiler.image_input import ImageInput, image_input
from mcu_models.compiler.reader import read_network

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KERNELS = resources.files("mcu_models.firmware") / "kernels"
SIDE, LEAST = 32, 10
EMPTY = np.full((SIDE, SIDE, 3), 90, np.uint8)


def somebody(level: int = 200) -> np.ndarray:
    """Return the empty picture with a head in it."""
    picture = EMPTY.copy()
    picture[8:24, 10:22] = level
    return picture


def decided(frames: list[tuple[np.ndarray, int]], near_shift: int = 12) -> list[bool]:
    """Return when a door opens for three of four frames."""
    decision = DoorDecision(DoorPolicy(frames=4, needed=3, near_shift=near_shift), LEAST)
    return [decision.next(picture, code) for picture, code in frames]


def test_three_of_four_frames_open_the_door() -> None:
    codes = [LEAST, LEAST, LEAST - 1, LEAST, LEAST, 127, -128, -128, 127]
    frames = [(EMPTY, 127), *((somebody(), code) for code in codes)]
    assert decided(frames) == [False, False, False, False, True, True, True, True, False, False]


def test_an_empty_door_stays_closed_whatever_the_network_says() -> None:
    assert decided([(EMPTY, 127)] * 20) == [False] * 20


def test_it_closes_when_nobody_is_near_any_more() -> None:
    frames = [(EMPTY, 0), *[(somebody(), 127)] * 4, (EMPTY, 127)]
    assert decided(frames) == [False, False, False, True, True, False]


def test_frames_before_somebody_came_do_not_count() -> None:
    assert decided([*[(EMPTY, 127)] * 9, *[(somebody(), 127)] * 3]) == [False] * 11 + [True]


def test_brighter_as_a_whole_is_nobody() -> None:
    """The camera's exposure changes all pixels alike."""
    assert not any(decided([(EMPTY, 127), *[(EMPTY + np.uint8(60), 127)] * 6]))


def test_what_is_left_standing_becomes_usual() -> None:
    frames = [(EMPTY, 127), *[(somebody(), 127)] * 60]
    opens = decided(frames, near_shift=3)
    assert opens[10]
    assert not opens[-1]


@pytest.mark.parametrize(
    "policy",
    [
        {"needed": 1, "frames": 0},
        {"frames": 33},
        {"frames": 4, "needed": 5},
        {"needed": 0},
        {"least_percent": 100},
        {"near_pixels": 0},
        {"empty_shift": 16},
    ],
)
def test_numbers_out_of_range_are_refused(policy: dict[str, int]) -> None:
    with pytest.raises(BadInputError, match=f"{list(policy)[-1]}.*must be a whole number from"):
        DoorPolicy(**policy)


def test_the_least_answer_stands_for_the_least_share() -> None:
    """Of 256 steps from -128 on: 128 of them for half, 205 for 80 %; what only the largest answer can tell is that."""
    assert [TAKEN.code_of(share) for share in (0.5, 0.8, 0.9999)] == [0, 77, 127]


TAKEN = ImageInput(np.arange(-128, 128, dtype=np.int16).astype(np.int8), SIDE, 1 / 256, -128)
DRIVER = """\
#include "door_policy.h"
#define DOOR_PIXELS (32 * 32)
#include "door_decision.h"
int decide(const uint8_t *pictures, const int32_t *codes, uint8_t *open, uint8_t *near, int32_t count);
int decide(const uint8_t *pictures, const int32_t *codes, uint8_t *open, uint8_t *near, int32_t count)
{
    struct door_state state = {0};
    for (int32_t i = 0; i < count; ++i) {
        open[i] = door_next(&state, pictures + i * 3 * DOOR_PIXELS, codes[i]) ? 1 : 0;
        near[i] = state.is_near ? 1 : 0;
    }
    return 0;
}
"""
POLICIES = (
    DoorPolicy(),
    DoorPolicy(frames=1, needed=1, near_pixels=1, pixel_levels=0, empty_shift=0, near_shift=15),
    DoorPolicy(frames=32, needed=7, least_percent=80, near_pixels=300, pixel_levels=60, empty_shift=3, near_shift=6),
)


@pytest.fixture(scope="module")
def libraries(compile_host: Callable[..., ctypes.CDLL], tmp_path_factory: pytest.TempPathFactory) -> list[ctypes.CDLL]:
    """Return the firmware's decision on this machine, for each policy."""
    return [_library(compile_host, tmp_path_factory.mktemp("door"), policy) for policy in POLICIES]


def _library(compile_host: Callable[..., ctypes.CDLL], folder: Path, policy: DoorPolicy) -> ctypes.CDLL:
    for name, text in door_sources(TAKEN, policy).items():
        (folder / name).write_text(text)
    (folder / "door_decision.h").write_bytes((KERNELS / "door_decision.h").read_bytes())
    (folder / "decide.c").write_text(DRIVER)
    return compile_host(folder, ["decide.c", "picture.c"])


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), which=st.integers(0, len(POLICIES) - 1), count=st.integers(1, 40))
def test_the_firmware_decides_alike(libraries: list[ctypes.CDLL], seed: int, which: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    pictures = np.stack([_visit(generator) for _ in range(count)])
    codes = generator.integers(-128, 128, count).astype(np.int32)
    opened, near = np.zeros(count, np.uint8), np.zeros(count, np.uint8)
    arrays = [ctypes.c_void_p(array.ctypes.data) for array in (pictures, codes, opened, near)]
    libraries[which].decide(*arrays, count)
    decision = DoorDecision(POLICIES[which], TAKEN.code_of(POLICIES[which].least_share))
    for index in range(count):
        assert decision.next(pictures[index], int(codes[index])) == opened[index]
        assert decision.is_near == near[index]


def _visit(generator: np.random.Generator) -> np.ndarray:
    """Return the empty door, somebody there, noise, or an extreme."""
    kind = generator.integers(0, 4)
    if kind == 0:
        return EMPTY
    if kind == 1:
        return somebody(int(generator.integers(0, 256)))
    if kind == 2:
        return generator.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    return np.full((SIDE, SIDE, 3), generator.choice([0, 255]), np.uint8)


def test_a_network_of_another_size_is_refused_with_both_sizes(models: Path) -> None:
    with pytest.raises(BadInputError, match=r"1 x 8 x 8 x 1 int8.*1 x 32 x 32 x 3 int8"):
        image_input(read_network(models / "c8_p_fc.tflite"))
