"""Scenario files and what is refused in them."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from datasheet.config import library_names
from scenarios.room import load_scenario, read_scenario

if TYPE_CHECKING:
    from pathlib import Path

OFFICE = (resources.files("scenarios.library") / "office_doorway.toml").read_text()


@pytest.mark.parametrize("name", library_names("scenarios.library"))
def test_every_library_scenario_holds_together_and_bears_its_name(name: str) -> None:
    assert load_scenario(name).name == name


def test_the_office_is_the_one_that_is_described() -> None:
    room = load_scenario("office_doorway").room
    assert (room.size_x_m, room.size_y_m, room.ceiling_height_m) == (4.0, 5.0, 2.7)


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ("ceiling_height_m = 2.7", "ceiling_height_m = -2.7", "room.ceiling_height_m", "greater than 0"),
        ("ceiling_height_m = 2.7", "ceiling_heigth_m = 2.7", "room.ceiling_heigth_m", "'ceiling_height_m'"),
        ('wall = "south"', 'wall = "sud"', "doors[0].wall", "'north', 'south'"),
        ("centre_m = 2.0", "centre_m = 3.9", "doors[0].centre_m", "within its wall of 4 m"),
        ("width_m = 0.9", "width_m = 0.3", "doors[0].width_m", "0.6"),
        ("x_m = 0.8\ny_m = 4.2", "x_m = 0.8\ny_m = 5.2", "places[5].y_m", "inside the room"),
        ("y_m = 2.0\nheight_m = 2.7", "y_m = 7.0\nheight_m = 2.7", "sensor_mount.y_m", "inside the room"),
        ("height_m = 2.7\nyaw", "height_m = 2.8\nyaw", "sensor_mount.height_m", "ceiling at 2.7 m"),
        ("capacity = 3", "capacity = 8", "arrivals.capacity", "number of places"),
        ("capacity = 3", "capacity = 3.5", "arrivals.capacity", "integer"),
        ("skin_low_degc = 33.0", "skin_low_degc = 36.0", "population.skin_low_degc", "above skin_high_degc"),
        ("rate_per_hour = ", "rate_per_hour = -", "arrivals.rate_per_hour", "greater than or equal to 0"),
    ],
)
def test_what_cannot_be_is_refused_by_key(tmp_path: Path, old: str, new: str, key: str, said: str) -> None:
    assert old in OFFICE
    path = tmp_path / "room.toml"
    path.write_text(OFFICE.replace(old, new, 1))
    with pytest.raises(BadInputError) as caught:
        read_scenario(path)
    assert caught.value.key == key
    assert said in str(caught.value)
