"""Scenario files and what is refused in them."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from datasheet.bad_input import BadInputError
from datasheet.config import library_names
from scenarios.room import load_scenario, read_scenario

OFFICE = (resources.files("scenarios.library") / "office_doorway.toml").read_text()


@pytest.mark.parametrize("name", library_names("scenarios.library"))
def test_every_library_scenario_holds_together_and_bears_its_name(name: str) -> None:
    assert load_scenario(name).name == name


def test_the_documentation_has_a_row_for_every_library_scenario() -> None:
    text = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text()
    assert sorted(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == list(library_names("scenarios.library"))


def test_the_office_is_the_one_that_is_described() -> None:
    room = load_scenario("office_doorway").room
    assert (room.size_x_m, room.size_y_m, room.ceiling_height_m) == (4.0, 5.0, 2.7)


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ('name = "office_doorway"', 'name = "../evil"', "name", "lower-case letters, digits, '_' and '-'"),
        ('name = "office_doorway"', 'name = ""', "name", "lower-case letters, digits, '_' and '-'"),
        ('name = "office_doorway"', f'name = "{"a" * 101}"', "name", "1 to 100 lower-case letters"),
        ("ceiling_height_m = 2.7", "ceiling_height_m = -2.7", "room.ceiling_height_m", "greater than 0.5"),
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
        ("rate_per_hour = 185.0", "rate_per_hour = 1e9", "arrivals.rate_per_hour", "less than or equal to 10000"),
        ("accompanied_ratio = 0.35", "accompanied_ratio = 1.0", "arrivals.accompanied_ratio", "less than 1"),
        ("linger_spread = 0.6", "linger_spread = 1e6", "arrivals.linger_spread", "less than or equal to 3"),
        ("linger_median_s = 10.0", "linger_median_s = 1e5", "arrivals.linger_median_s", "or equal to 86400"),
        ("visits_mean = 1.3", "visits_mean = 21", "arrivals.visits_mean", "less than or equal to 20"),
        ("weight = 2.0", "weight = 1e308", "places[0].weight", "less than or equal to 1000000"),
        ("weight = 2.0", "weight = 0.0", "places[0].weight", "greater than 0"),
        ("stature_mean_m = 1.71", "stature_mean_m = 2.6", "population.stature_mean_m", "or equal to 2.5"),
        ("stature_mean_m = 1.71", "stature_mean_m = 0.4", "population.stature_mean_m", "or equal to 0.5"),
        ("stature_sd_m = 0.09", "stature_sd_m = 0.31", "population.stature_sd_m", "or equal to 0.3"),
        ("stature_mean_m = 1.71", "stature_mean_m = 0.6", "population.stature_sd_m", "nobody is shorter than 0.4 m"),
        ("speed_mean_mps = 1.34", "speed_mean_mps = 3.1", "population.walking_speed_mean_mps", "equal to 3"),
        ("speed_sd_mps = 0.26", "speed_sd_mps = 1.1", "population.walking_speed_sd_mps", "equal to 1"),
        ("clothing_high_clo = 1.2", "clothing_high_clo = 2.1", "population.clothing_high_clo", "equal to 2"),
        ("size_x_m = 4.0", "size_x_m = 100.1", "room.size_x_m", "less than or equal to 100"),
        ("size_y_m = 5.0", "size_y_m = 0.5", "room.size_y_m", "greater than or equal to 0.6"),
        ("ceiling_height_m = 2.7", "ceiling_height_m = 20.1", "room.ceiling_height_m", "less than or equal to 20"),
        ("air_degc = 24.0", "air_degc = 9.9", "room.air_degc", "greater than or equal to 10"),
        ("air_degc = 24.0", "air_degc = 30.1", "room.air_degc", "less than or equal to 30"),
        ("floor_degc = 23.5", "floor_degc = 50.1", "room.floor_degc", "less than or equal to 50"),
        ("wall_degc = 23.8", "wall_degc = -10.1", "room.wall_degc", "greater than or equal to -10"),
        ("height_m = 2.7\nyaw", "height_m = 0.5\nyaw", "sensor_mount.height_m", "greater than 0.5"),
        ("yaw_deg = 0.0", "yaw_deg = 361.0", "sensor_mount.yaw_deg", "less than or equal to 360"),
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
