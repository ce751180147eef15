"""A node that guards a door: which camera, board, network, policy and supply are put together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from datasheet.bad_input import BadInputError, nearest_name
from datasheet.config import Config, find_in_library, read_config
from datasheet.toml_file import read_toml
from mcu_models.boards.board import Board, find_board
from mcu_models.compiler.codegen import generate
from mcu_models.compiler.door_decision import DoorPolicy
from mcu_models.compiler.image_input import image_input
from mcu_models.compiler.reader import read_network
from mcu_models.firmware.drivers_of_app import IMAGE_APPS
from mcu_models.networks.library import NetworkEntry, find_network
from sensors.camera.camera_sheet import CameraSheet, load_camera
from twin.energy.battery_sheet import BatterySheet, load_battery
from twin.energy.fixed_load import FixedLoadSheet, check_load, load_fixed_load, lowest_supply_v
from twin.energy.regulator import PASSING, RegulatorSheet, check_output, load_regulator
from twin.energy.supply_config import LoadConfig, Volts
from twin.memory_verdict import FrameBuffers, MemoryLimit, board_firmware, limits_of_firmware

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.compiler.model import Network

LIBRARY: Final = "twin.nodes"
CAMERA: Final = "camera"
"""The table that makes a node one that guards a door."""
WIRING: Final = {"bus": "I2C1", "port": "DCMI"}
"""Where the firmware's drivers ask for the camera (`mcu_models/firmware/drivers/stm32h7`)."""
_ACTIVE: Final = "active"
"""The camera's state while it sends frames."""
_RAIL: Final = "board"
"""The only rail: what comes in at the board."""


class CameraConfig(Config):
    """Which camera, its buses, and the load that it is."""

    part: str
    bus: str = "I2C1"
    port: str = "DCMI"
    load: str


class PolicyConfig(Config):
    """When the door opens; see `mcu_models.compiler.door_decision.DoorPolicy`, whose values are taken for others."""

    frames: int | None = None
    needed: int | None = None
    least_percent: int | None = None
    pixel_levels: int | None = None
    near_pixels: int | None = None
    empty_shift: int | None = None
    near_shift: int | None = None


class PresenceConfig(Config):
    """A motion sensor that powers the board while people are in sight, and for `hold_s` longer."""

    hold_s: Annotated[float, Field(ge=0.1, le=3600)]
    load: str
    state: str = "idle"


class DoorSupplyConfig(Config):
    """From the source to the board's input."""

    input_v: Volts
    regulator: str = "direct"
    battery_degc: Annotated[float, Field(ge=-60, le=85)] = 23.0


class DoorNodeConfig(Config):
    """What the TOML of a node that guards a door says; one without `battery` hangs on the mains.

    With `board_firmware` its network must also fit what firmware that the board is sold with allows.
    """

    title: str
    board: str
    network: str
    app: str
    battery: str | None = None
    board_firmware: str | None = None
    camera: CameraConfig
    policy: PolicyConfig = PolicyConfig()
    presence: PresenceConfig | None = None
    supply: DoorSupplyConfig
    loads: tuple[LoadConfig, ...] = ()


@dataclass(frozen=True)
class DoorNode:
    """A node that guards a door, with everything it names.

    Attributes:
        name: Name in the library, or stem of the user's file.
        path: Its TOML.
        config: What the TOML says.
        camera: Datasheet of the camera.
        board: The board.
        network: The network, with the policy around it.
        battery: Datasheet of the battery; None on the mains.
        regulator: What makes the board's input voltage.
        loads: What else draws current while the board is powered: sheet, state and share of that time; the camera is
            the first.
        motion: What the motion sensor draws; None without one.
    """

    name: str
    path: Path
    config: DoorNodeConfig
    camera: CameraSheet
    board: Board
    network: NetworkEntry
    battery: BatterySheet | None
    regulator: RegulatorSheet
    loads: tuple[tuple[FixedLoadSheet, str, float], ...]
    motion: FixedLoadSheet | None

    @property
    def policy(self) -> DoorPolicy:
        """When the door opens."""
        return self.network.door_policy


def is_door_node(name_or_path: str) -> bool:
    """Return whether a node has a camera, and so guards a door.

    Raises:
        BadInputError: No such node, or its file is no TOML.
    """
    return CAMERA in read_toml(find_in_library(name_or_path, LIBRARY, kind="node"))


