"""The export's page: everything of the design as files, one by one or all in one."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, fields

import streamlit as st

from app_pages import design as designs
from app_pages.drawing import plain
from app_pages.runs import Run, kept_runs
from app_pages.simulated import coverage_of, shown_coverages
from twin.firmware_zip import firmware_zip, zip_of
from twin.node import load_node
from twin.placement.coverage_csv import coverage_csv
from twin.placement.coverage_files import coverage_geojson, coverage_npz
from twin.placement.hanging import node_toml
from twin.placement.plan import scenario_toml
from twin.placement.plan_tables import BadInputError

TYPES = {
    "toml": "application/toml",
    "csv": "text/csv",
    "geojson": "application/geo+json",
    "npz": "application/octet-stream",
    "json": "application/json",
    "html": "text/html",
    "zip": "application/zip",
}


def page() -> None:
    """Draw the page."""
    st.header("Export")
    st.caption(
        "The files say the same as the pages: what is simulated or assumed there is so here. Plan and nodes are the "
        "TOML that `twin run`, `twin coverage` and `twin place` take."
    )
    design, scenario = designs.opened()
    try:
        parts = {
            "Plan": {"plan.toml": scenario_toml(scenario)},
            "Sensors": _nodes(design),
            "Coverage": _coverage(design),
            "Runs": _runs(),
            "Firmware": _firmware(design),
        }
    except BadInputError as error:
        st.error(plain(str(error)))
        return
    for title, files in parts.items():
        st.subheader(title)
        st.caption(_SAID[title])
        _buttons(title, files)
    st.divider()
    everything = {
        f"{title.lower()}/{name}": content for title, files in parts.items() for name, content in files.items()
    }
    _button("Everything in one file", "design.zip", zip_of(everything), is_first=True)


_SAID = {
    "Plan": "Room, doors, furniture and people.",
    "Sensors": "A node's file for each sensor, with the place where it hangs.",
    "Coverage": "Shares and intervals spot by spot, of the grid that was shown last.",
    "Runs": "The last run of the page Node, and a row for each run of this session.",
    "Firmware": "C sources, image and map for each kind of node, as `twin build` writes them.",
}


def _nodes(design: designs.Design) -> dict[str, bytes]:
    return {f"sensor_{number}.toml": node_toml(node) for number, node in enumerate(design.nodes(), start=1)}


def _coverage(design: designs.Design) -> dict[str, bytes]:
    """Return the finest coverage of the design that this session has shown; a quick one otherwise."""
    shown = shown_coverages()
    found = shown.get((design, "fine")) or coverage_of(design, "quick")
    return {
        "coverage.csv": coverage_csv(found),
        "coverage.geojson": coverage_geojson(found),
        "coverage.npz": coverage_npz(found),
    }


def _runs() -> dict[str, bytes]:
    files: dict[str, bytes] = st.session_state.get("files", {})
    runs = kept_runs()
    return {**files, **({"runs.csv": _runs_csv(runs)} if runs else {})}


def _runs_csv(runs: list[Run]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Run)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(run) for run in runs)
    return text.getvalue().encode()


def _firmware(design: designs.Design) -> dict[str, bytes]:
    """Return the firmware of each kind of node once it was asked for."""
    st.session_state.setdefault("firmware", {})
    built: dict[str, bytes] = st.session_state["firmware"]
    kinds = sorted({sensor.node for sensor in design.sensors})
    return {f"{name}.zip": built[name] for name in kinds if name in built}


def _buttons(title: str, files: dict[str, bytes]) -> None:
    if title == "Firmware":
        st.button("Build the firmware", key="export_build", on_click=_build, icon=":material/build:")
        if problem := st.session_state.get("firmware_problem"):
            st.error(plain(problem))
    elif not files:
        st.caption("Nothing yet: press Run on the page Node.")
    for column, (name, content) in zip(st.columns(max(len(files), 4)), files.items(), strict=False):
        with column:
            _button(name, name, content)


def _build() -> None:
    """Build the firmware of each kind of node of the design."""
    st.session_state.pop("firmware_problem", None)
    for name in {sensor.node for sensor in designs.current().sensors}:
        try:
            st.session_state["firmware"][name] = _built(name)
        except BadInputError as error:
            st.session_state["firmware_problem"] = str(error)


@st.cache_resource(max_entries=16, show_spinner="firmware is built")
def _built(name: str) -> bytes:
    return firmware_zip(load_node(name))


def _button(label: str, name: str, content: bytes, *, is_first: bool = False) -> None:
    st.download_button(
        label,
        content,
        file_name=name,
        mime=TYPES[name.rpartition(".")[2]],
        key=f"export-{name}",
        on_click="ignore",
        width="stretch",
        help=f"{len(content) / 1000:.1f} kB",
        type="primary" if is_first else "secondary",
        icon=":material/download:",
    )


if __name__ == "__main__":
    page()
