"""The battery's page: watch a node once, then turn policy, battery, supply and radio, and see what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from app_pages.drawing import draw, plain, room_nodes
from twin.battery_page import battery_html
from twin.battery_prediction import Watched, outlook_of, watch_by_name
from twin.battery_tables import verdict
from twin.duty_policy import PolicyConfig
from twin.energy.battery_sheet import load_battery
from twin.figures_battery import budget_figure, cycle_figure, discharge_figure, tornado_figure
from twin.library import names
from twin.result_files import as_json_bytes
from twin.session import EXPECTED_ERRORS
from twin.spans_of_time import said, said_range
from twin.units_of_power import watts

if TYPE_CHECKING:
    from twin.energy.outlook import BatteryOutlook
    from twin.node import Node

KINDS = {
    "always_on": "always on",
    "gated": "sensor power-gated",
    "until_motion": "stand-by until something moves",
}
IDLE_RATES = ("1_hz", "standby_10s", "standby_60s")
PERIODS_S = (30, 60, 120, 300, 600, 1200, 1800, 3600)


@dataclass(frozen=True)
class WhatIf:
    """What the sliders say; None leaves what the node's own file says."""

    policy: PolicyConfig
    battery: str
    sensor_regulator: str


def page() -> None:
    """Draw the page."""
    with st.sidebar:
        node = st.selectbox("Node", room_nodes(), key="battery_node")
        scenario = st.selectbox("Scenario", names("scenarios"), key="battery_scenario", index=_office_doorway())
        with st.expander("Files of your own"):
            own = st.text_input("Node (path to a TOML)", key="battery_own_node").strip()
    st.title("Battery life")
    try:
        watched = _watched(own or node, scenario)
        outlook = _outlook(watched, _ask(watched.node))
    except EXPECTED_ERRORS as error:
        st.error(plain(str(error)))
        return
    _show(outlook)


def _office_doorway() -> int:
    return list(names("scenarios")).index("office_doorway")


@st.cache_resource(show_spinner="the node is watched in the scenario", max_entries=8)
def _watched(node: str, scenario: str) -> Watched:
    return watch_by_name(node, scenario)


def _ask(node: Node) -> WhatIf:
    """Draw the sliders, which begin with what the node's file says."""
    policy = node.config.policy
    with st.sidebar:
        st.subheader("What if")
        kind = st.radio(
            "Duty policy",
            list(KINDS),
            index=list(KINDS).index(policy.kind),
            format_func=lambda one: KINDS[one],
            key="battery_kind",
        )
        keys: dict[str, Any] = {"kind": kind, **_kind_keys(kind, policy)}
        if policy.opening is not None:
            keys["opening"] = policy.opening
        if node.config.radio is not None:
            keys |= _report_keys(kind, keys, policy)
        batteries = list(names("batteries"))
        known = node.battery.stem in batteries
        chosen = st.selectbox(
            "Battery",
            batteries if known else [node.config.battery, *batteries],
            index=batteries.index(node.battery.stem) if known else 0,
            key="battery_battery",
        )
        regulators = [name for name in names("regulators") if name != "tps22916"]
        own = node.config.supply.sensor.regulator
        listed = regulators if own in regulators else [own, *regulators]
        regulator = st.selectbox("Sensor's regulator", listed, index=listed.index(own), key="battery_regulator")
    return WhatIf(PolicyConfig(**keys), chosen, regulator)


def _kind_keys(kind: str, policy: PolicyConfig) -> dict[str, Any]:
    if kind == "gated":
        period_s = st.select_slider(
            "Power-up every, s", PERIODS_S, value=_nearest(policy.period_s or 600.0), key="battery_period"
        )
        look_s = st.slider("Look for, s", 1, 10, _within(policy.look_s or 5, 1, 10), key="battery_look")
        return {"period_s": float(period_s), "look_s": float(look_s)}
    if kind == "until_motion":
        idle = st.radio("Without motion", IDLE_RATES, index=1, key="battery_idle", horizontal=True)
        held_s = _within(policy.hold_s or 30, 5, 120)
        hold_s = st.slider("Full rate after motion, s", 5, 120, held_s, key="battery_hold")
        return {"idle": idle, "motion_degc": policy.motion_degc or 1.0, "hold_s": float(hold_s)}
    return {}


def _report_keys(kind: str, keys: dict[str, Any], policy: PolicyConfig) -> dict[str, Any]:
    """Return how often the radio sends: whole periods of a gated node, else seconds."""
    if kind == "gated":
        looks = st.slider("Send every so many looks", 1, 20, 1, key="battery_looks")
        return {"report_every_s": keys["period_s"] * looks}
    every_s = _within(policy.report_every_s or 60, 10, 400)
    return {"report_every_s": float(st.slider("Send every, s", 10, 400, every_s, 10))}


def _within(value: float, low: int, high: int) -> int:
    """Return where a slider begins: a node's file may say more than its ends."""
    return min(max(round(value), low), high)


def _nearest(period_s: float) -> int:
    return min(PERIODS_S, key=lambda one: abs(one - period_s))


def _outlook(watched: Watched, what_if: WhatIf) -> BatteryOutlook:
    """Return the outlook of the watched node with what the sliders say."""
    node = watched.node
    supply = node.config.supply
    sensor = supply.sensor.model_copy(update={"regulator": what_if.sensor_regulator})
    is_same = what_if.policy == node.config.policy
    tables: dict[str, Any] = {"supply": supply.model_copy(update={"sensor": sensor})}
    if not is_same:
        tables["policy"] = what_if.policy
    battery = node.battery if what_if.battery == node.battery.stem else load_battery(what_if.battery)
    return outlook_of(watched, node=node.changed(battery=battery, **tables))


def _show(outlook: BatteryOutlook) -> None:
    st.markdown(f"**{plain(verdict(outlook))}**")
    shown = {
        f"Battery life ({said_range(outlook.life)})": said(outlook.life.p50_s),
        "Average power": watts(outlook.average_power_w),
        "Looks at frames": f"{outlook.looking:.1%} of the time",
    }
    for column, (label, value) in zip(st.columns(len(shown)), shown.items(), strict=True):
        column.metric(label, value, border=True)
    left, right = st.columns(2)
    with left:
        st.subheader("Where the power goes")
        draw("battery-budget", budget_figure(outlook))
        st.subheader("One cycle")
        draw("battery-cycle", cycle_figure(outlook))
    with right:
        st.subheader("What matters most")
        draw("battery-tornado", tornado_figure(outlook))
        st.subheader("How the life ends")
        draw("battery-discharge", discharge_figure(outlook))
    st.subheader("What could be changed")
    rows = [
        {"change": c.what, "life": said(c.life_s), "times": f"{c.times:.3g}", "price": c.price} for c in outlook.changes
    ]
    st.dataframe(rows, hide_index=True, height="content")
    st.caption(
        f"{len(outlook.assumed)} of the values behind this are assumed; battery.html names them. The interval holds 8 "
        "of 10 lives over the ranges of all values and the runs of the scenario."
    )
    answer, html = as_json_bytes(outlook.as_dict()), battery_html([outlook])
    first, second = st.columns(2)
    first.download_button("battery.json", answer, file_name="battery.json", key="battery_json", on_click="ignore")
    second.download_button("battery.html", html, file_name="battery.html", key="battery_html", on_click="ignore")


if __name__ == "__main__":
    page()
