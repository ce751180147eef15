"""What a node's TOML says of its radio."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from datasheet.config import Config


class RadioConfig(Config):
    """The table `[radio]`: which radio, and how it is used; keys of another technology than its own are refused.

    Attributes:
        part: Radio of the library, or a file of the user's own.
        payload_bytes: Of one message, without what the protocol adds.
        tx_power_dbm: Output power; without it 0 dBm for BLE, 14 dBm for LoRaWAN, what the part states for Wi-Fi.
        mode: BLE "broadcast" (each message is advertised `repeats` times), "beacon" (the last message is advertised
            all the time) or "connected"; Wi-Fi "deep_sleep" or "connected".
        interval_s: BLE: from one radio event to the next.
        repeats: BLE "broadcast": events per message.
        listens: BLE advertising: whether somebody may answer, which costs a moment of receiving on each channel.
        latency: BLE "connected": how many of the central's events may be left out while there is nothing to say.
        region: LoRaWAN: whose rules hold.
        spreading_factor: LoRaWAN, of the uplink and the first window.
        bandwidth_hz: LoRaWAN.
        coding_rate: LoRaWAN: 4/5 to 4/8.
        preamble_symbols: LoRaWAN.
        dtim: Wi-Fi "connected": every how many beacons it wakes up.
        fixed_address: Wi-Fi: no need to ask for an address.
    """

    part: str
    payload_bytes: Annotated[int, Field(ge=0, le=65_507)] = 12
    tx_power_dbm: Annotated[float, Field(ge=-60, le=40)] | None = None
    mode: Literal["broadcast", "beacon", "connected", "deep_sleep"] | None = None
    interval_s: Annotated[float, Field(gt=0, le=3600)] | None = None
    repeats: Annotated[int, Field(ge=1, le=1000)] | None = None
    listens: bool | None = None
    latency: Annotated[int, Field(ge=0, le=499)] | None = None
    region: Literal["eu868", "us915"] | None = None
    spreading_factor: Annotated[int, Field(ge=7, le=12)] | None = None
    bandwidth_hz: Literal[125_000, 250_000, 500_000] | None = None
    coding_rate: Literal["4/5", "4/6", "4/7", "4/8"] | None = None
    preamble_symbols: Annotated[int, Field(ge=6, le=65_535)] | None = None
    dtim: Literal[1, 3, 10] | None = None
    fixed_address: bool | None = None
