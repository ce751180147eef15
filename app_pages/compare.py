"""The comparison's page: runs of this session, designs, and folders of sweeps and searches, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from app_pages import design as designs
from app_pages.drawing import draw, plain, room_nodes
from app_pages.runs import Run, kept_runs, run_of
from app_pages.simulated import kept, shown_coverages
from twin.figures_pareto import Alternative, pareto_figure
from twin.node import load_node
from twin.placement.plan_tables import BadInputError
from twin.placement.search_reading import FoundDesign, FoundDesigns, holds_search, read_found
from twin.spans_of_time import said
from twin.sweeps.pareto import ACCURACY, points_of
from twin.sweeps.store import read_identity, read_runs
from twin.sweeps.words import said as said_figure
from twin.sweeps.words import said_accuracy, said_value, said_values

if TYPE_CHECKING:
    from twin.emulated_node import Progress
    from twin.sweeps.pareto import Point
    from twin.sweeps.store import Identity

DAY_S = 86_400.0
EXAMPLE_S = 60.0
EXAMPLE_SCENARIO = "office_doorway"
PRICES = {
    "average_power_w": "average power, W",
    "inference_j": "energy of an inference, J",
    "flash_bytes": "flash, bytes",
}


def page() -> None:
    """Draw the page."""
    st.header("Compare")
    st.caption(
        "Accuracies come from simulated people; times from emulated firmware; lives from datasheets' currents. "
        "What is compared should have been played with the same people: the same scenario, length and seed."
    )
    designs.opened()
    _runs()
    _designs()
    _folder()


def _runs() -> None:
    st.subheader("Nodes")
    runs = kept_runs()
    if not runs:
        runs = kept("compared example", "the library's nodes are played", _example)
        st.caption(
            f"A worked example: the library's nodes in {EXAMPLE_SCENARIO}, but for those that look once in minutes. "
            "Runs of the page Node take its place."
        )
    left, right = st.columns([11, 9])
    with left:
        lives = [Alternative(f"{run.node}, {run.scenario}", run.life_s / DAY_S, run.balanced_accuracy) for run in runs]
        draw(
            "compare-runs",
            pareto_figure(
                lives,
                x_title="battery life, days",
                y_title="balanced accuracy",
                more_x_is_better=True,
                is_log=max(one.x for one in lives) > 10 * min(one.x for one in lives),
            ),
        )
    with right:
        st.dataframe([_run_row(run) for run in runs], hide_index=True, height="content" if len(runs) < 10 else 400)


def _example(progress: Progress) -> list[Run]:
    from twin.session import run_by_name  # noqa: PLC0415 - heavy

    nodes, runs = [name for name in room_nodes() if load_node(name).policy.kind != "gated"], []
    for done, node in enumerate(nodes, start=1):
        prediction = run_by_name(EXAMPLE_SCENARIO, node, seconds=EXAMPLE_S, seed=1, level="host")
        runs.append(run_of(prediction))
        progress(done, len(nodes))
    return runs


def _run_row(run: Run) -> dict[str, str]:
    return {
        "node": run.node,
        "accuracy": f"{run.balanced_accuracy:.1%}",
        "life": said(run.life_s),
        "power": f"{run.average_power_w * 1e3:.3g} mW",
        "inference": f"{run.inference_s * 1e3:.3f} ms",
        "scenario": run.scenario,
        "network": run.network,
        "battery": run.battery,
        "hangs at": run.place,
        "played": f"{run.seconds:g} s, seed {run.seed}, {run.level}",
    }


def _designs() -> None:
    st.subheader("Designs")
    found = shown_coverages()
    if not found:
        st.caption("Every design that the page Coverage shows in this session is listed here.")
        return
    rows = []
    for (design, quality), coverage in found.items():
        means = coverage.summary()["all"]
        rows.append(
            {
                "plan": coverage.scenario.name,
                "sensors": len(design.sensors),
                "detected": f"{means['detected']:.0%}",
                "counted right": f"{means['counted_right']:.0%}",
                "blind": f"{means['blind_area_m2']:.1f} m2",
                "grid": quality,
                "where": "; ".join(sensor.as_text() for sensor in design.sensors),
            }
        )
    st.dataframe(rows, hide_index=True, height="content" if len(rows) < 10 else 400)


def _folder() -> None:
    """Draw the folder of a sweep or a search."""
    st.subheader("Sweeps and searches")
    text = st.text_input(
        "Folder of a sweep or a search on this computer", key="compare_folder", placeholder="out/sweep"
    ).strip()
    if not text:
        st.caption(
            "What `twin sweep SWEEP.toml --out FOLDER` has written, also while it runs; or `twin place PLAN --out DIR`."
        )
        return
    folder = Path(text)
    try:
        if holds_search(folder):
            _search(read_found(folder))
        else:
            _sweep(*_read(folder))
    except BadInputError as error:
        st.error(plain(str(error)))


def _search(found: FoundDesigns) -> None:
    """Draw the designs of a search that no other beats, one of which can be taken over."""
    st.markdown(f"**{plain(f'Places for sensors in {found.plan}')}**")
    st.caption(plain(f"Error: {found.error_in_words}. {' '.join(found.why)}"))
    shown = [Alternative(_said_design(one), one.cost, one.error) for one in found.front]
    left, right = st.columns([11, 9])
    with left:
        draw(
            "compare-search",
            pareto_figure(
                shown,
                x_title="cost, in the currency of the search",
                y_title="error",
                more_x_is_better=False,
                more_y_is_better=False,
                y_format=".3g",
            ),
        )
    with right:
        rows = [
            {
                "sensors": len(one.sensors),
                "error": f"{one.error:.3g}",
                "cost": f"{one.cost:g}",
                "life": said(one.life_s),
            }
            for one in found.front
        ]
        st.dataframe(rows, hide_index=True, height="content" if len(rows) < 10 else 400)
        number = st.selectbox(
            "Design", range(len(found.front)), key="compare_design", format_func=lambda n: _said_design(found.front[n])
        )
        if st.button("Take it over", key="compare_take", help="on the pages Plan, Coverage and People"):
            _take_over(found.front[number])


def _said_design(one: FoundDesign) -> str:
    return f"{len(one.sensors)} sensors, error {one.error:.3g}, cost {one.cost:g}, {one.origin}"


def _take_over(found: FoundDesign) -> None:
    """Hang the sensors of a found design in the plan of this session."""
    design = designs.current()
    scenario = designs.plan_of(design.plan)
    sensors = tuple(designs.fitted(designs.Sensor(**one.model_dump()), scenario) for one in found.sensors)
    if len(sensors) > designs.MOST_SENSORS or not {one.node for one in sensors} <= set(room_nodes()):
        known = ", ".join(room_nodes())
        st.error(plain(f"Pages take up to {designs.MOST_SENSORS} sensors of the library: {known}."))
        return
    designs.keep(designs.Design(design.plan, sensors))
    st.success(plain(f"{len(sensors)} sensors hang in {scenario.name}."))


def _sweep(identity: Identity, points: list[Point]) -> None:
    """Draw a sweep's combinations, finished or under way."""
    price = st.segmented_control(
        "Accuracy against", list(PRICES), default="average_power_w", required=True, key="compare_price",
        format_func=lambda name: PRICES[name],
    )  # fmt: skip
    st.markdown(f"**{plain(identity.title)}**")
    st.caption(plain(f"Varied: {', '.join(identity.keys)}. Means over seeds; runs that cannot be are left out."))
    shown = [
        Alternative(said_values(point), point.figures[price], point.figures[ACCURACY])
        for point in points
        if price in point.figures
    ]
    if not shown:
        st.info("None of its runs has figures yet.")
        return
    draw(
        "compare-sweep",
        pareto_figure(shown, x_title=PRICES[price], y_title="balanced accuracy", more_x_is_better=False),
    )
    st.dataframe(
        [_point_row(point) for point in points], hide_index=True, height=400 if len(points) > 10 else "content"
    )


def _read(folder: Path) -> tuple[Identity, list[Point]]:
    """Return what a sweep says of itself, and its combinations."""
    identity = read_identity(folder)
    rows = read_runs(folder)
    if identity is None:
        raise BadInputError(folder, "", None, "holds no sweep")
    return identity, points_of(rows, identity.keys)


def _point_row(point: Point) -> dict[str, str]:
    return {
        **{key: said_value(value) for key, value in point.values.items()},
        "accuracy": said_accuracy(point),
        "life": said(point.figures["life_s"]) if "life_s" in point.figures else "",
        "power": said_figure(point, "average_power_w") if "average_power_w" in point.figures else "",
        "seeds": str(point.runs),
    }


if __name__ == "__main__":
    page()
