"""What was run in this session, a row each, to be compared and exported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from twin.prediction import Prediction

MOST_RUNS = 200


@dataclass(frozen=True)
class Run:
    """A prediction's figures.

    Attributes:
        scenario: Name of the scenario.
        node: Name of the node.
        network: Name of its network.
        board: Name of its board.
        battery: Name of its battery.
        place: Where it hung, metres and degrees.
        seconds: How long it was played.
        seed: Everything random followed from it.
        level: "host" or "emulated".
        balanced_accuracy: Of the counts.
        inference_s: Median time of an inference.
        average_power_w: From the battery.
        life_s: Battery life.
        flash_bytes: Of the firmware.
    """

    scenario: str
    node: str
    network: str
    board: str
    battery: str
    place: str
    seconds: float
    seed: int
    level: str
    balanced_accuracy: float
    inference_s: float
    average_power_w: float
    life_s: float
    flash_bytes: int


def run_of(prediction: Prediction) -> Run:
    """Return a prediction's figures."""
    node, mount = prediction.node, prediction.mount
    return Run(
        scenario=prediction.scenario.name,
        node=node.name,
        network=node.network.path.stem,
        board=node.board.name,
        battery=node.battery.stem,
        place=f"{mount.x_m:g},{mount.y_m:g},{mount.height_m:g},{mount.yaw_deg:g},{mount.tilt_deg:g}",
        seconds=prediction.span_s,
        seed=prediction.seed,
        level=prediction.level,
        balanced_accuracy=prediction.accuracy.balanced_accuracy,
        inference_s=prediction.latency.inference_p50,
        average_power_w=prediction.budget.average_power_w,
        life_s=prediction.life.life_s,
        flash_bytes=prediction.firmware.flash_bytes,
    )


def keep_run(prediction: Prediction) -> None:
    """Keep a prediction's figures among this session's, each once."""
    runs = [run for run in kept_runs() if run != run_of(prediction)]
    st.session_state["runs"] = [*runs, run_of(prediction)][-MOST_RUNS:]


def kept_runs() -> list[Run]:
    """Return this session's runs, oldest first."""
    return list(st.session_state.get("runs", []))
