"""What pages have in common: figures, texts of users' files, which nodes there are to choose from."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import streamlit as st

from twin.door.node import is_door_node
from twin.figures_style import CONFIG
from twin.library import names
from twin.node import load_node

if TYPE_CHECKING:
    import plotly.graph_objects as go


def draw(key: str, figure: go.Figure) -> None:
    """Draw a figure in place of the last one with the same key."""
    config: dict[str, Any] = dict(CONFIG)
    st.plotly_chart(figure, key=f"figure-{key}", theme=None, config=config)


def plain(text: str) -> str:
    """Return text from a user's file so that Markdown shows it as it stands."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]()#+-!|<>$~:" else letter for letter in text)


@cache
def room_nodes() -> list[str]:
    """Return the library's nodes that look into rooms and count who is there."""
    return [name for name in names("nodes") if not is_door_node(name) and not load_node(name).network.counts_passages]


def door_nodes() -> list[str]:
    """Return the library's nodes that guard a door."""
    return [name for name in names("nodes") if is_door_node(name)]
