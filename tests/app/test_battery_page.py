"""The battery's page without a browser: the node is watched once, the sliders answer."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

APP = Path(__file__).parents[2] / "app.py"
PATIENCE_S = 120


@pytest.fixture(scope="module")
def watched() -> AppTest:
    """Return the page with the library's node."""
    app = AppTest.from_file(str(APP), default_timeout=PATIENCE_S).run()
    return app.switch_page("app_pages/battery.py").run()


def life_days(app: AppTest) -> float:
    number, unit = app.metric[0].value.split()
    return float(number) * {"hours": 1 / 24, "days": 1, "years": 365.25}[unit]


def test_shows_verdict_figures_and_changes(watched: AppTest) -> None:
    """There are the verdict, three metrics, four figures, a table of changes and both files."""
    assert not watched.exception
    assert "First thing to change" in watched.markdown[0].value
    assert len(watched.metric) == 3
    assert len(watched.get("plotly_chart")) == 4
    assert len(watched.dataframe) == 1
    assert len(watched.get("download_button")) == 2


def test_a_gated_sensor_lives_longer(watched: AppTest) -> None:
    """Choosing the gated policy answers with a longer life and a smaller share of time in which it looks."""
    before = life_days(watched)
    gated = watched.radio(key="battery_kind").set_value("gated").run()
    assert not gated.exception
    often = life_days(gated)
    assert often > 5 * before
    assert gated.metric[2].value.startswith("0.8%")
    gated.select_slider(key="battery_period").set_value(3600).run()
    assert life_days(watched) > 1.5 * often
    watched.radio(key="battery_kind").set_value("always_on").run()


def test_sliders_begin_at_their_end_for_a_node_that_says_more(watched: AppTest, tmp_path: Path) -> None:
    """A node of one's own may look or hold longer than the sliders go."""
    library = files("twin.nodes").joinpath("ceiling_counter.toml").read_text(encoding="utf-8")
    own = tmp_path / "own.toml"
    own.write_text(f'{library}\n[policy]\nkind = "gated"\nperiod_s = 60\nlook_s = 30\n', encoding="utf-8")
    page = watched.text_input(key="battery_own_node").set_value(str(own)).run()
    assert not page.exception
    watched.text_input(key="battery_own_node").set_value("").run()


def test_a_battery_that_cannot_is_one_red_line(watched: AppTest) -> None:
    """A coin cell under an always-on sensor is refused on the page, with both voltages."""
    refused = watched.selectbox(key="battery_battery").set_value("cr2032").run()
    assert not refused.exception
    assert "linear regulator cannot make this" in refused.error[0].value.replace("\\", "")
    watched.selectbox(key="battery_battery").set_value("lipo_1400mah").run()
