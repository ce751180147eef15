"""Wi-Fi as a station: waking from deep sleep for each message, or staying connected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError
from twin.energy.draw import Draw, Phase
from twin.energy.radio_phases import RADIO, radio_phase, stage_phases

if TYPE_CHECKING:
    from pathlib import Path

    from twin.energy.radio_config import RadioConfig
    from twin.energy.radio_sheet import WifiSheet

LONGEST_MESSAGE_BYTES = 1400
"""What one packet takes without fragments: an Ethernet frame of 1500 bytes less headers of IP, TCP and MQTT."""

_MODES = ("deep_sleep", "connected")


@dataclass(frozen=True)
class WifiUse:
    """How a Wi-Fi radio is used, with defaults put in."""

    mode: str
    payload_bytes: int
    dtim: int
    fixed_address: bool


def wifi_use(config: RadioConfig) -> WifiUse:
    """Return how the radio is used."""
    return WifiUse(
        mode=config.mode or "deep_sleep",
        payload_bytes=config.payload_bytes,
        dtim=config.dtim or 3,
        fixed_address=bool(config.fixed_address),
    )


def check_wifi(source: str | Path, sheet: WifiSheet, config: RadioConfig) -> None:
    """Refuse what the radio cannot do.

    Raises:
        BadInputError: With the first such key.
    """
    use = wifi_use(config)
    if use.mode not in _MODES:
        raise BadInputError(source, "radio.mode", use.mode, f"a Wi-Fi radio knows {', '.join(_MODES)}")
    if use.payload_bytes > LONGEST_MESSAGE_BYTES:
        allowed = f"one packet takes {LONGEST_MESSAGE_BYTES} at most"
        raise BadInputError(source, "radio.payload_bytes", use.payload_bytes, allowed)
    if use.mode == "connected" and str(use.dtim) not in sheet.connected_a:
        raise BadInputError(source, "radio.dtim", use.dtim, f"the part states {', '.join(sheet.connected_a) or 'none'}")
    if config.tx_power_dbm is not None:
        raise BadInputError(source, "radio.tx_power_dbm", config.tx_power_dbm, "the part states one current only")


def wifi_message(stem: str, sheet: WifiSheet, use: WifiUse) -> tuple[Phase, ...]:
    """Return one message: from deep sleep with starting and joining the network, connected the packet alone."""
    key = f"{stem}.wifi"
    air_s = sheet.send_s.value + use.payload_bytes * sheet.per_byte_s.value
    packet = (
        radio_phase("transmit", air_s, f"{key}.transmit", sheet.transmit_a),
        radio_phase("wait for the answer", sheet.answer_s.value, f"{key}.listen", sheet.listen_a),
    )
    if use.mode == "connected":
        return packet
    address = sheet.address
    asking = radio_phase(address.name, address.duration_s.value, f"{key}.address.current", address.current_a)
    return (*stage_phases(f"{key}.wake", sheet.wake), *(() if use.fixed_address else (asking,)), *packet)


def wifi_connected_draws(stem: str, sheet: WifiSheet, use: WifiUse) -> tuple[Draw, ...]:
    """Return the average current of staying connected, sleeping between the access point's beacons."""
    name = str(use.dtim)
    return (Draw(RADIO, RADIO, f"{stem}.wifi.connected.{name}", sheet.connected_a[name]),)
