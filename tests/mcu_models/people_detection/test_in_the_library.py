"""Rules stand beside networks in the library and go into the same firmware."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.firmware.builder import build_firmware
from mcu_models.firmware.toolchain import find_toolchain
from mcu_models.networks.library import find_network, network_names

if TYPE_CHECKING:
    from pathlib import Path

API = "panasonic_grid_eye_api"


def api_text() -> str:
    return (resources.files("mcu_models.people_detection") / f"{API}.toml").read_text()


def test_rules_are_found_by_name_and_known_by_their_values_file() -> None:
    entry = find_network(API)
    assert API in network_names()
    assert entry.has_rules
    assert entry.sha256 == hashlib.sha256(api_text().encode()).hexdigest()


def test_rules_of_one_s_own_are_found_by_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(api_text())
    entry = find_network(path)
    assert (entry.path, entry.has_rules) == (path, True)
    assert not find_network("people_c8_p_fc").has_rules


def test_missing_rules_are_told_in_one_line() -> None:
    with pytest.raises(BadInputError, match=r"^detector 'mine\.toml'; neither a file nor a known detector; "):
        find_network("mine.toml")
    with pytest.raises(BadInputError, match=f"did you mean '{API}'"):
        find_network("panasonic_grid_eye")


def test_the_firmware_keeps_frames_smoothed_pixels_and_background(tmp_path: Path) -> None:
    """Eight frames, smoothed pixels, a background of 225, and what says how far it has come: nothing of a network."""
    try:
        toolchain = find_toolchain()
    except BadInputError as missing:
        pytest.skip(str(missing))
    board = find_board("stm32l4a6zg")
    result = build_firmware(API, board=board, app="people_counter", out_dir=tmp_path / "out", toolchain=toolchain)
    assert result.sizes.ram_frontend_bytes == 2 * (8 * 64 + 64 + 225) + 2
    assert (result.sizes.flash_weights_bytes, result.sizes.ram_arena_bytes) == (0, 0)
    assert not any(source.name == "network.c" for source in result.sources)


def test_wrong_rules_are_refused_before_anything_is_built(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(api_text().replace("human_area = { value = 6", "human_area = { value = 6.5"))
    try:
        toolchain = find_toolchain()
    except BadInputError as missing:
        pytest.skip(str(missing))
    with pytest.raises(BadInputError, match=r"mine\.toml: human_area\.value is 6\.5; a whole number from 0 to 225"):
        build_firmware(
            path, board=find_board("stm32l4a6zg"), app="people_counter", out_dir=tmp_path / "out", toolchain=toolchain
        )
    assert not (tmp_path / "out").exists()
