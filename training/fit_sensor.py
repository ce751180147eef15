"""Fit the sensor's `field` profile, its crosstalk, and what is weakly known of people, to a recording.

    python -m training.fit_sensor [RECORDING.npz] [--write]

Noise: six values of `noise.field` in sensors/parts/amg8833.toml, moved until the statistics of simulated empty rooms
agree with those of the recording's empty frames. People: crosstalk, and of the scenario `office_floor` the mount's
height, the upper end of hair ratios and both ends of clothing, five values within stated bounds, by a random search
that lowers the Kolmogorov-Smirnov distances of contrast and warm area for one and for two people. The search watches
people with the seeds 0 to 63 with units of the same seeds. The figures are then printed of the values as they are
written, rounded to three digits, for people and units with the seeds 64 to 95, which the search has not seen;
`twin validate sensor` goes on from seed 1000. Without `--write` nothing is changed.
"""

from __future__ import annotations

import argparse
import math
import os
import re
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datasheet.bad_input import BadInputError
from scenarios.room import load_scenario
from scenarios.simulation import simulate
from sensors.grid_eye_sheet import GridEyeSheet, load_grid_eye
from sensors.mount import Mount
from sensors.recording import Recording, read_recording
from sensors.sensing import sense
from sensors.statistics import SensorStatistics, ks_distance, sensor_statistics

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from scenarios.room import Scenario
    from scenarios.timeline import Timeline

SCENARIO = "office_floor"
SECONDS, UNITS, FRESH_UNITS = 300.0, 64, 32
NOISE_ROUNDS, PEOPLE_ROUNDS = 4, 40
SPREADS = (0.25, 0.08, 0.03)
"""Standard deviation of a trial's steps, as a share of the bounds: wide first, narrow at last."""
SOURCE = "fit to LINAIGE sessions 2 and 3 by training/fit_sensor.py"

NOISES = ("centre_noise", "corner_noise", "common_noise", "fixed_pattern", "drift", "dip")
"""The values of `noise.field` that are fitted."""

PEOPLE_BOUNDS = {
    "crosstalk": (0.05, 0.3),
    "height_m": (2.2, 3.0),
    "hair_high_ratio": (0.2, 0.8),
    "clothing_low_clo": (0.3, 1.0),
    "clothing_high_clo": (1.2, 2.0),
}
"""What the search keeps to; the mount also stays under the scenario's ceiling."""


@dataclass(frozen=True)
class Fit:
    """A sheet and a scenario under trial."""

    sheet: GridEyeSheet
    scenario: Scenario


