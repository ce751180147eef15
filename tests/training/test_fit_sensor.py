"""The fit's own steps, without a fit: scaling noise, moving people, and writing into copies of the files."""

from __future__ import annotations

import math
import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from scenarios.room import load_scenario
from scenarios.simulation import simulate
from sensors.grid_eye_sheet import load_grid_eye
from sensors.mount import Mount
from sensors.recording import Recording, write_recording
from sensors.sensing import sense
from training import fit_sensor
from training.fit_sensor import (
    PEOPLE_BOUNDS,
    Fit,
    as_written,
    fit_people,
    fit_target,
    main,
    noise_scales,
    people_bounds,
    recorded,
    simulated,
    write_fit,
)
from twin.sensor_validation import FIRST_SEED

if TYPE_CHECKING:
    from pathlib import Path

    from scenarios.timeline import Timeline

POINT = np.array([0.12345, 2.34567, 0.71234, 0.45678, 1.23456])
"""A trial in the order of the bounds: crosstalk, height, hair, least and most clothing."""


@pytest.fixture(scope="module")
def fit() -> Fit:
    return Fit(load_grid_eye(), load_scenario(fit_sensor.SCENARIO))


@pytest.fixture(scope="module")
def timeline(fit: Fit) -> Timeline:
    return simulate(fit.scenario, seconds=20.0, seed=2)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Return copies of the two files that a fit changes."""
    part, place = (tmp_path / path.name for path in fit_sensor._library_files())
    for original, copy in zip(fit_sensor._library_files(), (part, place), strict=True):
        shutil.copyfile(original, copy)
    return part, place


def noise_k(fit: Fit, name: str) -> float:
    value: float = getattr(fit.sheet.noise["field"], f"{name}_k").value
    return value


def test_each_noise_grows_by_what_is_missing_but_at_most_twice() -> None:
    found = [{"centre": 0.1, "dip": 0.3, "drift": 0.01}, {"centre": 0.3, "dip": 0.1, "drift": 0.01}]
    scales = noise_scales(found, {"centre": 0.3, "dip": 0.02, "drift": 0.5})
    assert scales == pytest.approx({"centre": 1.5, "dip": 0.5, "drift": 2.0})


def test_a_noise_that_the_units_do_not_show_stays() -> None:
    found = [{"centre": 0.0, "dip": -0.1, "drift": math.nan}]
    assert noise_scales(found, {"centre": 0.3, "dip": 0.2, "drift": 0.5}) == {"centre": 1.0, "dip": 1.0, "drift": 1.0}


def test_noise_is_scaled_in_the_profile_and_nowhere_else(fit: Fit) -> None:
    scaled = replace(fit, sheet=fit_sensor._with_noise(fit.sheet, {"centre_noise": 1.5}))
    assert noise_k(scaled, "centre_noise") == pytest.approx(1.5 * noise_k(fit, "centre_noise"))
    assert noise_k(scaled, "corner_noise") == noise_k(fit, "corner_noise")
    assert scaled.sheet.noise["datasheet"] == fit.sheet.noise["datasheet"]


def test_people_keep_their_share_of_the_interval_under_trial(
    fit: Fit, timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody a third up the old range of clothing wears what is a third up the new one; nobody moves."""
    seen: list[tuple[Timeline, Mount]] = []

    def look(timeline: Timeline, mount: Mount, *_: object, **__: object) -> None:
        seen.append((timeline, mount))

    monkeypatch.setattr(fit_sensor, "sense", look)
    recorded(fit_sensor._with_people(fit, POINT), timeline, 0)
    changed, mount = seen[0]
    old = fit.scenario.population
    for before, after in zip(timeline.persons, changed.persons, strict=True):
        share = (before.clothing_clo - old.clothing_low_clo) / (old.clothing_high_clo - old.clothing_low_clo)
        assert after.clothing_clo == pytest.approx(POINT[3] + share * (POINT[4] - POINT[3]))
        assert after.hair_ratio == pytest.approx(before.hair_ratio / old.hair_high_ratio * POINT[2])
        assert after.stature_m == before.stature_m
    assert len(changed.persons) > 0
    assert mount.height_m == POINT[1]
    np.testing.assert_array_equal(changed.position_m, timeline.position_m)


