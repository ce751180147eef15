"""What becomes of a node when one of its parts is exchanged: its network, its board, its battery."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import board_names, find_board
from mcu_models.firmware.toolchain import find_toolchain
from mcu_models.networks.library import find_network, network_names
from twin.energy.battery_sheet import load_battery
from twin.library import names
from twin.network_profile import profile_network
from twin.prediction import predict
from twin.session import EXPECTED_ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcu_models.boards.board import Board
    from mcu_models.networks.library import NetworkEntry
    from scenarios.room import Scenario
    from twin.emulated_node import Progress
    from twin.node import Node

PARTS = ("network", "board", "battery")


@dataclass(frozen=True)
class Exchanged:
    """A node with one part exchanged; None where a figure does not follow from it.

    Attributes:
        name: The part.
        is_own: Whether it is the node's own.
        balanced_accuracy: Of the counts.
        inference_s: Median time of an inference.
        inference_j: Energy of one, at the microcontroller's supply.
        life_s: Battery life.
        flash_bytes: Of the firmware; of a board, of the network alone.
        problem: Why it cannot be, in one line; empty when it can.
    """

    name: str
    is_own: bool
    balanced_accuracy: float | None = None
    inference_s: float | None = None
    inference_j: float | None = None
    life_s: float | None = None
    flash_bytes: int | None = None
    problem: str = ""


def exchanged(
    part: str, scenario: Scenario, node: Node, *, seconds: float, seed: int, progress: Progress
) -> list[Exchanged]:
    """Return the node with every part of the library in place of its own.

    Networks and batteries are predicted at host level in the scenario. On boards the network alone is profiled, with
    the sensor's frames prepared: people counters' drivers are written for the STM32L4.

    Args:
        part: One of `PARTS`.
        scenario: Where the node hangs.
        node: The node.
        seconds: How long the scenario is played.
        seed: Everything random follows from it.
        progress: Hears how many parts are done.
    """
    known = _known(part)
    rows = []
    for done, name in enumerate(known, start=1):
        rows.append(_row(part, name, scenario, node, seconds, seed))
        progress(done, len(known))
    return rows


def _known(part: str) -> list[str]:
    """Return the library's parts of a kind."""
    if part == "network":
        return sorted(_counting())
    return sorted(board_names() if part == "board" else names("batteries"))


def _counting() -> Iterator[str]:
    """Yield the library's networks that count who is in view of a thermal array."""
    for name in network_names():
        entry = find_network(name)
        if "people" in name or (entry.has_rules and not entry.counts_passages):
            yield name


def _row(part: str, name: str, scenario: Scenario, node: Node, seconds: float, seed: int) -> Exchanged:
    own = {"network": node.network.path.stem, "board": node.board.name, "battery": node.battery.stem}[part]
    try:
        if part == "board":
            return _on_board(name, find_board(name), node.network, is_own=name == own)
        changed = (
            replace(node, network=find_network(name)) if part == "network" else node.changed(battery=load_battery(name))
        )
        return _predicted(name, scenario, changed, seconds, seed, is_own=name == own)
    except EXPECTED_ERRORS as error:
        return Exchanged(name, name == own, problem=_without_file(error))


def _without_file(error: Exception) -> str:
    """Return what is wrong, without the file of the node that it is said of."""
    if isinstance(error, BadInputError):
        return f"{error.key} {'' if error.value is None else error.value}: {error.allowed}".strip()
    return str(error)


def _predicted(name: str, scenario: Scenario, node: Node, seconds: float, seed: int, *, is_own: bool) -> Exchanged:
    found = predict(scenario, node, seconds=seconds, seed=seed, level="host")
    return Exchanged(
        name,
        is_own,
        balanced_accuracy=found.accuracy.balanced_accuracy,
        inference_s=found.latency.inference_p50,
        inference_j=found.inference_j,
        life_s=found.life.life_s,
        flash_bytes=found.firmware.flash_bytes,
    )


def _on_board(name: str, board: Board, network: NetworkEntry, *, is_own: bool) -> Exchanged:
    found = profile_network(network, board=board, toolchain=find_toolchain())
    return Exchanged(
        name,
        is_own,
        inference_s=found.latency_s,
        inference_j=found.energy_j,
        flash_bytes=found.code_bytes + found.weights_bytes,
    )