def main(words: Sequence[str] | None = None) -> None:
    """Fit, print what was fitted beside its targets, and write it when asked to.

    Args:
        words: The command line without the program's name; None takes that of the process.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("recording", nargs="?", type=Path, default=_default_recording())
    parser.add_argument("--write", action="store_true", help="put the values into the TOML files")
    parser.add_argument("--people-rounds", type=int, default=PEOPLE_ROUNDS)
    parser.add_argument("--units", type=int, default=UNITS, help="simulated sensors that the search looks at")
    parser.add_argument("--hold-sensor", action="store_true", help="fit the scenario alone, not the sensor")
    arguments = parser.parse_args(words)
    if arguments.recording is None:
        parser.error("name a recording, or set TWIN_SHARED to the folder that holds data/linaige_s2_s3.npz")
    try:
        target = fit_target(arguments.recording)
        scenario = load_scenario(SCENARIO)
        timelines = [simulate(scenario, seconds=SECONDS, seed=seed) for seed in range(arguments.units)]
        fresh_seeds = range(arguments.units, arguments.units + FRESH_UNITS)
        fresh = [simulate(scenario, seconds=SECONDS, seed=seed) for seed in fresh_seeds]
        fit = Fit(load_grid_eye(), scenario)
        held = {"crosstalk"} if arguments.hold_sensor else set()
        if not arguments.hold_sensor:
            fit = fit_noise(fit, timelines, target)
        fit = fit_people(fit, timelines, target, arguments.people_rounds, held=held)
        if not arguments.hold_sensor:
            fit = fit_noise(fit, timelines, target)
        fit = as_written(fit)
        _report(fit, fresh, target, first_unit=arguments.units)
        if arguments.write:
            write_fit(fit, *_library_files())
    except BadInputError as error:
        parser.exit(2, f"{error}\n")


def fit_target(path: Path) -> SensorStatistics:
    """Return what the fit is to reach: the statistics of the recording at `path`.

    Raises:
        BadInputError: The file is no recording, or holds too little to tell a statistic that a value is fitted to.
    """
    target = sensor_statistics(read_recording(path))
    if math.isnan(target.fixed_pattern.sd_k):
        raise BadInputError(path, "count", None, "must hold frames with nobody in view")
    for count in (1, 2):
        if not len(target.people.contrast_k.get(count, ())):
            what = f"must hold frames with {count} in view, in a session that also has some with nobody"
            raise BadInputError(path, "count", None, what)
    for name, value in _governed(target).items():
        if not (math.isfinite(value) and value > 0):
            raise BadInputError(path, "frames", None, f"must hold more frames with nobody in view: no {name} is found")
    return target


def fit_noise(fit: Fit, timelines: Sequence[Timeline], target: SensorStatistics) -> Fit:
    """Return the fit with each noise value scaled by how far the statistic that it governs is off, in rounds."""
    for _ in range(NOISE_ROUNDS):
        found = simulated(fit, [_without_people(timeline) for timeline in timelines])
        scale = noise_scales([_governed(one) for one in found], _governed(target))
        fit = replace(fit, sheet=_with_noise(fit.sheet, scale))
    return fit


def noise_scales(found: Sequence[dict[str, float]], target: dict[str, float]) -> dict[str, float]:
    """Return by how much each value of the noise profile is to grow, between a half and twice.

    Args:
        found: For each unit what it shows of every value.
        target: What it ought to be. Where the units together show nothing, the value stays as it is.
    """
    means = {name: float(np.mean([one[name] for one in found])) for name in target}
    return {name: float(np.clip(target[name] / mean, 0.5, 2.0)) if mean > 0 else 1.0 for name, mean in means.items()}


def _governed(statistics: SensorStatistics) -> dict[str, float]:
    """Return the statistic that each value of the noise profile governs; nan where too little was recorded."""
    drift_k = statistics.drift.rms_k[:2]
    known_k = drift_k[np.isfinite(drift_k)]
    return {
        "centre_noise": statistics.noise.centre_k,
        "corner_noise": statistics.noise.corner_k,
        "common_noise": statistics.common_mode.sd_k,
        "fixed_pattern": statistics.fixed_pattern.sd_k,
        "drift": float(known_k.mean()) if len(known_k) else math.nan,
        "dip": statistics.common_mode.dip_k,
    }


def _with_noise(sheet: GridEyeSheet, scale: dict[str, float]) -> GridEyeSheet:
    field = sheet.noise["field"]
    update = {}
    for name, factor in scale.items():
        quantity = getattr(field, f"{name}_k")
        update[f"{name}_k"] = replace(quantity, value=quantity.value * factor)
    return sheet.model_copy(update={"noise": {**sheet.noise, "field": field.model_copy(update=update)}})


def _without_people(timeline: Timeline) -> Timeline:
    return replace(timeline, person_index=np.full_like(timeline.person_index, -1))


def fit_people(
    fit: Fit,
    timelines: Sequence[Timeline],
    target: SensorStatistics,
    rounds: int,
    *,
    held: Collection[str] = (),
) -> Fit:
    """Return the best of `rounds` random trials around the best so far; values named in `held` stay."""
    is_free = np.array([name not in held for name in PEOPLE_BOUNDS])
    rng = np.random.default_rng(1)
    low, high = (np.array(ends) for ends in zip(*people_bounds(fit.scenario).values(), strict=True))
    best, best_point, chosen = np.inf, _people_values(fit), fit
    for number in range(rounds):
        spread = 0.0 if number == 0 else SPREADS[number * len(SPREADS) // rounds]
        step = spread * (high - low) * rng.standard_normal(len(low)) * is_free
        point = np.clip(best_point + step, low, high)
        trial = _with_people(fit, point)
        distances = people_distances(simulated(trial, timelines), target)
        loss = max(distances["contrast 1"], distances["contrast 2"]) / 0.10 + sum(distances.values())
        loss += max(distances["area 1"], distances["area 2"]) / 0.12
        if loss < best:
            best, best_point, chosen = loss, point, trial
            print(number, dict(zip(PEOPLE_BOUNDS, point.round(3).tolist(), strict=True)), end=" ")
            print({name: round(value, 3) for name, value in distances.items()}, flush=True)
    return chosen


def people_bounds(scenario: Scenario) -> dict[str, tuple[float, float]]:
    """Return `PEOPLE_BOUNDS` with the mount not above the scenario's ceiling."""
    low_m, high_m = PEOPLE_BOUNDS["height_m"]
    return {**PEOPLE_BOUNDS, "height_m": (low_m, min(high_m, scenario.room.ceiling_height_m))}


