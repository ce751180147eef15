"""A node may say when its network sleeps."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from twin.node import load_node

if TYPE_CHECKING:
    from pathlib import Path


def _node(folder: Path, name: str, line: str) -> str:
    text = (resources.files("twin.nodes") / f"{name}.toml").read_text()
    path = folder / "node.toml"
    path.write_text(text.replace("app = ", f"{line}\napp = ", 1))
    return str(path)


def test_a_node_takes_its_own_threshold(tmp_path: Path) -> None:
    assert load_node("ceiling_counter").network.wake_up_degc is None
    assert load_node(_node(tmp_path, "ceiling_counter", "wake_up_degc = 0.8")).network.wake_up_degc == 0.8


@pytest.mark.parametrize("value", ["0.0", "-1.0", "nan", "11.0", '"warm"'])
def test_a_wrong_threshold_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(BadInputError, match="wake_up_degc"):
        load_node(_node(tmp_path, "ceiling_counter", f"wake_up_degc = {value}"))


def test_rules_do_not_sleep(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"wake_up_degc is 0.8; .*rules"):
        load_node(_node(tmp_path, "ceiling_counter_rules", "wake_up_degc = 0.8"))
