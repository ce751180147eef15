"""A guarded door predicted from names: what a user interface needs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from datasheet.bad_input import BadInputError
from scenarios.guarded_door import load_guarded_door
from twin.door.node import load_door_node
from twin.door.page import door_html
from twin.door.prediction import predict_door
from twin.emulated_node import no_progress
from twin.result_files import as_json_bytes

if TYPE_CHECKING:
    from twin.door.prediction import DoorPrediction, DoorRequest
    from twin.emulated_node import Progress


def run_door_by_name(
    scenario: str,
    node: str,
    request: DoorRequest,
    *,
    network: str | None = None,
    progress: Progress = no_progress,
) -> DoorPrediction:
    """Predict what a node does at a guarded door; each is a name of the library or the path of a file.

    Raises:
        BadInputError: One of them does not exist or cannot be used, or they do not fit.
        NodeFailedError: The firmware did not do its work.
        LevelsDisagreeError: Firmware and host answered differently.
    """
    if request.deployments < 0:
        raise BadInputError("command line", "--deployments", request.deployments, "must be 0 or more")
    door, guard = load_guarded_door(scenario), load_door_node(node, network=network)
    return predict_door(door, guard, request, progress=progress)


def door_files(prediction: DoorPrediction) -> dict[str, bytes]:
    """Return the content of result.json, looks.npz and report.html by name."""
    return {
        "result.json": as_json_bytes(prediction.as_result()),
        "looks.npz": looks_npz(prediction),
        "report.html": door_html(prediction),
    }


def looks_npz(prediction: DoorPrediction) -> bytes:
    """Return what the camera door saw and answered.

    By frame that was looked at: time_s, score (0 to 255), near, open, first (number of the nearest visitor, -1 for
    nobody), masked (whether they wear a mask correctly), distance_m. Of some of them: kept (their indices), frames
    (200 x 200 RGB565) and pictures (32 x 32 x 3).
    """
    looks, kept, buffer = prediction.log.looks, prediction.log.kept, io.BytesIO()
    np.savez_compressed(
        buffer,
        time_s=np.array([look.sight.time_s for look in looks]),
        score=np.array([look.score for look in looks], dtype=np.uint8),
        near=np.array([look.is_near for look in looks], dtype=np.bool_),
        open=np.array([look.opens for look in looks], dtype=np.bool_),
        first=np.array([look.sight.first for look in looks], dtype=np.int32),
        masked=np.array([look.sight.wearing == "mask" for look in looks], dtype=np.bool_),
        distance_m=np.array([look.sight.distance_m for look in looks]),
        kept=np.array([one.number for one in kept], dtype=np.int32),
        frames=np.array([one.frame for one in kept], dtype=np.uint16).reshape(len(kept), 200, 200),
        pictures=np.array([one.picture for one in kept], dtype=np.uint8).reshape(len(kept), 32, 32, 3),
    )
    return buffer.getvalue()