def as_written(fit: Fit) -> Fit:
    """Return the fit with every fitted value rounded to what stands in the files, three digits."""
    field = fit.sheet.noise["field"]
    update = {}
    for name in NOISES:
        quantity = getattr(field, f"{name}_k")
        update[f"{name}_k"] = replace(quantity, value=_rounded(quantity.value))
    noise = {**fit.sheet.noise, "field": field.model_copy(update=update)}
    point = np.array([_rounded(value) for value in _people_values(fit)])
    return _with_people(replace(fit, sheet=fit.sheet.model_copy(update={"noise": noise})), point)


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def _people_values(fit: Fit) -> NDArray[np.float64]:
    crosstalk, people = fit.sheet.crosstalk, fit.scenario.population
    first = 0.1 if crosstalk is None else crosstalk.value
    rest = (people.hair_high_ratio, people.clothing_low_clo, people.clothing_high_clo)
    return np.array([first, fit.scenario.sensor_mount.height_m, *rest])


def _with_people(fit: Fit, point: NDArray[np.float64]) -> Fit:
    crosstalk, height_m, *people = (float(value) for value in point)
    scenario, sheet = fit.scenario, fit.sheet
    assert sheet.crosstalk is not None  # noqa: S101 - the sheet that is fitted has it
    names = list(PEOPLE_BOUNDS)[2:]
    mount = scenario.sensor_mount.model_copy(update={"height_m": height_m})
    population = scenario.population.model_copy(update=dict(zip(names, people, strict=True)))
    return Fit(
        sheet.model_copy(update={"crosstalk": replace(sheet.crosstalk, value=crosstalk)}),
        scenario.model_copy(update={"sensor_mount": mount, "population": population}),
    )


def simulated(fit: Fit, timelines: Sequence[Timeline], *, first_unit: int = 0) -> list[SensorStatistics]:
    """Return the statistics of one unit for each timeline, with the people and the mount under trial.

    The units' seeds count up from `first_unit`.
    """
    return [sensor_statistics(recorded(fit, timeline, unit)) for unit, timeline in enumerate(timelines, first_unit)]


def recorded(fit: Fit, timeline: Timeline, unit: int) -> Recording:
    """Return what a unit would record of `timeline` with hair, clothes and mount as under trial.

    Ways and places stay as they are, so that trials differ by what is fitted alone.
    """
    old, new = load_scenario(SCENARIO).population, fit.scenario.population

    def rescaled(value: float, name: str, unit_name: str) -> float:
        low, high = (getattr(old, f"{name}_{end}_{unit_name}") for end in ("low", "high"))
        new_low, new_high = (getattr(new, f"{name}_{end}_{unit_name}") for end in ("low", "high"))
        share = (value - low) / (high - low) if high > low else 0.5
        return float(new_low + share * (new_high - new_low))

    persons = tuple(
        replace(
            person,
            hair_ratio=rescaled(person.hair_ratio, "hair", "ratio"),
            clothing_clo=rescaled(person.clothing_clo, "clothing", "clo"),
        )
        for person in timeline.persons
    )
    hung = fit.scenario.sensor_mount
    mount = Mount(hung.x_m, hung.y_m, hung.height_m, hung.yaw_deg)
    return sense(replace(timeline, persons=persons), mount, fit.sheet, seed=unit)


def people_distances(found: Sequence[SensorStatistics], target: SensorStatistics) -> dict[str, float]:
    """Return the Kolmogorov-Smirnov distances of contrast and area, all units together, for one and two people."""
    distances = {}
    for count in (1, 2):
        for name in ("contrast", "area"):
            key = "contrast_k" if name == "contrast" else "area_pixels"
            ours = np.concatenate([getattr(one.people, key).get(count, np.empty(0)) for one in found])
            distances[f"{name} {count}"] = ks_distance(ours, getattr(target.people, key).get(count, np.empty(0)))
    return distances


