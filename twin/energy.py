"""Where the energy goes: average currents by consumer, from the battery's side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError
from mcu_models.power import Current, average_currents, current_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twin.emulated_node import NodeTrace
    from twin.node import Node

SENSOR = "sensor"
REGULATORS = "regulators"


@dataclass(frozen=True)
class Consumer:
    """A consumer's average current and the voltage of its supply rail."""

    name: str
    current: Current
    supply_v: float

    @property
    def power_w(self) -> float:
        """Average power at its own rail."""
        return self.current.typical_a * self.supply_v


@dataclass(frozen=True)
class EnergyBudget:
    """Average currents of a node.

    Linear regulators make both rails from the battery, so a consumer's current is also the battery's, and what the
    voltage loses on the way is heat in the regulators. Their own quiescent current is not modelled.

    Attributes:
        consumers: Sensor and each power state of the microcontroller.
        battery_v: Nominal voltage of the battery.
        period_s: Time from frame to frame.
    """

    consumers: tuple[Consumer, ...]
    battery_v: float
    period_s: float

    @property
    def load(self) -> Current:
        """Average current out of the battery."""
        return sum((c.current for c in self.consumers), Current(0.0, 0.0, 0.0))

    @property
    def load_without_sensor(self) -> Current:
        """Average current out of the battery if the sensor drew nothing."""
        return sum((c.current for c in self.consumers if c.name != SENSOR), Current(0.0, 0.0, 0.0))

    @property
    def sensor(self) -> Consumer:
        """The sensor."""
        return next(c for c in self.consumers if c.name == SENSOR)

    @property
    def average_power_w(self) -> float:
        """Average power out of the battery."""
        return self.load.typical_a * self.battery_v

    def power_by_consumer_w(self) -> dict[str, float]:
        """Return the average power of each consumer and of the regulators; the sum is the battery's."""
        powers = {c.name: c.power_w for c in self.consumers}
        powers[REGULATORS] = self.average_power_w - sum(powers.values())
        return powers


def energy_budget(node: Node, trace: NodeTrace) -> EnergyBudget:
    """Return the average currents of `node` while it does what `trace` saw.

    Raises:
        BadInputError: The battery's voltage is below a supply rail.
    """
    power = node.board.sheet.power
    board_v = power.supply_v.value
    _check_rails(node, board_v)
    states = average_currents(power, trace.residency_s)
    sensor = Consumer(SENSOR, _sensor_current(node, trace.sensor_residency_s), node.config.sensor.supply_v)
    board = tuple(Consumer(f"mcu {name}", current, board_v) for name, current in states.items())
    return EnergyBudget(
        consumers=(sensor, *board),
        battery_v=node.battery.nominal_v.value,
        period_s=1.0 / node.sensor.fast_frame_rate_hz.value,
    )


def _check_rails(node: Node, board_v: float) -> None:
    battery_v = node.battery.nominal_v.value
    for key, rail_v in (("sensor.supply_v", node.config.sensor.supply_v), ("board", board_v)):
        if rail_v > battery_v:
            raise BadInputError(
                node.path, key, rail_v, f"a linear regulator cannot make this from the battery's {battery_v:g} V"
            )


def _sensor_current(node: Node, residency_s: Mapping[str, float]) -> Current:
    sheet = node.sensor
    currents = {
        "startup": sheet.normal_current_a,
        "normal": sheet.normal_current_a,
        "standby": sheet.standby_current_a,
        "sleep": sheet.sleep_current_a,
    }
    span_s = sum(residency_s.values())
    drawing = ((state, seconds) for state, seconds in residency_s.items() if state != "off")
    shares = (current_of(currents[state]).scaled(seconds / span_s) for state, seconds in drawing)
    return sum(shares, Current(0.0, 0.0, 0.0))
