"""Bluetooth Low Energy: advertising and connection events as sequences of phases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError
from twin.energy.draw import Phase
from twin.energy.radio_phases import check_power, radio_phase, stage_phases, transmit_draws

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from twin.energy.radio_config import RadioConfig
    from twin.energy.radio_sheet import BleSheet

# Bluetooth Core Specification 5.4, volume 6, part B: 2.1, 2.3, 2.4 (packets), 4.1 (T_IFS), 4.4.2.2 (advertising).
SECONDS_PER_BYTE = 8e-6  # LE 1M
ADVERTISING_BYTES = 1 + 4 + 2 + 6 + 3  # preamble, access address, header, the advertiser's address, checksum
DATA_BYTES = 1 + 4 + 2 + 3  # preamble, access address, header, checksum
ATTRIBUTE_BYTES = 4 + 3  # L2CAP and ATT headers of a notification
LONGEST_ADVERTISEMENT_BYTES = 31
LONGEST_NOTIFICATION_BYTES = 244  # of one packet with the longest data length, 251 bytes less headers
ADVERTISING_CHANNELS = 3
ADVERTISING_INTERVAL_S = (0.02, 10.24)
CONNECTION_INTERVAL_S = (0.0075, 4.0)
MEAN_ADVERTISING_DELAY_S = 0.005  # a random delay of 0 to 10 ms is added to the interval

_MODES = ("broadcast", "beacon", "connected")


@dataclass(frozen=True)
class BleUse:
    """How a BLE radio is used, with defaults put in."""

    mode: str
    payload_bytes: int
    power_dbm: float
    interval_s: float
    repeats: int
    listens: bool
    latency: int

    @property
    def event_period_s(self) -> float:
        """From one radio event to the next while there is nothing to say."""
        if self.mode == "connected":
            return self.interval_s * (1 + self.latency)
        return self.interval_s + MEAN_ADVERTISING_DELAY_S


def ble_use(config: RadioConfig) -> BleUse:
    """Return how the radio is used."""
    mode = config.mode or "broadcast"
    interval_s = config.interval_s or (1.0 if mode == "connected" else 0.1)
    return BleUse(
        mode=mode,
        payload_bytes=config.payload_bytes,
        power_dbm=0.0 if config.tx_power_dbm is None else config.tx_power_dbm,
        interval_s=interval_s,
        repeats=config.repeats or 3,
        listens=mode == "beacon" if config.listens is None else config.listens,
        latency=config.latency or 0,
    )


def check_ble(source: str | Path, sheet: BleSheet, config: RadioConfig) -> None:
    """Refuse what the protocol or the part cannot do.

    Raises:
        BadInputError: With the first such key.
    """
    use = ble_use(config)
    if use.mode not in _MODES:
        raise BadInputError(source, "radio.mode", use.mode, f"a BLE radio knows {', '.join(_MODES)}")
    low_s, high_s = CONNECTION_INTERVAL_S if use.mode == "connected" else ADVERTISING_INTERVAL_S
    if not low_s <= use.interval_s <= high_s:
        raise BadInputError(source, "radio.interval_s", use.interval_s, f"must be {low_s:g} to {high_s:g} in this mode")
    longest = LONGEST_NOTIFICATION_BYTES if use.mode == "connected" else LONGEST_ADVERTISEMENT_BYTES
    if use.payload_bytes > longest:
        raise BadInputError(source, "radio.payload_bytes", use.payload_bytes, f"one packet takes {longest} at most")
    check_power(source, sheet.transmit_a, use.power_dbm)


def ble_message(stem: str, sheet: BleSheet, use: BleUse) -> tuple[Phase, ...]:
    """Return what one message adds: its advertising events, or the bytes it puts into a connection event.

    A beacon sends all the time, whatever the message says: nothing is added.
    """
    if use.mode == "beacon":
        return ()
    if use.mode == "broadcast":
        return advertising_event(stem, sheet, use) * use.repeats
    return connection_event(stem, sheet, use, use.payload_bytes + ATTRIBUTE_BYTES)


def ble_background(stem: str, sheet: BleSheet, use: BleUse) -> tuple[Phase, ...]:
    """Return the radio event that comes round every `event_period_s`, message or not; empty for broadcasts."""
    if use.mode == "beacon":
        return advertising_event(stem, sheet, use)
    return connection_event(stem, sheet, use, 0) if use.mode == "connected" else ()


def advertising_event(stem: str, sheet: BleSheet, use: BleUse) -> tuple[Phase, ...]:
    """Return one advertising event: the same packet on three channels, with or without listening for an answer."""
    key = f"{stem}.ble"
    air_s = (ADVERTISING_BYTES + use.payload_bytes) * SECONDS_PER_BYTE
    channel = [
        radio_phase("ramp up", sheet.ramp_for_s.value, f"{key}.ramp", sheet.ramp_a),
        Phase("transmit", air_s, transmit_draws(f"{key}.transmit", sheet.transmit_a, use.power_dbm)),
    ]
    if use.listens:
        channel += _listen(key, sheet, sheet.listen_s.value)
    before, after = stage_phases(f"{key}.before", sheet.before), stage_phases(f"{key}.after", sheet.after)
    return (*before, *channel * ADVERTISING_CHANNELS, *after)


def connection_event(stem: str, sheet: BleSheet, use: BleUse, data_bytes: int) -> tuple[Phase, ...]:
    """Return one connection event of a peripheral: the central's empty packet, then its own with `data_bytes`."""
    key = f"{stem}.ble"
    heard_s = sheet.window_s.value + DATA_BYTES * SECONDS_PER_BYTE
    air_s = (DATA_BYTES + data_bytes) * SECONDS_PER_BYTE
    return (
        *stage_phases(f"{key}.before", sheet.before),
        radio_phase("ramp up", sheet.ramp_for_s.value, f"{key}.ramp", sheet.ramp_a),
        radio_phase("receive", heard_s, f"{key}.receive", sheet.receive_a),
        radio_phase("turn round", sheet.turnaround_for_s.value, f"{key}.turnaround", sheet.turnaround_a),
        Phase("transmit", air_s, transmit_draws(f"{key}.transmit", sheet.transmit_a, use.power_dbm)),
        *stage_phases(f"{key}.after", sheet.after),
    )


def _listen(key: str, sheet: BleSheet, duration_s: float) -> Iterator[Phase]:
    yield radio_phase("turn round", sheet.turnaround_for_s.value, f"{key}.turnaround", sheet.turnaround_a)
    yield radio_phase("receive", duration_s, f"{key}.receive", sheet.receive_a)
