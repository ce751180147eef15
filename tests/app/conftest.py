"""The app without a browser: its pages, opened as a user does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from streamlit.testing.v1 import AppTest

if TYPE_CHECKING:
    from collections.abc import Callable

    Open = Callable[..., AppTest]

APP = Path(__file__).parents[2] / "app.py"
PATIENCE_S = 240


@pytest.fixture(scope="session")
def opened() -> Open:
    """Return what opens a page: its module's name, and the address, key by key."""

    def open_page(page: str = "plan", **address: str | list[str]) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=PATIENCE_S)
        for key, value in address.items():
            app.query_params[key] = value
        app.run()
        return app if page == "plan" else app.switch_page(f"app_pages/{page}.py").run()

    return open_page


@pytest.fixture(scope="session")
def charts() -> Callable[[AppTest], list[dict[str, Any]]]:
    """Return what gives the figures of a page."""

    def charts_of(app: AppTest) -> list[dict[str, Any]]:
        return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]

    return charts_of
