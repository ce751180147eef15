"""Firmware images: every format, every way in which a file can be wrong."""

from __future__ import annotations

import os
import random
import re
import struct
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given
from hypothesis import strategies as st

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.emulators import image_elf
from mcu_models.emulators.image import parse_image, read_image, read_image_for
from mcu_models.emulators.image_attributes import CoreNeeds, read_core_needs

if TYPE_CHECKING:
    from collections.abc import Callable

REFERENCE = Path(str(resources.files("mcu_models.firmware.images"))) / "people_counter_stm32l4a6zg.elf"
MUTATIONS = int(os.environ.get("TWIN_TEST_MUTATIONS", "300"))
FLASH = 0x08000000
VECTORS = struct.pack("<II", 0x20010000, FLASH + 9) + bytes.fromhex("fee7")
LOAD, SYMTAB, STRTAB, ATTRIBUTES = 1, 2, 3, 0x70000003


def elf(
    *,
    machine: int = 40,
    kind: int = 2,
    identity: bytes = b"\x7fELF\x01\x01\x01" + bytes(9),
    body: bytes = VECTORS,
    in_file: int | None = None,
    in_memory: int | None = None,
    sections: tuple[tuple[int, bytes, int], ...] = (),
    **header: int,
) -> bytes:
    """Make an ELF file with one segment; sections are (type, contents, link)."""
    offset = 52 + 32
    in_file = len(body) if in_file is None else in_file
    in_memory = in_file if in_memory is None else in_memory
    segment = struct.pack("<8I", LOAD, offset, FLASH, FLASH, in_file, in_memory, 5, 4)
    contents, headers = body, bytes(40)
    for section_kind, data, link in sections:
        place = offset + len(contents)
        headers += struct.pack("<10I", 0, section_kind, 0, 0, place, len(data), link, 0, 1, 16)
        contents += data
    table_at = offset + len(contents) if sections else 0
    fields = {
        "e_phoff": 52, "e_phnum": 1, "e_phentsize": 32, "e_shoff": table_at, "e_shentsize": 40,
        "e_shnum": len(sections) + 1 if sections else 0, "e_shstrndx": 0,
    } | header  # fmt: skip
    head = struct.pack(
        "<16sHHIIIIIHHHHHH", identity, kind, machine, 1, FLASH | 9, fields["e_phoff"], fields["e_shoff"], 0x05000000,
        52, fields["e_phentsize"], fields["e_phnum"], fields["e_shentsize"], fields["e_shnum"], fields["e_shstrndx"],
    )  # fmt: skip
    return head + segment + contents + (headers if sections else b"")


def attributes(*tags: tuple[int, int]) -> bytes:
    """Make an `.ARM.attributes` section of numbers below 128, behind a CPU name."""
    body = b"\x05CORTEX\0" + bytes(byte for tag in tags for byte in tag)
    part = b"aeabi\0\x01" + struct.pack("<I", len(body) + 5) + body
    return b"A" + struct.pack("<I", len(part) + 4) + part


def symbol(name_at: int, value: int, size: int, *, binding: int = 1, kind: int = 2, home: int = 1) -> bytes:
    return struct.pack("<IIIBBH", name_at, value, size, binding << 4 | kind, 0, home)


def write(tmp_path: Path, data: bytes, name: str = "image") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def complaint(data: bytes) -> str:
    with pytest.raises(BadInputError) as raised:
        parse_image("a.elf", data)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def intel(address: int, kind: int, body: bytes = b"") -> str:
    record = bytes([len(body), address >> 8, address & 0xFF, kind]) + body
    return ":" + (record + bytes([-sum(record) & 0xFF])).hex().upper()


def motorola(kind: int, address: int, width: int, body: bytes = b"") -> str:
    record = bytes([width + len(body) + 1]) + address.to_bytes(width, "big") + body
    return f"S{kind}" + (record + bytes([~sum(record) & 0xFF])).hex().upper()


