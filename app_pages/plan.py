"""The plan's page: choose, upload or edit a plan, hang sensors in it by clicks and sliders, see what they look at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from app_pages import design as designs
from app_pages.drawing import plain, room_nodes
from app_pages.plan_board import last_touch, plan_board
from twin.library import names
from twin.placement.footprints import PLANES_M
from twin.placement.plan_remarks import floor_m2, remarks, seen_m2
from twin.placement.plan_tables import (
    LARGEST_UPLOAD_BYTES,
    BadInputError,
    Rows,
    Scenario,
    changed_plan,
    plan_of_upload,
    plan_tables,
    table_of,
)

TABLES = {
    "room": "Room",
    "corners": "Corners",
    "doors": "Doors",
    "walls": "Walls",
    "things": "Furniture",
    "places": "Places",
}
LENGTH_STEP_M = 0.01
SLIDERS = ("x_m", "y_m", "height_m", "tilt_deg", "yaw_deg")
_LEGEND = (
    "Borders of the fields: dotted on the floor, dashed at seat height "
    f"({PLANES_M['seat']:g} m), solid at head height ({PLANES_M['head']:g} m); shaded: pixels of the selected sensor. "
    "Click to hang a sensor, drag one to move it."
)
ADDS, MOVES = "A click adds a sensor", "A click moves the sensor"


def page() -> None:
    """Draw the page."""
    st.header("Plan")
    st.caption(
        "Choose a plan, hang sensors in it, and see where their pixels look. Angles of view are the datasheet's; "
        "heights of seats and heads are assumed. How well people are detected is on the page Coverage."
    )
    design, scenario = designs.opened()
    _choose(design, scenario)
    _workbench(scenario)
    _edit(design)


def _choose(design: designs.Design, scenario: Scenario) -> None:
    """Draw where plans come from."""
    library = names("scenarios")
    own = [] if design.plan in library else [design.plan]
    listed = [*own, *library]
    if st.session_state.get("plan_choice") != design.plan:
        st.session_state["plan_choice"] = design.plan
    left, right = st.columns(2)
    left.selectbox(
        "Plan",
        listed,
        key="plan_choice",
        format_func=lambda key: f"{scenario.name} (your own)" if key in own else key,
        on_change=_chosen,
    )
    left.caption(plain(scenario.description))
    right.file_uploader(
        "Plan of your own: a drawing (DXF, walls on the layer WALLS) or a scenario (TOML)",
        type=["dxf", "toml"],
        key="plan_upload",
        max_upload_size=LARGEST_UPLOAD_BYTES // 1_000_000,
        on_change=_uploaded,
    )
    problem = st.session_state.get("plan_problem")
    if problem:
        st.error(plain(problem))


def _chosen() -> None:
    st.session_state.pop("plan_problem", None)
    _show(designs.of_plan(st.session_state["plan_choice"]))


def _uploaded() -> None:
    """Take over what was uploaded, or keep one line that says why not."""
    st.session_state.pop("plan_problem", None)
    upload = st.session_state["plan_upload"]
    if upload is None:
        return
    try:
        scenario = plan_of_upload(upload.name, upload.getvalue())
    except BadInputError as error:
        st.session_state["plan_problem"] = str(error)
    else:
        _show(designs.of_plan(designs.keep_plan(scenario)))


def _show(design: designs.Design, selected: int = 0) -> None:
    """Make a design that of the session; sliders begin anew."""
    st.session_state["design"] = design
    st.session_state["plan_selected"] = selected
    _set_sliders(design.sensors[selected])


def _set_sliders(sensor: designs.Sensor) -> None:
    for key in SLIDERS:
        st.session_state[f"plan_{key}"] = float(getattr(sensor, key))
    st.session_state["plan_node"] = sensor.node


@st.fragment
def _workbench(scenario: Scenario) -> None:
    """Draw the plan and its sensors' controls, which draw nothing else again."""
    plan, controls = st.columns([13, 7])
    with controls:
        _controls(scenario)
        plane = st.segmented_control(
            "Pixels drawn at the height of", list(PLANES_M), default="head", required=True, key="plan_plane"
        )
    design = designs.current()
    designs.keep(design)
    nodes = design.nodes()
    with plan:
        st.segmented_control(
            "A click on the plan",
            [ADDS, MOVES],
            default=ADDS,
            required=True,
            key="plan_click",
            label_visibility="collapsed",
        )
        plan_board(scenario, nodes, selected=st.session_state["plan_selected"], plane=plane, on_touch=_touched)
        st.caption(_LEGEND)
    with controls:
        _areas(scenario, design)
    for line in remarks(scenario, nodes):
        st.warning(plain(line), icon=":material/info:")


