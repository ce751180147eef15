"""The library's node and its battery: bounds, budget, interval, changes, bad input."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from scenarios.room import load_scenario
from twin.battery_page import battery_html
from twin.battery_prediction import Watched, assumed_of, bounds_of, case_of, outlook_of, watch
from twin.cli import run
from twin.duty_policy import PolicyConfig
from twin.energy.changes import ideas
from twin.energy.node_parts import consumers_of
from twin.node import load_node

if TYPE_CHECKING:
    from pathlib import Path

DAY_S, YEAR_S = 86400.0, 365.25 * 86400.0


@pytest.fixture(scope="module")
def watched() -> Watched:
    """Return the library's node after two short runs in the library's office."""
    return watch(load_node("ceiling_counter"), load_scenario("office_doorway"), seconds=20, seeds=2)


def test_the_sensor_alone_empties_1400_mah_in_13_days(watched: Watched) -> None:
    bounds = outlook_of(watched).bounds
    assert bounds.sensor_alone_s is not None
    assert bounds.sensor_alone_s / DAY_S == pytest.approx(12.96, abs=0.02)


def test_one_start_of_the_sensor_is_0_22_joule(watched: Watched) -> None:
    assert outlook_of(watched).bounds.sensor_start_j == pytest.approx(0.2228, abs=1e-4)


def test_two_years_come_out_without_sensor_and_losses_only(watched: Watched) -> None:
    """MAC-H-Q: 1.78 ms an inference, ten a second (arXiv 2304.06059, table IV): its published "more than 2 years"."""
    trace = watched.traces[0]
    published = replace(trace, inference_s=np.where(np.isnan(trace.inference_s), np.nan, 1.78e-3))
    bounds = bounds_of(case_of(watched.node, watched), (published,))
    assert bounds.inference_alone_s / YEAR_S == pytest.approx(2.1, abs=0.1)
    assert outlook_of(watched).life.p90_s < 15 * DAY_S


def test_the_budget_is_the_average_power(watched: Watched) -> None:
    outlook = outlook_of(watched)
    assert sum(outlook.by_consumer_w.values()) == pytest.approx(outlook.average_power_w, rel=1e-12)
    assert outlook.by_consumer_w["sensor"] == pytest.approx(4.5e-3 * 3.3)


def test_the_interval_holds_the_life_and_what_matters_is_in_order(watched: Watched) -> None:
    outlook = outlook_of(watched)
    assert outlook.life.p10_s < outlook.typical_s < outlook.life.p90_s
    swings = [influence.swing_s for influence in outlook.influences]
    assert swings == sorted(swings, reverse=True)
    assert outlook.influences[0].key == "amg8833.normal_current"


def test_gating_is_the_first_thing_to_change_and_lives_as_long_as_it_says(watched: Watched) -> None:
    """The change that is named gives the life that the changed node itself is given."""
    first = outlook_of(watched).changes[0]
    assert first.what.startswith("power-gate the sensor")
    gated = watched.node.changed(policy=PolicyConfig(kind="gated", period_s=600.0, look_s=5.0))
    changed = outlook_of(watched, node=gated)
    assert changed.typical_s == pytest.approx(first.life_s, rel=1e-12)
    assert changed.looking == pytest.approx(5 / 600)


def test_opening_hours_stretch_the_life(watched: Watched) -> None:
    """Twelve hours on five days: 60 of 168 hours, and next to nothing in between."""
    hours = {"opens_at": "07:00", "closes_at": "19:00", "days": ("mon", "tue", "wed", "thu", "fri")}
    office = watched.node.changed(policy=PolicyConfig.model_validate({"opening": hours}))
    ratio = outlook_of(watched, node=office).average_power_w / outlook_of(watched).average_power_w
    assert ratio == pytest.approx(60 / 168, rel=0.02)


def test_the_same_seed_gives_the_same_page(watched: Watched) -> None:
    first, again = (battery_html([outlook_of(watched, seed=4)]) for _ in range(2))
    assert first == again
    assert outlook_of(watched, seed=5).life != outlook_of(watched, seed=4).life


def own_node(tmp_path: Path, more: str, battery: str = "lipo_1400mah") -> Path:
    path = tmp_path / "own.toml"
    path.write_text(
        f"""title = "own"
board = "stm32l4a6zg"
network = "people_c16_p_c16_fc_w3"
app = "people_counter"
battery = "{battery}"

