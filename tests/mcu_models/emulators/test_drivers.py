"""The drivers on the emulated chip with a sensor that is absent, loses its supply, or blocks the bus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.emulators.image import read_image
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from mcu_models.firmware.builder import build_firmware
from mcu_models.firmware.toolchain import find_toolchain
from mcu_models.networks.library import find_network

if TYPE_CHECKING:
    from mcu_models.emulators.image import FirmwareImage

BOARD, NETWORK, APP = "stm32l4a6zg", "people_c8_p_fc", "people_counter"
SILENT = "sensor does not answer"
SCL = 1 << 8
FIRST_FRAMES_S = 18.0
"""Crystal 2 s, wake sequence 0.5 s, settling 15 s, and a few frames."""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> FirmwareImage:
    """Return the people counter, built from its sources with the first compiler at hand."""
    for name in ("gcc", "zig"):
        try:
            toolchain = find_toolchain(name)
        except BadInputError:
            continue
        out_dir = tmp_path_factory.mktemp("people_counter") / "build"
        network = find_network(NETWORK).path
        return read_image(
            build_firmware(network, board=find_board(BOARD), app=APP, out_dir=out_dir, toolchain=toolchain).elf
        )
    pytest.skip("no cross compiler is installed")


@pytest.fixture
def device(thermal_array: Any) -> Any:
    return thermal_array


@pytest.fixture
def machine(image: FirmwareImage) -> UnicornEmulator:
    return UnicornEmulator(find_board(BOARD), image)


def texts_from(machine: UnicornEmulator, time_s: float) -> list[str]:
    return [line.text for line in machine.uart_lines() if line.time_s >= time_s]


def count_clocks(machine: UnicornEmulator) -> list[int]:
    """Let the bus see the pulses that firmware makes on SCL by hand; return a list that grows with each."""
    port, bus = machine.peripheral("GPIOB"), machine.peripheral("I2C1")
    pulses: list[int] = []
    before = 0

    def hear(latch: int) -> None:
        nonlocal before
        is_output = port.registers[0x00] >> 16 & 3 == 1
        if is_output and latch & ~before & SCL:
            pulses.append(latch)
            bus.clock_by_hand()  # type: ignore[attr-defined]
        before = latch

    port.on_output = hear  # type: ignore[attr-defined]
    return pulses


def test_without_a_sensor_it_says_so_every_second_or_two(machine: UnicornEmulator) -> None:
    outcome = machine.run(until_s=10.0)
    assert outcome.end == "seconds"
    texts = texts_from(machine, 0.0)
    assert texts[0] == "people counter"
    assert 4 <= texts.count(SILENT) == len(texts) - 1
    assert machine.problems == ()


def test_frames_come_ten_times_a_second_without_a_problem(machine: UnicornEmulator, device: Any) -> None:
    machine.attach_i2c("I2C1", device)
    machine.run(until_s=FIRST_FRAMES_S + 2.0)
    times_s = [line.time_s for line in machine.uart_lines()][1:]
    assert len(times_s) > 20
    # Five ticks of the heartbeat are half a second to the last tick of the crystal; lines differ by code paths.
    assert times_s[20] - times_s[0] == pytest.approx(2.0, abs=2e-4)
    assert machine.problems == ()


def test_every_transfer_ends_with_a_stop(machine: UnicornEmulator, device: Any) -> None:
    """A device that refuses a byte still sees the STOP: the controller stays on until it is out."""
    device.write = lambda _time_s, _byte: device.heard.append("refused")
    machine.attach_i2c("I2C1", device)
    machine.run(until_s=6.0)
    assert device.heard[:6] == ["write", "refused", "stop"] * 2
    assert SILENT in texts_from(machine, 0.0)


def test_a_sensor_that_comes_back_is_woken_and_counted_again(machine: UnicornEmulator, device: Any) -> None:
    machine.attach_i2c("I2C1", device)
    machine.run(until_s=FIRST_FRAMES_S)
    frames = len(texts_from(machine, 0.0)) - 1
    assert frames > 1
    device.acknowledges = False
    machine.run(until_s=FIRST_FRAMES_S + 5.0)
    assert set(texts_from(machine, FIRST_FRAMES_S)) == {SILENT}
    device.acknowledges = True
    device.heard.clear()
    device.kept.clear()
    machine.run(until_s=2 * FIRST_FRAMES_S + 6.0)
    woken = device.heard.index("0x0")
    assert device.heard[woken - 1 : woken + 8] == [
        *("write", "0x0", "0x0", "stop"),
        *("write", "0x1", "0x3f", "stop", "write"),
    ]
    later = texts_from(machine, FIRST_FRAMES_S + 5.0)
    assert "sensor restarted" in later
    assert next(text for text in later if text.split()[0].isdigit()).split()[0] == str(frames)
    assert machine.problems == ()


def test_a_bus_error_flag_without_cause_is_ignored(machine: UnicornEmulator, device: Any) -> None:
    """Erratum of the STM32L496 (ES0335, 2.19.4): BERR may come up in master mode while the transfer goes on."""
    begin, bus = device.begin, machine.peripheral("I2C1")

    def begin_with_flag(time_s: float, *, read: bool) -> bool:
        bus.registers[0x18] |= 1 << 8
        return bool(begin(time_s, read=read))

    device.begin = begin_with_flag
    machine.attach_i2c("I2C1", device)
    machine.run(until_s=FIRST_FRAMES_S)
    texts = texts_from(machine, 0.0)
    assert len(texts) > 3
    assert SILENT not in texts


def test_a_device_that_holds_sda_is_clocked_free(machine: UnicornEmulator, device: Any) -> None:
    machine.attach_i2c("I2C1", device)
    pulses = count_clocks(machine)
    machine.run(until_s=FIRST_FRAMES_S)
    assert pulses == []
    machine.peripheral("I2C1").hold_sda(9)  # type: ignore[attr-defined]
    machine.run(until_s=2 * FIRST_FRAMES_S)
    texts = texts_from(machine, FIRST_FRAMES_S)
    assert len(pulses) == 10  # nine clocks and the rise before the STOP
    assert len(texts) > 100
    assert SILENT not in texts  # it is read again in the same tick
    assert machine.problems == ()


def test_a_shorted_bus_is_reported_again_and_again(machine: UnicornEmulator, device: Any) -> None:
    machine.attach_i2c("I2C1", device)
    machine.peripheral("I2C1").hold_sda(1 << 30)  # type: ignore[attr-defined]
    machine.run(until_s=12.0)
    assert texts_from(machine, 0.0).count(SILENT) >= 3
    assert device.heard == []
