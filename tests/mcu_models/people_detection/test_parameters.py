"""The rules' values: read from TOML with their sources, refused in one line when they cannot be."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.people_detection.parameters import DetectionParameters, detector_names, load_detector

if TYPE_CHECKING:
    from pathlib import Path

API = "panasonic_grid_eye_api"


def with_value(folder: Path, key: str, entry: str) -> str:
    """Return the path of a copy of the API's values with another entry for a key."""
    text = (resources.files("mcu_models.people_detection") / f"{API}.toml").read_text()
    lines = [f"{key} = {entry}" if line.startswith(f"{key} =") else line for line in text.splitlines()]
    path = folder / "rules.toml"
    path.write_text("\n".join(lines))
    return str(path)


def test_the_api_s_values_are_in_256ths() -> None:
    assert detector_names() == (API,)
    assert load_detector(API) == DetectionParameters(
        smoothed_frames=8,
        dropped_frames=2,
        smoothing=26,
        threshold=77,
        dropped_area=3,
        human_area=6,
        background_rate=26,
        largest_count=3,
    )


def test_a_file_of_one_s_own_is_read(tmp_path: Path) -> None:
    entry = '{ value = 400, unit = "mK", source = "tried", evidence = "measured" }'
    assert load_detector(with_value(tmp_path, "threshold", entry)).threshold == 102


@pytest.mark.parametrize(
    ("key", "value", "unit", "complaint"),
    [
        ("smoothed_frames", 0, "", "smoothed_frames.value is 0.0; a whole number from 1 to 32"),
        ("smoothed_frames", 7.5, "", "smoothed_frames.value is 7.5; a whole number from 1 to 32"),
        ("dropped_frames", 4, "", "dropped_frames.value is 4.0; a whole number from 0 to 3"),
        ("smoothing", 1.5, "", "smoothing.value is 1.5; a share from 0 to 1"),
        ("background_rate", -0.1, "", "background_rate.value is -0.1; a share from 0 to 1"),
        ("threshold", 0, "K", "threshold.value is 0.0; from 1/256 to 64 K"),
        ("threshold", 65, "K", "threshold.value is 65.0; from 1/256 to 64 K"),
        ("threshold", 0.3, "V", "threshold.unit is 'V'; must be a unit convertible to K"),
        ("dropped_area", 226, "", "dropped_area.value is 226.0; a whole number from 0 to 225"),
        ("human_area", -1, "", "human_area.value is -1.0; a whole number from 0 to 225"),
        ("largest_count", 65, "", "largest_count.value is 65.0; a whole number from 1 to 64"),
    ],
)
def test_a_wrong_value_is_told_in_one_line(tmp_path: Path, key: str, value: float, unit: str, complaint: str) -> None:
    entry = f'{{ value = {value}, unit = "{unit}", source = "tried", evidence = "measured" }}'
    with pytest.raises(BadInputError) as error:
        load_detector(with_value(tmp_path, key, entry))
    assert str(error.value) == f"{tmp_path / 'rules.toml'}: {complaint}"


def test_a_value_without_a_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"human_area\.source"):
        load_detector(with_value(tmp_path, "human_area", '{ value = 6, unit = "", evidence = "measured" }'))


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(BadInputError, match="did you mean 'panasonic_grid_eye_api'"):
        load_detector("panasonic_grideye_api")
