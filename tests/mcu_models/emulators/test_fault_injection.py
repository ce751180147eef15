"""Faults that are injected on purpose: each does what it says, when it says, and does the same again."""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import PeripheralSheet, find_board
from mcu_models.emulators.connections import MAX_DISTURBANCES, Connections, Disturbance
from mcu_models.emulators.fault_injection import inject
from mcu_models.emulators.fault_plan import (
    FaultPlan,
    I2cBrownOut,
    I2cData,
    I2cNack,
    I2cStuck,
    UartLoss,
    read_fault_plan,
)
from mcu_models.emulators.fault_sheets import ClockDrift, RamBitFlip, RamUpsets, RegisterBitFlip, WatchdogReset
from mcu_models.emulators.faulty_device import FaultyDevice, Lie, Refusal
from mcu_models.emulators.faulty_wires import LossyWire
from mcu_models.emulators.peripherals.lptim import Lptim
from mcu_models.emulators.peripherals.usart import Usart
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from mcu_models.firmware.library import find_image

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., UnicornEmulator]

SILENT = "sensor does not answer"
READY_S = 18.0
"""Crystal 2 s, wake sequence 0.5 s, settling 15 s, and a few frames."""
PIXELS = 0x80
RAM = 0x20000000
LSE_HZ = 32768


def thumb(*halfwords: int) -> bytes:
    return struct.pack(f"<{len(halfwords)}H", *halfwords)


# b .
SPIN = thumb(0xE7FE)
# mov r0,#0x20000000; ldr r1,[r0]; adds r1,#1; str r1,[r0]; cmp r1,#3; bge 1f; ldr r0,=AIRCR; ldr r1,=SYSRESETREQ;
# str r1,[r0]; dsb; b .; 1: b .
RESET_TWICE = thumb(
    0xF04F, 0x5000, 0x6801, 0x3101, 0x6001, 0x2903, 0xDA05, 0x4803, 0x4903, 0x6001, 0xF3BF, 0x8F4F, 0xE7FE, 0xE7FE,
    0xED0C, 0xE000, 0x4, 0x5FA,
)  # fmt: skip


class Sensor:
    """An I2C device that keeps what is written, and has 22 degC and a little more or less in all its pixels."""

    def __init__(self) -> None:
        self.address = 0x69
        self.heard: list[str] = []
        self.cycles: list[tuple[str, float]] = []
        self.pointer = 0
        self.registers: dict[int, int] = {}
        self.expects_pointer = False

    def begin(self, time_s: float, *, read: bool) -> bool:  # noqa: ARG002
        self.heard.append("read" if read else "write")
        self.expects_pointer = not read
        return True

    def write(self, time_s: float, byte: int) -> bool:  # noqa: ARG002
        self.heard.append(hex(byte))
        if self.expects_pointer:
            self.pointer, self.expects_pointer = byte, False
        else:
            self.registers[self.pointer] = byte
        return True

    def read(self, time_s: float) -> int:
        at, self.pointer = self.pointer, self.pointer + 1 & 0xFF
        if at >= PIXELS:
            return 0 if at & 1 else 0x58 + int(10 * time_s + at) % 3
        return self.registers.get(at, 0)

    def end(self, time_s: float) -> None:  # noqa: ARG002
        self.heard.append("stop")

    def power_off(self, time_s: float) -> None:
        self.cycles.append(("off", time_s))

    def power_on(self, time_s: float) -> None:
        self.registers.clear()
        self.cycles.append(("on", time_s))


def people_counter(plan: FaultPlan, sensor: Sensor | None = None) -> UnicornEmulator:
    machine = UnicornEmulator(find_board("stm32l4a6zg"), find_image("people_counter_stm32l4a6zg"))
    machine.attach_i2c("I2C1", sensor or Sensor())
    inject(machine, plan)
    return machine


