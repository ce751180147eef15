"""BLE: events against published charges, and what the protocol allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from twin.energy.ble import SECONDS_PER_BYTE
from twin.energy.radio import (
    RadioConfig,
    background,
    check_radio,
    idle_draws,
    load_radio,
    message_charge_c,
    message_phases,
    shortest_interval_s,
)

if TYPE_CHECKING:
    from twin.energy.draw import Phase

NRF52832 = load_radio("nrf52832")


def config(**keys: object) -> RadioConfig:
    return RadioConfig.model_validate({"part": "nrf52832", **keys})


def charge_c(phases: tuple[Phase, ...]) -> float:
    return sum(d.quantity.value * d.factor * phase.duration_s for phase in phases for d in phase.draws)


def average_a(settings: RadioConfig) -> float:
    return sum(draw.quantity.value * draw.factor for draw in idle_draws(NRF52832, settings))


# Laird BL652 datasheet (nRF52832 with its converter), table 10: charge of a connectable advertising event.
@pytest.mark.parametrize(
    ("power_dbm", "published_c"),
    [(4, 12.745e-6), (0, 10.641e-6), (-4, 9.471e-6), (-8, 9.418e-6), (-12, 9.133e-6), (-16, 8.982e-6)],
)
def test_charge_of_a_published_advertising_event(power_dbm: float, published_c: float) -> None:
    """At 0 dBm fitted; the payload is not stated, and the currents below 0 dBm are assumed: 10 %."""
    event = background(
        NRF52832, config(mode="beacon", interval_s=0.02, payload_bytes=15, tx_power_dbm=float(power_dbm))
    )
    assert event is not None
    assert charge_c(event.phases) == pytest.approx(published_c, rel=0.1)
    assert sum(phase.duration_s for phase in event.phases) == pytest.approx(4.377e-3, rel=0.05)


def test_the_makers_calculator_at_200_ms() -> None:
    """Nordic's calculator: 58 uA for a connectable beacon with 15 bytes every 200 ms; fitted, 5 %."""
    assert average_a(config(mode="beacon", interval_s=0.2, payload_bytes=15)) == pytest.approx(58e-6, rel=0.05)


def test_a_packet_is_on_the_air_for_eight_microseconds_a_byte() -> None:
    phases = message_phases(NRF52832, config(payload_bytes=31))
    on_air_s = {phase.duration_s for phase in phases if phase.name == "transmit"}
    assert on_air_s == {(16 + 31) * SECONDS_PER_BYTE}


def test_advertising_uses_three_channels_in_every_repeat() -> None:
    phases = message_phases(NRF52832, config(repeats=4))
    assert sum(phase.name == "transmit" for phase in phases) == 12


def test_listening_for_answers_costs_charge() -> None:
    silent, open_ears = (message_charge_c(NRF52832, config(listens=listens)) for listens in (False, True))
    assert open_ears > silent


def test_a_rarely_sending_beacon_draws_what_a_sleeping_chip_does() -> None:
    seldom_a = average_a(config(mode="beacon", interval_s=10.24))
    assert NRF52832.sleep_a.value < seldom_a < 2 * NRF52832.sleep_a.value


def test_latency_leaves_events_out() -> None:
    base_a = NRF52832.sleep_a.value
    every, fifth = (average_a(config(mode="connected", interval_s=1.0, latency=n)) for n in (0, 4))
    assert (every - base_a) / (fifth - base_a) == pytest.approx(5.0)


def test_a_message_in_a_connection_is_one_event_with_its_bytes() -> None:
    settings = config(mode="connected", payload_bytes=20)
    empty = background(NRF52832, settings)
    assert empty is not None
    extra_c = message_charge_c(NRF52832, settings) - charge_c(empty.phases)
    assert extra_c == pytest.approx((20 + 7) * SECONDS_PER_BYTE * 5.9e-3)


def test_power_between_two_levels_is_between_their_currents() -> None:
    charges = [message_charge_c(NRF52832, config(tx_power_dbm=power)) for power in (0.0, 2.0, 4.0)]
    assert charges[1] == pytest.approx((charges[0] + charges[2]) / 2)


def test_a_broadcast_takes_its_repeats() -> None:
    assert shortest_interval_s(NRF52832, config(repeats=10, interval_s=0.1)) == pytest.approx(1.05)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"payload_bytes": 32}, "one packet takes 31 at most"),
        ({"mode": "deep_sleep"}, r"radio\.mode is 'deep_sleep'; a BLE radio knows broadcast, beacon, connected"),
        ({"mode": "connected", "interval_s": 0.001}, r"must be 0\.0075 to 4 in this mode"),
        ({"interval_s": 11.0}, r"must be 0\.02 to 10\.24"),
        ({"tx_power_dbm": 8.0}, "the part sends with -20 to 4 dBm"),
        ({"spreading_factor": 7}, r"radio\.spreading_factor is 7; Nordic nRF52832"),
    ],
)
def test_what_the_protocol_does_not_allow(keys: dict[str, object], words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        check_radio("n.toml", NRF52832, config(**keys))
