"""Nodes that guard a door: those of the library can be used, and what does not fit is one line."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from datasheet.config import library_names
from mcu_models.compiler.door_decision import USUAL_POLICY
from twin.door.node import is_door_node, load_door_node
from twin.node import load_node

if TYPE_CHECKING:
    from pathlib import Path

BATTERY = 'battery = "power_bank_10ah"\n'
LIBRARY = [name for name in library_names("twin.nodes") if is_door_node(name)]


def own_node(folder: Path, *changes: tuple[str, str], more: str = "") -> str:
    """Write the library's node with parts of its text changed."""
    text = resources.files("twin.nodes").joinpath("mask_camera.toml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "own.toml"
    path.write_text(text + more, encoding="utf-8")
    return str(path)


def test_the_library_has_nodes_of_both_kinds() -> None:
    assert {"mask_camera", "mask_camera_presence"} <= set(LIBRARY)
    assert set(library_names("twin.nodes")) > set(LIBRARY)


@pytest.mark.parametrize("name", LIBRARY)
def test_each_of_them_can_be_used(name: str) -> None:
    node = load_door_node(name)
    assert node.network.is_for_images
    assert node.policy == USUAL_POLICY


def test_a_policy_of_ones_own_stands_in_the_network(tmp_path: Path) -> None:
    node = load_door_node(own_node(tmp_path, more="\n[policy]\nframes = 30\nneeded = 25\nleast_percent = 70\n"))
    assert (node.policy.frames, node.policy.needed, node.policy.least_percent) == (30, 25, 70)
    assert node.policy.near_pixels == USUAL_POLICY.near_pixels


@pytest.mark.parametrize(
    ("change", "more", "said"),
    [
        (('app = "mask_door"', 'app = "people_counter"'), "", "app is 'people_counter'; a camera needs mask_door"),
        (('load = "ov7725"', 'load = "ov7226"'), "", "load 'ov7226'; neither a file nor a known load"),
        (('regulator = "power_bank_boost"', 'regulator = "ideal_linear"'), "", "supply.input_v is 5.0; a linear"),
        (
            ('regulator = "power_bank_boost"', ""),
            "",
            "supply.input_v is 5.0; nothing converts the battery's 3 to 4.2 V",
        ),
        ((BATTERY, ""), "", "supply.regulator is 'power_bank_boost'; makes the input from a battery"),
        (('bus = "I2C1"', 'bus = "I2C2"'), "", "camera.bus is 'I2C2'; the firmware asks for it at I2C1"),
        (('port = "DCMI"', 'port = "I2C1"'), "", "camera.port is 'I2C1'; the firmware asks for it at DCMI"),
        (("", ""), '\n[[loads]]\npart = "indicator_led"\nstate = "on"\nrail = "x"\n', "loads[0].rail is 'x'"),
        (("", ""), '\n[presence]\nhold_s = 0.0\nload = "motion_sensor"\n', "presence.hold_s is 0"),
        (("", ""), "\n[policy]\nframes = 2\n", "policy.needed is"),
        (('port = "DCMI"', 'prot = "DCMI"'), "", "camera.prot"),
        (('network = "mask_cnn"', 'network = "mask_cn"'), "", "did you mean 'mask_cnn'"),
        (
            ('network = "mask_cnn"', 'network = "people_c16_p_c16_fc_w3"'),
            "",
            "input is '1 x 8 x 8 x 3 int8'; the camera's picture is 1 x 32 x 32 x 3 int8",
        ),
        (('board_firmware = "openmv_cam_h7"', 'board_firmware = "openmv"'), "", "did you mean 'openmv_cam_h7'"),
        (("", ""), "\n[policy]\nframes = 33\n", "policy.frames is 33; must be a whole number from 1 to 32"),
        (("", ""), '\n[presence]\nhold_s = -1\nload = "motion_sensor"\n', "presence.hold_s is -1"),
        (("", ""), '\n[presence]\nhold_s = 5\nload = "motion_sensor"\nstate = "on"\n', "presence.state is 'on'"),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path: Path, change: tuple[str, str], more: str, said: str) -> None:
    with pytest.raises(BadInputError) as caught:
        load_door_node(own_node(tmp_path, change, more=more))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_node_on_the_mains_has_no_battery_and_no_regulator(tmp_path: Path) -> None:
    node = load_door_node(own_node(tmp_path, (BATTERY, ""), ('regulator = "power_bank_boost"', "")))
    assert node.battery is None
    assert node.regulator.kind == "direct"


def test_behind_the_boards_regulator_the_camera_needs_its_voltage(tmp_path: Path) -> None:
    mains = ((BATTERY, ""), ('regulator = "power_bank_boost"', ""), ("input_v = 5.0", "input_v = 2.0"))
    with pytest.raises(BadInputError, match=r"supply.input_v is 2.0; behind the board's regulator"):
        load_door_node(own_node(tmp_path, *mains))


def test_a_network_without_a_name_is_not_the_nodes_own() -> None:
    with pytest.raises(BadInputError, match="network ''"):
        load_door_node("mask_camera", network="")


def test_a_node_with_a_camera_counts_nobody() -> None:
    with pytest.raises(BadInputError, match="makes this a node that guards a door"):
        load_node("mask_camera")