INTEL = "\n".join([
    intel(0, 4, b"\x08\x00"), intel(8, 0, VECTORS[8:]), intel(0, 0, VECTORS[:8]), intel(0, 5, bytes(4)), intel(0, 1)
]).encode()  # fmt: skip
MOTOROLA = "\r\n".join([
    motorola(0, 0, 2, b"name"), motorola(3, FLASH, 4, VECTORS), motorola(5, 1, 2), motorola(7, FLASH, 4)
]).encode()  # fmt: skip


class TestElf:
    def test_the_reference_image_is_read_as_pyelftools_reads_it(self) -> None:
        ours = read_image(REFERENCE)
        with REFERENCE.open("rb") as file:
            theirs = ELFFile(file)
            table = theirs.get_section_by_name(".symtab")
            functions = {
                s["st_value"] & ~1: s["st_size"] for s in table.iter_symbols() if s["st_info"]["type"] == "STT_FUNC"
            }
            segments = [(s["p_paddr"], s.data()) for s in theirs.iter_segments() if s["p_filesz"]]
        assert {f.address: f.size for f in ours.functions if functions[f.address]} == {
            address: size for address, size in functions.items() if size
        }
        assert [f.address for f in ours.functions] == sorted(functions)
        assert [(s.address, s.data) for s in ours.segments] == segments

    def test_a_strong_name_is_shown_before_its_weak_aliases(self) -> None:
        names = b"\0Default_Handler\0TIM2_IRQHandler\0"
        table = symbol(1, FLASH | 9, 2) + symbol(17, FLASH | 9, 2, binding=2)
        image = parse_image("a.elf", elf(sections=((SYMTAB, table, 2), (STRTAB, names, 0))))
        assert image.function_at(FLASH + 8) == "Default_Handler"
        assert image.symbols == {"Default_Handler": FLASH | 9, "TIM2_IRQHandler": FLASH | 9}

    def test_a_function_without_a_size_reaches_to_the_next(self) -> None:
        table = symbol(1, FLASH | 1, 0) + symbol(3, FLASH + 8 | 1, 2)
        image = parse_image("a.elf", elf(sections=((SYMTAB, table, 2), (STRTAB, b"\0a\0b\0", 0))))
        assert [image.function_at(FLASH + offset) for offset in (0, 6, 8)] == ["a", "a", "b"]
        assert image.function_at(FLASH + 10) == hex(FLASH + 10)

    def test_names_need_not_be_utf_8(self) -> None:
        table = symbol(1, FLASH | 1, 2)
        image = parse_image("a.elf", elf(sections=((SYMTAB, table, 2), (STRTAB, b"\0\xff\xfe", 0))))
        assert list(image.symbols) == ["\\xff\\xfe"]

    @pytest.mark.parametrize(
        ("data", "expected"),
        [
            (b"", "empty"),
            (b"\x7fELF but not really", "truncated"),
            (elf(machine=3), "x86"),
            (elf(machine=243), "RISC-V"),
            (elf(identity=b"\x7fELF\x02\x01\x01" + bytes(9)), "64-bit"),
            (elf(identity=b"\x7fELF\x01\x02\x01" + bytes(9)), "big-endian"),
            (elf(kind=1), "object"),
            (elf(e_phnum=0), "nothing to load"),
            (elf(e_phnum=0xFFFF), "e_phnum.*65535"),
            (elf(e_phentsize=8), "e_phentsize"),
            (elf(in_file=0xFFFFFFF0), "truncated"),
            (elf(in_file=8, in_memory=4), "p_memsz"),
            (elf()[:-1], "truncated"),
            (elf(e_shoff=60, e_shnum=0xFFFF), "e_shnum"),
            (elf(e_shoff=60, e_shnum=2000), "truncated"),
            (elf(e_shoff=60, e_shnum=1, e_shentsize=7), "e_shentsize"),
            (elf(sections=((SYMTAB, symbol(1, 0, 0), 77),)), "sh_link"),
        ],
    )
    def test_what_is_wrong_is_said(self, data: bytes, expected: str) -> None:
        assert re.search(expected, complaint(data))

    def test_as_many_symbols_as_fit_no_memory_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        table = symbol(1, FLASH | 1, 2) * 9
        data = elf(sections=((SYMTAB, table, 2), (STRTAB, b"\0" + b"n" * 100, 0)))
        monkeypatch.setattr(image_elf, "MAX_SYMBOLS", 8)
        assert "symbols is 9" in complaint(data)
        monkeypatch.setattr(image_elf, "MAX_SYMBOLS", 9)
        monkeypatch.setattr(image_elf, "MAX_ALL_NAMES_BYTES", 800)
        assert "symbol names" in complaint(data)

    def test_segments_that_share_their_bytes_are_counted_one_by_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(image_elf, "MAX_LOADED_BYTES", 2 * len(VECTORS) - 1)
        parse_image("a.elf", elf())
        data = elf()
        twice = data[:52] + 2 * data[52:84] + data[84:]
        twice = twice[:44] + struct.pack("<H", 2) + twice[46:]
        assert "bytes to load" in complaint(twice)


