"""What is known of a battery: charge by load, voltage, resistance, what it loses by itself."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from datasheet.config import find_in_library
from datasheet.quantity import (
    Ampere,
    AmpereTable,
    CelsiusTable,
    Dimension,
    Kelvin,
    Ohm,
    PerSecond,
    Quantity,
    QuantityTable,
    Ratio,
    RatioTable,
    Second,
    Volt,
    VoltTable,
)
from datasheet.sheet import Sheet, load_sheet

if TYPE_CHECKING:
    from typing import Self

LIBRARY = "twin.batteries"

Chemistry = Literal[
    "alkaline",
    "lithium manganese dioxide",
    "lithium iron disulfide",
    "lithium thionyl chloride",
    "lithium ion",
    "lithium ion capacitor",
]

CoulombTable = Annotated[QuantityTable, Dimension("C", "c")]
OhmTable = Annotated[QuantityTable, Dimension("ohm", "ohm")]

RECHARGEABLE: frozenset[Chemistry] = frozenset({"lithium ion", "lithium ion capacitor"})
EMPTY_TO_FULL = (0.0, 1.0)


class TemperatureSheet(Sheet):
    """A factor by temperature, 1 where the other tables were measured; interpolated, its ends hold beyond."""

    temperature_degc: CelsiusTable
    factor: RatioTable

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_rising("temperature", self.temperature_degc)
        _check_same_length("factor", self.factor, self.temperature_degc)
        _check_positive("factor", self.factor)
        return self


class CapacitySheet(Sheet):
    """Charge that a constant current takes out until the cut-off voltage, at 20 to 25 degC.

    What a slow discharge loses over the years is not in the table: it is self-discharge.
    """

    current_a: AmpereTable
    charge_c: CoulombTable
    scale: Ratio
    by_temperature: TemperatureSheet

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_rising("current", self.current_a)
        _check_positive("current", self.current_a)
        _check_same_length("charge", self.charge_c, self.current_a)
        _check_positive("charge", self.charge_c)
        _check_above_zero("scale", self.scale)
        if max(self.by_temperature.factor.values[0]) > 1:
            words = "must be at most 1: the table of charges holds what the best temperature gives"
            raise PydanticCustomError("warm", words, {"subkey": "by_temperature.factor"})
        return self


class OpenCircuitSheet(Sheet):
    """Voltage without load by the share of the charge that is left."""

    charge_left: RatioTable
    voltage_v: VoltTable

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_charge_left(self.charge_left)
        _check_same_length("voltage", self.voltage_v, self.charge_left)
        _check_positive("voltage", self.voltage_v)
        if any(high < low for low, high in pairwise(self.voltage_v.values[0])):
            raise PydanticCustomError("falls", "must not fall with the charge that is left", {"subkey": "voltage"})
        return self


class ResistanceSheet(Sheet):
    """Resistance under a lasting load by the share of the charge that is left.

    `immediate` is the share of it that is there at once; the rest builds up with the time constant `settling`.
    """

    charge_left: RatioTable
    resistance_ohm: OhmTable
    scale: Ratio
    immediate: Ratio
    settling_s: Second
    by_temperature: TemperatureSheet

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_charge_left(self.charge_left)
        _check_same_length("resistance", self.resistance_ohm, self.charge_left)
        _check_positive("resistance", self.resistance_ohm)
        if any(high > low for low, high in pairwise(self.resistance_ohm.values[0])):
            raise PydanticCustomError("rises", "must not rise with the charge that is left", {"subkey": "resistance"})
        _check_above_zero("scale", self.scale)
        _check_share("immediate", self.immediate)
        _check_above_zero("settling", self.settling_s)
        return self


class SelfDischargeSheet(Sheet):
    """Share of the full charge that is lost per second at 20 degC, and the warming that doubles it."""

    rate_per_s: PerSecond
    doubling_k: Kelvin

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_not_negative("rate", self.rate_per_s)
        _check_above_zero("doubling", self.doubling_k)
        return self


class LimitSheet(Sheet):
    """Currents the maker allows."""

    continuous_a: Ampere
    pulse_a: Ampere

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_above_zero("continuous", self.continuous_a)
        if self.pulse_a.value < self.continuous_a.value:
            raise PydanticCustomError(
                "pulse",
                "must not be below the continuous current",
                {"subkey": "pulse.value", "found": self.pulse_a.value},
            )
        return self


class PassivationSheet(Sheet):
    """A layer on the lithium that grows while the cell rests, as resistance, and that a pulse breaks."""

    resistance_ohm: Ohm
    growth_s: Second

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_not_negative("resistance", self.resistance_ohm)
        _check_above_zero("growth", self.growth_s)
        return self


class ChargingSheet(Sheet):
    """What a rechargeable battery keeps of the charge put into it, and how it ages.

    `full` is the terminal voltage at which charging stops; the open-circuit table ends there. `fade` is the share of
    the full charge that is lost for good per second.
    """

    efficiency: Ratio
    full_v: Volt
    fade_per_s: PerSecond

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_share("efficiency", self.efficiency)
        _check_not_negative("fade", self.fade_per_s)
        return self


class BatterySheet(Sheet):
    """A battery: one cell, or several in series or parallel taken as one.

    A battery is rechargeable when it has a `charging` table. Only lithium thionyl chloride passivates.
    """

    title: str
    chemistry: Chemistry
    nominal_v: Volt
    cut_off_v: Volt
    capacity: CapacitySheet
    open_circuit: OpenCircuitSheet
    resistance: ResistanceSheet
    self_discharge: SelfDischargeSheet
    limits: LimitSheet
    passivation: PassivationSheet | None = None
    charging: ChargingSheet | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.cut_off_v.value < self.nominal_v.value:
            raise PydanticCustomError(
                "cut_off",
                "must be below the nominal voltage",
                {"subkey": "cut_off.value", "found": self.cut_off_v.value},
            )
        if self.open_circuit.voltage_v.values[0][0] < self.cut_off_v.value:
            raise PydanticCustomError(
                "empty_v",
                "must not be above the open-circuit voltage of the empty battery",
                {"subkey": "cut_off.value", "found": self.cut_off_v.value},
            )
        _check_charging(self.chemistry, self.charging, self.open_circuit)
        return self

    @property
    def rechargeable(self) -> bool:
        """Whether charge can be put into it."""
        return self.charging is not None

    @property
    def rated_charge_c(self) -> float:
        """The most that any load takes out of a typical one."""
        return max(self.capacity.charge_c.values[0])

    def key(self, dotted: str) -> str:
        """Return the key of one of its values, by which draws know it."""
        return f"{self.stem}.{dotted}" if self.stem else dotted


def load_battery(name_or_path: str) -> BatterySheet:
    """Return a battery of the library by name, or of a file of the user's own.

    Raises:
        BadInputError: No such battery, or its file cannot be used.
    """
    return load_sheet(find_in_library(name_or_path, LIBRARY, kind="battery"), BatterySheet)


def _check_charging(chemistry: Chemistry, charging: ChargingSheet | None, open_circuit: OpenCircuitSheet) -> None:
    can_charge = chemistry in RECHARGEABLE
    if (charging is not None) is not can_charge:
        words = "needs a charging table" if can_charge else "must have no charging table: it cannot be charged"
        raise PydanticCustomError("charging", words, {"subkey": "chemistry", "found": chemistry})
    if charging is not None and charging.full_v.value != open_circuit.voltage_v.values[0][-1]:
        raise PydanticCustomError(
            "full",
            "must be the open-circuit voltage of the full battery",
            {"subkey": "charging.full.value", "found": charging.full_v.value},
        )


def _check_charge_left(table: QuantityTable) -> None:
    _check_rising("charge_left", table)
    if (table.values[0][0], table.values[0][-1]) != EMPTY_TO_FULL:
        raise PydanticCustomError("ends", "must run from 0 to 1", {"subkey": "charge_left"})


def _check_rising(key: str, table: QuantityTable) -> None:
    if len(table.values) != 1 or any(high <= low for low, high in pairwise(table.values[0])):
        raise PydanticCustomError("rising", "must be one row of rising values", {"subkey": key})


def _check_same_length(key: str, table: QuantityTable, other: QuantityTable) -> None:
    if len(table.values) != 1 or len(table.values[0]) != len(other.values[0]):
        raise PydanticCustomError(
            "length", "must be one row of {number} values", {"subkey": key, "number": len(other.values[0])}
        )


def _check_positive(key: str, table: QuantityTable) -> None:
    for value in table.values[0]:
        if value <= 0:
            raise PydanticCustomError("positive", "must be above 0", {"subkey": key, "found": value})


def _check_above_zero(key: str, quantity: Quantity) -> None:
    end, least = _least(quantity)
    if least <= 0:
        raise PydanticCustomError("positive", "must be above 0", {"subkey": f"{key}.{end}", "found": least})


def _check_not_negative(key: str, quantity: Quantity) -> None:
    end, least = _least(quantity)
    if least < 0:
        raise PydanticCustomError("negative", "must not be negative", {"subkey": f"{key}.{end}", "found": least})


def _least(quantity: Quantity) -> tuple[str, float]:
    """Return which entry of a quantity is its least value, and that value."""
    return ("value", quantity.value) if quantity.low is None else ("low", quantity.low)


def _check_share(key: str, quantity: Quantity) -> None:
    low = quantity.value if quantity.low is None else quantity.low
    high = quantity.value if quantity.high is None else quantity.high
    if not (low > 0 and high <= 1):
        raise PydanticCustomError(
            "share", "must be above 0 and at most 1", {"subkey": f"{key}.value", "found": quantity.value}
        )
