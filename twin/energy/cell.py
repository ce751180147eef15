"""A battery at a moment: what it holds, its voltage, its resistance, and the voltage under a pulse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datasheet.quantity import QuantityTable
    from twin.energy.battery_sheet import BatterySheet, TemperatureSheet
    from twin.energy.demand import Pulse
    from twin.energy.uncertainty import Draws

    Values = NDArray[np.float64]

REFERENCE_DEGC = 20.0
"""Temperature for which self-discharge is stated."""
LASTING_S = float("inf")
_HALVINGS = 48


def terminal_v(open_v: Values, current_a: Values, power_w: Values, resistance_ohm: Values) -> Values:
    """Return the terminal voltage under a load of a constant current and a constant power.

    The larger root of V = E - (I + P / V) R. Where there is none, the battery cannot deliver the load at all.

    Args:
        open_v: Voltage without load.
        current_a: The part of the load that is a current.
        power_w: The part that is a power.
        resistance_ohm: Of the battery.

    Returns:
        Voltages; nan where the load cannot be delivered.
    """
    left_v = open_v - current_a * resistance_ohm
    discriminant = left_v**2 - 4.0 * power_w * resistance_ohm
    possible = (left_v > 0) & (discriminant >= 0)
    return np.where(possible, (left_v + np.sqrt(np.where(possible, discriminant, 0.0))) / 2.0, np.nan)


def behind_capacitor_ohm(resistance_ohm: Values, capacitance_f: float, duration_s: float, rest_s: float) -> Values:
    """Return the resistance whose drop a repeated pulse shows when a capacitor is across the terminals.

    A current I that is on for d and off for r charges and discharges the capacitor by an exponential with the time
    constant RC; in the steady state the greatest drop is I R (1 - exp(-d / RC)) / (1 - exp(-(d + r) / RC)).

    Args:
        resistance_ohm: Of the battery under such a pulse.
        capacitance_f: Of the capacitor; its own resistance is neglected.
        duration_s: Of the pulse.
        rest_s: From the end of a pulse to the next.
    """
    if capacitance_f <= 0 or duration_s == 0:
        return resistance_ohm
    time_constant_s = resistance_ohm * capacitance_f
    shown = np.expm1(-duration_s / time_constant_s) / np.expm1(-(duration_s + rest_s) / time_constant_s)
    return np.asarray(resistance_ohm * shown, dtype=np.float64)


@dataclass(frozen=True)
class Curve:
    """Values between which is interpolated; the ends hold beyond."""

    at: Values
    values: Values

    def __call__(self, where: Values | float) -> Values:
        """Return the values in between."""
        return np.asarray(np.interp(where, self.at, self.values), dtype=np.float64)


@dataclass(frozen=True)
class Cells:
    """Batteries of one kind, each with its own values: shapes (n,), or (1,) for what they share.

    Attributes:
        full_c: Charge of a fresh one, that the most favourable load takes out.
        resistance_scale: Times the resistance of the sheet.
        immediate: Share of the resistance that is there at once.
        settling_s: Time constant of the rest.
        self_discharge_per_s: Share of the full charge lost, at 20 degC.
        doubling_k: Warming that doubles it.
        passivation_ohm: Resistance of a layer that has grown for long; 0 for cells that do not passivate.
        growth_s: Time constant of its growth.
        charge_efficiency: Share of the charge put in that stays.
        fade_per_s: Share of the full charge that is lost for good.
        share_by_log_a: Share of `full_c` that is delivered by the logarithm of the current.
        share_by_degc: The same by temperature.
        open_v_by_charge: Voltage without load by the share of charge left.
        ohm_by_charge: Resistance under a lasting load by the share of charge left.
        resistance_by_degc: Factor by temperature.
    """

    full_c: Values
    resistance_scale: Values
    immediate: Values
    settling_s: Values
    self_discharge_per_s: Values
    doubling_k: Values
    passivation_ohm: Values
    growth_s: Values
    charge_efficiency: Values
    fade_per_s: Values
    share_by_log_a: Curve
    share_by_degc: Curve
    open_v_by_charge: Curve
    ohm_by_charge: Curve
    resistance_by_degc: Curve

    def delivered_share(self, current_a: Values, temperature_degc: float) -> Values:
        """Return the share of the full charge that an average current takes out until the cut-off voltage.

        Interpolated in the logarithm of the current. What cold holds back is taken as lost, so that a cell that
        becomes warm again does better.
        """
        log_a = np.log(np.maximum(current_a, 1e-12))
        return self.share_by_log_a(log_a) * self.share_by_degc(temperature_degc)

    def delivered_c(self, current_a: Values, temperature_degc: float) -> Values:
        """Return the charge that an average current takes out of a fresh battery until the cut-off voltage."""
        return self.full_c * self.delivered_share(current_a, temperature_degc)

    def open_v(self, charge_left: Values) -> Values:
        """Return the voltage without load."""
        return self.open_v_by_charge(charge_left)

    def resistance_ohm(self, charge_left: Values, temperature_degc: float, duration_s: float = LASTING_S) -> Values:
        """Return the resistance that a load shows after it has lasted a while."""
        slow = -np.expm1(-duration_s / self.settling_s)
        share = self.immediate + (1.0 - self.immediate) * slow
        factor = self.resistance_scale * self.resistance_by_degc(temperature_degc)
        return self.ohm_by_charge(charge_left) * factor * share

    def layer_ohm(self, rest_s: float) -> Values:
        """Return the resistance of the passivation layer after a rest."""
        return self.passivation_ohm * -np.expm1(-rest_s / self.growth_s)

    def lost_per_s(self, temperature_degc: float) -> Values:
        """Return the share of the full charge that is lost to self-discharge per second."""
        return self.self_discharge_per_s * 2.0 ** ((temperature_degc - REFERENCE_DEGC) / self.doubling_k)

    def load_v(self, charge_left: Values, current_a: Values, power_w: Values, temperature_degc: float) -> Values:
        """Return the terminal voltage under a lasting load; nan where it cannot be delivered."""
        resistance_ohm = self.resistance_ohm(charge_left, temperature_degc)
        return terminal_v(self.open_v(charge_left), current_a, power_w, resistance_ohm)

    def pulse_v(self, pulse: Pulse, charge_left: Values, temperature_degc: float) -> Values:
        """Return the lowest terminal voltage under a pulse; nan where it cannot be delivered.

        The passivation layer counts as it is when the pulse begins; the resistance as when it ends.
        """
        resistance_ohm = self.resistance_ohm(charge_left, temperature_degc, pulse.duration_s)
        resistance_ohm = resistance_ohm + self.layer_ohm(pulse.rest_s)
        shown_ohm = behind_capacitor_ohm(resistance_ohm, pulse.capacitance_f, pulse.duration_s, pulse.rest_s)
        return terminal_v(self.open_v(charge_left), pulse.current_a, pulse.power_w, shown_ohm)

    def lowest_charge_left(self, pulse: Pulse, temperature_degc: float) -> Values:
        """Return the share of charge below which the voltage under a pulse is less than it needs.

        By halving: voltage rises and resistance falls with the charge that is left. 0 where the pulse can be
        delivered to the last; infinite where not even a full battery can.
        """
        shape = np.broadcast_shapes(self.full_c.shape, np.shape(pulse.current_a), np.shape(pulse.needed_v))

        def delivered(charge_left: Values) -> NDArray[np.bool_]:
            return self.pulse_v(pulse, charge_left, temperature_degc) >= pulse.needed_v

        low, high = np.zeros(shape), np.ones(shape)
        to_the_last, at_first = delivered(low), delivered(high)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            enough = delivered(middle)
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return np.where(to_the_last, 0.0, np.where(at_first, high, np.inf))


def cells_of(sheet: BatterySheet, draws: Draws) -> Cells:
    """Return batteries of a sheet, one for each draw."""
    resistance, capacity, passivation, charging = sheet.resistance, sheet.capacity, sheet.passivation, sheet.charging
    none, unlimited = np.zeros(1), np.full(1, np.inf)
    charge_c = _row(capacity.charge_c)
    return Cells(
        full_c=charge_c.max() * draws.of(sheet.key("capacity.scale"), capacity.scale),
        resistance_scale=draws.of(sheet.key("resistance.scale"), resistance.scale),
        immediate=np.minimum(draws.of(sheet.key("resistance.immediate"), resistance.immediate), 1.0),
        settling_s=draws.of(sheet.key("resistance.settling"), resistance.settling_s),
        self_discharge_per_s=draws.of(sheet.key("self_discharge.rate"), sheet.self_discharge.rate_per_s),
        doubling_k=draws.of(sheet.key("self_discharge.doubling"), sheet.self_discharge.doubling_k),
        passivation_ohm=none
        if passivation is None
        else draws.of(sheet.key("passivation.resistance"), passivation.resistance_ohm),
        growth_s=unlimited if passivation is None else draws.of(sheet.key("passivation.growth"), passivation.growth_s),
        charge_efficiency=np.ones(1)
        if charging is None
        else np.minimum(draws.of(sheet.key("charging.efficiency"), charging.efficiency), 1.0),
        fade_per_s=none if charging is None else draws.of(sheet.key("charging.fade"), charging.fade_per_s),
        share_by_log_a=Curve(np.log(_row(capacity.current_a)), charge_c / charge_c.max()),
        share_by_degc=_by_temperature(capacity.by_temperature),
        open_v_by_charge=Curve(_row(sheet.open_circuit.charge_left), _row(sheet.open_circuit.voltage_v)),
        ohm_by_charge=Curve(_row(resistance.charge_left), _row(resistance.resistance_ohm)),
        resistance_by_degc=_by_temperature(resistance.by_temperature),
    )


def _row(table: QuantityTable) -> Values:
    return np.array(table.values[0])


def _by_temperature(sheet: TemperatureSheet) -> Curve:
    return Curve(_row(sheet.temperature_degc), _row(sheet.factor))
