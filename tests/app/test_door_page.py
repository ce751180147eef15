"""The guarded door's page without a browser: a camera guards a door on the host, and the run is played."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

APP = Path(__file__).parents[2] / "app.py"
PATIENCE_S = 240


@pytest.fixture(scope="module")
def opened() -> AppTest:
    """Return the page before anything was run."""
    app = AppTest.from_file(str(APP), default_timeout=PATIENCE_S).run()
    return app.switch_page("app_pages/door.py").run()


@pytest.fixture(scope="module")
def guarded(opened: AppTest) -> AppTest:
    """Return the page with five seconds of the library's door, in which somebody comes; no further doors."""
    opened.number_input(key="door_seconds").set_value(5)
    opened.number_input(key="door_doors").set_value(0)
    return opened.button(key="door_run").click().run()


def test_only_cameras_are_to_choose_from(opened: AppTest) -> None:
    assert "mask_camera" in opened.selectbox(key="door_node").options
    assert not any("counter" in option for option in opened.selectbox(key="door_node").options)


def test_shows_verdict_metrics_figures_and_files(guarded: AppTest) -> None:
    assert not guarded.exception
    assert not guarded.error
    assert "looks at 75 frames a second" in guarded.markdown[0].value
    assert [metric.label for metric in guarded.metric][:2] == ["Let in wrongly", "Kept out wrongly"]
    assert len(guarded.get("plotly_chart")) == 5
    assert len(guarded.get("download_button")) == 3


def test_the_slider_goes_to_somebody_before_the_camera(guarded: AppTest) -> None:
    """The last kept frame shows the visitor who came after a second."""
    slider = guarded.slider(key="door_frame")
    before = next(text.value for text in guarded.markdown if "Network" in text.value)
    moved = slider.set_value(int(slider.max)).run()
    after = next(text.value for text in moved.markdown if "Network" in text.value)
    assert "nobody in sight" in before
    assert after != before


def test_playing_goes_on_by_itself(guarded: AppTest) -> None:
    guarded.slider(key="door_frame").set_value(0).run()
    guarded.button(key="door_play").click().run()
    playing = guarded.run()
    assert playing.session_state["door_frame"] > 0
    assert not playing.exception
    playing.button(key="door_play").click().run()


def test_a_folder_without_faces_is_one_red_line(opened: AppTest, tmp_path: Path) -> None:
    opened.text_input(key="door_faces").set_value(str(tmp_path))
    refused = opened.button(key="door_run").click().run()
    assert not refused.exception
    assert "with" in refused.error[0].value
    opened.text_input(key="door_faces").set_value("").run()