def texts_between(machine: UnicornEmulator, from_s: float, until_s: float = 1e9) -> list[str]:
    return [line.text for line in machine.uart_lines() if from_s <= line.time_s < until_s]


def events(machine: UnicornEmulator) -> list[Disturbance]:
    return machine.connections.disturbances.listed


def test_a_single_nack_is_answered_with_another_try() -> None:
    machine = people_counter(FaultPlan(i2c_nack=(I2cNack(bus="I2C1", address=0x69, transfer=3),)))
    machine.run(until_s=2 * READY_S)
    (event,) = events(machine)
    assert (event.cause, event.what) == ("i2c_nack[0]", "device 0x69: its address not acknowledged in transfer 3")
    assert texts_between(machine, 0.0).count(SILENT) == 1
    frames = [int(text.split()[0]) for text in texts_between(machine, 0.0)[1:] if text != SILENT]
    assert frames == list(range(len(frames)))
    assert len(frames) > 10
    assert machine.problems == ()


def test_a_refused_data_byte_does_not_reach_the_device() -> None:
    sensor = Sensor()
    plan = FaultPlan(i2c_nack=(I2cNack(bus="I2C1", byte=2, times=1),))
    machine = people_counter(plan, sensor)
    machine.run(until_s=5.0)
    # Register 0x00 was named, but its value refused; the next transfer is whole again.
    assert sensor.heard[:7] == ["write", "0x0", "stop", "write", "0x1", "0x3f", "stop"]
    assert [event.what for event in events(machine)] == ["device 0x69: byte 2 not acknowledged in transfer 1"]


def test_refusals_keep_to_their_times() -> None:
    machine = people_counter(FaultPlan(i2c_nack=(I2cNack(bus="I2C1", from_s=READY_S, until_s=READY_S + 5.0),)))
    machine.run(until_s=READY_S + 5.0)
    assert set(texts_between(machine, READY_S + 0.2)) == {SILENT}
    assert SILENT not in texts_between(machine, 0.0, READY_S)
    assert all(READY_S <= event.time_s < READY_S + 5.0 for event in events(machine))
    machine.run(until_s=2 * READY_S + 8.0)
    assert texts_between(machine, 0.0)[-1] != SILENT


def test_nine_clocks_free_a_stuck_bus() -> None:
    plan = FaultPlan(i2c_stuck=(I2cStuck(bus="I2C1", from_s=READY_S, clocks=9, scl="PB8", sda="PB9"),))
    machine = people_counter(plan)
    machine.run(until_s=2 * READY_S + 3.0)
    assert [event.what for event in events(machine)] == ["I2C1: SDA held low", "I2C1: SDA let go after 9 pulses of SCL"]
    assert texts_between(machine, READY_S)[-1] != SILENT
    assert machine.problems == ()


def test_a_bus_held_for_a_time_is_free_behind_it() -> None:
    machine = people_counter(FaultPlan(i2c_stuck=(I2cStuck(bus="I2C1", from_s=READY_S, seconds=6.0, sda="PB9"),)))
    machine.run(until_s=READY_S + 6.0)
    assert set(texts_between(machine, READY_S + 0.2)) == {SILENT}
    machine.run(until_s=2 * READY_S + 10.0)
    assert texts_between(machine, 0.0)[-1] != SILENT
    assert [event.time_s for event in events(machine)] == pytest.approx([READY_S, READY_S + 6.0], abs=1e-6)


def test_the_level_of_sda_can_be_seen(make_machine: Make) -> None:
    machine = make_machine(SPIN)
    inject(machine, FaultPlan(i2c_stuck=(I2cStuck(bus="I2C1", seconds=1e-3, sda="PB9"),)))
    port = machine.peripheral("GPIOB")
    port.write(0x00, 4, 0xFFF3FFFF)
    port.write(0x0C, 4, 1 << 18)
    machine.run(until_s=5e-4)
    assert not port.read(0x10, 4) & 1 << 9
    machine.run(until_s=2e-3)
    assert port.read(0x10, 4) & 1 << 9


