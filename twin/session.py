"""A prediction from names: what a user interface needs of the twin, and the errors it has to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError
from mcu_models.emulators.renode.process import RenodeError
from scenarios.room import load_scenario
from twin.accuracy_prediction import Deployments
from twin.emulated_node import NodeFailedError, no_progress
from twin.host_limits import HostLimitError
from twin.host_node import LevelsDisagreeError
from twin.node import load_node
from twin.prediction import Level, Prediction, predict
from twin.report import report_html
from twin.result_files import frames_npz, result_json

if TYPE_CHECKING:
    from mcu_models.emulators.backends import BackendName
    from twin.emulated_node import Progress

EXPECTED_ERRORS = (BadInputError, NodeFailedError, LevelsDisagreeError, RenodeError, HostLimitError)
"""Errors whose text tells the user in one line what is wrong; any other is a defect of the twin."""


def run_by_name(
    scenario: str,
    node: str,
    *,
    seconds: float,
    seed: int,
    level: Level = "emulated",
    backend: BackendName = "unicorn",
    deployments: int = 0,
    progress: Progress = no_progress,
) -> Prediction:
    """Predict what a node does in a scenario; each is a name of the library or the path of a file.

    Args:
        scenario: The scenario.
        node: The node.
        seconds: How long the scenario runs.
        seed: Everything random follows from it.
        level: "host" or "emulated".
        backend: What emulates.
        deployments: How many further deployments the accuracy's interval is taken from, of the same length up to three
            minutes; 0 for none.
        progress: Hears how many frames are done.

    Raises:
        BadInputError: One of them does not exist or cannot be used, or they do not fit.
        NodeFailedError: The firmware did not do its work.
        LevelsDisagreeError: Firmware and host answered differently.
        RenodeError: Renode did not start, ended or hung.
    """
    room, hung = load_scenario(scenario), load_node(node)
    further = None
    if deployments:
        lasting_s = min(seconds, Deployments.seconds)
        further = Deployments(number=deployments, seconds=lasting_s, seed=seed, profile=hung.config.sensor.noise)
    return predict(
        room,
        hung,
        seconds=seconds,
        seed=seed,
        level=level,
        backend=backend,
        deployments=further,
        progress=progress,
    )


def result_files(prediction: Prediction) -> dict[str, bytes]:
    """Return the content of result.json, frames.npz and report.html by name."""
    return {
        "result.json": result_json(prediction),
        "frames.npz": frames_npz(prediction),
        "report.html": report_html(prediction),
    }