class TestCore:
    """Build attributes: Cortex-M4 and M7 are Armv7E-M (13); their units are FPv4-SP and FPv5."""

    @pytest.mark.parametrize(
        ("tags", "m4", "m7"),
        [
            (((6, 13), (7, ord("M")), (10, 6), (27, 1)), "", ""),
            (((6, 13), (7, ord("M")), (10, 8), (27, 1)), "FPv5", ""),
            (((6, 13), (7, ord("M")), (10, 8)), "double precision", ""),
            (((6, 11),), "", ""),
            (((6, 10), (7, ord("M"))), "", ""),
            (((6, 10), (7, ord("A")), (8, 1)), "Armv7, profile A", "Armv7, profile A"),
            (((6, 14), (7, ord("A"))), "Armv8-A", "Armv8-A"),
            (((6, 17), (7, ord("M"))), "Armv8-M mainline", "Armv8-M mainline"),
            (((6, 21), (7, ord("M"))), "Armv8.1-M", "Armv8.1-M"),
            (((6, 5), (8, 1)), "Armv5TEJ with Arm", "Armv5TEJ with Arm"),
            (((6, 99),), "architecture 99", "architecture 99"),
        ],
    )
    def test_an_image_for_another_core_is_refused(
        self, tmp_path: Path, tags: tuple[tuple[int, int], ...], m4: str, m7: str
    ) -> None:
        path = write(tmp_path, elf(sections=((ATTRIBUTES, attributes(*tags), 0),)))
        for board, expected in (("stm32l4a6zg", m4), ("stm32h743vi", m7)):
            if not expected:
                assert read_image_for(find_board(board), path).needs == read_core_needs(attributes(*tags))
                continue
            with pytest.raises(BadInputError, match=re.escape(expected)):
                read_image_for(find_board(board), path)

    def test_a_single_precision_core_refuses_doubles_whatever_its_family(self) -> None:
        needs = CoreNeeds(architecture=13, profile="M", fp_architecture=8)
        assert needs.obstacle("cortex-m7", double_precision=True) == ""
        assert "FPv5-D16" in needs.obstacle("cortex-m7", double_precision=False)

    @given(st.binary(max_size=80))
    def test_damaged_attributes_are_no_error(self, noise: bytes) -> None:
        """Any bytes are read, or passed over, and end."""
        for section in (noise, b"A" + noise, attributes((6, 13))[:11] + noise):
            needs = read_core_needs(section)
            assert needs is None or needs.architecture >= 0


