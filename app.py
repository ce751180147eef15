"""The twin in a browser: plan, coverage, people, node, comparison, export. Start it with `make app`."""

from __future__ import annotations

import sys

import streamlit as st
from streamlit.web import cli

from app_pages import loading

PAGES = {
    "Design": {
        "plan": ("Plan", ":material/floor:"),
        "coverage": ("Coverage", ":material/blur_on:"),
        "people": ("People", ":material/directions_walk:"),
    },
    "Node": {
        "node": ("Node", ":material/memory:"),
        "battery": ("Battery", ":material/battery_horiz_075:"),
        "door": ("Mask door", ":material/door_open:"),
    },
    "Results": {
        "compare": ("Compare", ":material/stacked_line_chart:"),
        "export": ("Export", ":material/download:"),
    },
}
"""Title and icon of each module of `app_pages` that is a page, by section; the first one is shown at first."""


def main() -> None:
    """Draw the page that was chosen."""
    st.set_page_config(page_title="Edge sensor twin", layout="wide")
    loading.wait()
    sections = {
        section: [
            st.Page(f"app_pages/{module}.py", title=title, icon=icon, default=module == "plan")
            for module, (title, icon) in pages.items()
        ]
        for section, pages in PAGES.items()
    }
    st.navigation(sections, expanded=True).run()


def launch() -> None:
    """Start the server as `streamlit run app.py` does, and load the first page while nobody asks for it yet."""
    loading.begin()
    sys.argv = ["streamlit", "run", __file__, *sys.argv[1:]]
    cli.main()


if __name__ == "__main__":
    if st.runtime.exists():
        main()
    else:
        launch()
