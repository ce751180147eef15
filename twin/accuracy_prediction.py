"""How accurately a network will count, before there are data: over many simulated deployments of one scenario.

A deployment is the scenario once more with everything that nobody can choose drawn anew: who comes and when, which
unit of the sensor it is, its noise, how exactly it was hung, how warm the room is that day. Its balanced accuracy
differs from the next one's; the interval says by how much.

Not in the interval: how far the simulation is from the world. Held against recordings, see docs/people_counting.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from datasheet.bad_input import BadInputError
from scenarios.simulation import simulate
from sensors.field_of_view import is_easy, nominal_field_of_view
from sensors.sensing import sense
from twin.emulated_node import no_progress
from twin.host_node import count_recording
from twin.metrics import CLASSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mcu_models.networks.library import NetworkEntry
    from scenarios.room import Scenario
    from sensors.grid_eye_sheet import GridEyeSheet
    from sensors.mount import Mount
    from twin.emulated_node import Progress

COVERAGE: Final = 0.9
"""Share of deployments within `low` and `high`, and the confidence of `mean_low` to `mean_high`."""

_HEIGHT_SD_M: Final = 0.03
_TILT_SD_DEG: Final = 1.5
_YAW_SD_DEG: Final = 3.0
"""How far an installer is off, by eye and tape measure; assumed."""
_AIR_SD_K: Final = 1.0
"""How rooms with air conditioning differ from day to day; assumed."""
_RESAMPLES: Final = 1000


@dataclass(frozen=True)
class Deployments:
    """Which deployments to simulate.

    Attributes:
        number: How many, at least 2.
        seconds: How long each lasts.
        seed: Everything random follows from it.
        profile: Noise profile of the sensor.
    """

    number: int = 20
    seconds: float = 180.0
    seed: int = 1
    profile: str = "field"

    def __post_init__(self) -> None:
        """Refuse fewer than two.

        Raises:
            BadInputError: So few have no interval.
        """
        if self.number < 2:
            raise BadInputError("--deployments", "", self.number, "must be at least 2: fewer have no interval")


@dataclass(frozen=True, eq=False)
class PredictedAccuracy:
    """Balanced accuracy over simulated deployments.

    Attributes:
        scenarios: Names of the scenarios.
        confusion: (scenarios, deployments, classes, classes) int64 frames; rows true, columns counted; more than 3
            count as 3.
        seed: Of the resampling behind `mean_interval`.
        easy: The same of easy frames alone, in which nobody is partly in view: what recordings are judged by.
    """

    scenarios: tuple[str, ...]
    confusion: NDArray[np.int64]
    seed: int
    easy: PredictedAccuracy | None = None

    @property
    def balanced_accuracy(self) -> float:
        """Of all scenarios, each as important as the other."""
        return float(np.mean([one.balanced_accuracy for one in self.found]))

    @property
    def deployments(self) -> int:
        """How many of each scenario."""
        return int(self.confusion.shape[1])

    @property
    def bounds(self) -> tuple[float, float]:
        """What the balanced accuracy of one more deployment lies between, in `COVERAGE` of the cases."""
        return interval(np.concatenate([one.each for one in self.found]))

    @property
    def mean_interval(self) -> tuple[float, float]:
        """How well `balanced_accuracy` itself is known from so few deployments: by resampling them."""
        return interval(np.mean([one.resampled for one in self.found], axis=0))

    @property
    def empty(self) -> tuple[str, ...]:
        """Scenarios in which nobody was ever in view, so that nothing is known of how people are counted."""
        seen = self.confusion[:, :, 1:].sum(axis=(1, 2, 3)) > 0
        return tuple(name for name, is_seen in zip(self.scenarios, seen.tolist(), strict=True) if not is_seen)

    @property
    def found(self) -> list[ScenarioAccuracy]:
        """Each scenario's figures."""
        return [ScenarioAccuracy(confusion, self.seed) for confusion in self.confusion]

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        easy = self.easy
        each = [one.as_dict() for one in self.found]
        if easy is not None:
            each = [found | {"easy": one.as_dict()} for found, one in zip(each, easy.found, strict=True)]
        return {
            **self.figures(),
            "easy": None if easy is None else easy.figures(),
            "coverage": COVERAGE,
            "deployments": self.deployments,
            "per_scenario": [{"scenario": name, **one} for name, one in zip(self.scenarios, each, strict=True)],
        }

    def figures(self) -> dict[str, float]:
        """Return the figures of all scenarios together."""
        (low, high), (mean_low, mean_high) = self.bounds, self.mean_interval
        balanced = self.balanced_accuracy
        return {
            "balanced_accuracy": balanced, "low": low, "high": high, "mean_low": mean_low, "mean_high": mean_high,
        }  # fmt: skip


