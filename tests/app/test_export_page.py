"""The export's page without a browser: every file of the design can be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamlit.testing.v1 import AppTest


@pytest.fixture(scope="module")
def page(opened: Callable[..., AppTest]) -> AppTest:
    """Return the page with one sensor in the smallest room."""
    return opened("export", plan="office_doorway", sensor="ceiling_counter@2,2,2.7")


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.get("download_button")]


def test_offers_plan_node_and_coverage(page: AppTest) -> None:
    """A design without a run offers all but runs and firmware, and everything in one file."""
    assert not page.exception
    assert not page.error
    assert labels(page) == [
        "plan.toml",
        "sensor_1.toml",
        "coverage.csv",
        "coverage.geojson",
        "coverage.npz",
        "Everything in one file",
    ]


def test_builds_the_firmware_once_asked(page: AppTest) -> None:
    """The button adds a zip of the node's firmware."""
    page.button(key="export_build").click().run()
    assert not page.exception
    assert not page.error
    assert "ceiling_counter.zip" in labels(page)
