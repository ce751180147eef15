"""The rules' values, and the rules beside networks in the library and in firmware."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.emulators.image import read_image
from mcu_models.firmware.builder import build_firmware, check_app
from mcu_models.firmware.library import find_image, firmware_for
from mcu_models.firmware.toolchain import find_toolchain
from mcu_models.networks.library import find_network, network_names
from mcu_models.people_tracking.line import MIDDLE_LINE, SYMBOL
from mcu_models.people_tracking.parameters import load_tracker, tracker_names

if TYPE_CHECKING:
    from pathlib import Path

RULES = "doorway_rules"
BOARD = "stm32l4a6zg"


def with_value(folder: Path, key: str, entry: str) -> Path:
    """Return a copy of the library's rules with another entry for a key."""
    text = (resources.files("mcu_models.people_tracking") / f"{RULES}.toml").read_text()
    lines = [f"{key} = {entry}" if line.startswith(f"{key} =") else line for line in text.splitlines()]
    path = folder / "mine.toml"
    path.write_text("\n".join(lines))
    return path


def test_values_are_in_the_integers_of_the_firmware() -> None:
    rules = load_tracker(RULES)
    assert tracker_names() == (RULES,)
    assert (rules.low, rules.high, rules.prominence) == (102, 154, 20)
    assert (rules.gate, rules.band, rules.speed_share) == (38, 8, 102)


@pytest.mark.parametrize(
    ("key", "value", "unit", "complaint"),
    [
        ("low", 0.8, "K", r"high\.value is 0\.6; must not be below low \(0\.8 K\)"),
        ("low", 0, "K", r"low\.value is 0\.0; must be from 0\.00390625 to 32"),
        ("gate", 9, "", r"gate\.value is 9\.0; must be from 0\.0625 to 8"),
        ("speed_share", -0.1, "", r"speed_share\.value is -0\.1; must be from 0 to 1"),
        ("longest_gap", 17, "", r"longest_gap\.value is 17\.0; a whole number from 0 to 16"),
        ("least_age", 2.5, "", r"least_age\.value is 2\.5; a whole number from 2 to 65534"),
        ("passage_band", 0, "", r"passage_band\.value is 0\.0; must be from 0\.0625 to 4"),
    ],
)
def test_values_that_cannot_be_are_told_in_one_line(
    key: str, value: float, unit: str, complaint: str, tmp_path: Path
) -> None:
    entry = f'{{ value = {value}, unit = "{unit}", source = "tried", evidence = "assumed" }}'
    with pytest.raises(BadInputError, match=complaint) as caught:
        load_tracker(with_value(tmp_path, key, entry))
    assert "\n" not in str(caught.value)


def test_rules_are_found_by_name_and_by_path(tmp_path: Path) -> None:
    own = with_value(tmp_path, "least_age", '{ value = 5, unit = "", source = "tried", evidence = "assumed" }')
    assert RULES in network_names()
    for name in (RULES, own):
        entry = find_network(name)
        assert entry.has_rules
        assert entry.counts_passages
    assert not find_network("panasonic_grid_eye_api").counts_passages


def test_an_app_is_for_passages_or_for_people() -> None:
    check_app(find_network(RULES), "doorway_counter")
    with pytest.raises(BadInputError, match=r"doorway_rules counts who passes a door; use doorway_counter"):
        check_app(find_network(RULES), "people_counter")
    with pytest.raises(BadInputError, match=r"it needs rules such as doorway_rules"):
        check_app(find_network("people_c8_p_fc"), "doorway_counter")


def test_the_reference_image_is_what_the_sources_give(tmp_path: Path) -> None:
    """The committed ELF was built from the committed sources and rules, if the same compiler is at hand."""
    try:
        toolchain = find_toolchain("gcc")
    except BadInputError as missing:
        pytest.skip(str(missing))
    known = firmware_for(find_network(RULES), find_board(BOARD), "doorway_counter")
    assert known.image.sha256 == find_image("doorway_counter_stm32l4a6zg").sha256
    if toolchain.version != known.compiler:
        pytest.skip(f"the image was built with {known.compiler}, here is {toolchain.version}")
    board = find_board(BOARD)
    built = build_firmware(RULES, board=board, app="doorway_counter", out_dir=tmp_path / "out", toolchain=toolchain)
    assert read_image(built.elf).sha256 == known.image.sha256


def test_firmware_is_told_where_the_line_lies(tmp_path: Path) -> None:
    """What an installer sets changes 20 bytes of the image and nothing else."""
    try:
        toolchain = find_toolchain()
    except BadInputError as missing:
        pytest.skip(str(missing))
    board = find_board(BOARD)
    built = build_firmware(RULES, board=board, app="doorway_counter", out_dir=tmp_path / "out", toolchain=toolchain)
    image = read_image(built.elf)
    assert MIDDLE_LINE.applied_to(image).sha256 == image.sha256
    assert MIDDLE_LINE._replace(place=79).applied_to(image).sha256 != image.sha256
    with pytest.raises(BadInputError, match=SYMBOL):
        MIDDLE_LINE.applied_to(firmware_for(find_network("people_c16_p_c16_fc_w3"), board, "people_counter").image)
