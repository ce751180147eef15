"""A node's duty policy as its TOML has it: what is refused, in one line, and what the firmware is told."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasheet.bad_input import BadInputError
from mcu_models.emulators.image import parse_image
from mcu_models.firmware.library import find_image
from sensors.grid_eye_sheet import load_grid_eye
from twin.duty_policy import ALWAYS_ON, DutyPolicy, OpeningConfig, PolicyConfig, duty_policy
from twin.node import load_node

GATED = {"kind": "gated", "period_s": 60.0, "look_s": 2.0}
MOTION = {"kind": "until_motion", "idle": "1_hz", "motion_degc": 1.0, "hold_s": 5.0}
HOURS = {"opens_at": "07:30", "closes_at": "19:00", "days": ("mon", "wed")}
DAY_TICKS = 864_000


def policy(*, has_radio: bool = False, **keys: Any) -> DutyPolicy:
    opening = keys.pop("opening", None)
    config = PolicyConfig(**keys, **({} if opening is None else {"opening": OpeningConfig(**opening)}))
    return duty_policy(Path("node.toml"), config, load_grid_eye(), has_radio=has_radio)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"kind": "sometimes"}, "policy.kind is 'sometimes'; known: always_on, gated, until_motion"),
        ({**GATED, "idle": "1_hz"}, "policy.idle is '1_hz'; is no key of kind 'gated'"),
        ({"kind": "always_on", "look_s": 1.0}, "policy.look_s is 1.0; is no key of kind 'always_on'"),
        ({"kind": "gated", "look_s": 1.0}, "policy.period_s; is required for kind 'gated' and missing"),
        ({**GATED, "period_s": 15.0}, "must be at least 18.1 s: AMG8833 settles for startup_stable_s = 15 s"),
        ({**GATED, "look_s": 0.0}, "policy.look_s is 0.0; must be greater than 0"),
        ({**GATED, "look_s": -1.0}, "policy.look_s is -1.0; must be greater than 0"),
        ({**GATED, "look_s": 0.25}, "policy.look_s is 0.25; must be a multiple of 0.1 s"),
        ({**GATED, "period_s": 1e7}, "policy.period_s is 10000000.0; at most 604800 s"),
        ({**GATED, "report_every_s": 90.0}, "policy.report_every_s is 90.0; must be a multiple of 60 s"),
        ({**GATED, "report_every_s": 12060.0}, "at most 12000 s: the firmware keeps 4000 answers"),
        ({"report_every_s": 401.0}, "policy.report_every_s is 401.0; at most 400 s"),
        ({"report_every_s": 0.0}, "policy.report_every_s is 0.0; must be a multiple of 0.1 s above 0"),
        ({**MOTION, "idle": "standby_30s"}, "AMG8833 has 1_hz, standby_10s, standby_60s"),
        ({**MOTION, "motion_degc": 0.0}, "policy.motion_degc is 0.0; must be greater than 0"),
        ({**MOTION, "motion_degc": 90.0}, "policy.motion_degc is 90.0; at most 80"),
        ({**MOTION, "hold_s": 0.0}, "policy.hold_s is 0.0; must be greater than 0"),
        ({"opening": {**HOURS, "closes_at": "07:00"}}, "closes_at is '07:00'; must be later than opens_at, 07:30"),
        ({"opening": {**HOURS, "opens_at": "7.30"}}, "opens_at is '7.30'; must be a time of day such as 07:30"),
        ({"opening": {**HOURS, "days": ()}}, "opening.days is []; each once, of mon, tue"),
        ({"opening": {**HOURS, "days": ("mon", "mon")}}, "each once, of mon, tue"),
        ({"opening": {**HOURS, "days": ("moon",)}}, "opening.days is 'moon'; did you mean 'mon'?"),
        ({"opening": {**HOURS, "power_on_at": "07:30"}}, 'must be a day and a time such as "mon 00:00"'),
    ],
)
def test_bad_policies_are_refused_in_one_line(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInputError) as refused:
        policy(**keys)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_sensor_that_settles_longer_is_waited_for_longer() -> None:
    sheet = load_grid_eye()
    slow = sheet.model_copy(update={"startup_stable_s": replace(sheet.startup_stable_s, value=58.0)})
    with pytest.raises(BadInputError, match="startup_stable_s = 58 s"):
        duty_policy(Path("node.toml"), PolicyConfig(**GATED), slow)


def test_a_sensor_without_a_rate_is_not_asked_for_it() -> None:
    sheet = load_grid_eye()
    other = sheet.model_copy(update={"standby_short_period_s": replace(sheet.standby_short_period_s, value=20.0)})
    with pytest.raises(BadInputError, match="has 1_hz, standby_60s"):
        duty_policy(Path("node.toml"), PolicyConfig(**{**MOTION, "idle": "standby_10s"}), other)


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    text = Path("twin/nodes/ceiling_counter_gated.toml").read_text(encoding="utf-8")
    bad = tmp_path / "bad.toml"
    bad.write_text(text.replace("look_s", "looks_s"), encoding="utf-8")
    with pytest.raises(BadInputError, match=r"policy\.looks_s; unknown key; did you mean 'look_s'"):
        load_node(str(bad))


def test_the_nodes_of_the_library_have_their_policies() -> None:
    assert load_node("ceiling_counter").policy == ALWAYS_ON
    assert load_node("ceiling_counter_gated").policy == policy(**GATED, report_every_s=60.0)
    assert load_node("ceiling_counter_motion").policy == policy(**MOTION, report_every_s=60.0)


def test_the_committed_image_has_the_default_policy() -> None:
    image = find_image("people_counter_stm32l4a6zg")
    assert ALWAYS_ON.applied_to(image).sha256 == image.sha256


def test_an_image_with_another_policy_differs_in_those_bytes_only() -> None:
    """In what is loaded and in the ELF file, of which the digest is taken."""
    image, gated = find_image("people_counter_stm32l4a6zg"), policy(**GATED)
    patched = gated.applied_to(image)
    again = parse_image("again.elf", patched.elf)
    assert (again.segments, again.sha256) == (patched.segments, patched.sha256)
    assert patched.sha256 != image.sha256
    at = image.elf.index(ALWAYS_ON.image_bytes())
    assert patched.elf == image.elf[:at] + gated.image_bytes() + image.elf[at + len(gated.image_bytes()) :]
    assert ALWAYS_ON.applied_to(patched).sha256 == image.sha256


@pytest.mark.parametrize(("symbol", "data"), [("duty_polici", b"1"), ("duty_policy", bytes(1 << 20))])
def test_bytes_that_an_image_does_not_have_cannot_be_replaced(symbol: str, data: bytes) -> None:
    with pytest.raises(BadInputError, match="people_counter_stm32l4a6zg"):
        find_image("people_counter_stm32l4a6zg").with_symbol(symbol, data)


def test_the_firmware_is_told_in_ticks() -> None:
    words = struct.unpack("<13I", policy(**GATED, report_every_s=120.0, opening=HOURS, has_radio=True).image_bytes())
    assert words == (1, 7, 150, 600, 20, 0, 0, 0, 2, 270_000, 684_000, 0b101, 270_000)
    words = struct.unpack("<13I", policy(**MOTION).image_bytes())
    assert words == (2, 0, 155 - 5, 0, 0, 1, 16, 50, 0, 0, 0, 0, 0)


@given(
    tick=st.integers(0, 30 * DAY_TICKS),
    days=st.sets(st.sampled_from(["mon", "tue", "fri", "sun"]), min_size=1),
    hours=st.tuples(st.integers(0, 23), st.integers(1, 24)).filter(lambda pair: pair[0] < pair[1]),
)
def test_the_next_opening_and_closing_are_the_next_changes(tick: int, days: set[str], hours: tuple[int, int]) -> None:
    opens, closes = (f"{hour:02d}:00" for hour in hours)
    hours_of = policy(
        opening={"opens_at": opens, "closes_at": closes, "days": tuple(days), "power_on_at": "sat 12:00"}
    ).opening
    assert hours_of is not None
    step = 36_000
    if hours_of.is_open(tick):
        edge = hours_of.next_close(tick)
        assert edge > tick + 8 * DAY_TICKS or (hours_of.is_open(edge - 1) and not hours_of.is_open(edge))
        assert all(hours_of.is_open(one) for one in range(tick, min(edge, tick + 3 * DAY_TICKS), step))
    else:
        edge = hours_of.next_open(tick)
        assert hours_of.is_open(edge)
        assert not any(hours_of.is_open(one) for one in range(tick, edge, step))
