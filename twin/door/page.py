"""The report of a guarded door: one self-contained HTML file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcu_models.timing.validated_error import validated_error
from twin.door.figures import chosen_frames, door_over_time, kept_frames, power_of_consumers, steps_of_a_frame
from twin.door.figures_in_words import door_rows, memory_rows, power_rows, speed_rows, verdict
from twin.report_page import box, bullets, card, chart, heading, page, paragraph, table, tile
from twin.spans_of_time import said, said_range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twin.door.prediction import DoorPrediction

NOT_MODELLED: Final = (
    "Real faces: people are drawn, or are images of yours; pores, hairs and cast shadows are not there.",
    "Other doors than those watched: intervals hold for visitors of this scenario, and take them as independent.",
    "The real chip: cycles come from a model of the core, its memories and its peripherals.",
    "Caches' contents: a forgotten invalidation of the data cache would go unnoticed.",
    "The board's parts beside microcontroller, camera and what its file names; an adapter on the mains.",
    "Power banks that switch off under a small load.",
)
_FEW_VISITORS: Final = 100
"""Fewer say so little that the page says so."""
LEVELS: Final = {
    "emulated": "every frame went through camera registers, DMA and firmware in the emulator; the host answered alike",
    "host": "the host computed the firmware's integers; the pin moved as late as in an emulated sample",
}


def door_html(prediction: DoorPrediction) -> bytes:
    """Return `report.html`: needs no network, and has the same bytes whenever the prediction is the same."""
    title = prediction.node.config.title
    return page(title, [*_head(prediction), '<div class="grid">', *_cards(prediction), "</div>"]).encode()


def _head(prediction: DoorPrediction) -> Iterator[str]:
    request, scenario = prediction.request, prediction.scenario
    yield heading(prediction.node.config.title, 1)
    further = f", {request.deployments} further doors of {request.deployment_s:g} s" if request.deployments else ""
    yield paragraph(
        f"Scenario {scenario.name}: {scenario.description}. Node {prediction.node.name}. "
        f"{request.span_s:g} s at the {request.level} level, seed {request.seed}{further}.",
        "under",
    )
    yield paragraph(verdict(prediction), "verdict")
    if prediction.log.problems:
        yield box("warning", "The firmware did what the hardware would not honour", prediction.log.problems)
    if len(prediction.all_measures.stays) < _FEW_VISITORS:
        said = f"{len(prediction.all_measures.stays)} visitors say little: the intervals below tell how little."
        yield box("note", "Mind", [said, "--deployments and --seconds watch more of them."])
    yield f'<div class="tiles">{"".join(_tiles(prediction))}</div>'


def _tiles(prediction: DoorPrediction) -> Iterator[str]:
    measures, power = prediction.all_measures, prediction.power
    opens, refusals = measures.false_opens, measures.false_refusals
    yield tile(f"{opens.count} of {opens.of}", "let in without a mask worn correctly", bad=opens.count > 0)
    yield tile(f"{refusals.count} of {refusals.of}", "kept out with one", bad=refusals.count > 0)
    yield tile(f"{prediction.timing.frame_rate_hz:.1f} /s", "frames looked at")
    if power.life is None:
        yield tile(f"{power.average_power_w:.2f} W", "on the mains")
    else:
        yield tile(said(power.life.life_s), f"battery life; {said_range(power.life)}")


def _cards(prediction: DoorPrediction) -> Iterator[str]:
    yield card(
        "The door over time",
        "Above: how sure the network is of a mask, and how far the nearest face is. Below: who stands first, the pin, "
        "the door's leaf. Drag to zoom, double-click to go back.",
        chart("door", door_over_time(prediction)),
        wide=True,
    )
    yield card(
        "What the camera and the network saw",
        "Frames of 200 x 200 pixels, below them the 32 x 32 of the network with its answer; spread evenly over the "
        "time in which somebody was in sight.",
        chart("frames", kept_frames(prediction, chosen_frames(prediction))),
        wide=True,
    )
    yield card("Who got in", "Value, and where the true one lies with 90 %.", table(door_rows(prediction)), wide=True)
    yield card(
        "One frame in time",
        "DMA fetches the next frame while the core looks at this one.",
        chart("steps", steps_of_a_frame(prediction)),
        wide=True,
    )
    speed, power = [*speed_rows(prediction), *memory_rows(prediction)], power_rows(prediction)
    yield card("Speed and memory", "By the pins that the firmware holds high.", table(speed), wide=True)
    yield card("Power", "Ranges: eight of ten cases.", table(power), wide=True)
    yield card("Where the power goes", "Average.", chart("power", power_of_consumers(prediction)), wide=True)
    yield card("How far to trust this", "", _trust(prediction), wide=True)


def _trust(prediction: DoorPrediction) -> str:
    provenance = prediction.provenance()
    assumed = provenance["assumed"]
    versions = ", ".join(f"{name} {version}" for name, version in provenance["versions"].items())
    facts = [
        ("Level", f"{provenance['level']}: {LEVELS[provenance['level']]}"),
        ("Emulator", provenance["backend"]),
        ("Compiler", provenance["compiler"]),
        ("Network, sha256", provenance["network_sha256"]),
        ("Firmware, sha256", provenance["firmware_sha256"]),
        ("Versions", versions),
    ]
    return "".join(
        [
            heading("Predicted times", 3),
            paragraph(f"Execution times have been off by {validated_error(prediction.node.board.core)}."),
            heading("What is not modelled", 3),
            bullets(NOT_MODELLED),
            heading(f"Assumed values ({len(assumed)})", 3),
            paragraph("No datasheet states these and nobody measured them; the sheets say where they come from."),
            bullets(assumed, keys=True),
            heading("Where this comes from", 3),
            table(facts, "facts"),
        ]
    )
