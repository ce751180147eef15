"""A node: which sensor, board, network and battery are put together, and how."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import shapely
from pydantic import Field

from datasheet.bad_input import BadInputError, nearest_name
from datasheet.config import Config, find_in_library, read_config
from mcu_models.boards.board import Board, find_board
from mcu_models.firmware.builder import app_names, check_app
from mcu_models.networks.library import NetworkEntry, find_network
from scenarios.geometry import outline
from sensors.grid_eye_sheet import GridEyeSheet, load_grid_eye, noise_profile
from sensors.mount import Mount
from twin.door.node import CAMERA, is_door_node
from twin.doorway.config import DoorwayConfig
from twin.doorway.hanging import mount_at_door
from twin.duty_policy import ALWAYS_ON, DutyPolicy, PolicyConfig, duty_policy
from twin.energy.battery_sheet import BatterySheet, load_battery
from twin.energy.harvest import HarvestConfig
from twin.energy.radio_config import RadioConfig
from twin.energy.supply_config import LoadConfig, SupplyConfig

if TYPE_CHECKING:
    from pathlib import Path

    from scenarios.room import Scenario

_LIBRARY = "twin.nodes"


class SensorConfig(Config):
    """Which sensor, on which bus and supply."""

    part: str
    noise: str = "field"
    bus: str
    address: int
    supply_v: Annotated[float, Field(gt=0, le=20)]


class MountConfig(Config):
    """Where the node hangs, when that differs from the scenario's own place for a sensor."""

    x_m: float
    y_m: float
    height_m: Annotated[float, Field(gt=0, le=20)]
    yaw_deg: Annotated[float, Field(ge=-360, le=360)] = 0.0
    tilt_deg: Annotated[float, Field(ge=0, le=90)] = 0.0


class NodeConfig(Config):
    """What a node's TOML says; with `wake_up_degc` the network sleeps while nobody can be in view."""

    title: str
    board: str
    network: str
    app: str
    battery: str
    wake_up_degc: Annotated[float, Field(gt=0, le=10)] | None = None
    sensor: SensorConfig
    mount: MountConfig | None = None
    doorway: DoorwayConfig | None = None
    policy: PolicyConfig = PolicyConfig()
    supply: SupplyConfig = SupplyConfig()
    radio: RadioConfig | None = None
    loads: tuple[LoadConfig, ...] = ()
    harvest: HarvestConfig | None = None


@dataclass(frozen=True)
class Node:
    """A node with everything it names.

    Attributes:
        name: Name in the library, or stem of the user's file.
        path: Its TOML.
        config: What the TOML says.
        sensor: Datasheet of the sensor.
        board: The board.
        network: The network.
        battery: Datasheet of the battery.
        policy: When it looks and reports.
    """

    name: str
    path: Path
    config: NodeConfig
    sensor: GridEyeSheet
    board: Board
    network: NetworkEntry
    battery: BatterySheet
    policy: DutyPolicy = ALWAYS_ON

    def changed(self, *, battery: BatterySheet | None = None, **tables: object) -> Node:
        """Return the node with another battery, or with tables of its TOML changed that do not name other parts.

        Raises:
            BadInputError: The policy cannot be followed.
        """
        config = self.config.model_copy(update=tables)
        policy = duty_policy(self.path, config.policy, self.sensor, has_radio=config.radio is not None)
        return replace(self, config=config, policy=policy, battery=battery or self.battery)

    def mount_in(self, scenario: Scenario) -> Mount:
        """Return where the sensor hangs in `scenario`: the node's own mount, at its door, or else the scenario's.

        Raises:
            BadInputError: The node's mount is outside the room, or the room lacks its door.
        """
        own = self.config.mount
        if own is None and self.network.counts_passages:
            return mount_at_door(scenario, self.config.doorway or DoorwayConfig(), self.path)
        if own is None:
            return scenario_mount(scenario)
        self._check_mount(own, scenario)
        return Mount(own.x_m, own.y_m, own.height_m, own.yaw_deg, own.tilt_deg)

    def _check_mount(self, mount: MountConfig, scenario: Scenario) -> None:
        room = scenario.room
        limits = {"x_m": room.size_x_m, "y_m": room.size_y_m, "height_m": room.ceiling_height_m}
        for key, limit in limits.items():
            value = getattr(mount, key)
            if not 0 <= value <= limit:
                raise BadInputError(
                    self.path, f"mount.{key}", value, f"must lie in the room of {scenario.name}: 0 to {limit:g}"
                )
        if not outline(room).covers(shapely.Point(mount.x_m, mount.y_m)):
            at = f"({mount.x_m:g}, {mount.y_m:g})"
            raise BadInputError(self.path, "mount", at, f"must lie within the walls of {scenario.name}")