class TestRecords:
    @pytest.mark.parametrize("data", [INTEL, MOTOROLA])
    def test_records_in_any_order_become_one_segment(self, data: bytes) -> None:
        image = parse_image("a.hex", data)
        assert [(s.address, s.data) for s in image.segments] == [(FLASH, VECTORS)]
        assert image.function_at(FLASH) == hex(FLASH)

    def test_segment_addresses_of_16_bits_are_paragraphs(self) -> None:
        text = "\n".join([intel(0, 2, b"\x10\x00"), intel(0x10, 0, b"a"), intel(0, 1)])
        assert parse_image("a.hex", text.encode()).segments[0].address == 0x10010

    @pytest.mark.parametrize(
        ("lines", "expected"),
        [
            ([intel(0, 0, b"ab")[:-1] + "0", intel(0, 1)], "line 1.*checksum"),
            ([intel(0, 0, b"ab")], "line 1.*truncated"),
            ([intel(0, 0, b"ab"), intel(0, 0, b"ab")[:-2], intel(0, 1)], "line 2.*length"),
            ([intel(0, 0, b"ab"), "", "nonsense"], "line 3.*begins with"),
            ([intel(0, 0, b"ab"), intel(0, 6, b""), intel(0, 1)], "line 2.*type 0 to 5"),
            ([intel(0, 4, b"\x08")], "line 1.*2 bytes"),
            ([intel(0, 0, b"ab"), intel(1, 0, b"c"), intel(0, 1)], "0x1.*two records"),
            ([intel(0, 1)], "no data"),
            ([motorola(1, 0, 2, b"ab")], "line 1.*truncated"),
            ([motorola(1, 0, 2, b"ab")[:-2] + "00"], "line 1.*checksum"),
            ([motorola(1, 0, 2, b"ab"), "S4030000FC"], "line 2.*S0 to S3"),
            ([motorola(1, 0, 2, b"ab"), "S1XX0000FC"], "line 2.*hexadecimal"),
        ],
    )
    def test_damage_is_named_with_its_line(self, lines: list[str], expected: str) -> None:
        assert re.search(expected, complaint("\n".join(lines).encode()))

    @given(st.binary(min_size=1, max_size=400), st.integers(0, 2**32 - 401), st.integers(1, 64), st.randoms())
    def test_what_is_cut_into_records_comes_back(
        self, data: bytes, base: int, width: int, shuffle: random.Random
    ) -> None:
        records = []
        for at in range(0, len(data), width):
            address, body = base + at, data[at : at + width]
            upper = [intel(0, 4, (address >> 16).to_bytes(2, "big"))]
            inside = 0x10000 - (address & 0xFFFF)
            records.append([*upper, intel(address & 0xFFFF, 0, body[:inside])])
            if body[inside:]:
                records.append([intel(0, 4, ((address >> 16) + 1).to_bytes(2, "big")), intel(0, 0, body[inside:])])
        shuffle.shuffle(records)
        text = "\n".join([line for record in records for line in record] + [intel(0, 1)])
        assert [(s.address, s.data) for s in parse_image("a", text.encode()).segments] == [(base, data)]