def test_a_sensor_without_supply_is_silent_and_comes_back_as_after_power_on() -> None:
    sensor = Sensor()
    machine = people_counter(FaultPlan(i2c_brown_out=(I2cBrownOut(bus="I2C1", from_s=19.0, until_s=22.0),)), sensor)
    machine.run(until_s=22.0)
    assert set(texts_between(machine, 19.2)) == {SILENT}
    machine.run(until_s=45.0)
    assert [name for name, _ in sensor.cycles] == ["off", "on"]
    assert [time_s for _, time_s in sensor.cycles] == pytest.approx([19.0, 22.0], abs=1e-6)
    assert texts_between(machine, 0.0)[-1] != SILENT


def test_a_device_without_a_supply_of_its_own_goes_on_as_it_was(device: Any) -> None:
    faulty = FaultyDevice(device, Connections())
    faulty.begin(0.0, read=False)
    faulty.write(0.0, 7)
    faulty.lose_supply(1.0)
    assert not faulty.begin(1.0, read=True)
    assert faulty.read(1.0) == 0xFF
    faulty.regain_supply(2.0)
    assert faulty.begin(2.0, read=True)
    assert faulty.read(2.0) == 7


def lying(device: Any, sheet: I2cData, seed: int = 1) -> list[int]:
    faulty = FaultyDevice(device, Connections())
    faulty.lies.append(Lie("i2c_data[0]", sheet, FaultPlan(seed=seed).generator("i2c_data[0]")))
    faulty.begin(0.0, read=False)
    faulty.write(0.0, 0x10)
    faulty.begin(0.0, read=True)
    return [faulty.read(0.0) for _ in range(64)]


@pytest.mark.parametrize(
    ("sheet", "expected"),
    [
        (I2cData(bus="I2C1", offset=2, flip=0x81), [0x10, 0x11, 0x93, 0x13]),
        (I2cData(bus="I2C1", offset=1, value=0xEE), [0x10, 0xEE, 0x12, 0x13]),
        (I2cData(bus="I2C1", value=0, times=2), [0, 0, 0x12, 0x13]),
        (I2cData(bus="I2C1", value=0, transfer=1), [0x10, 0x11, 0x12, 0x13]),
        (I2cData(bus="I2C1", value=0, from_s=1.0), [0x10, 0x11, 0x12, 0x13]),
    ],
)
def test_a_device_lies_where_it_is_told_to(device: Any, sheet: I2cData, expected: list[int]) -> None:
    assert lying(device, sheet)[:4] == expected


def test_chance_follows_the_seed(device: Any) -> None:
    sheet = I2cData(bus="I2C1", flip=0x80, probability=0.25)
    first, second, other = lying(device, sheet), lying(device, sheet), lying(device, sheet, seed=2)
    assert first == second != other
    assert 6 <= sum(byte & 0x80 != 0 for byte in first) <= 28


def test_a_flipped_bit_is_seen(make_machine: Make) -> None:
    machine = make_machine(SPIN)
    inject(machine, FaultPlan(ram_bit_flip=(RamBitFlip(at_s=1e-3, address=RAM, offset=4, bit=10),)))
    machine.run(until_s=9e-4)
    assert machine.read_memory(RAM + 4, 4) == bytes(4)
    machine.run(until_s=2e-3)
    assert machine.read_memory(RAM + 4, 4) == b"\0\4\0\0"
    assert [event.what for event in events(machine)] == ["bit 2 of 0x20000005 inverted, 0x00 is 0x04 now"]


def test_a_variable_of_the_firmware_is_changed_by_name() -> None:
    """The counter of heartbeats jumps by 2**30: firmware notices at its next one, until then it is in memory."""
    machine = people_counter(FaultPlan(ram_bit_flip=(RamBitFlip(at_s=3.0, symbol="ticks", bit=30),)))
    machine.run(until_s=3.0001)
    (ticks,) = struct.unpack("<I", machine.read_memory(machine.image.symbols["ticks"], 4))
    assert 1 << 30 < ticks < (1 << 30) + 100


