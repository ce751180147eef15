"""Plays one run: a job for any process that can import the twin."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from datasheet.bad_input import BadInputError
from twin.sweeps.identity import versions_sha256

if TYPE_CHECKING:
    from pathlib import Path

    from twin.prediction import Prediction
    from twin.sweeps.bundle import Bundle
    from twin.sweeps.sweep_file import Level

FIGURES: Final = (
    "balanced_accuracy",
    "accuracy",
    "f1_weighted",
    "mae",
    "looked_ratio",
    "inference_p50_s",
    "inference_p95_s",
    "inference_p99_s",
    "event_to_answer_p50_s",
    "inference_j",
    "average_power_w",
    "life_s",
    "life_low_s",
    "life_high_s",
)
"""Columns of real numbers."""

BYTES: Final = ("flash_bytes", "ram_bytes")
DIGESTS: Final = ("scenario_sha256", "node_sha256", "network_sha256", "firmware_sha256", "versions_sha256")


@dataclass(frozen=True)
class Job:
    """What a worker needs for one run.

    Attributes:
        run_id: Which run this is.
        bundle: Its files.
        seconds: How long the scenario runs.
        seed: Everything random follows from it.
        level: "host" or "emulated".
    """

    run_id: str
    bundle: Bundle
    seconds: float
    seed: int
    level: Level


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    Attributes:
        row: Figures and provenance by column; without figures when there is a problem.
        problem: Why it cannot be; None when it can.
        duration_s: Time that it took.
    """

    row: dict[str, Any]
    problem: BadInputError | None
    duration_s: float


def play(job: Job) -> Outcome:
    """Play a run; a combination that cannot be is a problem, not an exception."""
    from twin.session import EXPECTED_ERRORS  # noqa: PLC0415 - slow to load

    begin_s = time.perf_counter()
    row: dict[str, Any] = {
        "scenario_sha256": job.bundle.scenario_sha256,
        "node_sha256": job.bundle.node_sha256,
        "versions_sha256": versions_sha256(),
    }
    problem = None
    with job.bundle.unpacked() as (scenario, node):
        try:
            row |= _figures(_predicted(job, scenario, node))
        except EXPECTED_ERRORS as error:
            problem = _without_folder(error, str(scenario.parent.parent))
    return Outcome(row, problem, time.perf_counter() - begin_s)


def _predicted(job: Job, scenario: Path, node: Path) -> Prediction:
    from scenarios.room import read_scenario  # noqa: PLC0415
    from twin.node import load_node  # noqa: PLC0415
    from twin.prediction import predict  # noqa: PLC0415

    return predict(read_scenario(scenario), load_node(str(node)), seconds=job.seconds, seed=job.seed, level=job.level)


def _without_folder(error: Exception, folder: str) -> BadInputError:
    """Return an error that is the same wherever the run was played."""
    if isinstance(error, BadInputError):
        source, allowed = error.source.replace(f"{folder}/", ""), error.allowed.replace(f"{folder}/", "")
        value = error.value.replace(f"{folder}/", "") if isinstance(error.value, str) else error.value
        return BadInputError(source, error.key, value, allowed)
    return BadInputError("the run", "", None, str(error).replace(f"{folder}/", ""))


def _figures(prediction: Prediction) -> dict[str, Any]:
    accuracy, latency, life = prediction.accuracy, prediction.latency, prediction.life
    inference_s = prediction.trace.inference_s[prediction.count >= 0]
    return {
        "balanced_accuracy": accuracy.balanced_accuracy,
        "accuracy": accuracy.accuracy,
        "f1_weighted": accuracy.f1_weighted,
        "mae": accuracy.mae,
        "looked_ratio": float(prediction.trace.looked.mean()),
        "inference_p50_s": latency.inference_p50,
        "inference_p95_s": latency.inference_p95,
        "inference_p99_s": float(np.percentile(inference_s, 99)),
        "event_to_answer_p50_s": latency.event_to_answer_p50,
        "inference_j": prediction.inference_j,
        "average_power_w": prediction.budget.average_power_w,
        "life_s": life.life_s,
        "life_low_s": life.low_s,
        "life_high_s": life.high_s,
        "flash_bytes": prediction.firmware.flash_bytes,
        "ram_bytes": prediction.firmware.ram_bytes,
        "network_sha256": prediction.node.network.sha256,
        "firmware_sha256": prediction.firmware.image.sha256,
        "assumed_count": len(prediction.as_result()["provenance"]["assumed"]),
    }