def _report(fit: Fit, timelines: Sequence[Timeline], target: SensorStatistics, *, first_unit: int) -> None:
    field = fit.sheet.noise["field"]
    print("\nfitted")
    for name in _governed(target):
        print(f"  noise.field.{name:14} {getattr(field, f'{name}_k').value:.3f} K")
    for (name, (low, high)), value in zip(people_bounds(fit.scenario).items(), _people_values(fit), strict=True):
        print(f"  {name:26} {value:.3f}  within {low:g} to {high:g}")
    empty = simulated(fit, [_without_people(timeline) for timeline in timelines], first_unit=first_unit)
    print("\nempty room                   twin   recorded")
    rows = {
        "noise, all pixels": [one.noise.all_k for one in (*empty, target)],
        "noise, centre": [one.noise.centre_k for one in (*empty, target)],
        "noise, corners": [one.noise.corner_k for one in (*empty, target)],
        "lag-1 autocorrelation": [one.autocorrelation.all for one in (*empty, target)],
        "common mode": [one.common_mode.sd_k for one in (*empty, target)],
        "dip": [one.common_mode.dip_k for one in (*empty, target)],
        "fixed pattern": [one.fixed_pattern.sd_k for one in (*empty, target)],
        "drift over 10 s": [float(one.drift.rms_k[0]) for one in (*empty, target)],
        "drift over 60 s": [float(one.drift.rms_k[1]) for one in (*empty, target)],
    }
    for name, values in rows.items():
        print(f"  {name:24} {np.mean(values[:-1]):7.3f}  {values[-1]:7.3f}")
    found = simulated(fit, timelines, first_unit=first_unit)
    print("\nKolmogorov-Smirnov distance; targets 0.10 for contrast, 0.12 for area")
    for name, distance in people_distances(found, target).items():
        print(f"  {name:24} {distance:7.3f}")
    print("\ncontrast, K, p5 / 25 / 50 / 75 / 95")
    for count in (1, 2, 3):
        for who, statistics in (("twin", found), ("recorded", [target])):
            joined = np.concatenate([one.people.contrast_k.get(count, np.empty(0)) for one in statistics])
            if len(joined):
                print(f"  {count} {who:9}", " / ".join(f"{p:.2f}" for p in np.percentile(joined, [5, 25, 50, 75, 95])))


def write_fit(fit: Fit, part: Path, place: Path) -> None:
    """Put the fitted values into the sensor's file `part` and the scenario's file `place`.

    Both new texts are written beside the files and loaded before either of these is replaced.

    Raises:
        BadInputError: A fitted value has no line in its file, or a file with the new values is no longer valid.
    """
    texts = {part: _part_text(fit, part), place: _place_text(fit, place)}
    temporary = {path: path.with_suffix(".tmp") for path in texts}
    try:
        for path, text in texts.items():
            temporary[path].write_text(text, encoding="utf-8")
        load_grid_eye(str(temporary[part]))
        load_scenario(str(temporary[place]))
        for path, written in temporary.items():
            written.replace(path)
    finally:
        for written in temporary.values():
            written.unlink(missing_ok=True)


def _part_text(fit: Fit, part: Path) -> str:
    field, crosstalk = fit.sheet.noise["field"], fit.sheet.crosstalk
    head, header, tail = part.read_text(encoding="utf-8").partition("[noise.field]\n")
    for name in NOISES:
        tail = _replaced(part, tail, f"{name} = {{ value = ", getattr(field, f"{name}_k").value)
    if crosstalk is not None:
        head = _replaced(part, head, "crosstalk = { value = ", crosstalk.value)
    return head + header + tail


def _place_text(fit: Fit, place: Path) -> str:
    text = place.read_text(encoding="utf-8")
    for name, value in list(zip(PEOPLE_BOUNDS, _people_values(fit), strict=True))[1:]:
        text = _replaced(place, text, f"{name} = ", value)
    return text


def _replaced(path: Path, text: str, before: str, value: float) -> str:
    """Return `text` with the first number after `before`, at the beginning of a line, replaced."""
    changed, number = re.subn(rf"(?m)^({re.escape(before)})[-+0-9.e]+", rf"\g<1>{value:.3g}", text, count=1)
    if not number:
        raise BadInputError(path, before.partition(" ")[0], None, "must stand in a line of its own, to be replaced")
    return changed


def _library_files() -> tuple[Path, Path]:
    """Return the files of the part and of the scenario that are fitted."""
    part = resources.files("sensors.parts").joinpath("amg8833.toml")
    place = resources.files("scenarios.library").joinpath(f"{SCENARIO}.toml")
    return Path(str(part)), Path(str(place))


def _default_recording() -> Path | None:
    shared = os.environ.get("TWIN_SHARED")
    return Path(shared) / "data" / "linaige_s2_s3.npz" if shared else None


if __name__ == "__main__":
    main()
