"""Source lines of addresses, and what damaged debugging information does: nothing."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from importlib import resources
from pathlib import Path

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.emulators import debug_lines
from mcu_models.emulators.debug_lines import SourceLine, SourceLines
from mcu_models.emulators.image import FirmwareImage, Segment, parse_image, read_image

REFERENCE = Path(str(resources.files("mcu_models.firmware.images"))) / "people_counter_stm32l4a6zg.elf"
MUTATIONS = int(os.environ.get("TWIN_TEST_MUTATIONS", "300")) // 10
DWARF_START, DWARF_END = 0x2DEC, 0x13F48
"""Where the debugging sections of the reference image lie, as `readelf -S` prints it."""


def test_functions_begin_where_their_source_says() -> None:
    """Three functions of the reference image, looked up in their source."""
    image = read_image(REFERENCE)
    lines = SourceLines(image)
    for name, file in (("main", "src/app/main.c"), ("amg8833_read", "src/drivers/amg8833.c")):
        found = lines.at(image.symbols[name] & ~1)
        assert found is not None
        assert found.file.endswith(file)
    assert bool(lines)


def test_all_addresses_as_binutils_has_them() -> None:
    """Every instruction pair of the reference image, against addr2line."""
    tool = shutil.which("arm-none-eabi-addr2line")
    if tool is None:
        pytest.skip("needs binutils: apt install binutils-arm-none-eabi")
    image = read_image(REFERENCE)
    lines = SourceLines(image)
    functions = [f for f in image.functions if f.size]
    addresses = [a for f in functions for a in range(f.address, f.address + f.size, 2)]
    text = "\n".join(hex(address) for address in addresses)
    told = subprocess.run([tool, "-e", str(REFERENCE)], input=text, capture_output=True, text=True, check=True)
    differ = 0
    for address, line in zip(addresses, told.stdout.splitlines(), strict=True):
        file, _, number = line.split(" ")[0].rpartition(":")
        ours = lines.at(address)
        if number.isdigit() and int(number):
            differ += ours is None or (Path(ours.file).name, ours.line) != (Path(file).name, int(number))
    # Where one address has several rows, binutils does not always choose the last.
    assert differ <= len(addresses) // 100


def test_an_image_without_debugging_information_has_no_lines() -> None:
    bare = SourceLines(FirmwareImage("a.bin", "0" * 64, (Segment(0x08000000, bytes(64)),), (), {}))
    assert not bare
    assert bare.at(0x08000000) is None


def test_addresses_outside_the_code_have_no_line() -> None:
    lines = SourceLines(read_image(REFERENCE))
    assert [lines.at(address) for address in (0, 0x08000000, 0x0800F000, 0xFFFFFFFE)] == [None] * 4


def test_a_table_without_end_is_read_so_far_as_is_reasonable(monkeypatch: pytest.MonkeyPatch) -> None:
    image = read_image(REFERENCE)
    whole = len(SourceLines(image)._table.starts)
    monkeypatch.setattr(debug_lines, "MAX_READS", 5_000)
    assert 0 < len(SourceLines(image)._table.starts) < whole
    monkeypatch.setattr(debug_lines, "MAX_DEBUG_BYTES", 1000)
    assert not SourceLines(image)


def test_a_line_is_written_as_compilers_write_it() -> None:
    assert str(SourceLine("src/main.c", 12)) == "src/main.c:12"


def test_damaged_tables_give_fewer_lines_and_no_error() -> None:
    chance = random.Random(5)  # noqa: S311 - not for secrets
    whole = REFERENCE.read_bytes()
    complete = len(SourceLines(read_image(REFERENCE))._table.starts)
    fewer = 0
    for _ in range(MUTATIONS):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 20, 400))):
            data[chance.randrange(DWARF_START, DWARF_END)] = chance.choice((0, 0xFF, 0x80, chance.randrange(256)))
        try:
            lines = SourceLines(parse_image("a.elf", bytes(data)))
        except BadInputError:
            continue
        found = lines.at(0x08000270)
        assert found is None or found.line > 0
        fewer += len(lines._table.starts) < complete
    assert fewer > 0
