"""Fit the sensor's `field` profile, its crosstalk, and what is weakly known of people, to a recording.

    python -m training.fit_sensor [RECORDING.npz] [--write]

Noise: six values of `noise.field` in sensors/parts/amg8833.toml, moved until the statistics of simulated empty rooms
agree with those of the recording's empty frames. People: crosstalk, and of the scenario `office_floor` the mount's
height, the upper end of hair ratios and both ends of clothing, five values within stated bounds, by a random search
that lowers the Kolmogorov-Smirnov distances of contrast and warm area for one and for two people. The distances are
then printed for people and units that the search has not seen. Without `--write` nothing is changed.
"""

from __future__ import annotations

import argparse
import os
import re
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scenarios.room import load_scenario
from scenarios.simulation import simulate
from sensors.grid_eye_sheet import GridEyeSheet, load_grid_eye
from sensors.mount import Mount
from sensors.recording import Recording, read_recording
from sensors.sensing import sense
from sensors.statistics import SensorStatistics, ks_distance, sensor_statistics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scenarios.room import Scenario
    from scenarios.timeline import Timeline

SCENARIO = "office_floor"
SECONDS, UNITS = 300.0, 64
NOISE_ROUNDS, PEOPLE_ROUNDS = 4, 40
SOURCE = "fit to LINAIGE sessions 2 and 3 by training/fit_sensor.py"

PEOPLE_BOUNDS = {
    "crosstalk": (0.05, 0.3),
    "height_m": (2.2, 3.0),
    "hair_high_ratio": (0.2, 0.8),
    "clothing_low_clo": (0.4, 1.0),
    "clothing_high_clo": (1.2, 2.0),
}


@dataclass(frozen=True)
class Fit:
    """A sheet and a scenario under trial."""

    sheet: GridEyeSheet
    scenario: Scenario