class ScenarioAccuracy:
    """Deployments of one scenario, (deployments, classes, classes) frames each."""

    def __init__(self, confusion: NDArray[np.int64], seed: int) -> None:
        self.confusion = confusion
        self._seed = seed

    @property
    def balanced_accuracy(self) -> float:
        """Of all frames of all deployments."""
        return float(balanced_accuracies(self.confusion.sum(axis=0)))

    @property
    def each(self) -> NDArray[np.float64]:
        """Balanced accuracy of each deployment."""
        return balanced_accuracies(self.confusion)

    @property
    def resampled(self) -> NDArray[np.float64]:
        """Balanced accuracy of all frames, of deployments drawn with replacement again and again."""
        rng = np.random.default_rng(self._seed)
        number = len(self.confusion)
        drawn = rng.multinomial(number, np.full(number, 1 / number), size=_RESAMPLES)
        return balanced_accuracies(np.einsum("rd,dtc->rtc", drawn, self.confusion))

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints of the scenario."""
        (low, high), (mean_low, mean_high) = interval(self.each), interval(self.resampled)
        return {
            "balanced_accuracy": self.balanced_accuracy,
            "low": low,
            "high": high,
            "mean_low": mean_low,
            "mean_high": mean_high,
            "frames": int(self.confusion.sum()),
            "confusion": self.confusion.sum(axis=0).tolist(),
        }


def predict_accuracy(
    network: NetworkEntry,
    scenarios: Sequence[tuple[Scenario, Mount]],
    sheet: GridEyeSheet,
    deployments: Deployments,
    *,
    progress: Progress = no_progress,
) -> PredictedAccuracy:
    """Return how accurately a network counts in deployments of scenarios, computed on the host, bit-exact.

    Args:
        network: The network.
        scenarios: Each with the place where the sensor is meant to hang.
        sheet: The sensor.
        deployments: Which to simulate; the same for every network, so that networks can be compared.
        progress: Hears how many deployments are done.

    Raises:
        BadInputError: The network cannot be used with this sensor.
    """
    shape = (2, len(scenarios), deployments.number, len(CLASSES), len(CLASSES))
    confusion = np.zeros(shape, dtype=np.int64)
    for place, (scenario, mount) in enumerate(scenarios):
        for index in range(deployments.number):
            confusion[:, place, index] = _deployed(network, scenario, mount, sheet, deployments, index)
            progress(place * deployments.number + index + 1, len(scenarios) * deployments.number)
    names = tuple(scenario.name for scenario, _ in scenarios)
    easy = PredictedAccuracy(names, confusion[1], deployments.seed)
    return PredictedAccuracy(names, confusion[0], deployments.seed, easy)


def _deployed(
    network: NetworkEntry, scenario: Scenario, mount: Mount, sheet: GridEyeSheet, wanted: Deployments, index: int
) -> NDArray[np.int64]:
    """Return (2, classes, classes), one deployment's confusion matrix of all frames, and of easy ones."""
    states = np.random.SeedSequence((wanted.seed, index)).generate_state(3)
    layout_seed, people_seed, sensor_seed = (int(state) for state in states)
    rng = np.random.default_rng(layout_seed)
    here, hung = _another_day(scenario, rng), hung_by_hand(mount, scenario, rng)
    timeline = simulate(here, seconds=wanted.seconds, seed=people_seed, frame_rate_hz=sheet.fast_frame_rate_hz.value)
    recording = sense(timeline, hung, sheet, profile=wanted.profile, seed=sensor_seed)
    most = CLASSES[-1]
    truth, counted = np.minimum(recording.count, most), np.minimum(count_recording(network, recording), most)
    easy = is_easy(timeline, hung, nominal_field_of_view(sheet))
    return np.stack([_confusion(truth, counted), _confusion(truth[easy], counted[easy])])


def _confusion(truth: NDArray[np.int64], counted: NDArray[np.int64]) -> NDArray[np.int64]:
    cells = np.bincount(truth * len(CLASSES) + counted, minlength=len(CLASSES) ** 2)
    return np.asarray(cells.reshape(len(CLASSES), len(CLASSES)))


def _another_day(scenario: Scenario, rng: np.random.Generator) -> Scenario:
    """Return the scenario with air, floor and walls warmer or cooler by the same."""
    shift_k = float(rng.normal(0.0, _AIR_SD_K))
    warmth = {name: getattr(scenario.room, name) + shift_k for name in ("air_degc", "floor_degc", "wall_degc")}
    return scenario.model_copy(update={"room": scenario.room.model_copy(update=warmth)})


def hung_by_hand(mount: Mount, scenario: Scenario, rng: np.random.Generator) -> Mount:
    """Return the mount as an installer hangs it: nearly where and how it was meant, never above the ceiling."""
    height_m = mount.height_m + float(rng.normal(0.0, _HEIGHT_SD_M))
    return replace(
        mount,
        height_m=min(height_m, max(scenario.room.ceiling_height_m, mount.height_m)),
        yaw_deg=mount.yaw_deg + float(rng.normal(0.0, _YAW_SD_DEG)),
        tilt_deg=min(abs(mount.tilt_deg + float(rng.normal(0.0, _TILT_SD_DEG))), 90.0),
    )


def balanced_accuracies(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (...) the mean recall over the counts that occur, of (..., classes, classes) matrices."""
    frames = confusion.sum(axis=-1)
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    recall = right / np.maximum(frames, 1)
    return np.asarray(recall.sum(axis=-1) / np.maximum((frames > 0).sum(axis=-1), 1))


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the bounds that hold the middle `COVERAGE` of `values`."""
    edge = (1 - COVERAGE) / 2
    low, high = np.quantile(values, [edge, 1 - edge])
    return float(low), float(high)
