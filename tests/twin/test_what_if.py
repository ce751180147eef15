"""Nodes with parts exchanged."""

from __future__ import annotations

import io
import zipfile

import pytest

from scenarios.room import load_scenario
from twin.emulated_node import no_progress
from twin.firmware_zip import firmware_zip, zip_of
from twin.node import load_node
from twin.what_if import exchanged


def test_batteries_change_lives_and_nothing_else() -> None:
    """Every battery of the library has a life or a reason; counts and times are those of the node itself."""
    rows = exchanged(
        "battery", load_scenario("office_doorway"), load_node("ceiling_counter"), seconds=5, seed=1,
        progress=no_progress,
    )  # fmt: skip
    own = next(row for row in rows if row.is_own)
    assert own.name == "lipo_1400mah"
    assert {row.problem == "" for row in rows} == {True, False}
    for row in rows:
        assert (row.life_s is None) == bool(row.problem)
        assert "\n" not in row.problem
        if not row.problem:
            assert row.balanced_accuracy == pytest.approx(own.balanced_accuracy, nan_ok=True)
    lives = {row.name: row.life_s for row in rows if row.life_s is not None}
    assert lives["power_bank_10ah"] > lives["lipo_1400mah"]


def test_files_make_the_same_zip_each_time() -> None:
    """The same files make the same bytes, and come out as they went in."""
    files = {"a/b.txt": b"one", "c.bin": bytes(1000)}
    assert zip_of(files) == zip_of(dict(files))
    archive = zipfile.ZipFile(io.BytesIO(zip_of(files)))
    assert {name: archive.read(name) for name in archive.namelist()} == files


def test_firmware_holds_sources_image_and_map() -> None:
    """The zip of a node's firmware is the folder that it is built in."""
    names = zipfile.ZipFile(io.BytesIO(firmware_zip(load_node("ceiling_counter")))).namelist()
    endings = {name.rpartition(".")[2] for name in names}
    assert {"c", "h", "elf", "map"} <= endings