def main() -> None:
    """Fit, print what was fitted beside its targets, and write it when asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("recording", nargs="?", type=Path, default=_default_recording())
    parser.add_argument("--write", action="store_true", help="put the values into the TOML files")
    parser.add_argument("--people-rounds", type=int, default=PEOPLE_ROUNDS)
    arguments = parser.parse_args()
    if arguments.recording is None:
        parser.error("name a recording, or set TWIN_SHARED to the folder that holds data/linaige_s2_s3.npz")
    target = sensor_statistics(read_recording(arguments.recording))
    scenario = load_scenario(SCENARIO)
    timelines = [simulate(scenario, seconds=SECONDS, seed=seed) for seed in range(UNITS)]
    fresh = [simulate(scenario, seconds=SECONDS, seed=seed) for seed in range(UNITS, 3 * UNITS // 2)]
    fit = Fit(load_grid_eye(), scenario)
    fit = fit_noise(fit, timelines, target)
    fit = fit_people(fit, timelines, target, arguments.people_rounds)
    fit = fit_noise(fit, timelines, target)
    _report(fit, fresh, target)
    if arguments.write:
        _write(fit)


def fit_noise(fit: Fit, timelines: Sequence[Timeline], target: SensorStatistics) -> Fit:
    """Return the fit with each noise value scaled by how far the statistic that it governs is off, in rounds."""
    for _ in range(NOISE_ROUNDS):
        found = simulated(fit, [_without_people(timeline) for timeline in timelines])
        mean = {name: float(np.mean([value[name] for value in map(_governed, found)])) for name in _governed(target)}
        scale = {name: float(np.clip(_governed(target)[name] / mean[name], 0.5, 2.0)) for name in mean}
        fit = replace(fit, sheet=_with_noise(fit.sheet, scale))
    return fit


def _governed(statistics: SensorStatistics) -> dict[str, float]:
    """Return the statistic that each value of the noise profile governs."""
    return {
        "centre_noise": statistics.noise.centre_k,
        "corner_noise": statistics.noise.corner_k,
        "common_noise": statistics.common_mode.sd_k,
        "fixed_pattern": statistics.fixed_pattern.sd_k,
        "drift": float(np.nanmean(statistics.drift.rms_k[:2])),
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


def fit_people(fit: Fit, timelines: Sequence[Timeline], target: SensorStatistics, rounds: int) -> Fit:
    """Return the best of `rounds` random trials around the best so far."""
    rng = np.random.default_rng(1)
    low, high = (np.array(ends) for ends in zip(*PEOPLE_BOUNDS.values(), strict=True))
    best, best_point = np.inf, _people_values(fit)
    for number in range(rounds):
        spread = 0.0 if number == 0 else 0.25 if number < rounds / 2 else 0.08
        point = np.clip(best_point + spread * (high - low) * rng.standard_normal(len(low)), low, high)
        trial = _with_people(fit, point)
        distances = people_distances(simulated(trial, timelines), target)
        loss = max(distances["contrast 1"], distances["contrast 2"]) / 0.10 + sum(distances.values())
        loss += max(distances["area 1"], distances["area 2"]) / 0.12
        if loss < best:
            best, best_point, chosen = loss, point, trial
            print(number, dict(zip(PEOPLE_BOUNDS, point.round(3).tolist(), strict=True)), end=" ")
            print({name: round(value, 3) for name, value in distances.items()}, flush=True)
    return chosen


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


def simulated(fit: Fit, timelines: Sequence[Timeline]) -> list[SensorStatistics]:
    """Return the statistics of one unit for each timeline, with the people and the mount under trial."""
    return [sensor_statistics(recorded(fit, timeline, unit)) for unit, timeline in enumerate(timelines)]


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


def _report(fit: Fit, timelines: Sequence[Timeline], target: SensorStatistics) -> None:
    field = fit.sheet.noise["field"]
    print("\nfitted")
    for name in _governed(target):
        print(f"  noise.field.{name:14} {getattr(field, f'{name}_k').value:.3f} K")
    for name, value in zip(PEOPLE_BOUNDS, _people_values(fit), strict=True):
        print(f"  {name:26} {value:.3f}  within {PEOPLE_BOUNDS[name][0]:g} to {PEOPLE_BOUNDS[name][1]:g}")
    empty = simulated(fit, [_without_people(timeline) for timeline in timelines])
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
    found = simulated(fit, timelines)
    print("\nKolmogorov-Smirnov distance; targets 0.10 for contrast, 0.12 for area")
    for name, distance in people_distances(found, target).items():
        print(f"  {name:24} {distance:7.3f}")
    print("\ncontrast, K, p5 / 25 / 50 / 75 / 95")
    for count in (1, 2, 3):
        for who, values in (("twin", [one.people.contrast_k.get(count, np.empty(0)) for one in found]),
                            ("recorded", [target.people.contrast_k.get(count, np.empty(0))])):  # fmt: skip
            joined = np.concatenate(values)
            if len(joined):
                print(f"  {count} {who:9}", " / ".join(f"{p:.2f}" for p in np.percentile(joined, [5, 25, 50, 75, 95])))


def _write(fit: Fit) -> None:
    """Put the fitted values into the two TOML files."""
    part = Path(str(resources.files("sensors.parts").joinpath("amg8833.toml")))
    field = fit.sheet.noise["field"]
    text = part.read_text()
    head, tail = text.split("[noise.field]\n")
    for name in ("centre_noise", "corner_noise", "common_noise", "fixed_pattern", "drift", "dip"):
        tail = _replaced(tail, name, getattr(field, f"{name}_k").value)
    crosstalk = fit.sheet.crosstalk
    head = head if crosstalk is None else _replaced(head, "crosstalk", crosstalk.value)
    _replace_file(part, f"{head}[noise.field]\n{tail}")
    place = Path(str(resources.files("scenarios.library").joinpath(f"{SCENARIO}.toml")))
    text = place.read_text()
    for name, value in list(zip(PEOPLE_BOUNDS, _people_values(fit), strict=True))[1:]:
        text = re.sub(rf"(?m)^({name} = )[-0-9.e]+", rf"\g<1>{value:.3g}", text, count=1)
    _replace_file(place, text)


def _replaced(text: str, key: str, value: float) -> str:
    """Return `text` with the first value of `key` replaced."""
    return re.sub(rf"(?m)^({key} = \{{ value = )[-0-9.e]+", rf"\g<1>{value:.3g}", text, count=1)


def _replace_file(path: Path, text: str) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    temporary.replace(path)


def _default_recording() -> Path | None:
    shared = os.environ.get("TWIN_SHARED")
    return Path(shared) / "data" / "linaige_s2_s3.npz" if shared else None


if __name__ == "__main__":
    main()