class TestRaw:
    def test_a_raw_binary_is_loaded_where_flash_begins(self, tmp_path: Path) -> None:
        image = read_image_for(find_board("stm32l4a6zg"), write(tmp_path, VECTORS, "a.elf"))
        assert [(s.address, s.data) for s in image.segments] == [(FLASH, VECTORS)]

    def test_or_where_it_is_told(self, tmp_path: Path) -> None:
        image = read_image_for(find_board("stm32l4a6zg"), write(tmp_path, VECTORS), load_address=FLASH + 0x4000)
        assert image.segments[0].address == FLASH + 0x4000

    @pytest.mark.parametrize("address", [-1, 2**32 - 4, 2**40])
    def test_but_not_outside_the_address_space(self, tmp_path: Path, address: int) -> None:
        with pytest.raises(BadInputError, match="--load-address"):
            read_image_for(find_board("stm32l4a6zg"), write(tmp_path, VECTORS), load_address=address)

    @pytest.mark.parametrize(
        "data", [b"abc", b"# A text, not an image\n" * 9, bytes(64), VECTORS[4:] + VECTORS, VECTORS[:4] + bytes(8)]
    )
    def test_what_has_no_vector_table_is_no_image(self, tmp_path: Path, data: bytes) -> None:
        with pytest.raises(BadInputError, match="no vector table"):
            read_image_for(find_board("stm32l4a6zg"), write(tmp_path, data))

    @pytest.mark.parametrize("data", [elf(), INTEL, MOTOROLA])
    def test_a_file_with_addresses_needs_none(self, tmp_path: Path, data: bytes) -> None:
        board, path = find_board("stm32l4a6zg"), write(tmp_path, data, "a.bin")
        assert read_image_for(board, path).segments[0].data == VECTORS
        with pytest.raises(BadInputError, match="says itself"):
            read_image_for(board, path, load_address=FLASH)


def test_files_larger_than_any_image_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcu_models.emulators.image.MAX_IMAGE_BYTES", 80)
    monkeypatch.setattr("mcu_models.emulators.image_records.MAX_TEXT_BYTES", 40)
    for data, limit in ((elf(), "at most 80 bytes"), (INTEL[:79], "at most 40 bytes of records")):
        with pytest.raises(BadInputError, match=limit):
            read_image(write(tmp_path, data))


def test_a_file_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be read"):
        read_image(tmp_path / "none.elf")


def flip(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def truncate(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def swap_header_fields(data: bytearray, chance: random.Random) -> None:
    words = max(1, min(len(data), 116) // 4)
    one, other = (4 * chance.randrange(words) for _ in range(2))
    data[one : one + 4], data[other : other + 4] = data[other : other + 4], data[one : one + 4]


def make_huge(data: bytearray, chance: random.Random) -> None:
    """Put a large number into a header or into one of the tables near the file's ends."""
    place = 4 * chance.randrange(max(1, min(len(data), 400) // 4))
    if chance.random() < 0.5:
        place = max(0, len(data) - 4 - place)
    size = chance.choice((2, 4))
    data[place : place + size] = chance.choice((b"\xff" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80"))[:size]


def splice(data: bytearray, chance: random.Random) -> None:
    one, other, length = (chance.randrange(len(data)) for _ in range(3))
    data[one : one + length % 200] = data[other : other + length % 300]


MUTATE: tuple[Callable[[bytearray, random.Random], None], ...] = (
    flip, truncate, swap_header_fields, make_huge, splice
)  # fmt: skip
SMALL = elf(
    sections=(
        (SYMTAB, symbol(0, 0, 0) + symbol(1, FLASH | 9, 2), 2),
        (STRTAB, b"\0main\0", 0),
        (ATTRIBUTES, attributes((6, 13), (7, ord("M"))), 0),
    )
)


def test_no_mutation_of_an_image_does_more_than_be_refused(tmp_path: Path) -> None:
    """Thousands of damaged files: each is read or refused in one line."""
    chance = random.Random(20)  # noqa: S311 - not for secrets
    board = find_board("stm32l4a6zg")
    seeds = (REFERENCE.read_bytes(), elf(), SMALL, INTEL, MOTOROLA)
    refused = read = 0
    for number in range(MUTATIONS):
        data = bytearray(seeds[number % len(seeds)])
        for _ in range(chance.choice((1, 1, 3))):
            if data:
                chance.choice(MUTATE)(data, chance)
        try:
            image = read_image_for(board, write(tmp_path, bytes(data)))
        except BadInputError as error:
            refused += "\n" not in str(error)
        else:
            read += 1
            assert sum(len(segment.data) for segment in image.segments) <= 256 * len(data)
    assert refused + read == MUTATIONS
    assert min(refused, read) > MUTATIONS // 10
