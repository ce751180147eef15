"""Radios as data: keys, sheets that contradict themselves, strict configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasheet.bad_input import BadInputError
from datasheet.config import Config, library_names, read_config
from datasheet.quantity import Quantity
from datasheet.sheet import quantities
from twin.energy.radio import RadioConfig, check_radio, idle_draws, load_radio, message_charge_c, message_phases
from twin.energy.radio_phases import transmit_draws

if TYPE_CHECKING:
    from pathlib import Path

RADIOS = library_names("twin.radios")


@pytest.mark.parametrize("name", RADIOS)
def test_keys_of_draws_are_keys_of_the_file(name: str) -> None:
    sheet, settings = load_radio(name), RadioConfig(part=name)
    check_radio("n.toml", sheet, settings)
    known = {f"{name}.{key}": quantity for key, quantity in quantities(sheet)}
    draws = [*idle_draws(sheet, settings), *(d for phase in message_phases(sheet, settings) for d in phase.draws)]
    assert draws
    for draw in draws:
        assert draw.quantity is known[draw.key]
        assert (draw.consumer, draw.rail) == ("radio", "radio")


@pytest.mark.parametrize("name", RADIOS)
def test_a_message_costs_more_than_sleeping_meanwhile(name: str) -> None:
    sheet, settings = load_radio(name), RadioConfig(part=name)
    duration_s = sum(phase.duration_s for phase in message_phases(sheet, settings))
    assert message_charge_c(sheet, settings) > sheet.sleep_a.value * duration_s


@given(power_dbm=st.floats(-16, 4))
def test_the_current_rises_with_the_output_power(power_dbm: float) -> None:
    levels = {name: Quantity(float(10 + int(name)), "A", "x", "assumed") for name in ("-16", "-4", "0", "4")}
    total_a = sum(d.quantity.value * d.factor for d in transmit_draws("k", levels, power_dbm))
    assert total_a == pytest.approx(10 + power_dbm, abs=1e-9)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            'sleep = { value = 0.2, unit = "uA"',
            'sleep = { value = -0.2, unit = "uA"',
            "must not be negative|interval|low",
        ),
        (
            'sleep = { value = 0.2, unit = "uA"',
            'sleep = { value = 30, unit = "mA"',
            "sleep must draw less|low <= value",
        ),
        ('technology = "lorawan"', 'technology = "ble"', r"needs the table \[ble\] and no other, has lorawan"),
        ('technology = "lorawan"', 'technology = "zigbee"', "technology.*'ble', 'lorawan' or 'wifi'"),
        ('"17" = { value = 87', '"full" = { value = 87', "transmit must hold currents by output power"),
        ("[lorawan]\nreceive", "[lorawan]\nrecieve", r"lorawan\.recieve; unknown key; did you mean 'receive'"),
        ('"13" = { value = 29', '"13" = { value = -29', "must not be negative"),
    ],
)
def test_a_sheet_that_contradicts_itself_is_refused_in_one_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = _text_of("sx1276")
    assert old in text
    own = tmp_path / "own.toml"
    own.write_text(text.replace(old, new))
    with pytest.raises(BadInputError, match=words) as raised:
        load_radio(str(own))
    assert "\n" not in str(raised.value)


def test_an_unknown_radio_names_the_nearest() -> None:
    with pytest.raises(BadInputError, match="did you mean 'sx1276'"):
        load_radio("sx1267")


class _Node(Config):
    radio: RadioConfig


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("spreading_factor = 6", r"radio\.spreading_factor is 6"),
        ('payload_bytes = "12"', r"radio\.payload_bytes is '12'"),
        ("tx_power = 3", r"radio\.tx_power; unknown key; did you mean 'tx_power_dbm'"),
        ('region = "cn470"', r"radio\.region is 'cn470'"),
        ("dtim = 2", r"radio\.dtim is 2"),
    ],
)
def test_configuration_is_strict(tmp_path: Path, line: str, words: str) -> None:
    file = tmp_path / "node.toml"
    file.write_text(f'[radio]\npart = "sx1276"\n{line}\n')
    with pytest.raises(BadInputError, match=words):
        read_config(file, _Node)


def _text_of(name: str) -> str:
    from importlib import resources  # noqa: PLC0415

    return resources.files("twin.radios").joinpath(f"{name}.toml").read_text()
