"""LoRaWAN class A: time on air, receive windows, and what the rules of a region allow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError
from twin.energy.draw import Phase
from twin.energy.radio_phases import check_power, radio_phase, stage_phases, transmit_draws

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from twin.energy.radio_config import RadioConfig
    from twin.energy.radio_sheet import LorawanSheet

# LoRaWAN 1.0.4, 4: MHDR 1, FHDR 7 without options, FPort 1, MIC 4 bytes.
FRAME_BYTES = 13
# LoRaWAN 1.0.4, 3.3 and RP002-1.0.4: RECEIVE_DELAY1 and RECEIVE_DELAY2.
FIRST_DELAY_S = 1.0
SECOND_DELAY_S = 2.0
# Semtech AN1200.13, 4: symbols of the preamble beside those programmed, and symbols of the header block.
PREAMBLE_SYNC_SYMBOLS = 4.25
HEADER_BLOCK_SYMBOLS = 8
# Semtech AN1200.13, 4: the low data rate optimisation is mandated for symbols longer than this.
LONGEST_PLAIN_SYMBOL_S = 16e-3
NARROW_SPREADING_FACTOR = 11
"""From here on a window needs fewer symbols: `narrow_window_symbols` of a datasheet."""


@dataclass(frozen=True)
class Region:
    """What a region allows an end device.

    Attributes:
        longest_payload_bytes: By spreading factor and bandwidth of the uplink; a pair not there is no data rate.
        duty_cycle: Largest share of the time on air in a sub-band.
        longest_air_s: Of one transmission.
        highest_power_dbm: Output power, with an antenna of 2.15 dBi.
        second_window: Spreading factor and bandwidth of the second receive window.
        first_window_bandwidth_hz: Bandwidth of the first one; None for that of the uplink.
    """

    longest_payload_bytes: Mapping[tuple[int, int], int]
    duty_cycle: float
    longest_air_s: float
    highest_power_dbm: float
    second_window: tuple[int, int]
    first_window_bandwidth_hz: int | None = None


# RP002-1.0.4, 2.4 (EU863-870: data rates, maximum payload compatible with repeaters, RX2) and 2.5 (US902-928: with
# dwell time of 400 ms). Duty cycle: ERC Recommendation 70-03, annex 1, bands h1.4 and h1.5: 1 %, 14 dBm ERP.
REGIONS: Final[Mapping[str, Region]] = {
    "eu868": Region(
        longest_payload_bytes={
            (12, 125_000): 51,
            (11, 125_000): 51,
            (10, 125_000): 51,
            (9, 125_000): 115,
            (8, 125_000): 222,
            (7, 125_000): 222,
            (7, 250_000): 222,
        },
        duty_cycle=0.01,
        longest_air_s=math.inf,
        highest_power_dbm=14.0,
        second_window=(12, 125_000),
    ),
    "us915": Region(
        longest_payload_bytes={
            (10, 125_000): 11,
            (9, 125_000): 53,
            (8, 125_000): 125,
            (7, 125_000): 222,
            (8, 500_000): 222,
        },
        duty_cycle=1.0,
        longest_air_s=0.4,
        highest_power_dbm=28.0,
        second_window=(12, 500_000),
        first_window_bandwidth_hz=500_000,
    ),
}


@dataclass(frozen=True)
class LoraUse:
    """How a LoRaWAN radio is used, with defaults put in."""

    region: Region
    payload_bytes: int
    power_dbm: float
    spreading_factor: int
    bandwidth_hz: int
    coding_rate: int
    preamble_symbols: int

    @property
    def air_s(self) -> float:
        """Time on air of one uplink."""
        return time_on_air_s(
            self.payload_bytes + FRAME_BYTES,
            spreading_factor=self.spreading_factor,
            bandwidth_hz=self.bandwidth_hz,
            coding_rate=self.coding_rate,
            preamble_symbols=self.preamble_symbols,
        )

    @property
    def first_window(self) -> tuple[int, int]:
        """Spreading factor and bandwidth of the first receive window, without an offset of data rates."""
        return self.spreading_factor, self.region.first_window_bandwidth_hz or self.bandwidth_hz


def symbol_s(spreading_factor: int, bandwidth_hz: float) -> float:
    """Return the length of a symbol: 2^SF / bandwidth."""
    return float((1 << spreading_factor) / bandwidth_hz)


def time_on_air_s(
    frame_bytes: int,
    *,
    spreading_factor: int,
    bandwidth_hz: float,
    coding_rate: int = 5,
    preamble_symbols: int = 8,
    has_header: bool = True,
    has_checksum: bool = True,
) -> float:
    """Return how long a LoRa packet is on the air.

    (preamble + 4.25 + 8 + max(0, ceil((8 PL - 4 SF + 28 + 16 CRC - 20 IH) / (4 (SF - 2 DE))) (CR + 4))) symbols, with
    DE = 1 for symbols longer than 16 ms. Semtech AN1200.13, section 4. Not for SF6, which has no header.

    Args:
        frame_bytes: Bytes of the physical payload.
        spreading_factor: 7 to 12.
        bandwidth_hz: Of the channel.
        coding_rate: Denominator of 4/5 to 4/8.
        preamble_symbols: As programmed.
        has_header: Explicit header.
        has_checksum: Checksum of the payload; uplinks have it.
    """
    symbol = symbol_s(spreading_factor, bandwidth_hz)
    optimised = 1 if symbol > LONGEST_PLAIN_SYMBOL_S else 0
    bits = 8 * frame_bytes - 4 * spreading_factor + 28 + 16 * has_checksum - 20 * (not has_header)
    blocks = max(0, math.ceil(bits / (4 * (spreading_factor - 2 * optimised))))
    return (preamble_symbols + PREAMBLE_SYNC_SYMBOLS + HEADER_BLOCK_SYMBOLS + blocks * coding_rate) * symbol


def lora_use(config: RadioConfig) -> LoraUse:
    """Return how the radio is used."""
    return LoraUse(
        region=REGIONS[config.region or "eu868"],
        payload_bytes=config.payload_bytes,
        power_dbm=14.0 if config.tx_power_dbm is None else config.tx_power_dbm,
        spreading_factor=config.spreading_factor or 7,
        bandwidth_hz=config.bandwidth_hz or 125_000,
        coding_rate=int((config.coding_rate or "4/5")[-1]),
        preamble_symbols=config.preamble_symbols or 8,
    )


def check_lorawan(source: str | Path, sheet: LorawanSheet, config: RadioConfig) -> None:
    """Refuse what the region or the part does not allow.

    Raises:
        BadInputError: With the first such key.
    """
    use, name = lora_use(config), config.region or "eu868"
    longest = use.region.longest_payload_bytes.get((use.spreading_factor, use.bandwidth_hz))
    if longest is None:
        rates = ", ".join(f"SF{sf}/{hz // 1000} kHz" for sf, hz in use.region.longest_payload_bytes)
        raise BadInputError(source, "radio.spreading_factor", use.spreading_factor, f"{name} has {rates}")
    if use.payload_bytes > longest:
        allowed = f"{name} allows {longest} bytes at SF{use.spreading_factor}"
        raise BadInputError(source, "radio.payload_bytes", use.payload_bytes, allowed)
    if use.air_s > use.region.longest_air_s:
        allowed = f"on the air for {use.air_s * 1e3:.0f} ms; {name} allows {use.region.longest_air_s * 1e3:.0f} ms"
        raise BadInputError(source, "radio.payload_bytes", use.payload_bytes, allowed)
    if use.power_dbm > use.region.highest_power_dbm:
        allowed = f"{name} allows {use.region.highest_power_dbm:g} dBm"
        raise BadInputError(source, "radio.tx_power_dbm", use.power_dbm, allowed)
    check_power(source, sheet.transmit_a, use.power_dbm)


def lorawan_message(stem: str, sheet: LorawanSheet, use: LoraUse) -> tuple[Phase, ...]:
    """Return an unconfirmed uplink: sending, then both receive windows, in which nothing comes."""
    key = f"{stem}.lorawan"
    first_s = window_s(sheet, *use.first_window)
    second_s = _second_window_s(sheet, use)
    apart_s = max(0.0, SECOND_DELAY_S - FIRST_DELAY_S - first_s)
    return (
        *stage_phases(f"{key}.before", sheet.before),
        Phase("transmit", use.air_s, transmit_draws(f"{key}.transmit", sheet.transmit_a, use.power_dbm)),
        radio_phase("wait for window 1", FIRST_DELAY_S, f"{key}.waiting", sheet.waiting_a),
        radio_phase("window 1", first_s, f"{key}.receive", sheet.receive_a),
        radio_phase("wait for window 2", apart_s, f"{key}.waiting", sheet.waiting_a),
        radio_phase("window 2", second_s, f"{key}.second_receive", sheet.second_receive_a),
        *stage_phases(f"{key}.after", sheet.after),
    )


def window_s(sheet: LorawanSheet, spreading_factor: int, bandwidth_hz: int) -> float:
    """Return how long a receive window stays open when nothing comes."""
    is_narrow = spreading_factor >= NARROW_SPREADING_FACTOR
    symbols = sheet.narrow_window_symbols if is_narrow else sheet.window_symbols
    return symbols.value * symbol_s(spreading_factor, bandwidth_hz)


def shortest_uplink_interval_s(use: LoraUse) -> float:
    """Return the time from one uplink to the next that the duty cycle of a sub-band allows."""
    return use.air_s / use.region.duty_cycle


def _second_window_s(sheet: LorawanSheet, use: LoraUse) -> float:
    if sheet.second_window_s is not None:
        return sheet.second_window_s.value
    return window_s(sheet, *use.region.second_window)
