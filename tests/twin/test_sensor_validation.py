"""The simulated sensor beside a recording: itself as the recording, and recordings made wrong on purpose."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from scenarios.room import load_scenario
from scenarios.simulation import simulate
from sensors.grid_eye_sheet import load_grid_eye
from sensors.recording import Recording, read_recording, write_recording
from sensors.sensing import sense
from twin.cli import run
from twin.emulated_node import no_progress
from twin.node import scenario_mount
from twin.sensor_validation import (
    FIRST_SEED,
    at_air_temperature,
    background_level_degc,
    validate_sensor,
)

if TYPE_CHECKING:
    from scenarios.timeline import Timeline
    from twin.sensor_validation import SensorValidation, ValidationRow

SECONDS = 120.0


@pytest.fixture(scope="module")
def recording() -> Recording:
    """A unit that is not among those it is compared with."""
    scenario = load_scenario("office_doorway")
    timeline = simulate(scenario, seconds=SECONDS, seed=77)
    return sense(timeline, scenario_mount(scenario), load_grid_eye(), seed=77)


def validated(recording: Recording) -> SensorValidation:
    return validate_sensor(
        recording,
        load_scenario("office_doorway"),
        load_grid_eye(),
        profile="field",
        units=3,
        seconds=SECONDS,
        progress=no_progress,
    )


def row(validation: SensorValidation, name: str) -> ValidationRow:
    return next(row for row in validation.rows if row.name.startswith(name))


@pytest.fixture(scope="module")
def itself(recording: Recording) -> SensorValidation:
    return validated(recording)


def test_another_unit_of_the_same_kind_has_the_same_noise(itself: SensorValidation) -> None:
    for name in ("temporal noise, all", "temporal noise, centre", "temporal noise, corners"):
        noise = row(itself, name)
        assert noise.recording == pytest.approx(noise.twin, rel=0.06)


def test_the_interval_holds_the_twins_figure(itself: SensorValidation) -> None:
    for found in itself.rows:
        if found.kind == "value" and found.twin is not None:
            assert found.low is not None
            assert found.high is not None
            assert found.low - 1e-12 <= found.twin <= found.high + 1e-12, found.name


def test_people_and_units_have_seeds_that_the_fit_has_not_seen(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds: list[tuple[str, int]] = []

    def people(*arguments: Any, seed: int, **options: Any) -> Timeline:
        seeds.append(("people", seed))
        return simulate(*arguments, seed=seed, **options)

    def unit(*arguments: Any, seed: int, **options: Any) -> Recording:
        seeds.append(("unit", seed))
        return sense(*arguments, seed=seed, **options)

    monkeypatch.setattr("twin.sensor_validation.simulate", people)
    monkeypatch.setattr("twin.sensor_validation.sense", unit)
    validated(recording)
    assert sorted(seeds) == [(what, FIRST_SEED + number) for what in ("people", "unit") for number in range(3)]


def refusal(recording: Recording, folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    write_recording(folder / "frames.npz", recording)
    words = ["validate", "sensor", str(folder / "frames.npz"), "--units", "1", "--seconds", "60", *options]
    assert run(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    return printed.err


def test_without_a_frame_with_nobody_there_is_nothing_to_compare(
    recording: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    occupied = replace(recording, count=np.maximum(recording.count, 1))
    assert "count; must hold frames with nobody in view" in refusal(occupied, tmp_path, capsys)


def test_one_empty_frame_is_enough_to_compare_what_can_be(recording: Recording) -> None:
    count = np.ones_like(recording.count)
    count[3] = 0
    found = validated(replace(recording, count=count))
    assert row(found, "temporal noise, all").recording is None
    assert row(found, "contrast of 1, median").recording is not None


def test_a_sensor_of_another_size_is_not_compared(
    recording: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(recording, tmp_path, capsys, "--sensor", "mlx90640")
    assert "frames is (8, 8); must be 24 x 32 pixels, as of MLX90640" in said


def test_the_source_is_named_when_a_recording_cannot_be_compared(recording: Recording) -> None:
    occupied = replace(recording, count=np.maximum(recording.count, 1))
    with pytest.raises(BadInputError, match=r"^walk\.npz: count; must hold"):
        validate_sensor(
            occupied, load_scenario("office_doorway"), load_grid_eye(),
            profile="field", units=1, seconds=60.0, progress=no_progress, source="walk.npz",
        )  # fmt: skip


def test_the_fitted_profile_holds_on_people_and_units_that_the_fit_has_not_seen() -> None:
    """Noise within 5 %, fixed pattern within 10 %, lag-1 within 0.05; contrast within 0.15 and area within 0.17.

    The fit asks for distances of 0.10 and 0.12. Batches of 16 simulated units lie up to 0.08 apart and the recording's
    two halves 0.19 to 0.25, so 24 units cannot tell distances much nearer than 0.05: the bounds leave that much,
    and still fail for a sensor a tenth noisier or people half a degree off.
    """
    folder = os.environ.get("TWIN_SHARED")
    if not folder:
        pytest.skip("set TWIN_SHARED to the folder with data/linaige_s2_s3.npz")
    found = validate_sensor(
        read_recording(Path(folder) / "data" / "linaige_s2_s3.npz"), load_scenario("office_floor"), load_grid_eye(),
        profile="field", units=24, seconds=300.0, progress=no_progress,
    )  # fmt: skip
    for name in ("temporal noise, all", "temporal noise, centre", "temporal noise, corners"):
        noise = row(found, name)
        assert noise.twin == pytest.approx(noise.recording, rel=0.05), name
    pattern, lag = row(found, "fixed pattern"), row(found, "lag-1 autocorrelation")
    assert pattern.twin == pytest.approx(pattern.recording, rel=0.10)
    assert lag.twin == pytest.approx(lag.recording, abs=0.05)
    for group, largest in (("contrast", 0.15), ("area", 0.17)):
        for count in (1, 2):
            distance = row(found, f"{group} of {count}, distribution").twin
            assert distance is not None
            assert distance <= largest, (group, count)


def test_noise_added_to_the_recording_shows(recording: Recording) -> None:
    rng = np.random.default_rng(0)
    added = np.round(rng.normal(0.0, 0.5, recording.frames.shape) * 4) / 4
    noisy = replace(recording, frames=(recording.frames + added).astype(np.float32))
    noise = row(validated(noisy), "temporal noise, all")
    assert noise.recording is not None
    assert noise.high is not None
    assert noise.recording > 1.4 * noise.high


def test_a_warm_spot_added_to_one_person_shows_as_distance(recording: Recording, itself: SensorValidation) -> None:
    frames = recording.frames.copy()
    frames[recording.count == 1, 4, 4] += 6.0
    warmer = validated(replace(recording, frames=frames))
    before, after = (row(v, "contrast of 1, distribution").twin for v in (itself, warmer))
    assert before is not None
    assert after is not None
    assert after > before + 0.3


def test_the_scenario_is_moved_to_the_recordings_temperature(recording: Recording, itself: SensorValidation) -> None:
    assert itself.air_degc == pytest.approx(background_level_degc(recording))
    scenario = load_scenario("office_doorway")
    moved = at_air_temperature(scenario, 27.0)
    for key in ("floor_degc", "wall_degc"):
        apart = getattr(scenario.room, key) - scenario.room.air_degc
        assert getattr(moved.room, key) - moved.room.air_degc == pytest.approx(apart)
    assert at_air_temperature(scenario, 99.0).room.air_degc == 30.0


def test_the_command_prints_rows_and_draws(
    recording: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_recording(tmp_path / "frames.npz", recording)
    picture = tmp_path / "sub" / "look.png"
    arguments = ["validate", "sensor", str(tmp_path / "frames.npz"), "--units", "1", "--seconds", "60"]
    assert run([*arguments, "--plot", str(picture), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {"name", "recording", "twin", "low", "high", "kind"} == set(rows[0])
    assert {r["kind"] for r in rows} == {"value", "ks"}
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["office_doorway"])
def test_a_scenario_is_drawn(name: str, tmp_path: Path) -> None:
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    for path in (first, second):
        assert run(["scenario", "show", name, "--seconds", "30", "--out", str(path)]) == 0
    assert first.read_bytes().startswith(b"\x89PNG")
    assert first.read_bytes() == second.read_bytes()


def test_an_unknown_scenario_is_not_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scenario", "show", "office_dorway", "--out", str(tmp_path / "sub" / "a.png")]) == 2
    assert "office_doorway" in capsys.readouterr().err
    assert not (tmp_path / "sub").exists()