def test_upsets_come_at_the_rate_that_was_asked_for(make_machine: Make) -> None:
    """SRAM2 has 64 KiB: at 0.05 per bit and hour some 7.3 in a second; five standard deviations are allowed."""
    machine = make_machine(SPIN)
    inject(machine, FaultPlan(ram_upsets=(RamUpsets(memory="sram2", per_bit_hour=0.05, from_s=1.0, until_s=11.0),)))
    machine.run(until_s=12.0)
    expected = 0.05 * 65536 * 8 * 10 / 3600
    assert len(events(machine)) == pytest.approx(expected, abs=5 * expected**0.5)
    assert all(1.0 <= event.time_s < 11.0 for event in events(machine))
    memory = find_board("stm32l4a6zg").sheet.memories["sram2"]
    flipped = int.from_bytes(machine.read_memory(memory.base, memory.size), "little").bit_count()
    assert flipped == len(events(machine))


# movs r4,#0; 1: mov r0,#0x20000000; str r4,[r0]; b 1b: shows a register in memory, block by block.
SHOW_R4 = thumb(0x2400, 0xF04F, 0x5000, 0x6004, 0xE7FB)
# cmp r4,r4; 1: beq 1b; mov r0,#0x20000000; movs r1,#1; str r1,[r0]; b .
WAIT_WHILE_ZERO = thumb(0x42A4, 0xD0FE, 0xF04F, 0x5000, 0x2101, 0x6001, 0xE7FE)


def flipped(make_machine: Make, code: bytes, name: str, bit: int | None = None) -> UnicornEmulator:
    machine = make_machine(code)
    inject(machine, FaultPlan(register_bit_flip=(RegisterBitFlip(at_s=1e-3, name=name, bit=bit),)))
    machine.run(until_s=9e-4)
    assert machine.read_memory(RAM, 4) == bytes(4)
    machine.run(until_s=2e-3)
    return machine


def test_a_flipped_register_goes_on_being_used(make_machine: Make) -> None:
    machine = flipped(make_machine, SHOW_R4, "r4", 10)
    assert machine.read_memory(RAM, 4) == b"\0\4\0\0"
    (event,) = events(machine)
    assert event.what == "bit 10 of r4 inverted, 0x00000000 is 0x00000400 now"
    assert event.time_s == pytest.approx(1e-3, abs=2e-6)


def test_a_flipped_flag_changes_where_the_code_goes(make_machine: Make) -> None:
    machine = flipped(make_machine, WAIT_WHILE_ZERO, "z")
    assert machine.read_memory(RAM, 1) == b"\1"
    assert [event.what for event in events(machine)] == ["flag Z inverted, it is 0 now"]


def test_a_flipped_program_counter_that_leaves_memory_is_a_fault(make_machine: Make) -> None:
    machine = flipped(make_machine, SHOW_R4, "pc", 25)
    assert not machine.board.holds(machine.faults[0].pc, 2)


def test_a_flip_strikes_a_sleeping_core_too() -> None:
    """Asleep in Stop 2 the registers are kept: the firmware wakes with the flip."""
    machine = people_counter(FaultPlan(register_bit_flip=(RegisterBitFlip(at_s=20.04, name="r12", bit=3),)))
    machine.run(until_s=21.0)
    assert [event.time_s for event in events(machine)] == pytest.approx([20.04], abs=1e-5)
    assert machine.flip_register("r12", 0) is not None


