"""A node at a door predicted from names: what a user interface needs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from datasheet.bad_input import BadInputError
from mcu_models.people_tracking.answers import from_numbers
from scenarios.room import load_scenario
from twin.doorway.page import doorway_html
from twin.doorway.prediction import predict_doorway
from twin.emulated_node import no_progress
from twin.node import load_node
from twin.result_files import as_json_bytes

if TYPE_CHECKING:
    from twin.doorway.prediction import DoorwayPrediction, DoorwayRequest
    from twin.emulated_node import Progress


def counts_passages(node: str) -> bool:
    """Tell whether a node, by name or path, counts who passes a door, and not who is there.

    Raises:
        BadInputError: The node, or anything it names, does not exist or cannot be used.
    """
    return load_node(node).network.counts_passages


def run_doorway_by_name(
    scenario: str, node: str, request: DoorwayRequest, *, progress: Progress = no_progress
) -> DoorwayPrediction:
    """Predict what a node tells of a door; each is a name of the library or the path of a file.

    Raises:
        BadInputError: One of them does not exist or cannot be used, or they do not fit.
        NodeFailedError: The firmware did not do its work.
        LevelsDisagreeError: Firmware and host answered differently.
    """
    if request.deployments < 0:
        raise BadInputError("command line", "--deployments", request.deployments, "must be 0 or more")
    return predict_doorway(load_scenario(scenario), load_node(node), request, progress=progress)


def doorway_files(prediction: DoorwayPrediction) -> dict[str, bytes]:
    """Return the content of result.json, passages.npz and report.html by name."""
    return {
        "result.json": as_json_bytes(prediction.as_result()),
        "passages.npz": passages_npz(prediction),
        "report.html": doorway_html(prediction),
    }


def passages_npz(prediction: DoorwayPrediction) -> bytes:
    """Return what was seen, told and true.

    By frame: time_s, frames (degC), came_in, went_out (totals as told), place (of the last passage, 1/16 pixel). By
    event that was true: true_time_s, true_enters (whether somebody came in).
    """
    totals, buffer = from_numbers(prediction.trace.count), io.BytesIO()
    np.savez_compressed(
        buffer,
        time_s=prediction.recording.time_s,
        frames=prediction.recording.frames,
        came_in=totals[:, 0],
        went_out=totals[:, 1],
        place=totals[:, 2],
        true_time_s=np.array([event.time_s for event in prediction.truth]),
        true_enters=np.array([event.kind == "enter" for event in prediction.truth], dtype=np.bool_),
    )
    return buffer.getvalue()
