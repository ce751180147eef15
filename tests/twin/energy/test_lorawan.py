"""LoRaWAN: time on air against published values, windows, and the rules of regions."""

from __future__ import annotations

import pytest

from datasheet.bad_input import BadInputError
from twin.energy.lorawan import FRAME_BYTES, lora_use, time_on_air_s
from twin.energy.radio import (
    RadioConfig,
    check_interval,
    check_radio,
    load_radio,
    message_charge_c,
    message_duration_s,
    message_phases,
    shortest_interval_s,
)

# Casals et al., Sensors 17:2364: shortest downlink, 12 bytes without checksum of the payload, 125 kHz, 4/5.
SHORTEST_DOWNLINK_S = {7: 41.2e-3, 8: 72.2e-3, 9: 144.4e-3, 10: 288.7e-3, 11: 577.5e-3, 12: 991.8e-3}

# Calculators in public use: uplink with 13 bytes around the payload, 125 kHz, 4/5, eight symbols of preamble.
UPLINK_S = {
    (7, 10): 61.7e-3,
    (9, 10): 205.8e-3,
    (10, 10): 370.7e-3,
    (12, 10): 1482.8e-3,
    (7, 1): 46.3e-3,
    (12, 1): 1155.1e-3,
}

MDOT = load_radio("multiconnect_mdot")


def config(**keys: object) -> RadioConfig:
    return RadioConfig.model_validate({"part": "sx1276", **keys})


@pytest.mark.parametrize(("spreading_factor", "published_s"), SHORTEST_DOWNLINK_S.items())
def test_time_on_air_of_published_downlinks(spreading_factor: int, published_s: float) -> None:
    model_s = time_on_air_s(12, spreading_factor=spreading_factor, bandwidth_hz=125e3, has_checksum=False)
    assert model_s == pytest.approx(published_s, rel=1e-3)


@pytest.mark.parametrize(("packet", "published_s"), UPLINK_S.items())
def test_time_on_air_of_published_uplinks(packet: tuple[int, int], published_s: float) -> None:
    use = lora_use(config(spreading_factor=packet[0], payload_bytes=packet[1]))
    assert use.air_s == pytest.approx(published_s, abs=0.1e-3)


def test_twice_the_bandwidth_halves_the_time_while_symbols_stay_short() -> None:
    narrow_s, wide_s = (time_on_air_s(23, spreading_factor=7, bandwidth_hz=hz) for hz in (125e3, 250e3))
    assert narrow_s == pytest.approx(2 * wide_s, rel=1e-12)


def test_without_a_header_fewer_symbols_are_sent() -> None:
    with_s, without_s = (time_on_air_s(20, spreading_factor=7, bandwidth_hz=125e3, has_header=h) for h in (True, False))
    assert with_s - without_s == pytest.approx(5 * 1.024e-3)


def test_an_uplink_is_sent_then_listened_for_at_one_and_two_seconds() -> None:
    phases = message_phases(load_radio("sx1276"), config(payload_bytes=10))
    names = [phase.name for phase in phases]
    assert names[-5:] == ["transmit", "wait for window 1", "window 1", "wait for window 2", "window 2"]
    sent = names.index("transmit")
    opened_s = [sum(p.duration_s for p in phases[sent + 1 : names.index(name)]) for name in ("window 1", "window 2")]
    assert opened_s == pytest.approx([1.0, 2.0])


def test_windows_of_the_module_last_as_long_as_measured() -> None:
    """Casals et al.: 12.29 ms at SF7, 98.30 ms at SF10, 131.07 ms at SF11, 262.14 ms at SF12."""
    measured_s = {7: 12.29e-3, 10: 98.30e-3, 11: 131.07e-3, 12: 262.14e-3}
    for spreading_factor, published_s in measured_s.items():
        phases = message_phases(MDOT, config(spreading_factor=spreading_factor))
        window = next(phase for phase in phases if phase.name == "window 1")
        assert window.duration_s == pytest.approx(published_s, abs=5e-6)


def test_the_published_life_of_a_module_on_2400_mah() -> None:
    """Casals et al.: one year with a message every five minutes, six years with none; a year to a tenth."""
    charge_c, year_s = 2.4 * 3600, 31_557_600
    asleep_a = MDOT.sleep_a.value
    often_a = asleep_a + message_charge_c(MDOT, config(payload_bytes=1)) / 300
    assert charge_c / often_a / year_s == pytest.approx(1.0, rel=0.1)
    assert charge_c / asleep_a / year_s == pytest.approx(6.0, rel=0.05)


def test_one_per_cent_on_the_air_asks_for_a_hundred_times_the_time_on_air() -> None:
    slow = config(spreading_factor=12, payload_bytes=10)
    assert shortest_interval_s(load_radio("sx1276"), slow) == pytest.approx(148.28, abs=0.01)


def test_without_a_duty_cycle_the_message_itself_takes_the_time() -> None:
    american = config(region="us915", spreading_factor=10, payload_bytes=11)
    sheet = load_radio("sx1276")
    assert shortest_interval_s(sheet, american) == message_duration_s(sheet, american)


def test_messages_faster_than_the_duty_cycle_are_refused_with_the_limit() -> None:
    with pytest.raises(
        BadInputError, match=r"report_every_s is 60.*needs 148 s: 1483 ms on the air at 1 % of the time"
    ):
        check_interval(
            "n.toml", "report_every_s", load_radio("sx1276"), config(spreading_factor=12, payload_bytes=10), 60
        )


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"spreading_factor": 12, "payload_bytes": 52}, r"radio\.payload_bytes is 52; eu868 allows 51 bytes at SF12"),
        ({"region": "us915", "spreading_factor": 12}, r"radio\.spreading_factor is 12; us915 has SF10/125 kHz"),
        ({"region": "us915", "spreading_factor": 10, "payload_bytes": 12}, "us915 allows 11 bytes at SF10"),
        ({"region": "us915", "spreading_factor": 10, "payload_bytes": 11, "coding_rate": "4/8"}, "allows 400 ms"),
        ({"tx_power_dbm": 20.0}, r"radio\.tx_power_dbm is 20\.0; eu868 allows 14 dBm"),
        ({"tx_power_dbm": 2.0}, "the part sends with 7 to 20 dBm"),
        ({"dtim": 3}, r"radio\.dtim is 3; Semtech SX1276"),
        ({"interval_s": 2.0}, r"radio\.interval_s is 2\.0"),
    ],
)
def test_what_region_and_part_do_not_allow(keys: dict[str, object], words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        check_radio("n.toml", load_radio("sx1276"), config(**keys))


def test_frames_that_a_region_allows_stay_within_its_time_on_air() -> None:
    region = lora_use(config(region="us915", spreading_factor=7)).region
    for (spreading_factor, bandwidth_hz), longest in region.longest_payload_bytes.items():
        air_s = time_on_air_s(longest + FRAME_BYTES, spreading_factor=spreading_factor, bandwidth_hz=bandwidth_hz)
        assert air_s <= region.longest_air_s
