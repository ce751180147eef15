"""Figures and texts of users' files on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from twin.figures_style import CONFIG

if TYPE_CHECKING:
    import plotly.graph_objects as go


def draw(key: str, figure: go.Figure) -> None:
    """Draw a figure in place of the last one with the same key."""
    config: dict[str, Any] = dict(CONFIG)
    st.plotly_chart(figure, key=f"figure-{key}", theme=None, config=config)


def plain(text: str) -> str:
    """Return text from a user's file so that Markdown shows it as it stands."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]()#+-!|<>$~:" else letter for letter in text)
