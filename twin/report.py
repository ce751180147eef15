"""The report: one self-contained HTML file that says what is predicted and how far it can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.timing.validated_error import validated_error
from twin.figures_counts import confusion_matrix, count_over_time
from twin.figures_energy import (
    battery_life_figure,
    current_over_frame,
    days,
    days_interval,
    inference_latency,
    power_by_consumer,
)
from twin.figures_room import floor_plan, sample_frames
from twin.key_figures import caveats, key_figures, verdict
from twin.report_page import box, bullets, card, chart, heading, page, paragraph, table, tile
from twin.terminal import sensor_warning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from twin.prediction import Prediction

IN_VIEW = (
    "A person is in view while the axis of the body, at the height of the hips (0.53 of the person's height), lies "
    "inside the sensor's nominal field of view: the pyramid under the sensor that the datasheet's half-value angles "
    "enclose, its edge included. The true counts, the training labels, the drawings and the metrics all use this "
    "definition and no other."
)
NOT_MODELLED = (
    "Real rooms: pets, reflections and warmth left behind on chairs are not there; sun and heaters only as warm boxes.",
    "Other deployments: this is one room, one sensor unit and one seed. Another seed gives other people and noise.",
    "The real chip: cycles come from a model of the core, its flash and its peripherals, not from a measurement.",
    "Clock drift: sensor and microcontroller keep the same time.",
    "Parts that the node's file does not name: level shifters, pull-ups, LEDs, a radio, the losses of regulators.",
    "The battery's temperature over the day, and cells of another make than the library's.",
)
LEVELS = {
    "emulated": "every frame went through the firmware in the emulator, and each answer was checked against the host",
    "host": "the host computed the answers, bit for bit as the firmware does; the cost of a frame was measured on a "
    "short emulated beginning, whose answers were checked",
}


def report_html(prediction: Prediction) -> bytes:
    """Return `report.html`: needs no network, and has the same bytes whenever the prediction is the same."""
    title = prediction.node.config.title
    return page(title, [*_head(prediction), '<div class="grid">', *_cards(prediction), "</div>"]).encode()


def _head(prediction: Prediction) -> Iterator[str]:
    provenance = prediction.as_result()["provenance"]
    scenario = prediction.scenario
    yield heading(prediction.node.config.title, 1)
    yield paragraph(
        f"Scenario {scenario.name}: {scenario.description}. Node {prediction.node.name}. "
        f"{prediction.span_s:g} s simulated, seed {prediction.seed}.",
        "under",
    )
    yield paragraph(verdict(prediction), "verdict")
    if warning := sensor_warning(prediction):
        yield box("warning", "The sensor, not the network, decides the battery life", warning)
    if problems := provenance["problems"]:
        yield box("warning", "The firmware did what the hardware would not honour", problems)
    if notes := caveats(prediction):
        yield box("note", "Mind", notes)
    yield f'<div class="tiles">{"".join(_tiles(prediction))}</div>'


def _accuracy_note(prediction: Prediction) -> str:
    deployed = prediction.deployed
    if deployed is None:
        return f"balanced accuracy; {prediction.accuracy.accuracy:.1%} of all frames"
    low, high = deployed.bounds
    return f"balanced accuracy; {low:.0%} to {high:.0%} in other deployments"


def _tiles(prediction: Prediction) -> Iterator[str]:
    life, accuracy = prediction.life, prediction.accuracy
    yield tile(f"{accuracy.balanced_accuracy:.1%}", _accuracy_note(prediction))
    yield tile(f"{prediction.latency.inference_p50 * 1e3:.3f} ms", "inference, median")
    yield tile(days(life.life_s), f"battery life; {days_interval(life)}", bad=bool(sensor_warning(prediction)))
    yield tile(days(prediction.life_without_sensor.life_s), "battery life if the sensor drew nothing")


def _cards(prediction: Prediction) -> Iterator[str]:
    figures = [(figure.name, figure.value, figure.interval) for figure in key_figures(prediction)]
    yield card(
        "People in view and people counted",
        "One answer per frame; frames answered wrong are marked in red below. Drag to zoom, double-click to go back.",
        chart("counts", count_over_time(prediction)),
        wide=True,
    )
    yield card(
        "Where the power goes",
        "Average from the battery, all bars on one scale.",
        chart("power", power_by_consumer(prediction)),
    )
    yield card(
        "How long the battery lasts",
        "Whiskers: eight of ten lives, every uncertain value drawn from its range.",
        chart("life", battery_life_figure(prediction)),
    )
    yield card(
        "Which counts are confused",
        "Share of the frames with that many people in view, and frames.",
        chart("confusion", confusion_matrix(prediction)),
    )
    yield card(
        "Where people went",
        "The room from above, with what the sensor sees at the floor and at hip height.",
        chart("plan", floor_plan(prediction)),
    )
    yield card(
        "What the sensor saw",
        "For each number of people, the middle one of its frames by time: not picked by hand.",
        chart("frames", sample_frames(prediction)),
        wide=True,
    )
    yield card(
        "One frame in time",
        "The microcontroller wakes, lets DMA fetch the frame, computes, sends its line and sleeps again.",
        chart("period", current_over_frame(prediction)),
        wide=True,
    )
    yield card("Key figures", "Value, and the range it may lie in.", table(figures), wide=True)
    yield card(
        "How long an inference takes",
        "Front end and network in the emulated core, by the pin that the firmware holds high meanwhile.",
        chart("latency", inference_latency(prediction)),
        wide=True,
    )
    yield card("How far to trust this", "", _trust(prediction), wide=True)


def _trust(prediction: Prediction) -> str:
    provenance = prediction.as_result()["provenance"]
    assumed = provenance["assumed"]
    return "".join(
        [
            heading("Predicted times", 3),
            paragraph(f"Execution times have been off by {validated_error(prediction.node.board.core)}."),
            heading("What \u201cin view\u201d means", 3),
            paragraph(IN_VIEW),
            heading("What is not modelled", 3),
            bullets(NOT_MODELLED),
            heading(f"Assumed values ({len(assumed)})", 3),
            paragraph(
                "No datasheet states these and nobody measured them; the datasheet files say where they come from."
            ),
            bullets(assumed, keys=True),
            heading("Where this comes from", 3),
            table(_origin(provenance), "facts"),
        ]
    )


def _origin(provenance: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "Scenario, node", f"{provenance['scenario']}, {provenance['node']}"
    yield "Seed, length", f"{provenance['seed']}, {provenance['seconds']:g} s"
    yield "Level", f"{provenance['level']}: {LEVELS[provenance['level']]}"
    yield "Emulator", provenance["backend"]
    yield "Compiler", provenance["compiler"]
    yield "Network, sha256", provenance["network_sha256"]
    yield "Firmware, sha256", provenance["firmware_sha256"]
    yield "Versions", ", ".join(f"{name} {version}" for name, version in provenance["versions"].items())
