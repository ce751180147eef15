"""The people's page without a browser: people are played before two sensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamlit.testing.v1 import AppTest

    Charts = Callable[[AppTest], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def page(opened: Callable[..., AppTest]) -> AppTest:
    """Return the page with its worked example."""
    return opened("people")


def test_shows_people_frames_and_counts(page: AppTest, charts: Charts) -> None:
    """Plan, a frame of each sensor, and counts over time, with the four means."""
    assert not page.exception
    assert not page.error
    plan, frames, counts = charts(page)
    assert {"in view", "out of view"} <= {one.get("name") for one in plan["data"]}
    assert [one["type"] for one in frames["data"]] == ["heatmap", "heatmap"]
    assert {"sensor 1", "sensor 2", "all together", "in the room (true)"} <= {one["name"] for one in counts["data"]}
    assert len(page.metric) == 4
    assert len(page.dataframe) == 1


def test_another_moment_is_another_picture(page: AppTest, charts: Charts) -> None:
    """The slider goes to any frame."""
    page.slider(key="people_frame").set_value(300).run()
    first = charts(page)[1]["data"]
    page.slider(key="people_frame").set_value(900).run()
    assert not page.exception
    assert charts(page)[1]["data"] != first
    assert any(text.value.startswith("90.0 s:") for text in page.markdown)


def test_playing_goes_on_and_pauses(page: AppTest) -> None:
    """Play moves on by half a second each time, Pause stops it."""
    page.slider(key="people_frame").set_value(100).run()
    page.button(key="people_play").click().run()
    moved = page.slider(key="people_frame").value
    assert isinstance(moved, int)
    assert moved > 100
    page.button(key="people_play").click().run()
    stopped = page.slider(key="people_frame").value
    assert page.run().slider(key="people_frame").value == stopped


def test_counters_inside_the_doors_tell_who_passes(page: AppTest) -> None:
    """A row for each figure of the room's one door."""
    page.toggle(key="people_doors").set_value(True).run()
    assert not page.exception
    assert not page.error
    table = page.dataframe[1].value
    assert set(table["door"]) == {"south_1"}
    assert "Told right" in table["figure"].tolist()
