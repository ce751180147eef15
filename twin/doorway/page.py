"""The report of a node at a door: one self-contained HTML file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcu_models.timing.validated_error import validated_error
from twin.doorway.accuracy import ALONE_S, COVERAGE, WITHIN_S
from twin.doorway.figures import people_inside, power_by_consumer, ways_through_image
from twin.doorway.figures_in_words import caveats, event_rows, mount_text, power_rows, speed_rows, verdict, watched
from twin.report import LEVELS
from twin.report_page import box, bullets, card, chart, heading, page, paragraph, table, tile
from twin.spans_of_time import said, said_range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twin.doorway.accuracy import Share
    from twin.doorway.prediction import DoorwayPrediction

NOT_MODELLED: Final = (
    "Walls, frames and lintels between the array and people: who stands outside is seen as if the wall were of glass.",
    "People who pass by outside the door: scenarios have nobody there. Door leaves, which swing through the view.",
    "The hand of the installer: the line lies where the plan says; the sensor's axis is off as units are.",
    "The real chip: cycles come from a model of the core, its flash and its peripherals, not from a measurement.",
    "Clock drift: sensor and microcontroller keep the same time.",
)
LINTEL: Final = (
    "The array of the library's node hangs so near to the wall, and so high, that a lintel of 2.1 m is above its view: "
    "what it sees beyond the wall it sees through the open door."
)
EVENT: Final = (
    "Somebody passes when the axis of the body passes the line behind the door. This is told right when the node's "
    f"totals say so within {WITHIN_S:g} s, in the right direction; each telling stands for one person. Groups are all "
    f"who pass within {ALONE_S:g} s of somebody else, in either direction. Intervals: Wilson's for {COVERAGE:.0%}."
)


def doorway_html(prediction: DoorwayPrediction) -> bytes:
    """Return `report.html`: needs no network, and has the same bytes whenever the prediction is the same."""
    title = prediction.node.config.title
    return page(title, [*_head(prediction), '<div class="grid">', *_cards(prediction), "</div>"]).encode()


def _head(prediction: DoorwayPrediction) -> Iterator[str]:
    request, scenario = prediction.request, prediction.scenario
    yield heading(prediction.node.config.title, 1)
    yield paragraph(
        f"Scenario {scenario.name}: {scenario.description}. Node {prediction.node.name}. "
        f"{prediction.span_s:g} s simulated at the {request.level} level, seed {request.seed}.",
        "under",
    )
    yield paragraph(verdict(prediction), "verdict")
    if prediction.trace.problems:
        yield box("warning", "The firmware did what the hardware would not honour", prediction.trace.problems)
    if notes := caveats(prediction):
        yield box("note", "Mind", notes)
    yield f'<div class="tiles">{"".join(_tiles(prediction))}</div>'


def _tiles(prediction: DoorwayPrediction) -> Iterator[str]:
    deployed = prediction.deployed
    yield tile(_said(deployed.one_by_one), f"told right, one by one ({_range(deployed.one_by_one)})")
    yield tile(_said(deployed.groups), f"told right, in groups ({_range(deployed.groups)})")
    yield tile(_said(deployed.false), "of what is told, nobody passed")
    yield tile(said(prediction.life.life_s), f"battery life; {said_range(prediction.life)}")


def _said(share: Share) -> str:
    return "-" if share.value is None else f"{share.value:.1%}"


def _range(share: Share) -> str:
    return f"{share.low:.0%} to {share.high:.0%}"


def _cards(prediction: DoorwayPrediction) -> Iterator[str]:
    yield card(
        "Who is inside, if ins and outs are added up",
        "Errors do not heal: a node that counts who passes has to be set to zero from time to time.",
        chart("inside", people_inside(prediction)),
        wide=True,
    )
    yield card(
        "Ways through the image",
        "The first minute: how far inside the line each warm spot was; in the shaded band nobody has passed yet.",
        chart("ways", ways_through_image(prediction)),
        wide=True,
    )
    yield card("Who is told right", watched(prediction), table(event_rows(prediction.deployed)), wide=True)
    yield card("This run alone", "", table(event_rows(prediction.accuracy)), wide=True)
    yield card("Time and memory", mount_text(prediction), table(speed_rows(prediction)), wide=True)
    yield card("Energy", "Ranges: eight of ten cases.", table(power_rows(prediction)), wide=True)
    yield card("Where the power goes", "Average.", chart("power", power_by_consumer(prediction)), wide=True)
    yield card("How far to trust this", "", _trust(prediction), wide=True)


def _trust(prediction: DoorwayPrediction) -> str:
    provenance = prediction.provenance()
    assumed = provenance["assumed"]
    facts = [
        ("Level", f"{provenance['level']}: {LEVELS[provenance['level']]}"),
        ("Emulator", provenance["backend"]),
        ("Compiler", provenance["compiler"]),
        ("Rules, sha256", provenance["network_sha256"]),
        ("Firmware, sha256", provenance["firmware_sha256"]),
        ("Versions", ", ".join(f"{name} {version}" for name, version in provenance["versions"].items())),
    ]
    return "".join(
        [
            heading("What \u201cright\u201d means", 3),
            paragraph(EVENT),
            heading("Predicted times", 3),
            paragraph(f"Execution times have been off by {validated_error(prediction.node.board.core)}."),
            heading("What is not modelled", 3),
            bullets(NOT_MODELLED),
            paragraph(LINTEL),
            heading(f"Assumed values ({len(assumed)})", 3),
            bullets(assumed, keys=True),
            heading("Where this comes from", 3),
            table(facts, "facts"),
        ]
    )
