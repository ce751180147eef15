"""The comparison's page without a browser: its worked example, and folders that hold no sweep."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    Charts = Callable[[AppTest], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def page(opened: Callable[..., AppTest]) -> AppTest:
    """Return the page before anything was run."""
    return opened("compare")


def test_begins_with_the_librarys_nodes(page: AppTest, charts: Charts) -> None:
    """Every node that counts in rooms is a point, and those that none beats are joined."""
    assert not page.exception
    assert not page.error
    others, best = charts(page)[0]["data"]
    assert len(others["text"]) + len(best["text"]) == len(page.dataframe[0].value)
    assert list(best["y"]) == sorted(best["y"], reverse=True)


def test_a_searchs_design_can_be_taken_over(page: AppTest, charts: Charts, tmp_path: Path) -> None:
    """The folder of a search is drawn as its front, and one of its designs hangs in the plan at a press."""
    place = {"node": "ceiling_counter", "x_m": 1.25, "y_m": 2.5, "height_m": 2.5, "yaw_deg": 90.0, "tilt_deg": 10.0}
    tried = {"design": [place], "origin": "search", "search": {"error": 0.2}, "cost": 1.0, "life_s": 1e6}
    two = {**tried, "design": [place, {**place, "x_m": 2.75}], "search": {"error": 0.1}, "cost": 2.0}
    found = {"plan": "office_doorway", "error": "people wrong", "why": ["It is so."], "front": [tried, two], "seed": 1}
    (tmp_path / "place.json").write_text(json.dumps(found), encoding="utf-8")
    page.text_input(key="compare_folder").set_value(str(tmp_path)).run()
    assert not page.exception
    assert not page.error
    assert list(charts(page)[1]["data"][1]["y"]) == [0.2, 0.1]
    page.selectbox(key="compare_design").set_value(1).run()
    page.button(key="compare_take").click().run()
    assert page.query_params["sensor"] == [
        "ceiling_counter@1.25,2.5,2.5,90,10",
        "ceiling_counter@2.75,2.5,2.5,90,10",
    ]
    page.text_input(key="compare_folder").set_value("").run()


def test_a_search_that_is_none_is_one_line(page: AppTest, tmp_path: Path) -> None:
    """A file that does not say designs is told in one line."""
    (tmp_path / "place.json").write_text('{"plan": 3}', encoding="utf-8")
    page.text_input(key="compare_folder").set_value(str(tmp_path)).run()
    assert not page.exception
    assert len(page.error) == 1
    assert "place.json" in page.error[0].value
    page.text_input(key="compare_folder").set_value("").run()


def test_a_folder_without_a_sweep_is_one_line(page: AppTest, tmp_path: Path) -> None:
    """A folder that holds none, and one that is not there, are told in one line."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        page.text_input(key="compare_folder").set_value(str(folder)).run()
        assert not page.exception
        assert len(page.error) == 1
        assert "sweep" in page.error[0].value
        assert "\n" not in page.error[0].value
    page.text_input(key="compare_folder").set_value("").run()
    assert not page.error
