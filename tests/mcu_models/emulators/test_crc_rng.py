"""CRC against published check values, RNG against its own seed."""

from __future__ import annotations

import binascii
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcu_models.boards.board import PeripheralSheet
from mcu_models.emulators.peripherals.crc import Crc
from mcu_models.emulators.peripherals.rng import Rng

if TYPE_CHECKING:
    from collections.abc import Callable

DR, CR, INIT, POL = 0x00, 0x08, 0x10, 0x14
CHECK = b"123456789"


def make_crc(bench: Any) -> Crc:
    return Crc("CRC", bench.chip, PeripheralSheet(type="crc", base=0x40023000))


@pytest.mark.parametrize(
    ("size", "polynomial", "initial", "inversions", "final", "check"),
    [
        (0, 0x04C11DB7, 0xFFFFFFFF, 1 << 5 | 1 << 7, 0xFFFFFFFF, 0xCBF43926),
        (0, 0x04C11DB7, 0xFFFFFFFF, 0, 0, 0x0376E6E7),
        (1, 0x1021, 0xFFFF, 0, 0, 0x29B1),
        (1, 0x8005, 0xFFFF, 1 << 5 | 1 << 7, 0, 0x4B37),
        (2, 0x07, 0x00, 0, 0, 0xF4),
        (3, 0x09, 0x00, 0, 0, 0x75),
    ],
)
def test_check_values_of_the_catalogue(
    bench: Any, size: int, polynomial: int, initial: int, inversions: int, final: int, check: int
) -> None:
    """CRC-32, CRC-32/MPEG-2, CRC-16/CCITT-FALSE, CRC-16/MODBUS, CRC-8, CRC-7/MMC (reveng's catalogue)."""
    crc = make_crc(bench)
    crc.write(POL, 4, polynomial)
    crc.write(INIT, 4, initial)
    crc.write(CR, 4, 1 | size << 3 | inversions)
    for byte in CHECK:
        crc.write(DR, 1, byte)
    assert crc.read(DR, 4) ^ final == check


@given(words=st.lists(st.integers(0, 2**32 - 1), max_size=8))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_words_with_inversion_within_words_are_zlibs(make_bench: Callable[..., Any], words: list[int]) -> None:
    crc = make_crc(make_bench())
    crc.write(CR, 4, 1 | 3 << 5 | 1 << 7)
    data = b""
    for word in words:
        crc.write(DR, 4, word)
        data += word.to_bytes(4, "little")
    assert crc.read(DR, 4) ^ 0xFFFFFFFF == zlib.crc32(data)


@given(halves=st.lists(st.integers(0, 2**16 - 1), max_size=8))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_half_words_are_two_bytes_the_high_one_first(make_bench: Callable[..., Any], halves: list[int]) -> None:
    crc = make_crc(make_bench())
    crc.write(POL, 4, 0x1021)
    crc.write(INIT, 4, 0)
    crc.write(CR, 4, 1 | 1 << 3)
    for half in halves:
        crc.write(DR, 2, half)
    assert crc.read(DR, 4) == binascii.crc_hqx(b"".join(h.to_bytes(2, "big") for h in halves), 0)


def make_rng(bench: Any, seed: int = 0) -> Rng:
    sheet = PeripheralSheet(type="rng", base=0x50060800, irqs=(80,), options={"seed": seed})
    return Rng("RNG", bench.chip, sheet)


def words(bench: Any, rng: Rng, count: int) -> list[int]:
    rng.write(0x00, 4, 1 << 2)
    taken = []
    for _ in range(count):
        while not rng.read(0x04, 4) & 1:
            bench.pass_s(1e-7)
        taken.append(rng.read(0x08, 4))
    return taken


def test_a_seed_gives_its_own_stream(make_bench: Callable[..., Any]) -> None:
    streams = []
    for seed in (1, 1, 2):
        bench = make_bench(48e6)
        streams.append(words(bench, make_rng(bench, seed), 16))
    assert streams[0] == streams[1] != streams[2]
    assert len(set(streams[0])) == 16


def test_a_word_is_ready_after_forty_clocks(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(48e6)
    rng = make_rng(bench)
    rng.write(0x00, 4, 1 << 2 | 1 << 3)
    bench.pass_s(39.5 / 48e6)
    assert not rng.read(0x04, 4) & 1
    bench.pass_s(1 / 48e6)
    assert rng.read(0x04, 4) & 1
    assert bench.is_pending(80)
    assert rng.read(0x08, 4) != 0
    assert rng.read(0x08, 4) == 0


def test_without_its_clock_it_says_so(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(0.0)
    rng = make_rng(bench)
    rng.write(0x00, 4, 1 << 2)
    assert rng.read(0x04, 4) == 1 << 1 | 1 << 5
    assert any("48 MHz" in problem for problem in bench.chip.problems)