def _touched() -> None:
    """Select or move the sensor that was clicked or dragged; or hang one where the floor was clicked."""
    design = designs.current()
    touch = last_touch(designs.plan_of(design.plan), len(design.sensors))
    if touch is None:
        return
    selected: int = st.session_state["plan_selected"]
    moves = touch.is_moved if touch.sensor is not None else st.session_state["plan_click"] == MOVES
    number = selected if touch.sensor is None else touch.sensor
    sensor = replace(design.sensors[number], x_m=touch.x_m, y_m=touch.y_m)
    if moves:
        _show(design.with_sensor(number, sensor), number)
    elif touch.sensor is not None:
        _show(design, number)
    elif len(design.sensors) < designs.MOST_SENSORS:
        _show(replace(design, sensors=(*design.sensors, sensor)), len(design.sensors))


def _controls(scenario: Scenario) -> None:
    """Draw the controls of the selected sensor, and take what they say into the design."""
    design = designs.current()
    numbers = range(len(design.sensors))
    if st.session_state.get("plan_selected") not in numbers:
        st.session_state["plan_selected"] = 0
    is_new = bool(st.session_state.pop("plan_is_new", False))
    if is_new or any(f"plan_{key}" not in st.session_state for key in (*SLIDERS, "node")):
        _set_sliders(design.sensors[st.session_state["plan_selected"]])
    chosen, add, remove = st.columns([4, 1, 1], vertical_alignment="bottom")
    selected = chosen.segmented_control(
        "Sensor",
        numbers,
        format_func=lambda number: str(number + 1),
        key="plan_selected",
        required=True,
        on_change=_selected,
    )
    add.button(
        "", icon=":material/add:", help="Add a sensor", key="plan_add", on_click=_added,
        disabled=len(numbers) >= designs.MOST_SENSORS, width="stretch",
    )  # fmt: skip
    remove.button(
        "", icon=":material/delete:", help="Remove this sensor", key="plan_remove", on_click=_removed,
        disabled=len(numbers) == 1, width="stretch",
    )  # fmt: skip
    node = st.selectbox("Node", room_nodes(), key="plan_node")
    room = scenario.room
    height_m = st.slider(
        "Height, m",
        designs.lowest_m(room.ceiling_height_m),
        room.ceiling_height_m,
        step=LENGTH_STEP_M,
        key="plan_height_m",
    )
    tilt_deg = st.slider("Tilt, degrees (0 looks straight down)", 0.0, 90.0, step=1.0, key="plan_tilt_deg")
    yaw_deg = st.slider(
        "Yaw, degrees (0 tilts to the north, 90 to the west)", -180.0, 180.0, step=1.0, key="plan_yaw_deg"
    )
    x_m = st.slider("x, m", 0.0, room.size_x_m, step=LENGTH_STEP_M, key="plan_x_m")
    y_m = st.slider("y, m", 0.0, room.size_y_m, step=LENGTH_STEP_M, key="plan_y_m")
    sensor = designs.Sensor(node, x_m, y_m, height_m, yaw_deg, tilt_deg)
    st.session_state["design"] = design.with_sensor(int(selected or 0), sensor)


def _selected() -> None:
    _show(designs.current(), st.session_state["plan_selected"])


def _added() -> None:
    """Add a sensor beside the selected one."""
    design = designs.current()
    last = design.sensors[st.session_state["plan_selected"]]
    scenario = designs.plan_of(design.plan)
    beside = designs.fitted(replace(last, x_m=last.x_m + 1.0), scenario)
    _show(replace(design, sensors=(*design.sensors, beside)), len(design.sensors))


def _removed() -> None:
    design, selected = designs.current(), st.session_state["plan_selected"]
    left = tuple(sensor for number, sensor in enumerate(design.sensors) if number != selected)
    _show(replace(design, sensors=left), min(selected, len(left) - 1))


