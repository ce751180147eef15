"""What the rules of a people counter are set to: read from TOML, in the integers they are computed with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from datasheet.bad_input import BadInputError
from datasheet.config import find_in_library, library_names
from datasheet.quantity import Kelvin, Ratio
from datasheet.sheet import Sheet, load_sheet

if TYPE_CHECKING:
    from pathlib import Path

    from datasheet.quantity import Quantity

ROWS: Final = 8
COLUMNS: Final = 8
IMAGE_ROWS: Final = 2 * ROWS - 1
IMAGE_COLUMNS: Final = 2 * COLUMNS - 1
"""The image that regions are looked for in has a pixel between any two of the sensor's."""
VALUES_PER_DEGC: Final = 256

_LIBRARY: Final = "mcu_models.people_detection"
_IMAGE_PIXELS: Final = IMAGE_ROWS * IMAGE_COLUMNS
_MOST_FRAMES: Final = 32
_MOST_PEOPLE: Final = ROWS * COLUMNS
"""No more regions that do not touch, corners included, fit into the image."""
_HIGHEST_THRESHOLD_K: Final = 64.0


class DetectionSheet(Sheet):
    """The rules' values as they stand in TOML; `DetectionParameters` says what they are."""

    title: str
    smoothed_frames: Ratio
    dropped_frames: Ratio
    smoothing: Ratio
    threshold_k: Kelvin
    dropped_area: Ratio
    human_area: Ratio
    background_rate: Ratio
    largest_count: Ratio


class DetectionParameters(NamedTuple):
    """The rules' values as integers.

    Attributes:
        smoothed_frames: Frames that a pixel is averaged over.
        dropped_frames: As many of the highest and as many of the lowest of them are left out.
        smoothing: Share of the newest average in the smoothed pixel, in 1/256.
        threshold: A pixel at least so far above the background is detected, in 1/256 degC.
        dropped_area: A region of so many pixels or fewer is none.
        human_area: A region of more pixels is a human.
        background_rate: Share of the difference that the background learns in a frame, in 1/256.
        largest_count: More people are told as so many.
    """

    smoothed_frames: int
    dropped_frames: int
    smoothing: int
    threshold: int
    dropped_area: int
    human_area: int
    background_rate: int
    largest_count: int


def detector_names() -> tuple[str, ...]:
    """Return the names of the rules that come with the twin."""
    return library_names(_LIBRARY)


def find_detector(name_or_path: str) -> Path:
    """Return the TOML file of rules in the library, by name, or of a user's own.

    Raises:
        BadInputError: There is none of this name, and no file.
    """
    return find_in_library(name_or_path, _LIBRARY, kind="detector")


def load_detector(name_or_path: str | Path) -> DetectionParameters:
    """Return the rules of the library by name, or those of a user's own file.

    Raises:
        BadInputError: There is no such file, or a value in it cannot be used.
    """
    path = find_detector(str(name_or_path))
    return _parameters(path, load_sheet(path, DetectionSheet))


def _parameters(path: Path, sheet: DetectionSheet) -> DetectionParameters:
    def whole(key: str, lowest: int, highest: int) -> int:
        quantity: Quantity = getattr(sheet, key)
        is_whole = quantity.value == int(quantity.value)
        if not (is_whole and lowest <= quantity.value <= highest):
            raise BadInputError(path, f"{key}.value", quantity.value, f"a whole number from {lowest} to {highest}")
        return int(quantity.value)

    def share(key: str) -> int:
        quantity: Quantity = getattr(sheet, key)
        if not 0 <= quantity.value <= 1:
            raise BadInputError(path, f"{key}.value", quantity.value, "a share from 0 to 1")
        return _rounded(quantity.value)

    frames = whole("smoothed_frames", 1, _MOST_FRAMES)
    return DetectionParameters(
        smoothed_frames=frames,
        dropped_frames=whole("dropped_frames", 0, (frames - 1) // 2),
        smoothing=share("smoothing"),
        threshold=_threshold(path, sheet.threshold_k.value),
        dropped_area=whole("dropped_area", 0, _IMAGE_PIXELS),
        human_area=whole("human_area", 0, _IMAGE_PIXELS),
        background_rate=share("background_rate"),
        largest_count=whole("largest_count", 1, _MOST_PEOPLE),
    )


def _threshold(path: Path, threshold_k: float) -> int:
    if not 1 / VALUES_PER_DEGC <= threshold_k <= _HIGHEST_THRESHOLD_K:
        raise BadInputError(path, "threshold.value", threshold_k, f"from 1/256 to {_HIGHEST_THRESHOLD_K:g} K")
    return _rounded(threshold_k)


def _rounded(value: float) -> int:
    """Return a value that is not negative in 1/256, half of one rounded up as the API does."""
    return int(value * VALUES_PER_DEGC + 0.5)
