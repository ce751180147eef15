"""Files in TOML and JSON: whatever describes scenarios, parts, nodes, faults, sweeps, and what a search has found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from datasheet.sheet import load_sheet
from mcu_models.boards.board import find_board
from mcu_models.emulators.fault_plan import read_fault_plan
from mcu_models.networks.library import read_manifest_rows
from mcu_models.people_detection.parameters import load_detector
from mcu_models.people_tracking.parameters import load_tracker
from scenarios.guarded_door import load_guarded_door
from scenarios.room import read_scenario
from sensors.camera.camera_sheet import load_camera
from sensors.grid_eye_sheet import load_grid_eye
from twin.campaign.campaign_file import load_campaign
from twin.door.node import load_door_node
from twin.energy.battery_sheet import load_battery
from twin.energy.fixed_load import load_fixed_load
from twin.energy.harvest import ConverterSheet, SolarCellSheet
from twin.energy.radio_sheet import load_radio
from twin.energy.regulator import load_regulator
from twin.node import load_node
from twin.placement.search_reading import read_found
from twin.sweeps.pace import read_pace
from twin.sweeps.store import read_identity
from twin.sweeps.sweep_file import load_sweep
from twin.testing.budgets import Budgets
from twin.testing.suite import read_suite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _sweep(path: Path) -> None:
    for number, _ in enumerate(load_sweep(str(path)).runs()):
        if number > 1000:
            return


def _board(path: Path) -> None:
    find_board(str(path.parent))


def _manifest(path: Path) -> None:
    read_manifest_rows(path.parent)


def _found(path: Path) -> None:
    read_found(path.parent)


def _identity(path: Path) -> None:
    read_identity(path.parent)


def _pace(path: Path) -> None:
    read_pace(path.parent)


def _baseline(path: Path) -> None:
    Budgets(path, updates=True).hold("count", "stm32l476rg", "unicorn", {"cycles": 1, "ram": 2})


TARGETS: Final[dict[str, Callable[[Path], object]]] = {
    "scenario": read_scenario,
    "guarded_door": lambda path: load_guarded_door(str(path)),
    "node": lambda path: load_node(str(path)),
    "door_node": lambda path: load_door_node(str(path)),
    "campaign": lambda path: load_campaign(str(path)),
    "suite": read_suite,
    "baseline": _baseline,
    "board": _board,
    "sensor": lambda path: load_grid_eye(str(path)),
    "camera": lambda path: load_camera(str(path)),
    "battery": lambda path: load_battery(str(path)),
    "radio": lambda path: load_radio(str(path)),
    "regulator": lambda path: load_regulator(str(path)),
    "load": lambda path: load_fixed_load(str(path)),
    "solar_cell": lambda path: load_sheet(path, SolarCellSheet),
    "converter": lambda path: load_sheet(path, ConverterSheet),
    "fault_plan": read_fault_plan,
    "sweep": _sweep,
    "detector": load_detector,
    "tracker": load_tracker,
    "manifest": _manifest,
    "found_designs": _found,
    "sweep_identity": _identity,
    "sweep_pace": _pace,
}