def load_door_node(name_or_path: str, *, network: str | None = None) -> DoorNode:
    """Return a node of the library by name, or of a file of the user's own, with everything it names.

    Args:
        name_or_path: The node.
        network: Another network than the node's own.

    Raises:
        BadInputError: The node, or anything it names, does not exist, cannot be used or does not fit.
    """
    path = find_in_library(name_or_path, LIBRARY, kind="node")
    config = read_config(path, DoorNodeConfig)
    if config.app not in IMAGE_APPS:
        raise BadInputError(path, "app", config.app, f"a camera needs {' or '.join(sorted(IMAGE_APPS))}")
    _check_wiring(path, config.camera)
    battery = None if config.battery is None else load_battery(config.battery)
    regulator = load_regulator(config.supply.regulator)
    _check_input(path, config.supply, battery, regulator)
    return DoorNode(
        name=path.stem,
        path=path,
        config=config,
        camera=load_camera(config.camera.part),
        board=find_board(config.board),
        network=_network(path, config, network),
        battery=battery,
        regulator=regulator,
        loads=tuple(_loads(path, config)),
        motion=None if config.presence is None else _motion(path, config.presence, config.supply.input_v),
    )


def _check_wiring(path: Path, camera: CameraConfig) -> None:
    """Refuse a camera where the firmware does not ask for it."""
    for key, name in WIRING.items():
        if getattr(camera, key) != name:
            raise BadInputError(path, f"{CAMERA}.{key}", getattr(camera, key), f"the firmware asks for it at {name}")


def _check_input(path: Path, supply: DoorSupplyConfig, battery: BatterySheet | None, regulator: RegulatorSheet) -> None:
    """Refuse a board's input that source and regulator do not make."""
    if battery is None:
        if regulator.kind != "direct":
            said = "makes the input from a battery; a node without one names no regulator"
            raise BadInputError(path, "supply.regulator", supply.regulator, said)
        return
    ends_v = battery.open_circuit.voltage_v.values[0]
    if regulator.kind in PASSING and not ends_v[0] <= supply.input_v <= ends_v[-1]:
        said = f"nothing converts the battery's {ends_v[0]:g} to {ends_v[-1]:g} V"
        raise BadInputError(path, "supply.input_v", supply.input_v, said)
    check_output(path, "supply.input_v", regulator, supply.input_v, (ends_v[0], ends_v[-1]))


def _network(path: Path, config: DoorNodeConfig, other: str | None) -> NetworkEntry:
    entry = find_network(config.network if other is None else other)
    if entry.has_rules:
        raise BadInputError(path, "network", entry.path.name, "a camera needs a network for images, not rules")
    read = read_network(entry.path)
    image_input(read)
    if config.board_firmware is not None:
        _check_memory(path, config.board, config.board_firmware, entry, read)
    return replace(entry, door_policy=_policy(path, config.policy))


def _check_memory(path: Path, board: str, sold_with: str, entry: NetworkEntry, read: Network) -> None:
    """Refuse a network that firmware which the board is sold with would not take."""
    known = {sheet.stem: sheet for sheet in board_firmware(board)}
    if sold_with not in known:
        raise BadInputError(path, "board_firmware", sold_with, nearest_name(sold_with, known))
    for limit in firmware_limits(board, entry, read):
        if not limit.fits:
            raise BadInputError(
                path,
                "network",
                f"{entry.path.name}, {limit.needs_bytes} bytes",
                f"{limit.limit} allows {limit.allowed_bytes} bytes; without board_firmware the twin's own is flashed",
            )


def firmware_limits(board: str, entry: NetworkEntry, read: Network) -> tuple[MemoryLimit, ...]:
    """Return what firmware that the board is sold with allows a network, and what it needs."""
    arena_bytes = generate(read, None).arena.size_bytes
    return limits_of_firmware(board, entry.path.stat().st_size, arena_bytes, FrameBuffers())


def _policy(path: Path, config: PolicyConfig) -> DoorPolicy:
    given = {key: value for key, value in config.model_dump().items() if value is not None}
    try:
        return DoorPolicy(**given)
    except BadInputError as error:
        raise BadInputError(path, f"policy.{error.key}", error.value, error.allowed) from error


def _loads(path: Path, config: DoorNodeConfig) -> list[tuple[FixedLoadSheet, str, float]]:
    """Return the camera and the other loads, each made sure to have its state; their own regulators are the board's."""
    camera = load_fixed_load(config.camera.load)
    check_load(path, CAMERA, camera, _ACTIVE, camera.supply_v.value)
    lowest_v = lowest_supply_v(camera)
    if config.supply.input_v < lowest_v:
        said = f"behind the board's regulator {camera.title} needs {lowest_v:g} V"
        raise BadInputError(path, "supply.input_v", config.supply.input_v, said)
    found = [(camera, _ACTIVE, 1.0)]
    for index, load in enumerate(config.loads):
        if load.rail != _RAIL:
            raise BadInputError(path, f"loads[{index}].rail", load.rail, f"the node has {_RAIL}")
        sheet = load_fixed_load(load.part)
        check_load(path, f"loads[{index}]", sheet, load.state, config.supply.input_v)
        found.append((sheet, load.state, load.duty))
    return found


def _motion(path: Path, config: PresenceConfig, input_v: float) -> FixedLoadSheet:
    sheet = load_fixed_load(config.load)
    check_load(path, "presence", sheet, config.state, input_v)
    return sheet