@pytest.mark.parametrize("at_s", [20.04, 20.0])
def test_a_reset_by_the_watchdog_keeps_the_ram_and_tells_its_cause(at_s: float) -> None:
    """Both while it sleeps and at the moment at which a run begins."""
    machine = people_counter(FaultPlan())
    machine.run(until_s=20.0)
    sram2 = machine.board.sheet.memories["sram2"].base
    inject(
        machine,
        FaultPlan(
            ram_bit_flip=(RamBitFlip(at_s=20.0, address=sram2, bit=0),), watchdog_reset=(WatchdogReset(at_s=at_s),)
        ),
    )
    machine.run(until_s=23.0)
    assert machine.resets == ["iwdg"]
    assert machine.read_memory(sram2, 1) == b"\1"
    assert machine.peripheral("RCC").chip.retained.reset_cause == "iwdg"
    assert texts_between(machine, at_s + 0.001)[0] == "people counter"


def wake_times_s(ppm: float) -> list[float]:
    drift = (ClockDrift(oscillator="lse", ppm=ppm),) if ppm else ()
    machine = people_counter(FaultPlan(clock_drift=drift))
    machine.run(until_s=READY_S + 2.0)
    return [span.end_s for span in machine.recent_spans() if span.state.mode == "stop2"]


@pytest.mark.parametrize("ppm", [1000.0, -200.0])
def test_drift_of_the_crystal_changes_the_sample_period_by_just_as_much(ppm: float) -> None:
    """The heartbeat wakes the core from Stop 2; five of its periods are a sample's, 16384 ticks of the crystal."""
    for off_ppm in (0.0, ppm):
        hz = LSE_HZ * (1 + off_ppm * 1e-6)
        ticks = [
            (later - earlier) * hz for earlier, later in pairwise(wake_times_s(off_ppm)[-8:-1])
        ]  # the run ends in a sleep
        assert ticks == pytest.approx([round(tick) for tick in ticks], abs=1e-5)
        assert [sum(ticks[:5]), sum(ticks[1:])] == pytest.approx([16384.0] * 2, abs=1e-5)


def test_drift_from_a_time_on_goes_on_from_the_same_tick(bench: Any) -> None:
    """A period of 1000 ticks: half of it at 32768 Hz, the rest a quarter faster."""
    hz = LSE_HZ
    bench.chip.tree.clock_of = lambda _name: hz
    timer = Lptim("LPTIM1", bench.chip, PeripheralSheet(type="lptim", base=0x40007C00, irqs=(65,)))
    for offset, value in ((0x08, 2), (0x10, 1), (0x18, 999), (0x10, 0b101)):
        timer.write(offset, 4, value)
    bench.pass_s(500.5 / LSE_HZ)
    hz = LSE_HZ * 5 // 4
    bench.chip.clocks_changed()
    assert timer.read(0x1C, 4) == 500
    bench.pass_s(499.4 / hz)
    assert not timer.read(0x00, 4) & 2
    bench.pass_s(0.2 / hz)
    assert timer.read(0x00, 4) & 2


@pytest.mark.parametrize("board", ["stm32l4r5zi", "stm32f746zg", "stm32h743vi"])
def test_every_family_takes_drift(make_machine: Make, board: str) -> None:
    """The core runs from the oscillator that runs after reset; it executes as many more cycles in a second."""
    oscillator = "msi" if "l4" in board else "hsi"
    image = make_machine(SPIN).image
    exact, fast = (UnicornEmulator(find_board(board), image) for _ in range(2))
    inject(fast, FaultPlan(clock_drift=(ClockDrift(oscillator=oscillator, ppm=50_000.0),)))
    ratio = fast.run(until_s=0.01).cycles / exact.run(until_s=0.01).cycles
    assert ratio == pytest.approx(1.05, abs=1e-3)


def test_drift_begins_at_its_time(make_machine: Make) -> None:
    machine = make_machine(SPIN)
    inject(machine, FaultPlan(clock_drift=(ClockDrift(oscillator="msi", ppm=-500_000.0, from_s=0.1),)))
    begun = machine.run(until_s=0.1).cycles
    assert machine.run(until_s=0.2).cycles - begun == pytest.approx(begun / 2, rel=1e-3)


