"""The node's page without a browser: what it asks, what it shows, and what it says of bad input."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamlit.testing.v1 import AppTest

APP = Path(__file__).parents[2] / "app.py"


@pytest.fixture(scope="module")
def fresh(opened: Callable[..., AppTest]) -> AppTest:
    """Return the page as it begins."""
    return opened("node")


@pytest.fixture(scope="module")
def ran(opened: Callable[..., AppTest]) -> AppTest:
    """Return the page after a run of six seconds at host level."""
    app = opened("node")
    app.selectbox(key="scenario").set_value("corridor_two_way").run()
    app.number_input(key="seconds").set_value(6)
    app.radio(key="level").set_value("host")
    return app.button(key="run").click().run()


def shown_frame(app: AppTest) -> object:
    """Return the pixels of the sensor's picture."""
    charts = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    return next(c["data"][0]["z"] for c in charts if c["data"][0]["type"] == "heatmap")


def test_begins_with_a_worked_example(fresh: AppTest) -> None:
    """Before the first run the page shows the design's first sensor, played for a minute."""
    assert not fresh.exception
    assert not [error for error in fresh.error if "sensor, not the network" not in error.value]
    assert "of the frames right" in fresh.markdown[0].value
    assert len(fresh.get("plotly_chart")) == 7


def test_a_run_shows_figures_and_metrics(ran: AppTest) -> None:
    """After a run there are the four metrics, all figures and the three files."""
    assert not ran.exception
    assert [m.label.split(" (")[0] for m in ran.metric] == [
        "Balanced accuracy",
        "Inference, median",
        "Battery life",
        "Life without the sensor",
    ]
    assert ran.metric[2].value.endswith("days")
    assert len(ran.get("plotly_chart")) == 7
    assert len(ran.get("download_button")) == 3
    assert set(ran.session_state["files"]) == {"result.json", "frames.npz", "report.html"}


def test_the_sensors_share_is_a_warning(ran: AppTest) -> None:
    """The one red box says that the sensor decides the battery life."""
    assert [error.value.split("\n")[0] for error in ran.error] == [
        "#### The sensor, not the network, decides the battery life"
    ]


def test_another_frame_is_shown(ran: AppTest) -> None:
    """Moving the slider changes the picture and the time."""
    ran.slider(key="frame").set_value(0).run()
    first, first_text = shown_frame(ran), [m.value for m in ran.markdown]
    ran.slider(key="frame").set_value(40).run()
    assert not ran.exception
    assert shown_frame(ran) != first
    assert any(text.startswith("0.0 s:") for text in first_text)
    assert any(m.value.startswith("4.0 s:") for m in ran.markdown)


def test_playing_advances_and_pauses(ran: AppTest) -> None:
    """Play moves on by half a second each time, Pause stops it."""
    ran.slider(key="frame").set_value(10).run()
    ran.button(key="play").click().run()
    assert ran.button(key="play").label == "Pause"
    moved = int(str(ran.slider(key="frame").value))
    assert moved > 10
    ran.button(key="play").click().run()
    stopped = ran.slider(key="frame").value
    assert ran.button(key="play").label == "Play"
    assert ran.run().slider(key="frame").value == stopped


@pytest.mark.parametrize("key", ["own_scenario", "own_node"])
def test_bad_input_is_one_line(fresh: AppTest, key: str) -> None:
    """A file that is not there is named in one line; there is no traceback, and no result of the last run."""
    fresh.text_input(key=key).set_value("nowhere.toml")
    fresh.button(key="run").click().run()
    assert not fresh.exception
    assert len(fresh.error) == 1
    assert "nowhere" in fresh.error[0].value
    assert "\n" not in fresh.error[0].value
    assert len(fresh.get("plotly_chart")) == 0
    fresh.text_input(key=key).set_value("")


def test_imports_twin_only() -> None:
    """Of the twin's rooms the app knows only the topmost."""
    for file in (APP, *APP.parent.glob("app_pages/*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        roots = {module.split(".")[0] for module in modules}
        assert roots - sys.stdlib_module_names <= {"app_pages", "twin", "streamlit", "plotly", "numpy"}
