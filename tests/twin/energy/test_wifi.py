"""Wi-Fi: what a message is made of, asleep or connected."""

from __future__ import annotations

import pytest

from datasheet.bad_input import BadInputError
from twin.energy.radio import RadioConfig, check_radio, idle_draws, load_radio, message_charge_c, message_phases

ESP32 = load_radio("esp32")


def config(**keys: object) -> RadioConfig:
    return RadioConfig.model_validate({"part": "esp32", **keys})


# ESP-IDF Programming Guide, low power modes in Wi-Fi scenarios: automatic light sleep.
@pytest.mark.parametrize(("dtim", "published_a"), [(1, 3.34e-3), (3, 2.33e-3), (10, 2.19e-3)])
def test_staying_connected_draws_what_the_maker_measured(dtim: int, published_a: float) -> None:
    (draw,) = idle_draws(ESP32, config(mode="connected", dtim=dtim))
    assert draw.quantity.value * draw.factor == published_a
    assert draw.key == f"esp32.wifi.connected.{dtim}"


def test_from_deep_sleep_it_starts_joins_asks_and_sends() -> None:
    names = [phase.name for phase in message_phases(ESP32, config())]
    assert names == ["boot", "find the access point", "join", "ask for an address", "transmit", "wait for the answer"]


def test_a_fixed_address_saves_asking_for_one() -> None:
    asking, fixed = (message_charge_c(ESP32, config(fixed_address=fixed)) for fixed in (False, True))
    assert asking - fixed == pytest.approx(0.5 * 105e-3)


def test_connected_only_the_packet_is_left() -> None:
    assert [phase.name for phase in message_phases(ESP32, config(mode="connected"))] == [
        "transmit",
        "wait for the answer",
    ]


def test_bytes_are_on_the_air_at_the_lowest_rate() -> None:
    short, long = (message_charge_c(ESP32, config(payload_bytes=n)) for n in (0, 1000))
    assert long - short == pytest.approx(1000 * 1.3e-6 * 190e-3)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"payload_bytes": 2000}, "one packet takes 1400 at most"),
        ({"mode": "beacon"}, "a Wi-Fi radio knows deep_sleep, connected"),
        ({"tx_power_dbm": 10.0}, "the part states one current only"),
        ({"latency": 3}, r"radio\.latency is 3; Espressif ESP32"),
    ],
)
def test_what_the_radio_does_not_know(keys: dict[str, object], words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        check_radio("n.toml", ESP32, config(**keys))