def test_what_is_off_stays_off_through_a_reset(make_machine: Make) -> None:
    machine = make_machine(RESET_TWICE)
    plan = FaultPlan(
        clock_drift=(ClockDrift(oscillator="msi", ppm=1000.0),),
        i2c_stuck=(I2cStuck(bus="I2C1", clocks=9, scl="PB8", sda="PB9"),),
        ram_bit_flip=(RamBitFlip(at_s=0.0, address=RAM + 64, bit=0),),
    )
    inject(machine, plan)
    machine.run(until_s=0.01)
    assert machine.resets == ["software", "software"]
    chip = machine.peripheral("RCC").chip
    assert chip.drift_ppm == {"msi": 1000.0}
    assert chip.clock.clock_hz == 4_004_000
    assert machine.peripheral("I2C1")._held_clocks == 9  # type: ignore[attr-defined]
    assert machine.read_memory(RAM + 64, 1) == b"\1"
    assert len(events(machine)) == 3


def test_characters_get_lost_on_the_way_out() -> None:
    clean = people_counter(FaultPlan())
    clean.run(until_s=10.0)
    lossy = people_counter(FaultPlan(uart_loss=(UartLoss(port="USART2", direction="sent", probability=0.2),)))
    lossy.run(until_s=10.0)
    lost = len(clean.uart_text()) - len(lossy.uart_text())
    assert lost == len(events(lossy)) > 0
    remaining = iter(clean.uart_text())
    assert all(character in remaining for character in lossy.uart_text())


def test_a_broken_wire_passes_nothing_and_a_bad_one_changes_single_bits() -> None:
    plan, connections = FaultPlan(), Connections()
    broken = UartLoss(port="USART2", direction="sent", from_s=1.0, until_s=2.0)
    wire = LossyWire("uart_loss[0]", broken, plan.generator("uart_loss[0]"), connections)
    assert [wire.carry(65, time_s) for time_s in (0.5, 1.0, 1.5, 2.0)] == [65, None, None, 65]
    bad = UartLoss(port="USART2", direction="sent", effect="corrupt")
    wire = LossyWire("uart_loss[1]", bad, plan.generator("uart_loss[1]"), connections)
    assert all(((wire.carry(65, 0.0) or 0) ^ 65).bit_count() == 1 for _ in range(100))


def test_characters_get_lost_on_the_way_in(bench: Any) -> None:
    uart = Usart("USART2", bench.chip, PeripheralSheet(type="usart", base=0x40004400, irqs=(38,)))
    sheet = UartLoss(port="USART2", direction="received", until_s=1e-3)
    wire = LossyWire("uart_loss[0]", sheet, FaultPlan().generator("uart_loss[0]"), bench.chip.connections)
    bench.chip.connections.receiving["USART2"] = [wire]
    uart.write(0x0C, 4, 139)
    uart.write(0x00, 4, 0b101)
    for character, expected in (("a", 0), ("b", 1)):
        uart.receive(character)
        bench.pass_s(1e-3)
        assert uart.read(0x1C, 4) >> 5 & 1 == expected
    assert uart.read(0x24, 4) == ord("b")


EVERYTHING = """
seed = 7

[[i2c_nack]]
bus = "I2C1"
address = 0x69
transfer = 40

[[i2c_data]]
bus = "I2C1"
flip = 0x01
probability = 0.02

[[i2c_brown_out]]
bus = "I2C1"
from_s = 24.0
until_s = 24.5

[[i2c_stuck]]
bus = "I2C1"
from_s = 22.0
clocks = 5
scl = "PB8"
sda = "PB9"

[[ram_bit_flip]]
symbol = "pixels"
offset = 3
bit = 1
at_s = 20.0

[[ram_upsets]]
memory = "sram2"
per_bit_hour = 1e-3

[[register_bit_flip]]
name = "r9"
bit = 17
at_s = 20.5

[[clock_drift]]
oscillator = "lse"
ppm = 80.0
from_s = 10.0

[[uart_loss]]
port = "USART2"
direction = "sent"
effect = "corrupt"
probability = 0.02

[[watchdog_reset]]
at_s = 25.0
"""


