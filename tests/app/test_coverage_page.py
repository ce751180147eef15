"""The coverage's page without a browser: the map, its views, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamlit.testing.v1 import AppTest

    Charts = Callable[[AppTest], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def page(opened: Callable[..., AppTest]) -> AppTest:
    """Return the page with one sensor in the smallest room."""
    return opened("coverage", plan="office_doorway", sensor="ceiling_counter@2,2,2.7")


def test_shows_a_map_and_means(page: AppTest, charts: Charts) -> None:
    """There are the map, three means, a row for each posture and the note of what is simulated."""
    assert not page.exception
    assert not page.error
    assert [metric.label for metric in page.metric] == ["Detected", "Right", "Blind"]
    assert page.dataframe[0].value["people"].tolist() == ["standing", "sitting", "walking", "all"]
    assert [one["type"] for one in charts(page)[0]["data"]].count("heatmap") == 1
    assert "assumed" in page.caption[0].value


def test_views_change_the_map(page: AppTest, charts: Charts) -> None:
    """Another posture and another probability are other maps; blind zones belong to detection."""
    all_detected = charts(page)[0]["data"]
    page.segmented_control(key="coverage_posture").set_value("sitting").run()
    sitting = charts(page)[0]["data"]
    page.segmented_control(key="coverage_what").set_value("right").run()
    right = charts(page)[0]["data"]
    assert not page.exception
    assert sitting != all_detected
    assert any("blind" in one.get("name", "") for one in sitting)
    assert not any("blind" in one.get("name", "") for one in right)
    page.segmented_control(key="coverage_what").set_value("detected").run()
    page.segmented_control(key="coverage_posture").set_value("all").run()


def test_a_lower_sensor_detects_fewer(page: AppTest, charts: Charts) -> None:
    """What if all sensors hung lower: the curve of the share detected rises with the height."""
    page.toggle(key="coverage_heights").set_value(True).run()
    assert not page.exception
    lines = charts(page)[1]["data"]
    assert [line["name"] for line in lines][:2] == ["detected", "counted right"]
    assert lines[0]["y"][-1] > lines[0]["y"][0]