def test_without_a_trial_a_unit_records_what_it_senses(fit: Fit, timeline: Timeline) -> None:
    hung = fit.scenario.sensor_mount
    mount = Mount(hung.x_m, hung.y_m, hung.height_m, hung.yaw_deg)
    expected = sense(timeline, mount, fit.sheet, seed=70)
    np.testing.assert_array_equal(recorded(fit, timeline, 70).frames, expected.frames)


def test_units_count_from_the_first_one_asked_for(fit: Fit, timeline: Timeline) -> None:
    patterns = [
        one.fixed_pattern.by_pixel_k
        for one in (simulated(fit, [timeline] * 2)[1], *simulated(fit, [timeline] * 2, first_unit=1))
    ]
    np.testing.assert_array_equal(patterns[0], patterns[1])
    assert not np.array_equal(patterns[1], patterns[2])


def test_the_report_is_of_people_and_units_that_the_search_has_not_seen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Seeds of the search, of the report and of validation do not meet, and what is reported is rounded."""
    used: list[int] = []
    path = tmp_path / "frames.npz"
    write_recording(path, office(300.0))
    monkeypatch.setattr(fit_sensor, "simulate", lambda *_, seconds, seed: used.append(seed))  # noqa: ARG005
    monkeypatch.setattr(fit_sensor, "fit_noise", lambda fit, *_: fit_sensor._with_people(fit, POINT))
    monkeypatch.setattr(fit_sensor, "fit_people", lambda fit, *_, held: fit)  # noqa: ARG005
    reported: list[tuple[Fit, int]] = []
    monkeypatch.setattr(
        fit_sensor, "_report", lambda fit, fresh, _, first_unit: reported.append((fit, len(fresh), first_unit))
    )
    main([str(path)])
    assert used == list(range(fit_sensor.UNITS + fit_sensor.FRESH_UNITS))
    assert reported[0][1:] == (fit_sensor.FRESH_UNITS, fit_sensor.UNITS)
    assert fit_sensor._people_values(reported[0][0]).tolist() == [0.123, 2.35, 0.712, 0.457, 1.23]
    assert len(used) <= FIRST_SEED


def test_fresh_people_are_reported_as_fresh_units_see_them(
    fit: Fit, timeline: Timeline, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    units: list[int] = []

    def look(fit: Fit, timeline: Timeline, unit: int) -> Recording:
        units.append(unit)
        return recorded(fit, timeline, unit)

    monkeypatch.setattr(fit_sensor, "recorded", look)
    fit_sensor._report(fit, [timeline] * 2, fit_sensor.sensor_statistics(office(300.0)), first_unit=64)
    assert units == [64, 65, 64, 65]
    assert "within 2.2 to 2.7" in capsys.readouterr().out


def test_the_sensor_is_not_looked_for_above_the_ceiling(fit: Fit) -> None:
    assert people_bounds(fit.scenario)["height_m"] == (2.2, 2.7)
    room = fit.scenario.room.model_copy(update={"ceiling_height_m": 4.0})
    assert people_bounds(fit.scenario.model_copy(update={"room": room})) == PEOPLE_BOUNDS


def test_what_is_held_does_not_move(fit: Fit, timeline: Timeline) -> None:
    target = fit_sensor.sensor_statistics(office(300.0))
    found = fit_sensor.fit_people(fit, [timeline], target, 6, held={"crosstalk"})
    assert found.sheet.crosstalk == fit.sheet.crosstalk
    assert found.scenario.sensor_mount.height_m != fit.scenario.sensor_mount.height_m


def test_a_search_that_finds_nothing_leaves_the_fit(fit: Fit, timeline: Timeline) -> None:
    target = fit_sensor.sensor_statistics(office(60.0, people=False))
    assert fit_people(fit, [timeline], target, 1) is fit
    assert fit_people(fit, [timeline], target, 0) is fit


def test_what_is_written_is_loaded_again_and_nothing_else_changes(fit: Fit, files: tuple[Path, Path]) -> None:
    scaled = replace(fit, sheet=fit_sensor._with_noise(fit.sheet, dict.fromkeys(fit_sensor.NOISES, 1.2345)))
    rounded = as_written(fit_sensor._with_people(scaled, POINT))
    before = [path.read_text() for path in files]
    write_fit(rounded, *files)
    assert load_grid_eye(str(files[0])) == rounded.sheet
    assert load_scenario(str(files[1])) == rounded.scenario
    for path, text, lines in zip(files, before, (7, 4), strict=True):
        pairs = list(zip(text.splitlines(), path.read_text().splitlines(), strict=True))
        assert sum(old != new for old, new in pairs) == lines
    assert sorted(path.name for path in files[0].parent.iterdir()) == ["amg8833.toml", "office_floor.toml"]


@pytest.mark.parametrize(
    ("point", "said"),
    [
        (POINT * [1, 2, 1, 1, 1], "sensor_mount.height_m is 4.69"),
        (POINT * [1, 1, 2, 1, 1], "hair_high_ratio"),
        (POINT * [9, 1, 1, 1, 1], "crosstalk"),
    ],
)
def test_neither_file_is_replaced_when_one_would_not_load(
    fit: Fit, files: tuple[Path, Path], point: np.ndarray, said: str
) -> None:
    before = [path.read_bytes() for path in files]
    with pytest.raises(BadInputError, match=said):
        write_fit(fit_sensor._with_people(fit, point), *files)
    assert [path.read_bytes() for path in files] == before
    assert sorted(path.name for path in files[0].parent.iterdir()) == ["amg8833.toml", "office_floor.toml"]


@pytest.mark.parametrize("key", ["dip", "height_m"])
def test_a_value_without_a_line_to_write_it_to_is_named(fit: Fit, files: tuple[Path, Path], key: str) -> None:
    path = files[0] if key == "dip" else files[1]
    path.write_text(re.sub(rf"(?m)^{key} = ", f"other_{key} = ", path.read_text()))
    before = [path.read_bytes() for path in files]
    with pytest.raises(BadInputError, match=f"{key}; must stand in a line of its own"):
        write_fit(fit, *files)
    assert [path.read_bytes() for path in files] == before


def office(seconds: float, *, people: bool = True) -> Recording:
    """Return noise, with a warm spot for one and for two people in the last third."""
    number = round(seconds * 10)
    frames = 25.0 + 0.3 * np.random.default_rng(0).standard_normal((number, 8, 8)).astype(np.float32)
    frames -= 0.3 * (np.diff(np.floor(np.arange(number + 1) * 0.196)) > 0)[:, np.newaxis, np.newaxis]
    count = np.zeros(number, dtype=np.int64)
    if people:
        third = number // 3
        count[-third:], count[-third // 2 :] = 1, 2
        frames[-third:, 3:5, 3:5] += 3.0
    return Recording(np.arange(number) / 10, frames.astype(np.float32), count)


def test_a_recording_that_says_enough_is_a_target(tmp_path: Path) -> None:
    write_recording(tmp_path / "good.npz", office(300.0))
    assert fit_target(tmp_path / "good.npz").noise.all_k > 0.25


@pytest.mark.parametrize(
    ("counts", "seconds", "said"),
    [
        ({0: 1}, 300.0, "count; must hold frames with nobody in view"),
        ({1: 2}, 300.0, "count; must hold frames with 1 in view"),
        ({2: 1}, 300.0, "count; must hold frames with 2 in view"),
        ({}, 9.0, "frames; must hold more frames with nobody in view: no"),
    ],
)
def test_a_recording_that_says_too_little_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], counts: dict[int, int], seconds: float, said: str
) -> None:
    recording = office(seconds)
    count = recording.count.copy()
    for old, new in counts.items():
        count[recording.count == old] = new
    write_recording(tmp_path / "frames.npz", replace(recording, count=count))
    with pytest.raises(SystemExit) as caught:
        main([str(tmp_path / "frames.npz")])
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_missing_file_is_named_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([str(tmp_path / "absent.npz")])
    assert caught.value.code == 2
    assert capsys.readouterr().err == f"{tmp_path / 'absent.npz'}; there is no such file\n"