def test_the_same_plan_does_the_same_again_also_from_a_snapshot(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(EVERYTHING)
    plan = read_fault_plan(tmp_path / "plan.toml")
    machine, twin = people_counter(plan), people_counter(plan)
    machine.run(until_s=19.0)
    snapshot = machine.snapshot()
    seen = []
    for emulator in (machine, machine, twin):
        if seen:
            machine.restore(snapshot)
        emulator.run(until_s=26.0)
        seen.append((emulator.uart_text(), emulator.cycles, list(events(emulator))))
    assert seen[0] == seen[1] == seen[2]
    assert {event.cause.partition("[")[0] for event in seen[0][2]} == set(FaultPlan.model_fields) - {"seed"}
    other = people_counter(plan.model_copy(update={"seed": 8}))
    other.run(until_s=26.0)
    assert events(other) != seen[0][2]


def test_a_fault_more_leaves_the_lots_of_others_alone() -> None:
    plan = FaultPlan(seed=5)
    again = FaultPlan(seed=5, clock_drift=(ClockDrift(oscillator="lse", ppm=1.0),))
    assert plan.generator("i2c_data[0]").random() == again.generator("i2c_data[0]").random()
    assert plan.generator("i2c_data[0]").random() != plan.generator("i2c_data[1]").random()


def test_the_list_of_what_was_done_is_bounded() -> None:
    connections, heard = Connections(), []
    connections.listeners.on_disturbance.append(heard.append)
    for number in range(MAX_DISTURBANCES + 5):
        connections.disturbed(Disturbance(float(number), "x", "y"))
    assert (len(connections.disturbances.listed), connections.disturbances.count) == (
        MAX_DISTURBANCES,
        MAX_DISTURBANCES + 5,
    )
    assert len(heard) == MAX_DISTURBANCES + 5


def test_a_second_plan_adds_to_the_first(device: Any, make_machine: Make) -> None:
    machine = make_machine(SPIN)
    machine.attach_i2c("I2C1", device)
    for _ in range(2):
        inject(machine, FaultPlan(i2c_nack=(I2cNack(bus="I2C1", times=1),)))
    faulty = machine.connections.devices_on("I2C1")[0x69]
    assert isinstance(faulty, FaultyDevice)
    assert faulty.device is device
    assert [faulty.begin(0.0, read=True) for _ in range(3)] == [False, False, True]
    for bit in (0, 1):
        inject(machine, FaultPlan(ram_bit_flip=(RamBitFlip(at_s=1e-4, address=RAM, bit=bit),)))
    machine.run(until_s=1e-3)
    assert machine.read_memory(RAM, 1) == b"\3"


def test_a_refusal_of_one_transfer_counts_repeated_starts() -> None:
    refusal = Refusal("i2c_nack[0]", I2cNack(bus="I2C1", transfer=2))
    assert [refusal.happens(0.0, transfer, 0) for transfer in (1, 2, 3)] == [False, True, False]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "holds no fault"),
        ("[[i2c_nak]]\nbus='I2C1'", "i2c_nak; unknown key; did you mean 'i2c_nack'?"),
        ("[[i2c_nack]]\n", "i2c_nack[0].bus; is required and missing"),
        ("[[i2c_nack]]\nbus='I2C1'\nadress=1", "did you mean 'address'?"),
        ("[[i2c_nack]]\nbus='I2C1'\naddress=200", "i2c_nack[0].address is 200"),
        ("[[i2c_nack]]\nbus='I2C1'\nfrom_s=2.0\nuntil_s=1.0", "until_s must be above from_s"),
        ("[[i2c_nack]]\nbus='I2C9'", "i2c_nack[0].bus is 'I2C9'; did you mean 'I2C"),
        ("[[i2c_nack]]\nbus='I2C1'\naddress=0x33", "must be a device on I2C1: 0x69"),
        ("[[i2c_nack]]\nbus='I2C2'", "has no device"),
        ("[[i2c_data]]\nbus='I2C1'", "needs either flip or value"),
        ("[[i2c_data]]\nbus='I2C1'\nvalue=1\nprobability=0.0", "greater than 0"),
        ("[[i2c_stuck]]\nbus='I2C1'\nclocks=9", "clocks needs scl"),
        ("[[i2c_stuck]]\nbus='I2C1'\nscl='B8'", "must be a pin such as"),
        ("[[i2c_stuck]]\nbus='I2C1'\nscl='PK8'", "i2c_stuck[0].scl is 'GPIOK'"),
        ("[[ram_bit_flip]]\nat_s=1.0\nbit=1", "needs either address or symbol"),
        ("[[ram_bit_flip]]\nat_s=1.0\nbit=1\naddress=0x08000000", "must lie in RAM"),
        ("[[ram_bit_flip]]\nat_s=1.0\nbit=1\nsymbol='tick'", "near it: ticks"),
        ("[[ram_bit_flip]]\nat_s='1'\nbit=1\nsymbol='ticks'", "ram_bit_flip[0].at_s is '1'"),
        ("[[ram_upsets]]\nper_bit_hour=1.0\nmemory='sram9'", "did you mean 'sram"),
        ("[[ram_upsets]]\nper_bit_hour=1e9", "apart"),
        ("[[register_bit_flip]]\nat_s=1.0\nname='r4'", "needs bit, unless name is a flag"),
        ("[[register_bit_flip]]\nat_s=1.0\nname='z'\nbit=1", "needs bit, unless name is a flag"),
        ("[[register_bit_flip]]\nat_s=1.0\nname='sp'\nbit=1", "bit of sp must be 2 or above"),
        ("[[register_bit_flip]]\nat_s=1.0\nname='r13'\nbit=1", "register_bit_flip[0].name is 'r13'"),
        ("[[watchdog_reset]]\nfrom_s=1.0", "watchdog_reset[0].from_s"),
        ("[[clock_drift]]\noscillator='csi'\nppm=1.0", "clock_drift[0].oscillator is 'csi'"),
        ("[[clock_drift]]\noscillator='lse'\nppm=1e7", "less than or equal to 500000"),
        ("[[uart_loss]]\nport='USART9'\ndirection='sent'", "uart_loss[0].port is 'USART9'"),
        ("[[uart_loss]]\nport='USART2'\ndirection='both'", "'sent' or 'received'"),
        ("seed = -1\n[[clock_drift]]\noscillator='lse'\nppm=1.0", "seed is -1"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_in_one_line(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    machine = people_counter(FaultPlan())
    with pytest.raises(BadInputError) as refused:
        inject(machine, read_fault_plan(path), source=path)
    assert str(refused.value).startswith(str(path))
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_example_in_the_manual_shows_every_kind_and_every_key(tmp_path: Path) -> None:
    example = Path("docs/emulation.md").read_text().partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "example.toml").write_text(example)
    plan = read_fault_plan(tmp_path / "example.toml")
    inject(people_counter(FaultPlan()), plan)
    shown = {key.partition("[")[0]: fault for key, fault in plan.faults()}
    assert set(shown) == set(FaultPlan.model_fields) - {"seed"}
    for kind, fault in shown.items():
        table = example.partition(f"[[{kind}]]")[2].partition("[[")[0]
        for key in type(fault).model_fields:
            # Times that every kind has are explained once.
            assert key in table or key in ("address", "bus", "from_s", "until_s", "transfer", "times"), (kind, key)