[sensor]
part = "amg8833"
bus = "I2C1"
address = 0x69
supply_v = 3.3
{more}""",
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize(
    ("more", "battery", "said"),
    [
        ("", "cr2032", "sensor.supply_v is 3.3; a linear regulator cannot make this from the battery's 3.2 V"),
        ('[supply.sensor]\nregulator = "tps62841"\n', "lipo_1400mah", "did you mean 'tps62840'?"),
        ('[supply.board]\nregulator = "direct"\n', "lipo_1400mah", "supply.board.regulator is 'direct'"),
        ("[supply.board]\nsupply_v = 5.0\n", "lipo_1400mah", "is 5.0; the board takes 1.71 to 3.6 V"),
        ('[supply.board]\nsupply = "smps"\n', "lipo_1400mah", "supply.board.supply is 'smps'"),
        ('[supply.board]\nregulator = "tps22916"\n', "lipo_1400mah", "stands 3.6 V, a full battery gives 4.2 V"),
        ('[radio]\npart = "nrf5284"\n', "lipo_1400mah", "own.toml: radio.part is 'nrf5284'; neither"),
        ('[radio]\npart = "nrf52840"\n', "lipo_1400mah", "policy.report_every_s, not set"),
        ("[supply.sensor]\nsupply_v = 3.0\n", "lipo_1400mah", "supply.sensor.supply_v; unknown key"),
        ('[supply.board]\nload_switch = "tps22916"\n', "lipo_1400mah", "supply.board.load_switch; unknown key"),
        ('[[loads]]\npart = "txs0102"\nstate = "idle"\nrail = "radio"\n', "lipo_1400mah", "loads[0].rail is 'radio'"),
        ('[[loads]]\npart = "txs0102"\nstate = "busy"\nrail = "sensor"\n', "lipo_1400mah", "loads[0].state is 'busy'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_line(tmp_path: Path, more: str, battery: str, said: str) -> None:
    """The line names the file, the key, the value and what is allowed."""
    path = own_node(tmp_path, more, battery)
    with pytest.raises(BadInputError) as caught:
        consumers_of(load_node(str(path)))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pulse_the_battery_cannot_give_is_told_with_its_voltage(tmp_path: Path, watched: Watched) -> None:
    """A coin cell with a boost converter cannot carry a sensor that is always on."""
    path = own_node(tmp_path, '[supply.sensor]\nregulator = "tps63900"\n', "cr2032")
    node = load_node(str(path))
    with pytest.raises(BadInputError, match="cr2032") as caught:
        outlook_of(watched, node=node)
    assert "mA" in str(caught.value) or " V" in str(caught.value)


def test_a_regulator_is_not_asked_for_more_than_it_gives(tmp_path: Path, watched: Watched) -> None:
    """The transmitter of an ESP32 takes more than the 150 mA of a small linear regulator."""
    sheet = files("twin.regulators").joinpath("tps7a02.toml").read_text(encoding="utf-8")
    small = tmp_path / "small.toml"
    small.write_text(sheet.replace("highest_load = { value = 200", "highest_load = { value = 150"), encoding="utf-8")
    more = '[policy]\nreport_every_s = 60\n[radio]\npart = "esp32"\n[supply.radio]\nregulator = "{}"\n'
    case_of(load_node(str(own_node(tmp_path, more.format("tps7a02")))), watched)
    with pytest.raises(BadInputError, match=r"supply\.radio\.regulator is 'small'; .* gives 150 mA, the rail draws 1"):
        case_of(load_node(str(own_node(tmp_path, more.format(small)))), watched)


def test_a_capacitor_does_not_carry_the_seconds_before_a_message(tmp_path: Path, watched: Watched) -> None:
    """It gives the milliseconds of an ESP32's transmission, not the time to join a network."""
    more = """[policy]
report_every_s = 300
[radio]
part = "esp32"
[supply]
capacitance_uf = 10000
[supply.radio]
regulator = "tps63900"
"""
    node = load_node(str(own_node(tmp_path, more, "er14505")))
    with pytest.raises(BadInputError, match="battery er14505: the pulse 'radio "):
        outlook_of(watched, node=node)


