"""The design: a plan and the sensors that hang in it; it lives in the address, so a reload or a link brings it back.

The address says `plan=NAME` (of the library, or of a plan of one's own that the server still holds) and
`sensor=NODE@x,y,height,yaw,tilt` once for each sensor, as on the command line.
"""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from app_pages.drawing import plain, room_nodes
from app_pages.plan_store import KEY_LETTERS, plan_store
from twin.library import names
from twin.node import MountConfig, load_node
from twin.placement.plan import load_plan, scenario_toml
from twin.placement.plan_tables import BadInputError, plan_of_toml

if TYPE_CHECKING:
    from twin.node import Node
    from twin.placement.plan_tables import Scenario

MOST_SENSORS = 8
LOWEST_M = 0.6
"""The lowest place for a sensor."""

_NUMBER = r"-?\d{1,3}(?:\.\d{1,4})?"
_SENSOR = re.compile(rf"([a-z0-9_]{{1,60}})@({_NUMBER}),({_NUMBER}),({_NUMBER})(?:,({_NUMBER})(?:,({_NUMBER}))?)?")
_OWN_PLAN = re.compile(rf"[0-9a-f]{{{KEY_LETTERS}}}")
_LIMITS = {"x_m": (0, 100), "y_m": (0, 100), "height_m": (0.5, 20), "yaw_deg": (-360, 360), "tilt_deg": (0, 90)}


@dataclass(frozen=True)
class Sensor:
    """A node of the library and where it hangs."""

    node: str
    x_m: float
    y_m: float
    height_m: float
    yaw_deg: float = 0.0
    tilt_deg: float = 0.0

    def as_text(self) -> str:
        """Return it as an address and a command line say it."""
        node, *place = astuple(self)
        return f"{node}@{','.join(f'{round(value, 3):g}' for value in place)}"

    def hung(self) -> Node:
        """Return the node at its place."""
        node, *_ = astuple(self)
        keys = ("x_m", "y_m", "height_m", "yaw_deg", "tilt_deg")
        return _node(node).changed(mount=MountConfig(**{key: getattr(self, key) for key in keys}))


@dataclass(frozen=True)
class Design:
    """A plan and its sensors.

    Attributes:
        plan: Name in the library, or key of a plan of one's own.
        sensors: One to `MOST_SENSORS`.
    """

    plan: str
    sensors: tuple[Sensor, ...]

    def nodes(self) -> list[Node]:
        """Return the nodes at their places."""
        return [sensor.hung() for sensor in self.sensors]

    def as_address(self) -> dict[str, list[str]]:
        """Return it as an address says it."""
        return {"plan": [self.plan], "sensor": [sensor.as_text() for sensor in self.sensors]}

    def with_sensor(self, number: int, sensor: Sensor) -> Design:
        """Return the design with one sensor exchanged."""
        sensors = list(self.sensors)
        sensors[number] = sensor
        return replace(self, sensors=tuple(sensors))


EXAMPLE = Design(
    "office_doorway",
    (Sensor("ceiling_counter", 2.0, 1.9, 2.7), Sensor("ceiling_counter", 2.0, 3.9, 2.7)),
)
"""What a page shows that was opened without an address."""


class NoDesignError(ValueError):
    """An address says something that is no design; the text tells in one line what."""


def opened() -> tuple[Design, Scenario]:
    """Return the design of this session and its plan; say in one line what of an address cannot be used.

    To be called first by every page that shows the design; it also puts it into the page's address.
    """
    if "design" not in st.session_state:
        try:
            st.session_state["design"] = _fitting(from_address(_address()))
        except (NoDesignError, BadInputError) as error:
            st.error(plain(f"{error}. The worked example is shown instead."))
            st.session_state["design"] = EXAMPLE
    design: Design = st.session_state["design"]
    keep(design)
    return design, plan_of(design.plan)


def current() -> Design:
    """Return the design of this session."""
    design: Design = st.session_state["design"]
    return design


def keep(design: Design) -> None:
    """Make a design that of this session, and put it into the page's address."""
    st.session_state["design"] = design
    if _address() != design.as_address():
        st.query_params.from_dict(design.as_address())


def keep_plan(scenario: Scenario) -> str:
    """Keep a plan of one's own; return its key."""
    return plan_store().put(scenario_toml(scenario))


