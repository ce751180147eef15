"""What the rules that follow people are set to: read from TOML, in the integers they are computed with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from datasheet.bad_input import BadInputError
from datasheet.config import find_in_library, library_names
from datasheet.quantity import Kelvin, Ratio
from datasheet.sheet import Sheet, load_sheet
from datasheet.toml_file import read_toml

if TYPE_CHECKING:
    from pathlib import Path

VALUES_PER_DEGC: Final = 256
PLACES_PER_PIXEL: Final = 16
"""Places are in sixteenths of a pixel from the image's upper left corner: the middle of the first pixel is 8."""
LONGEST_GAP: Final = 16

_LIBRARY: Final = "mcu_models.people_tracking"
_MARK: Final = "passage_band"
"""A key that only rules of this kind have."""
_LONGEST_FRAMES: Final = 65_534
_LARGEST_GATE: Final = 8.0
_HIGHEST_K: Final = 32.0


class TrackingSheet(Sheet):
    """The rules' values as they stand in TOML; `TrackingParameters` says what they are."""

    title: str
    low_k: Kelvin
    high_k: Kelvin
    prominence_k: Kelvin
    gate: Ratio
    speed_share: Ratio
    longest_gap: Ratio
    passage_band: Ratio
    least_age: Ratio
    longest_passage: Ratio


class TrackingParameters(NamedTuple):
    """The rules' values as integers.

    Attributes:
        low: Pixels at least so far above the background belong to spots, in 1/256 degC.
        high: A spot has a pixel at least so far above it, in 1/256 degC.
        prominence: A hill that rises by less above the pass to a higher one is part of that, in 1/256 degC.
        gate: A spot this far from where a track was expected may still be its own, in sixteenths of a pixel.
        speed_share: How much of what a prediction was off the speed takes, in 1/256.
        longest_gap: Frames that a track may go unseen.
        band: How far beyond the line somebody has passed it, in sixteenths of a pixel.
        least_age: Frames in which somebody must have been seen to count.
        longest_passage: Frames that somebody may take from one side to the other.
    """

    low: int
    high: int
    prominence: int
    gate: int
    speed_share: int
    longest_gap: int
    band: int
    least_age: int
    longest_passage: int


def tracker_names() -> tuple[str, ...]:
    """Return the names of the rules that come with the twin."""
    return library_names(_LIBRARY)


def find_tracker(name_or_path: str) -> Path:
    """Return the TOML file of rules in the library, by name, or of a user's own.

    Raises:
        BadInputError: There is none of this name, and no file.
    """
    return find_in_library(name_or_path, _LIBRARY, kind="tracker")


def is_tracker(path: Path) -> bool:
    """Tell whether a TOML file holds rules that follow people, and not some that count regions.

    Raises:
        BadInputError: The file cannot be read.
    """
    return _MARK in read_toml(path)


def load_tracker(name_or_path: str | Path) -> TrackingParameters:
    """Return the rules of the library by name, or those of a user's own file.

    Raises:
        BadInputError: There is no such file, or a value in it cannot be used.
    """
    path = find_tracker(str(name_or_path))
    sheet = load_sheet(path, TrackingSheet)
    low = _scaled(path, "low", sheet.low_k.value, VALUES_PER_DEGC, _HIGHEST_K)
    high = _scaled(path, "high", sheet.high_k.value, VALUES_PER_DEGC, _HIGHEST_K)
    if high < low:
        raise BadInputError(path, "high.value", sheet.high_k.value, f"must not be below low ({sheet.low_k.value:g} K)")
    return TrackingParameters(
        low=low,
        high=high,
        prominence=_scaled(path, "prominence", sheet.prominence_k.value, VALUES_PER_DEGC, _HIGHEST_K),
        gate=_scaled(path, "gate", sheet.gate.value, PLACES_PER_PIXEL, _LARGEST_GATE),
        speed_share=_scaled(path, "speed_share", sheet.speed_share.value, 256, 1.0, lowest=0),
        longest_gap=_whole(path, "longest_gap", sheet.longest_gap.value, 0, LONGEST_GAP),
        band=_scaled(path, _MARK, sheet.passage_band.value, PLACES_PER_PIXEL, 4.0),
        least_age=_whole(path, "least_age", sheet.least_age.value, 2, _LONGEST_FRAMES),
        longest_passage=_whole(path, "longest_passage", sheet.longest_passage.value, 1, _LONGEST_FRAMES),
    )


def _scaled(path: Path, key: str, value: float, steps: int, highest: float, *, lowest: int = 1) -> int:
    """Return a value in so many steps of one, rounded."""
    scaled = round(min(max(value, -1.0), highest) * steps)
    if not (lowest <= scaled and value <= highest):
        raise BadInputError(path, f"{key}.value", value, f"must be from {lowest / steps:g} to {highest:g}")
    return scaled


def _whole(path: Path, key: str, value: float, lowest: int, highest: int) -> int:
    if not (value == int(value) and lowest <= value <= highest):
        raise BadInputError(path, f"{key}.value", value, f"a whole number from {lowest} to {highest}")
    return int(value)