def test_changes_that_the_firmware_cannot_follow_are_left_out(tmp_path: Path, watched: Watched) -> None:
    """Ten times 60 s are more answers than the firmware keeps: no reason to refuse the node itself."""
    more = '[policy]\nreport_every_s = 60\n[radio]\npart = "nrf52840"\n'
    changes = outlook_of(watched, node=load_node(str(own_node(tmp_path, more)))).changes
    assert changes[0].what.startswith("power-gate the sensor")
    assert not any(change.what.startswith("send every") for change in changes)


def test_rules_are_not_told_to_sleep(watched: Watched) -> None:
    rules = load_node("ceiling_counter_rules")
    assert not any("run the network only" in idea.what for idea in ideas(rules))
    assert any("run the network only" in idea.what for idea in ideas(watched.node))


def test_a_linear_regulator_in_dropout_follows_the_battery(tmp_path: Path, watched: Watched) -> None:
    """3.3 V from two lithium cells of 3.0 V: nothing comes from nowhere, and the sensor sees what the battery has."""
    outlook = outlook_of(watched, node=load_node(str(own_node(tmp_path, "", "aa_lithium_x2"))))
    assert outlook.by_consumer_w["sensor"] == pytest.approx(4.5e-3 * 3.0)
    assert all(power_w >= 0 for power_w in outlook.by_consumer_w.values())


def test_assumed_values_are_named_as_the_tornado_names_them(tmp_path: Path, watched: Watched) -> None:
    """Load switch and harvester count too, and a board's values begin with the board's name."""
    more = """[policy]
kind = "gated"
period_s = 600
look_s = 2
[supply.sensor]
load_switch = "tps22916"
[harvest]
cell = "am_1815"
converter = "bq25570"
illuminance_lux = 300
lit_from = "08:00"
lit_until = "18:00"
"""
    outlook = outlook_of(watched, node=load_node(str(own_node(tmp_path, more))))
    moved = {one.key for one in outlook.influences if one.quantity.evidence == "assumed"}
    assert {"am_1815.scale", "bq25570.tracking", "lipo_1400mah.capacity.scale"} <= moved <= set(outlook.assumed)
    assert "tps22916.input" in outlook.assumed
    assert any(key.startswith("stm32l4a6zg.power") for key in outlook.assumed)


def test_assumed_times_of_a_radio_are_named(tmp_path: Path) -> None:
    """Joining a network takes assumed times as well as assumed currents; output powers not used are left out."""
    more = '[policy]\nreport_every_s = 300\n[radio]\npart = "{}"\n'
    assumed = assumed_of(load_node(str(own_node(tmp_path, more.format("esp32")))))
    assert "esp32.wifi.wake[1].duration" in assumed
    assumed = assumed_of(load_node(str(own_node(tmp_path, more.format("sx1276")))))
    assert {"sx1276.lorawan.transmit.14", "sx1276.lorawan.window_symbols"} <= set(assumed)
    quiet = assumed_of(load_node(str(own_node(tmp_path, more.format("sx1276") + "tx_power_dbm = 13\n"))))
    assert "sx1276.lorawan.transmit.14" not in quiet


def test_what_does_not_fit_is_said_before_the_node_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody waits for an emulation to be told of a misspelt part; no folder is left behind."""

    def emulated(*_: object, **__: object) -> None:
        raise AssertionError("it was watched")

    monkeypatch.setattr("twin.battery_prediction.run_node", emulated)
    path = own_node(tmp_path, '[supply.sensor]\nregulator = "tps62841"\n')
    assert run(["battery", str(path), "--out", str(tmp_path / "out")]) == 2
    assert "supply.sensor.regulator is 'tps62841'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_command_answers_in_json_and_writes_both_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "battery"
    arguments = ["battery", "ceiling_counter", "--seconds", "10", "--seeds", "1", "--json", "--out", str(out)]
    assert run(arguments) == 0
    answer = json.loads(capsys.readouterr().out)
    assert set(answer["life_s"]) == {"p10", "p50", "p90"}
    assert answer["assumed"]
    assert json.loads((out / "battery.json").read_text(encoding="utf-8")) == answer
    assert (out / "battery.html").read_bytes().startswith(b"<!DOCTYPE html>")


def test_several_nodes_stand_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["ceiling_counter", "ceiling_counter_rules"]
    assert run(["battery", *names, "--seconds", "10", "--seeds", "1"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in names)
    assert "Side by side" in printed


def test_an_unknown_node_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["battery", "ceiling_countr"]) == 2
    assert "ceiling_counter" in capsys.readouterr().err
