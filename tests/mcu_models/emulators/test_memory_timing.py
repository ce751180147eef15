"""What memories cost whole firmware on a Cortex-M7: caches, regions kept out of them, and a memory's rate."""

from __future__ import annotations

import struct

import pytest

from mcu_models.boards.board import find_board
from mcu_models.emulators.image import FirmwareImage, Segment
from mcu_models.emulators.memory_timing import _pieces
from mcu_models.emulators.protection_unit import ProtectionUnit
from mcu_models.emulators.unicorn_backend import UnicornEmulator

FLASH, DTCM, AXI_SRAM = 0x08000000, 0x20000000, 0x24000000
WORDS = 1024


def thumb(*halfwords: int) -> bytes:
    return struct.pack(f"<{len(halfwords)}H", *halfwords)


# CYCCNT on; twice: read 1024 words of AXI SRAM, one by one, and store the cycles that took in DTCM; bkpt
READ_TWICE = thumb(
    0x480C,
    0xF04F,
    0x7180,
    0x6001,
    0x480B,
    0x2101,
    0x6001,
    0xF04F,
    0x5500,
    0x2602,
    0xF04F,
    0x5210,
    0xF44F,
    0x6380,
    0x6847,
    0xF852,
    0x4B04,
    0x3B01,
    0xD1FB,
    0x6841,
    0x1BC9,
    0xF845,
    0x1B04,
    0x3E01,
    0xD1F0,
    0xBE00,
    0xEDFC,
    0xE000,
    0x1000,
    0xE000,
)
# CCR.IC and CCR.DC on; dsb; isb
CACHES_ON = thumb(0x4804, 0x6801, 0xF441, 0x3140, 0x6001, 0xF3BF, 0x8F4F, 0xF3BF, 0x8F6F, 0xE001, 0xED14, 0xE000)
# MPU region 0: 512 KB from 0x24000000, normal memory, not cached; MPU on
MPU_UNCACHED = thumb(
    0x4807,
    0x2100,
    0x6041,
    0xF04F,
    0x5110,
    0x6081,
    0x4905,
    0x60C1,
    0x2105,
    0x6001,
    0xF3BF,
    0x8F4F,
    0xF3BF,
    0x8F6F,
    0xE004,
    0xBF00,
    0xED94,
    0xE000,
    0x25,
    0x308,
)


def cycles_of_two_readings(program: bytes) -> tuple[int, int]:
    vectors = struct.pack("<16I", DTCM + 0x10000, FLASH + 0x101, *[0] * 14)
    image = FirmwareImage("test", "0" * 64, (Segment(FLASH, vectors), Segment(FLASH + 0x100, program)), (), {})
    machine = UnicornEmulator(find_board("stm32h743vi"), image, exact_memory=True)
    assert machine.run(until_s=1.0).end == "halt"
    first, second = struct.unpack("<II", machine.read_memory(DTCM, 8))
    return first, second


def test_the_data_cache_makes_a_second_reading_quick() -> None:
    without, cached = cycles_of_two_readings(READ_TWICE), cycles_of_two_readings(CACHES_ON + READ_TWICE)
    assert without[0] == pytest.approx(without[1], rel=0.02)
    # A line of eight words is missing once: at least 128 waits fall away, and all of them in the second reading.
    assert cached[0] < 0.7 * without[0]
    assert cached[1] < 0.9 * cached[0]
    assert cached[1] < 4 * WORDS


def test_a_region_may_be_kept_out_of_the_cache() -> None:
    kept_out = cycles_of_two_readings(MPU_UNCACHED + CACHES_ON + READ_TWICE)
    cached = cycles_of_two_readings(CACHES_ON + READ_TWICE)
    assert kept_out[0] == kept_out[1]
    assert kept_out[1] > 3 * cached[1]


def test_regions_of_a_higher_number_win() -> None:
    unit = ProtectionUnit(8)
    for number, (base, attributes) in enumerate(((0x24000000, 0x03080025), (0x24008000, 0x0302001D))):
        unit.write(0x8, number)
        unit.write(0xC, base)
        unit.write(0x10, attributes)
    assert unit.uncached() == ()
    unit.write(0x4, 5)
    # 32 KB that are cached lie within 512 KB that are not.
    assert unit.uncached() == ((0x24000000, 0x24007FFF), (0x24010000, 0x2407FFFF))
    assert (unit.read(0x0), unit.read(0x10)) == (8 << 8, 0x0302001D)


def test_a_memory_is_cut_where_it_is_kept_out_of_the_caches() -> None:
    assert _pieces((0, 99, 7, 3), [(20, 29), (90, 200)]) == [
        (0, 19, 7, 3),
        (20, 29, -7, 3),
        (30, 89, 7, 3),
        (90, 99, -7, 3),
    ]