def scenario_mount(scenario: Scenario) -> Mount:
    """Return where a scenario itself hangs its sensor."""
    place = scenario.sensor_mount
    return Mount(place.x_m, place.y_m, place.height_m, place.yaw_deg, place.tilt_deg)


def load_node(name_or_path: str, *, battery: str | None = None) -> Node:
    """Return a node of the library by name, or of a file of the user's own, with everything it names.

    Raises:
        BadInputError: The node, or anything it names, does not exist or cannot be used.
    """
    path = find_in_library(name_or_path, _LIBRARY, kind="node")
    if is_door_node(name_or_path):
        raise BadInputError(path, CAMERA, None, "makes this a node that guards a door, which is for `twin run` alone")
    config = read_config(path, NodeConfig)
    sensor = load_grid_eye(config.sensor.part)
    noise_profile(sensor, config.sensor.noise)
    addresses = [int(a) for a in sensor.i2c_address.values[0]]
    if config.sensor.address not in addresses:
        allowed = " or ".join(hex(a) for a in addresses)
        raise BadInputError(path, "sensor.address", hex(config.sensor.address), f"must be {allowed}")
    if config.app not in app_names():
        raise BadInputError(path, "app", config.app, nearest_name(config.app, app_names()))
    _check_supply(path, config.sensor.supply_v, sensor)
    node = Node(
        name=path.stem,
        path=path,
        config=config,
        sensor=sensor,
        board=find_board(config.board),
        network=_network(path, config),
        battery=_battery(path, config) if battery is None else load_battery(battery),
        policy=duty_policy(path, config.policy, sensor, has_radio=config.radio is not None),
    )
    _check_doorway(node)
    return node


def _check_doorway(node: Node) -> None:
    """Make sure that who passes a door is counted by an app and a policy that can."""
    check_app(node.network, node.config.app)
    if not node.network.counts_passages:
        if node.config.doorway is not None:
            raise BadInputError(node.path, "doorway", None, f"{node.config.network} counts who is there, at no door")
        return
    if node.policy != ALWAYS_ON:
        allowed = "who passes a door is seen by always_on alone"
        raise BadInputError(node.path, "policy.kind", node.config.policy.kind, allowed)


def _battery(path: Path, config: NodeConfig) -> BatterySheet:
    try:
        return load_battery(config.battery)
    except BadInputError as error:
        if error.value != config.battery:
            raise
        raise BadInputError(path, "battery", config.battery, error.allowed) from error


def _network(path: Path, config: NodeConfig) -> NetworkEntry:
    """Return the network, with the wake-up threshold of the node where it has one."""
    entry = find_network(config.network)
    if config.wake_up_degc is None:
        return entry
    if entry.has_rules:
        raise BadInputError(path, "wake_up_degc", config.wake_up_degc, f"{config.network} are rules, which always run")
    return replace(entry, wake_up_degc=config.wake_up_degc)


def _check_supply(path: Path, supply_v: float, sensor: GridEyeSheet) -> None:
    allowed = sensor.supply_v
    low_v, high_v = allowed.low or allowed.value, allowed.high or allowed.value
    if not low_v <= supply_v <= high_v:
        raise BadInputError(path, "sensor.supply_v", supply_v, f"{sensor.part} takes {low_v:g} to {high_v:g} V")