def _areas(scenario: Scenario, design: designs.Design) -> None:
    floor = floor_m2(scenario)
    st.caption("Share of the room's area that any sensor looks at:")
    seen = seen_m2(scenario, design.nodes())
    for column, (plane, area_m2) in zip(st.columns(len(seen)), seen.items(), strict=True):
        column.metric(f"At {plane}", f"{area_m2 / floor:.0%}", help=f"looked at: {area_m2:.1f} of {floor:.1f} m2")


def _edit(design: designs.Design) -> None:
    """Draw one of the plan's tables to be edited, and take it over when it makes a plan."""
    table = st.segmented_control(
        "Edit the plan", list(TABLES), format_func=lambda name: TABLES[name], default=None, key="plan_table"
    )
    if table is None:
        return
    if f"rows-{table}-{st.session_state.get('plan_base')}" not in st.session_state:
        st.session_state["plan_base"] = design.plan
    base: str = st.session_state["plan_base"]
    before = designs.plan_of(base)
    rows = _edited_rows(table, plan_tables(before), base)
    try:
        after = changed_plan(before, rows)
    except BadInputError as error:
        st.error(plain(f"{TABLES[table_of(error)]}: {error}"))
        return
    made = base if after == before else designs.keep_plan(after)
    if made != design.plan:
        sensors = tuple(designs.fitted(sensor, after) for sensor in design.sensors)
        st.session_state["design"] = designs.Design(made, sensors)
        st.session_state["plan_is_new"] = True
        st.rerun()


def _edited_rows(table: str, tables: dict[str, Rows], base: str) -> dict[str, Rows]:
    """Draw a table; return all tables with what was edited."""
    columns = _COLUMNS[table]
    empty = dict.fromkeys(["number", *columns])
    rows = st.data_editor(
        tables[table] or [empty],
        key=f"rows-{table}-{base}",
        num_rows="fixed" if table == "room" else "dynamic",
        column_config={"number": None, **columns},
    )
    st.caption(_HELP[table])
    return {**tables, table: rows}


def _metres(label: str) -> Any:
    return st.column_config.NumberColumn(f"{label}, m", format="%.2f")


def _degrees(label: str) -> Any:
    return st.column_config.NumberColumn(f"{label}, degC", format="%.1f")


def _words(label: str, *words: str) -> Any:
    return st.column_config.SelectboxColumn(label, options=words)


_COLUMNS: dict[str, dict[str, Any]] = {
    "room": {
        "ceiling_height_m": _metres("Ceiling"),
        "air_degc": _degrees("Air"),
        "floor_degc": _degrees("Floor"),
        "wall_degc": _degrees("Walls"),
    },
    "corners": {"x_m": _metres("x"), "y_m": _metres("y")},
    "doors": {
        "name": "Name",
        "wall": _words("Wall", "south", "east", "north", "west"),
        "centre_m": _metres("Middle along the wall"),
        "width_m": _metres("Width"),
        "kind": _words("Kind", "open", "hinged", "sliding"),
    },
    "walls": {"x1_m": _metres("x from"), "y1_m": _metres("y from"), "x2_m": _metres("x to"), "y2_m": _metres("y to")},
    "things": {
        "name": "Name",
        "kind": _words("Kind", "furniture", "radiator", "screen", "sun_patch", "cup"),
        "x_m": _metres("x of middle"),
        "y_m": _metres("y of middle"),
        "size_x_m": _metres("Size along x"),
        "size_y_m": _metres("Size along y"),
        "bottom_m": _metres("Bottom"),
        "top_m": _metres("Top"),
        "surface_degc": _degrees("Surface"),
    },
    "places": {
        "x_m": _metres("x"),
        "y_m": _metres("y"),
        "posture": _words("Posture", "standing", "sitting"),
        "heading_deg": st.column_config.NumberColumn("Faces, degrees from east"),
        "zone": "Zone",
        "weight": st.column_config.NumberColumn("Weight"),
    },
}
_HELP = {
    "room": "Temperatures matter: near that of skin (33 to 35 degC) people do not stand out any more.",
    "corners": "The corners of the outline in order; the smallest x and y are 0.",
    "doors": "The middle is measured along the wall from its west or south end.",
    "walls": "Thin walls within the room, from point to point.",
    "things": "Things with a surface temperature are warm or cold; others are as warm as the room.",
    "places": "Where people linger, one at a time.",
}

if __name__ == "__main__":
    page()
