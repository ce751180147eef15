"""Datasheets of radios: which currents flow how long for one message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from datasheet.config import find_in_library
from datasheet.quantity import Ampere, Ratio, Second, Volt
from datasheet.sheet import Sheet, load_sheet
from twin.energy.current_checks import refuse_negative

if TYPE_CHECKING:
    from datasheet.quantity import Quantity

_LIBRARY = "twin.radios"

Technology = Literal["ble", "lorawan", "wifi"]


class StageSheet(Sheet):
    """A stretch of time with one current, such as starting up."""

    name: str = Field(min_length=1)
    duration_s: Second
    current_a: Ampere


class BleSheet(Sheet):
    """A Bluetooth Low Energy radio: currents of the whole chip in the parts of a radio event.

    `transmit` is by output power in dBm. `ramp` leads from standby to transmitting, `turnaround` from transmitting to
    receiving or back, `listen` is how long the receiver waits in vain for an answer. `window` is how much earlier than
    the central's packet the receiver is on, for clocks that have drifted.
    """

    transmit_a: dict[str, Ampere]
    receive_a: Ampere
    ramp_a: Ampere
    ramp_for_s: Second
    turnaround_a: Ampere
    turnaround_for_s: Second
    listen_s: Second
    window_s: Second
    before: tuple[StageSheet, ...] = ()
    after: tuple[StageSheet, ...] = ()


class LorawanSheet(Sheet):
    """A LoRaWAN radio of class A: currents of what the rail feeds, the radio or the whole module.

    `transmit` is by output power in dBm. Between transmission and receive windows `waiting` flows. A window lasts
    `window_symbols` symbols, or `narrow_window_symbols` at spreading factors 11 and 12, when nothing comes.
    """

    transmit_a: dict[str, Ampere]
    receive_a: Ampere
    second_receive_a: Ampere
    waiting_a: Ampere
    window_symbols: Ratio
    narrow_window_symbols: Ratio
    second_window_s: Second | None = None
    before: tuple[StageSheet, ...] = ()
    after: tuple[StageSheet, ...] = ()


class WifiSheet(Sheet):
    """A Wi-Fi radio as station, asleep between messages or connected.

    `wake` happens after deep sleep before anything is sent, in this order; `address` is asking for an address, left out
    with a fixed one. A message is on the air for `send` and `per_byte`, then its answer is listened for. `connected` is
    the average while it stays connected, by every how many beacons it wakes up.
    """

    wake: tuple[StageSheet, ...]
    address: StageSheet
    transmit_a: Ampere
    listen_a: Ampere
    send_s: Second
    answer_s: Second
    per_byte_s: Second
    connected_a: dict[str, Ampere] = Field(default_factory=dict)


class RadioSheet(Sheet):
    """A radio: the rail it stands, its idle current, and the table of its technology."""

    title: str
    technology: Technology
    supply_v: Volt
    sleep_a: Ampere
    ble: BleSheet | None = None
    lorawan: LorawanSheet | None = None
    wifi: WifiSheet | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Refuse negative currents, a table of another technology, and a sleep that draws more than work."""
        refuse_negative(self)
        tables = {"ble": self.ble, "lorawan": self.lorawan, "wifi": self.wifi}
        given = [name for name, table in tables.items() if table is not None]
        if given != [self.technology]:
            raise ValueError(f"needs the table [{self.technology}] and no other, has {', '.join(given) or 'none'}")
        levels = self.ble or self.lorawan
        if levels is not None and not (levels.transmit_a and all(map(_is_number, levels.transmit_a))):
            raise ValueError('transmit must hold currents by output power, such as "14" for 14 dBm')
        least_a = min(current.value for current in self._working())
        if self.sleep_a.value >= least_a:
            raise ValueError(f"sleep must draw less than {least_a:g} A, the least while sending or receiving")
        return self

    def _working(self) -> tuple[Quantity, ...]:
        """Return the currents of sending and receiving."""
        table = self.ble or self.lorawan
        if table is not None:
            return (*table.transmit_a.values(), table.receive_a)
        return () if self.wifi is None else (self.wifi.transmit_a, self.wifi.listen_a)


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdigit()


def load_radio(name_or_path: str) -> RadioSheet:
    """Return a radio of the library by name, or of a file of the user's own.

    Raises:
        BadInputError: No such radio, or its file cannot be used.
    """
    return load_sheet(find_in_library(name_or_path, _LIBRARY, kind="radio"), RadioSheet)