def of_plan(plan: str) -> Design:
    """Return the design of a plan with one sensor where the plan itself has it."""
    mount = plan_of(plan).sensor_mount
    place = (mount.x_m, mount.y_m, max(mount.height_m, LOWEST_M), mount.yaw_deg, mount.tilt_deg)
    return Design(plan, (Sensor(EXAMPLE.sensors[0].node, *place),))


def fitted(sensor: Sensor, scenario: Scenario) -> Sensor:
    """Return a sensor moved into the box around a room, and turned by no more than half a turn."""
    room = scenario.room
    return replace(
        sensor,
        x_m=min(sensor.x_m, room.size_x_m),
        y_m=min(sensor.y_m, room.size_y_m),
        height_m=min(max(sensor.height_m, lowest_m(room.ceiling_height_m)), room.ceiling_height_m),
        yaw_deg=(sensor.yaw_deg + 180.0) % 360.0 - 180.0,
    )


def lowest_m(ceiling_height_m: float) -> float:
    """Return the lowest place for a sensor in a room of so high a ceiling."""
    return min(LOWEST_M, ceiling_height_m / 2)


def plan_of(key: str) -> Scenario:
    """Return the plan of a name in the library, or of a key.

    Raises:
        NoDesignError: There is none of that name, or the server does not hold it any more.
    """
    if key in names("scenarios"):
        return _library_plan(key)
    if not _OWN_PLAN.fullmatch(key):
        raise NoDesignError(f"This link's plan is {key[:60]!r}; known: {', '.join(names('scenarios'))}")
    content = plan_store().get(key)
    if content is None:
        raise NoDesignError("This link's plan is not held by the server any more; upload it again")
    return _own_plan(content)


def from_address(address: dict[str, list[str]]) -> Design:
    """Return the design that an address says.

    Raises:
        NoDesignError: It says something else.
    """
    if not address:
        return EXAMPLE
    unknown = sorted(address.keys() - {"plan", "sensor"})
    if unknown:
        raise NoDesignError(f"This link says {unknown[0][:60]!r}; known: plan, sensor")
    plans, sensors = address.get("plan", []), address.get("sensor", [])
    if len(plans) != 1:
        raise NoDesignError("This link must say one plan")
    if not 1 <= len(sensors) <= MOST_SENSORS:
        raise NoDesignError(f"This link says {len(sensors)} sensors; must be 1 to {MOST_SENSORS}")
    plan_of(plans[0])
    return Design(plans[0], tuple(sensor_of(text) for text in sensors))


def sensor_of(text: str) -> Sensor:
    """Return the sensor that a text says.

    Raises:
        NoDesignError: It says none.
    """
    said = _SENSOR.fullmatch(text)
    if said is None:
        raise NoDesignError(f"This link's sensor is {text[:60]!r}; must be NODE@x,y,height,yaw,tilt")
    node, *place = said.groups()
    if node not in room_nodes():
        raise NoDesignError(f"This link's node is {node!r}; known: {', '.join(room_nodes())}")
    sensor = Sensor(node, *(float(value) for value in place if value is not None))
    for key, (low, high) in _LIMITS.items():
        if not low <= getattr(sensor, key) <= high:
            raise NoDesignError(f"This link's {key} is {getattr(sensor, key):g}; must be {low:g} to {high:g}")
    return sensor


def _fitting(design: Design) -> Design:
    """Return the design with its sensors within the plan's box; say so where any lay outside."""
    scenario = plan_of(design.plan)
    sensors = tuple(fitted(sensor, scenario) for sensor in design.sensors)
    moved = [
        str(number)
        for number, (old, new) in enumerate(zip(design.sensors, sensors, strict=True), start=1)
        if (old.x_m, old.y_m, old.height_m) != (new.x_m, new.y_m, new.height_m)
    ]
    if moved:
        st.warning(f"Sensor {', '.join(moved)} of this link lay outside the plan and was moved inside.")
    return replace(design, sensors=sensors)


def _address() -> dict[str, list[str]]:
    return {key: st.query_params.get_all(key) for key in st.query_params}


@st.cache_resource(show_spinner=False)
def _library_plan(name: str) -> Scenario:
    return load_plan(name)


@st.cache_resource(max_entries=32, show_spinner=False)
def _own_plan(content: bytes) -> Scenario:
    return plan_of_toml(content)


@st.cache_resource(show_spinner=False)
def _node(name: str) -> Node:
    return load_node(name)
