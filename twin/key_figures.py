"""A prediction in words: one sentence of verdict, the key figures, and what to beware of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mcu_models.power import state_current
from twin.accuracy_prediction import COVERAGE
from twin.energy.budget import SENSOR
from twin.figures_energy import consumer_title, days, days_interval
from twin.prediction import computing_state
from twin.terminal import DOMINANT_SHARE

if TYPE_CHECKING:
    from twin.prediction import Prediction


@dataclass(frozen=True)
class KeyFigure:
    """One line of the table of key figures; `interval` says what the value may range over, or why it has none."""

    name: str
    value: str
    interval: str


def verdict(prediction: Prediction) -> str:
    """Return one sentence: how well it counts, how long it lives, what decides the life."""
    life = prediction.life
    return (
        f"The node counts {prediction.accuracy.accuracy:.0%} of the frames right "
        f"and lives {days(life.life_s)} ({days_interval(life)}) on its battery; {_what_decides(prediction)}."
    )


def key_figures(prediction: Prediction) -> list[KeyFigure]:
    """Return the key figures in the order in which they are asked for."""
    return [
        *_accuracy(prediction),
        *_latency(prediction),
        *_energy(prediction),
        *_life(prediction),
        _memory(prediction),
    ]


def caveats(prediction: Prediction) -> list[str]:
    """Return what this very run cannot tell: counts that never occurred, frames without an answer."""
    looked = prediction.trace.looked
    truth, count = prediction.recording.count[looked], prediction.count[looked]
    missing = [str(n) for n in range(4) if not np.any(truth == n)]
    lines: list[str] = []
    if missing:
        lines.append(
            f"There were never {' or '.join(missing)} people in view in these {prediction.span_s:g} s, "
            "so nothing is known of how they are counted; a longer run will tell."
        )
    if np.any(count < 0):
        lines.append(f"{np.sum(count < 0)} of {len(count)} frames got no answer; they count as wrong.")
    if not looked.all():
        lines.append(f"The node looked at {looked.mean():.1%} of the frames, and only these are judged.")
    return lines


def _what_decides(prediction: Prediction) -> str:
    greatest, part = prediction.budget.greatest()
    if part < DOMINANT_SHARE:
        return f"no single consumer decides that: the greatest, {_name(greatest)}, takes {part:.0%} of the power"
    return f"{_name(greatest)} decides that: it takes {part:.0%} of the power"


def _name(consumer: str) -> str:
    return "the sensor with its regulator" if consumer == SENSOR else consumer_title(consumer)


def _deployments(prediction: Prediction) -> str:
    deployed = prediction.deployed
    if deployed is None:
        return f"{len(prediction.count)} frames of one run, which resemble their neighbours: no interval"
    low, high = deployed.bounds
    return f"{low:.1%} to {high:.1%} in {COVERAGE:.0%} of {deployed.deployments} other deployments"


def _accuracy(prediction: Prediction) -> list[KeyFigure]:
    accuracy = prediction.accuracy
    return [
        KeyFigure("Balanced accuracy", f"{accuracy.balanced_accuracy:.1%}", _deployments(prediction)),
        KeyFigure("Accuracy", f"{accuracy.accuracy:.1%}", ""),
        KeyFigure("F1, weighted", f"{accuracy.f1_weighted:.3f}", ""),
        KeyFigure("Mean error of the count", f"{accuracy.mae:.3f} people", f"mean squared error {accuracy.mse:.3f}"),
    ]


def _latency(prediction: Prediction) -> list[KeyFigure]:
    latency = prediction.latency
    event_s = latency.event_to_answer_p50
    return [
        KeyFigure(
            "Inference, median",
            f"{latency.inference_p50 * 1e3:.3f} ms",
            f"95th percentile {latency.inference_p95 * 1e3:.3f}, longest {latency.inference_max * 1e3:.3f} ms",
        ),
        KeyFigure(
            "From event to answer, median",
            "none answered" if event_s is None else f"{event_s * 1e3:.0f} ms",
            f"{latency.answered} of {latency.changes} changes answered before the next one",
        ),
    ]


def _energy(prediction: Prediction) -> list[KeyFigure]:
    budget = prediction.budget
    state = state_current(prediction.node.board.sheet.power, computing_state(prediction.trace))
    inference_uj = [prediction.inference_j * 1e6 * a / state.typical_a for a in (state.low_a, state.high_a)]
    frame_uj = budget.average_power_w * budget.period_s * 1e6
    power_mw = [power_w * 1e3 for power_w in (budget.average_power_w, budget.low_w, budget.high_w)]
    return [
        KeyFigure(
            "Energy of one inference",
            f"{prediction.inference_j * 1e6:.2f} \u00b5J",
            f"{inference_uj[0]:.2f} to {inference_uj[1]:.2f} \u00b5J",
        ),
        KeyFigure("Energy of one frame, sensor and all", f"{frame_uj:.0f} \u00b5J", ""),
        KeyFigure("Average power", f"{power_mw[0]:.2f} mW", f"{power_mw[1]:.2f} to {power_mw[2]:.2f} mW"),
    ]


def _life(prediction: Prediction) -> list[KeyFigure]:
    life, bare = prediction.life, prediction.life_without_sensor
    return [
        KeyFigure("Battery life", days(life.life_s), f"{days_interval(life)} days"),
        KeyFigure("Battery life if the sensor drew nothing", days(bare.life_s), f"{days_interval(bare)} days"),
        KeyFigure(
            "Bound: the sensor alone empties the battery in", days(prediction.sensor_alone_s), "nominal capacity"
        ),
    ]


def _memory(prediction: Prediction) -> KeyFigure:
    firmware = prediction.firmware
    return KeyFigure(
        "Flash and RAM", f"{firmware.flash_bytes:,} and {firmware.ram_bytes:,} bytes", "RAM without the stack"
    )
