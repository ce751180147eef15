"""Reading the user's configuration and finding library files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from datasheet.bad_input import LONGEST_VALUE, BadInputError
from datasheet.config import Config, find_in_library, library_names, read_config
from datasheet.toml_file import read_toml

if TYPE_CHECKING:
    from pathlib import Path


class Door(Config):
    wall: Literal["north", "south"]
    width_m: float


class Room(Config):
    height_m: float
    doors: tuple[Door, ...]


GOOD = 'height_m = 2\n[[doors]]\nwall = "north"\nwidth_m = 0.9\n'


def read(folder: Path, text: str) -> Room:
    path = folder / "room.toml"
    path.write_text(text)
    return read_config(path, Room)


def test_a_good_file_becomes_a_model(tmp_path: Path) -> None:
    room = read(tmp_path, GOOD)
    assert room == Room(height_m=2.0, doors=(Door(wall="north", width_m=0.9),))


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        (GOOD.replace("width_m", "widht_m"), "doors[0].widht_m", "did you mean 'width_m'?"),
        (GOOD.replace('"north"', '"nroth"'), "doors[0].wall", "'north' or 'south'"),
        (GOOD.replace("height_m = 2", 'height_m = "2"'), "height_m", "number"),
        (GOOD.replace("height_m = 2\n", ""), "height_m", "required"),
        (GOOD.replace("0.9", "nan"), "doors[0].width_m", "finite"),
    ],
)
def test_the_first_fault_is_named(tmp_path: Path, text: str, key: str, said: str) -> None:
    with pytest.raises(BadInputError) as caught:
        read(tmp_path, text)
    assert caught.value.key == key
    assert said in str(caught.value)


def test_a_library_name_becomes_its_file() -> None:
    assert "office_doorway" in library_names("scenarios.library")
    assert find_in_library("office_doorway", "scenarios.library").name == "office_doorway.toml"


def test_an_own_file_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.touch()
    assert find_in_library(str(path), "scenarios.library") == path


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(BadInputError, match="did you mean 'office_doorway'"):
        find_in_library("ofice_dorway", "scenarios.library")


def test_an_unknown_name_is_told_in_plain_words() -> None:
    with pytest.raises(BadInputError) as caught:
        find_in_library("nowhere", "scenarios.library")
    assert str(caught.value).startswith("scenario 'nowhere'; neither a file nor a known scenario; ")


def test_a_name_too_long_for_the_file_system_is_told_in_one_short_line() -> None:
    with pytest.raises(BadInputError, match="File name too long") as caught:
        find_in_library("x" * 5000, "scenarios.library")
    assert len(str(caught.value)) < 160


@pytest.mark.parametrize(("length", "is_whole"), [(LONGEST_VALUE - 2, True), (LONGEST_VALUE - 1, False)])
def test_a_long_value_is_shown_shortened(length: int, *, is_whole: bool) -> None:
    shown = str(BadInputError("file", "key", "x" * length, "must be short"))
    assert len(shown) == len("file: key is ; must be short") + LONGEST_VALUE
    assert ("…" not in shown) is is_whole


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("height_m = " + "9" * 5000, "integer beyond 64 bits"),
        ("height_m = 0x" + "f" * 5000, "height_m; must be an integer of 64 bits at most"),
        ("height_m = -9223372036854775809", "height_m; must be an integer of 64 bits at most"),
        ("height_m = " + "[" * 3000 + "]" * 3000, "deeper than 32 levels"),
        ("height_m = " + "[" * 40 + "]" * 40, "deeper than 32 levels"),
        (".".join(["a"] * 3000) + " = 1", "deeper than 32 levels"),
        ("a = " + "{a=" * 400 + "1" + "}" * 400, "deeper than 32 levels"),
    ],
)
def test_toml_that_would_exhaust_the_reader_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        read(tmp_path, text)


@pytest.mark.parametrize("key", ["a" + ".a" * 50_000, "[" + "b . " * 40 + "b]", '"x"' + ".'y'" * 33])
def test_a_key_of_too_many_parts_is_refused_before_it_is_read(tmp_path: Path, key: str) -> None:
    path = tmp_path / "long.toml"
    path.write_text(f"{key} = 1\n", encoding="utf-8")
    with pytest.raises(BadInputError, match="deeper than 32 levels"):
        read_toml(path)
