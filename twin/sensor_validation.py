"""Holds the simulated sensor beside a recording, row by row.

People and units have the seeds `FIRST_SEED`, `FIRST_SEED` + 1 and so on: none of them took part in the fit, whose
search and whose report use seeds below 100 (`training/fit_sensor.py`).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from datasheet.bad_input import BadInputError
from scenarios.simulation import simulate
from sensors.sensing import sense
from sensors.statistics import SensorStatistics, background_degc, ks_distance, sensor_statistics
from twin.node import scenario_mount

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from scenarios.room import Scenario
    from sensors.grid_eye_sheet import GridEyeSheet
    from sensors.recording import Recording
    from twin.emulated_node import Progress

    Samples: TypeAlias = Mapping[int, NDArray[np.float64]]

FIRST_SEED = 1000
"""Seed of the first simulated people and of the first unit; the fit to recordings has seen none from here on."""

COMPARED_COUNTS = (0, 1, 2, 3)
AIR_LIMITS_DEGC = (10.0, 30.0)
"""The heat balance of clothed people holds within these (ISO 7730)."""


@dataclass(frozen=True)
class ValidationRow:
    """One figure of the recording and of the twin.

    Attributes:
        name: What is compared, with its unit.
        recording: The recording's figure. For a distance: that between the recording's own two halves, the least
            one can ask for.
        twin: The twin's figure, over all simulated units together. For a distance: to the recording.
        low: Smallest figure of one simulated unit.
        high: Largest figure of one simulated unit.
        kind: "value", or "ks" for a Kolmogorov-Smirnov distance between distributions.
    """

    name: str
    recording: float | None
    twin: float | None
    low: float | None
    high: float | None
    kind: Literal["value", "ks"]

    def as_dict(self) -> dict[str, Any]:
        """Return the row as `--json` prints it."""
        return asdict(self)


@dataclass(frozen=True)
class SensorValidation:
    """A recording beside simulated units.

    Attributes:
        rows: The comparison.
        recording: Statistics of the recording.
        units: Statistics of each simulated unit in turn.
        twin: One simulated recording, to look at.
        air_degc: Temperature the scenario's air was moved to.
    """

    rows: tuple[ValidationRow, ...]
    recording: SensorStatistics
    units: tuple[SensorStatistics, ...]
    twin: Recording
    air_degc: float


def validate_sensor(
    recording: Recording,
    scenario: Scenario,
    sheet: GridEyeSheet,
    *,
    profile: str,
    units: int,
    seconds: float,
    progress: Progress,
    source: str | Path = "recording",
) -> SensorValidation:
    """Simulate several sensors of the same kind and compare their recordings with `recording`.

    Unit n watches people of its own; both have the seed `FIRST_SEED` + n.

    The scenario is warmed or cooled as a whole so that its air is as warm as the recording's empty background, since
    the contrast of people depends on it; within the range in which clothing's heat balance holds.

    Args:
        recording: Recorded, or simulated, frames with counts.
        scenario: What the simulated sensors watch.
        sheet: Datasheet of the sensor.
        profile: Noise profile.
        units: Simulated sensors, each with people and noise of its own.
        seconds: Length of each simulated recording.
        progress: Hears how many are done.
        source: Where the recording comes from, to be named when it cannot be compared.

    Raises:
        BadInputError: The recording's frames have other rows and columns than the sensor's, or it has no frame
            with nobody in view, without which there is no background; or the sheet has no such noise profile.
    """
    _check_comparable(recording, sheet, source)
    warmed = at_air_temperature(scenario, background_level_degc(recording))
    mount = scenario_mount(warmed)
    simulated: list[SensorStatistics] = []
    shown: Recording | None = None
    rate_hz = sheet.fast_frame_rate_hz.value
    for number in range(units):
        seed = FIRST_SEED + number
        timeline = simulate(warmed, seconds=seconds, seed=seed, frame_rate_hz=rate_hz)
        unit = sense(timeline, mount, sheet, profile=profile, seed=seed, timeline_rate_hz=rate_hz)
        simulated.append(sensor_statistics(unit))
        shown = shown or unit
        progress(number + 1, units)
    assert shown is not None  # noqa: S101 - there is at least one unit
    measured = sensor_statistics(recording)
    rows = (*_value_rows(measured, simulated), *_distance_rows(measured, simulated))
    return SensorValidation(rows, measured, tuple(simulated), shown, warmed.room.air_degc)


def _check_comparable(recording: Recording, sheet: GridEyeSheet, source: str | Path) -> None:
    shape = recording.frames.shape[1:]
    if shape != (sheet.rows, sheet.columns):
        allowed = f"must be {sheet.rows} x {sheet.columns} pixels, as of {sheet.part}"
        raise BadInputError(source, "frames", shape, allowed)
    if not (recording.count == 0).any():
        raise BadInputError(source, "count", None, "must hold frames with nobody in view")


def background_level_degc(recording: Recording) -> float:
    """Return the median temperature behind the people."""
    return float(np.nanmedian(background_degc(recording)))


def at_air_temperature(scenario: Scenario, air_degc: float) -> Scenario:
    """Return the scenario with its air, floor and walls moved together until the air has `air_degc`."""
    wanted_degc = min(max(air_degc, AIR_LIMITS_DEGC[0]), AIR_LIMITS_DEGC[1])
    shift_k = wanted_degc - scenario.room.air_degc
    moved = {key: getattr(scenario.room, key) + shift_k for key in ("air_degc", "floor_degc", "wall_degc")}
    return scenario.model_copy(update={"room": scenario.room.model_copy(update=moved)})


def _value_rows(recording: SensorStatistics, units: Sequence[SensorStatistics]) -> list[ValidationRow]:
    return [_value_row(name, figure, recording, units) for name, figure in _figures().items()]


def _value_row(
    name: str,
    figure: Callable[[SensorStatistics], float],
    recording: SensorStatistics,
    units: Sequence[SensorStatistics],
) -> ValidationRow:
    values = [value for value in map(figure, units) if math.isfinite(value)]
    twin = float(np.mean(values)) if values else None
    low, high = (min(values), max(values)) if values else (None, None)
    return ValidationRow(name, _finite(figure(recording)), twin, low, high, "value")


def _figures() -> dict[str, Callable[[SensorStatistics], float]]:
    """Return what is compared as single numbers, by name."""
    figures: dict[str, Callable[[SensorStatistics], float]] = {
        "temporal noise, all pixels (K)": lambda s: s.noise.all_k,
        "temporal noise, centre (K)": lambda s: s.noise.centre_k,
        "temporal noise, corners (K)": lambda s: s.noise.corner_k,
        "lag-1 autocorrelation": lambda s: s.autocorrelation.all,
        "common-mode noise (K)": lambda s: s.common_mode.sd_k,
        "periodic dip (K)": lambda s: s.common_mode.dip_k,
        "rate of the dip (Hz)": lambda s: s.common_mode.dip_rate_hz,
        "fixed pattern (K)": lambda s: s.fixed_pattern.sd_k,
    }
    for index, lag_s in enumerate((10, 60, 300)):
        figures[f"drift over {lag_s} s (K)"] = lambda s, i=index: float(s.drift.rms_k[i])  # type: ignore[misc]
    for count in COMPARED_COUNTS:
        figures[f"contrast of {count}, median (K)"] = lambda s, n=count: _median(s.people.contrast_k, n)  # type: ignore[misc]
        figures[f"area of {count}, median (pixels)"] = lambda s, n=count: _median(s.people.area_pixels, n)  # type: ignore[misc]
    for ring in range(5):
        figures[f"blob, ring {ring} (K)"] = lambda s, r=ring: float(s.blob.ring_k[r])  # type: ignore[misc]
    for count in COMPARED_COUNTS:
        figures[f"run length of {count}, median (s)"] = lambda s, n=count: _median(s.runs.seconds, n)  # type: ignore[misc]
    return figures


def _distance_rows(recording: SensorStatistics, units: Sequence[SensorStatistics]) -> list[ValidationRow]:
    groups: dict[str, Callable[[SensorStatistics], Samples]] = {
        "contrast": lambda s: s.people.contrast_k,
        "area": lambda s: s.people.area_pixels,
    }
    return [
        _distance_row(f"{group} of {count}, distribution", count, samples, recording, units)
        for group, samples in groups.items()
        for count in COMPARED_COUNTS
    ]


def _distance_row(
    name: str,
    count: int,
    samples: Callable[[SensorStatistics], Samples],
    recording: SensorStatistics,
    units: Sequence[SensorStatistics],
) -> ValidationRow:
    recorded = _sample(samples(recording), count)
    simulated = [_sample(samples(unit), count) for unit in units]
    distances = [d for d in (ks_distance(recorded, unit) for unit in simulated) if math.isfinite(d)]
    middle = len(recorded) // 2
    return ValidationRow(
        name=name,
        recording=_finite(ks_distance(recorded[:middle], recorded[middle:])),
        twin=_finite(ks_distance(recorded, np.concatenate(simulated))),
        low=min(distances, default=None),
        high=max(distances, default=None),
        kind="ks",
    )


def _sample(samples: Samples, count: int) -> NDArray[np.float64]:
    return np.asarray(samples.get(count, np.empty(0)), dtype=np.float64)


def _median(samples: Samples, count: int) -> float:
    sample = _sample(samples, count)
    return float(np.median(sample)) if len(sample) else math.nan


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
