"""Radios: what one message costs, what flows between messages, how often there may be one.

The phases of a message come on top of what flows between messages, which goes on beside them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError
from twin.energy.ble import ble_background, ble_message, ble_use, check_ble
from twin.energy.draw import Draw, Phase
from twin.energy.lorawan import check_lorawan, lora_use, lorawan_message, shortest_uplink_interval_s
from twin.energy.radio_config import RadioConfig
from twin.energy.radio_phases import RADIO
from twin.energy.radio_sheet import load_radio
from twin.energy.wifi import check_wifi, wifi_connected_draws, wifi_message, wifi_use

if TYPE_CHECKING:
    from pathlib import Path

    from twin.energy.radio_sheet import RadioSheet, Technology

__all__ = [
    "Background",
    "RadioConfig",
    "background",
    "check_interval",
    "check_radio",
    "idle_draws",
    "load_radio",
    "message_charge_c",
    "message_duration_s",
    "message_phases",
    "shortest_interval_s",
]

_COMMON = frozenset({"part", "payload_bytes", "tx_power_dbm"})
_KEYS: dict[Technology, frozenset[str]] = {
    "ble": frozenset({"mode", "interval_s", "repeats", "listens", "latency"}),
    "lorawan": frozenset({"region", "spreading_factor", "bandwidth_hz", "coding_rate", "preamble_symbols"}),
    "wifi": frozenset({"mode", "dtim", "fixed_address"}),
}


@dataclass(frozen=True)
class Background:
    """What a radio does without being asked: the phases of one round, which begins anew every `period_s`."""

    phases: tuple[Phase, ...]
    period_s: float


def check_radio(source: str | Path, sheet: RadioSheet, config: RadioConfig) -> None:
    """Refuse keys of another technology, and what part, protocol or region do not allow.

    Args:
        source: The node's file, to be named in errors.
        sheet: The radio.
        config: The node's table `[radio]`.

    Raises:
        BadInputError: With the first such key.
    """
    for key in type(config).model_fields:
        known = _COMMON | _KEYS[sheet.technology]
        if getattr(config, key) is not None and key not in known:
            allowed = f"{sheet.title} takes {', '.join(sorted(known))}"
            raise BadInputError(source, f"radio.{key}", getattr(config, key), allowed)
    if sheet.ble is not None:
        check_ble(source, sheet.ble, config)
    if sheet.lorawan is not None:
        check_lorawan(source, sheet.lorawan, config)
    if sheet.wifi is not None:
        check_wifi(source, sheet.wifi, config)


def message_phases(sheet: RadioSheet, config: RadioConfig) -> tuple[Phase, ...]:
    """Return what one message is made of, in its order, beside what flows anyway."""
    stem = sheet.stem
    if sheet.ble is not None:
        return ble_message(stem, sheet.ble, ble_use(config))
    if sheet.lorawan is not None:
        return lorawan_message(stem, sheet.lorawan, lora_use(config))
    return () if sheet.wifi is None else wifi_message(stem, sheet.wifi, wifi_use(config))


def background(sheet: RadioSheet, config: RadioConfig) -> Background | None:
    """Return the events of a beacon or a connection; None for a radio that sleeps until there is a message."""
    if sheet.ble is None:
        return None
    use = ble_use(config)
    phases = ble_background(sheet.stem, sheet.ble, use)
    return Background(phases, use.event_period_s) if phases else None


def idle_draws(sheet: RadioSheet, config: RadioConfig) -> tuple[Draw, ...]:
    """Return what flows between messages, on average over the events of a beacon or a connection."""
    if sheet.wifi is not None and wifi_use(config).mode == "connected":
        return wifi_connected_draws(sheet.stem, sheet.wifi, wifi_use(config))
    asleep = Draw(RADIO, RADIO, f"{sheet.stem}.sleep", sheet.sleep_a)
    events = background(sheet, config)
    if events is None:
        return (asleep,)
    awake_s = sum(phase.duration_s for phase in events.phases)
    return (replace(asleep, factor=1.0 - awake_s / events.period_s), *_averaged(events))


def message_duration_s(sheet: RadioSheet, config: RadioConfig) -> float:
    """Return how long a message takes from its first phase to the end of its last."""
    busy_s = sum(phase.duration_s for phase in message_phases(sheet, config))
    if sheet.ble is None:
        return busy_s
    use = ble_use(config)
    return max(busy_s, use.repeats * use.event_period_s) if use.mode == "broadcast" else use.interval_s


def message_charge_c(sheet: RadioSheet, config: RadioConfig) -> float:
    """Return the charge of one message, with every value as its datasheet states it."""
    return sum(
        draw.quantity.value * draw.factor * phase.duration_s
        for phase in message_phases(sheet, config)
        for draw in phase.draws
    )


def shortest_interval_s(sheet: RadioSheet, config: RadioConfig) -> float:
    """Return the shortest time from one message to the next: its own length, or what the region's rules ask for."""
    duration_s = message_duration_s(sheet, config)
    return duration_s if sheet.lorawan is None else max(duration_s, shortest_uplink_interval_s(lora_use(config)))


def check_interval(source: str | Path, key: str, sheet: RadioSheet, config: RadioConfig, interval_s: float) -> None:
    """Refuse messages that come faster than the radio may or can send them.

    Raises:
        BadInputError: They do.
    """
    shortest_s = shortest_interval_s(sheet, config)
    if interval_s < shortest_s:
        raise BadInputError(source, key, interval_s, f"{sheet.title} needs {_reason(sheet, config, shortest_s)}")


def _reason(sheet: RadioSheet, config: RadioConfig, shortest_s: float) -> str:
    if sheet.lorawan is None or shortest_s <= message_duration_s(sheet, config):
        return f"{shortest_s:.3g} s for one message"
    use = lora_use(config)
    share = 100 * use.region.duty_cycle
    return f"{shortest_s:.3g} s: {use.air_s * 1e3:.0f} ms on the air at {share:g} % of the time"


def _averaged(events: Background) -> tuple[Draw, ...]:
    """Return the draws of a round, each averaged over it."""
    averages: dict[str, float] = defaultdict(float)
    draws: dict[str, Draw] = {}
    for phase in events.phases:
        for draw in phase.draws:
            averages[draw.key] += draw.factor * phase.duration_s / events.period_s
            draws[draw.key] = draw
    return tuple(replace(draw, factor=averages[key]) for key, draw in draws.items())
