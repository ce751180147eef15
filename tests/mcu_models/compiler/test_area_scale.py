"""Scaling by area: exact against fractions, near OpenMV's usual library, and the same in C."""

from __future__ import annotations

import ctypes
import math
from fractions import Fraction
from importlib import resources
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasheet.bad_input import BadInputError
from mcu_models.compiler.area_scale import FRAME_SIDE, PICTURE_SIDE, rgb_of_565, scale_frames
from sensors.camera.image_sensor import rgb888

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KERNELS = resources.files("mcu_models.firmware") / "kernels"


class Scaler:
    """The firmware's kernel on this machine, for frames of some side."""

    def __init__(self, library: ctypes.CDLL, frame_side: int, picture_side: int) -> None:
        self.library, self.frame_side, self.picture_side = library, frame_side, picture_side

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        sent = np.frombuffer(frame.astype(">u2").tobytes(), np.uint32).copy()
        picture = np.zeros((self.picture_side, self.picture_side, 3), np.uint8)
        self.library.scale(ctypes.c_void_p(sent.ctypes.data), ctypes.c_void_p(picture.ctypes.data))
        return picture


@pytest.fixture(scope="session")
def scaler(
    compile_host: Callable[..., ctypes.CDLL], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[int, int], Scaler]:
    """Return a function that compiles the kernel for frames and pictures of some side."""
    made: dict[tuple[int, int], Scaler] = {}

    def compiled(frame_side: int, picture_side: int) -> Scaler:
        if (frame_side, picture_side) not in made:
            folder: Path = tmp_path_factory.mktemp("area")
            (folder / "area_scale.h").write_bytes((KERNELS / "area_scale.h").read_bytes())
            (folder / "scale.c").write_text(
                f"#define AREA_FRAME_SIDE {frame_side}\n#define AREA_PICTURE_SIDE {picture_side}\n"
                '#include "area_scale.h"\n'
                "void scale(const uint32_t *frame, uint8_t *picture);\n"
                "void scale(const uint32_t *frame, uint8_t *picture)\n{\n    area_scale(frame, picture);\n}\n"
            )
            library = compile_host(folder, ["scale.c"])
            made[frame_side, picture_side] = Scaler(library, frame_side, picture_side)
        return made[frame_side, picture_side]

    return compiled


def random_frame(seed: int, side: int = FRAME_SIDE) -> np.ndarray:
    """Return noise, with patches of the darkest and the brightest."""
    generator = np.random.default_rng(seed)
    frame = generator.integers(0, 65536, (side, side)).astype(np.uint16)
    frame[: side // 3, : side // 2] = generator.choice([0, 0xFFFF])
    return frame


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_the_firmware_computes_the_same(scaler: Callable[[int, int], Scaler], seed: int) -> None:
    frame = random_frame(seed)
    assert (scaler(FRAME_SIDE, PICTURE_SIDE)(frame) == scale_frames(frame)).all()


@pytest.mark.parametrize("sides", [(200, 32), (240, 32), (64, 32), (96, 96), (50, 20), (80, 32), (10, 3)])
def test_any_ratio_is_the_same_in_c(scaler: Callable[[int, int], Scaler], sides: tuple[int, int]) -> None:
    for seed in range(5):
        frame = random_frame(seed, sides[0])
        assert (scaler(*sides)(frame) == scale_frames(frame, *sides)).all()


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_opencv_differs_by_one_at_most(seed: int) -> None:
    frame = random_frame(seed)
    theirs = cv2.resize(rgb_of_565(frame), (PICTURE_SIDE, PICTURE_SIDE), interpolation=cv2.INTER_AREA)
    assert np.abs(theirs.astype(int) - scale_frames(frame)).max() <= 1


def test_a_pixel_is_the_mean_of_what_lies_below_it() -> None:
    """By exact fractions: 6.25 pixels a side, rounded to the nearest."""
    frame = random_frame(5)
    values, side = rgb_of_565(frame), Fraction(FRAME_SIDE, PICTURE_SIDE)
    picture = scale_frames(frame)
    for row, column, channel in ((0, 0, 0), (1, 30, 1), (31, 31, 2), (17, 5, 0)):
        total = Fraction(0)
        for y in range(FRAME_SIDE):
            tall = min((row + 1) * side, Fraction(y + 1)) - max(row * side, Fraction(y))
            for x in range(FRAME_SIDE) if tall > 0 else ():
                wide = min((column + 1) * side, Fraction(x + 1)) - max(column * side, Fraction(x))
                total += tall * max(wide, Fraction(0)) * int(values[y, x, channel])
        assert picture[row, column, channel] == round(total / side**2)


@settings(deadline=None)
@given(frame_side=st.integers(1, 90), picture_side=st.integers(1, 64), seed=st.integers(0, 9))
def test_any_sizes_are_summed_by_the_parts_that_pixels_cover(frame_side: int, picture_side: int, seed: int) -> None:
    frame = np.random.default_rng(seed).integers(0, 65536, (frame_side, frame_side)).astype(np.uint16)
    common = math.gcd(frame_side, picture_side)
    small, large = picture_side // common, frame_side // common
    begin, first = np.arange(picture_side)[:, np.newaxis] * large, np.arange(frame_side) * small
    covered = np.clip(np.minimum(begin + large, first + small) - np.maximum(begin, first), 0, None)
    sums = np.einsum("ir,rck,jc->ijk", covered, rgb_of_565(frame).astype(np.int64), covered)
    assert (scale_frames(frame, frame_side, picture_side) == (sums + large**2 // 2) // large**2).all()


@pytest.mark.parametrize(("word", "rgb"), [(0x0000, (0, 0, 0)), (0xFFFF, (255, 255, 255)), (0xF800, (255, 0, 0))])
def test_an_even_frame_keeps_its_colour(word: int, rgb: tuple[int, int, int]) -> None:
    assert (scale_frames(np.full((FRAME_SIDE, FRAME_SIDE), word, np.uint16)) == rgb).all()


def test_the_camera_and_the_firmware_agree_on_565() -> None:
    words = np.arange(65536, dtype=np.uint16)
    assert (rgb_of_565(words) == rgb888(words)).all()


@pytest.mark.parametrize("frame", [np.zeros((200, 200)), np.zeros((100, 200), np.uint16)])
def test_other_frames_are_refused(frame: np.ndarray) -> None:
    with pytest.raises(BadInputError, match="200 x 200"):
        scale_frames(frame)
