"""What is shown on a terminal: tables and a progress bar."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from twin.accuracy_prediction import COVERAGE
from twin.energy.week import DAY_S
from twin.interruption import raise_if_interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import RenderableType

    from twin.accuracy_prediction import PredictedAccuracy
    from twin.emulated_node import Progress as FrameProgress
    from twin.metrics import Accuracy
    from twin.prediction import Prediction
    from twin.sensor_validation import SensorValidation
    from twin.wake_up_curve import WakeUpCurve

DOMINANT_SHARE = 0.5
"""A consumer that takes more than this share of the current decides the battery life and is named aloud."""


@contextmanager
def frame_progress(unit: str) -> Iterator[FrameProgress]:
    """Show a progress bar on a terminal, nothing in a pipe; at each step, a Ctrl-C that got lost is heard."""
    console = Console(stderr=True)
    raise_if_interrupted()
    if not console.is_terminal:
        yield _only_listen
        return
    columns = (TextColumn(unit), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(unit, total=None)

        def advance(done: int, total: int) -> None:
            raise_if_interrupted()
            bar.update(task, completed=done, total=total)

        yield advance


def _only_listen(done: int, total: int) -> None:  # noqa: ARG001 - a progress that shows nothing
    raise_if_interrupted()


def accuracy_table(accuracy: Accuracy, title: str) -> Table:
    """Return accuracy figures and the confusion matrix."""
    table = Table(title=Text(title), title_justify="left", show_header=False)
    for name, value in _accuracy_rows(accuracy):
        table.add_row(name, value)
    for truth, row in enumerate(accuracy.confusion):
        table.add_row(f"{truth} in view", "  ".join(f"{n:6d}" for n in row))
    return table


def prediction_table(prediction: Prediction, out: Path | None) -> RenderableType:
    """Return the prediction as it is shown on a terminal."""
    table = Table(
        title=Text(f"{prediction.node.config.title} in {prediction.scenario.name}"),
        title_justify="left",
        show_header=False,
    )
    for section in (
        _accuracy_rows(prediction.accuracy) + _deployed_rows(prediction),
        _speed_rows(prediction),
        _energy_rows(prediction),
        _life_rows(prediction),
    ):
        for name, value in section:
            table.add_row(name, value)
        table.add_section()
    parts: list[RenderableType] = [table, *_warnings(prediction)]
    if out is not None:
        parts.append(Text(f"written to {out}: result.json, frames.npz, report.html"))
    return Group(*parts)


def validation_table(validation: SensorValidation, name: str) -> Table:
    """Return the rows of a sensor validation."""
    title = f"{name} beside {len(validation.units)} simulated sensors, air moved to {validation.air_degc:.1f} degC"
    table = Table(title=Text(title), title_justify="left")
    table.add_column("")
    for column in ("recording", "twin", "low", "high"):
        table.add_column(column, justify="right")
    for kind, heading in (("value", ""), ("ks", "KS distance (recording: between its own halves)")):
        if heading:
            table.add_section()
            table.add_row(heading)
        for row in (row for row in validation.rows if row.kind == kind):
            table.add_row(row.name, *(_number(value) for value in (row.recording, row.twin, row.low, row.high)))
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _accuracy_rows(accuracy: Accuracy) -> list[tuple[str, str]]:
    return [
        ("balanced accuracy", f"{accuracy.balanced_accuracy:.1%}"),
        ("accuracy", f"{accuracy.accuracy:.1%}"),
        ("weighted F1", f"{accuracy.f1_weighted:.3f}"),
        ("MSE / MAE", f"{accuracy.mse:.3f} / {accuracy.mae:.3f}"),
    ]


def _deployed_rows(prediction: Prediction) -> list[tuple[str, str]]:
    deployed = prediction.deployed
    if deployed is None:
        return []
    (low, high), share = deployed.bounds, f"{COVERAGE:.0%}"
    of_all = f"{deployed.balanced_accuracy:.1%}, {share} within {low:.1%} to {high:.1%}"
    return [(f"balanced, {deployed.deployments} deployments", of_all)]


def predicted_accuracy_table(predicted: PredictedAccuracy, network: str) -> Table:
    """Return balanced accuracy by scenario, and of all."""
    title = f"{network}, {predicted.deployments} deployments of each scenario"
    table = Table(title=Text(title), title_justify="left")
    for column in ("", "balanced accuracy", f"{COVERAGE:.0%} of deployments", "mean known within", "easy frames"):
        table.add_column(column, justify="left" if not column else "right")
    found = predicted.as_dict()
    rows = [(one["scenario"], one) for one in found["per_scenario"]]
    for name, one in [*rows, ("all", found)] if len(rows) > 1 else rows:
        spread, mean = f"{one['low']:.1%} to {one['high']:.1%}", f"{one['mean_low']:.1%} to {one['mean_high']:.1%}"
        easy = f"{one['easy']['balanced_accuracy']:.1%}" if one["easy"] else ""
        table.add_row(name, f"{one['balanced_accuracy']:.1%}", spread, mean, easy)
    return table


def wake_up_table(curve: WakeUpCurve, title: str) -> Table:
    """Return thresholds with what they give and take; the recommended one is marked."""
    table = Table(title=Text(title), title_justify="left")
    for column in ("wake-up", "awake", "balanced accuracy", "energy of a frame", "saved", ""):
        table.add_column(column, justify="right")
    energy = f"{curve.energy_j * 1e6:.2f} uJ"
    table.add_row("always", "100.0%", f"{curve.balanced_accuracy:.1%}", energy, "", "")
    for point in curve.points:
        mark = "recommended" if point is curve.recommended else ""
        awake, balanced = f"{point.awake_share:.1%}", f"{point.balanced_accuracy:.1%}"
        spent = f"{point.energy_j * 1e6:.2f} uJ"
        table.add_row(f"{point.wake_up_degc:g} degC", awake, balanced, spent, f"{point.energy_saved:.0%}", mark)
    return table


def _speed_rows(prediction: Prediction) -> list[tuple[str, str]]:
    latency = prediction.latency
    event = latency.event_to_answer_p50
    return [
        ("inference p50 / max", f"{latency.inference_p50 * 1e3:.3f} / {latency.inference_max * 1e3:.3f} ms"),
        ("event to answer p50", "no event answered" if event is None else f"{event * 1e3:.0f} ms"),
        ("changes answered in time", f"{latency.answered} of {latency.changes}"),
        ("flash / RAM", f"{prediction.firmware.flash_bytes} / {prediction.firmware.ram_bytes} bytes"),
    ]


def _energy_rows(prediction: Prediction) -> list[tuple[str, str]]:
    budget = prediction.budget
    powers = sorted(budget.powers_w.items(), key=lambda item: -item[1])
    rows = [(f"power, {name}", f"{watt * 1e3:.4f} mW") for name, watt in powers]
    return [
        ("energy per inference", f"{prediction.inference_j * 1e6:.2f} uJ"),
        ("energy per frame", f"{budget.average_power_w * budget.period_s * 1e6:.0f} uJ"),
        ("average power", f"{budget.average_power_w * 1e3:.3f} mW"),
        *rows,
    ]


def _life_rows(prediction: Prediction) -> list[tuple[str, str]]:
    life, bare = prediction.life, prediction.life_without_sensor
    return [
        (
            "battery life",
            f"{life.life_s / DAY_S:.1f} days ({life.low_s / DAY_S:.1f} to {life.high_s / DAY_S:.1f})",
        ),
        ("battery life without the sensor", f"{bare.life_s / DAY_S:.0f} days"),
    ]


def _warnings(prediction: Prediction) -> list[RenderableType]:
    lines = [*sensor_warning(prediction), *prediction.trace.problems]
    return [Panel(Text("\n".join(lines)), title="mind", border_style="red")] if lines else []


def sensor_warning(prediction: Prediction) -> list[str]:
    """Return what to say when the sensor, not the network, decides the battery life."""
    budget = prediction.budget
    share = budget.sensor_share
    if share < DOMINANT_SHARE:
        return []
    text = (
        f"The sensor with its regulator takes {share:.0%} of the power: {budget.sensor_a * 1e3:.2f} mA alone empty the "
        f"battery in {prediction.sensor_alone_s / DAY_S:.1f} days, whatever the network. "
        f"Without it the node would last {prediction.life_without_sensor.life_s / DAY_S:.0f} days."
    )
    return [text]
