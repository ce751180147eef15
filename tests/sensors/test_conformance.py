"""What public drivers send, byte by byte and with their own waits, and what they make of the answers.

The sequences were read in the drivers' sources: Linux `drivers/media/i2c/video-i2c.c`, Zephyr
`drivers/sensor/amg88xx`, `Adafruit_AMG88xx.cpp`, `adafruit_amg88xx.py` (CircuitPython),
`SparkFun_GridEYE_Arduino_Library.cpp` and Panasonic's Grid-EYE API v0.6. Nothing of them is copied; each test
states what the driver does in bus transactions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from sensors.amg8833 import AVE, AVE_UNLOCK, FPSC, INT0, INTC, INTHL, PCTL, RST, SCLR, STAT, T01L, TTHL, Amg8833
from sensors.grid_eye_sheet import load_grid_eye
from sensors.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SHEET = load_grid_eye()
FRAMES = 400


def truth_degc(frame: int) -> np.ndarray:
    """(64,) degC: frame k is k / 4 degC above a ramp that begins at -12 degC."""
    return -12 + np.arange(64) / 4 + (frame % 100) / 4


def device(thermistor_degc: float = 25.0, *, strict: bool = True, power_on_s: float = 0.0) -> Amg8833:
    recording = Recording(
        time_s=np.arange(FRAMES) / 10,
        frames=np.stack([truth_degc(frame) for frame in range(FRAMES)]).reshape(-1, 8, 8).astype(np.float32),
        count=np.zeros(FRAMES, dtype=np.int64),
        thermistor_degc=np.full(FRAMES, thermistor_degc, dtype=np.float32),
    )
    return Amg8833(recording, sheet=SHEET, first_frame_s=0.0, strict=strict, power_on_s=power_on_s)


class Host:
    """A microcontroller on the bus; each byte takes nine clocks."""

    def __init__(self, sensor: Amg8833, *, now_s: float = 0.1, clock_hz: float = 400_000) -> None:
        self.sensor = sensor
        self.now_s = now_s
        self._byte_s = 9 / clock_hz

    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    def start(self, *, read: bool) -> None:
        assert self.sensor.begin(self.now_s, read=read), "the sensor does not acknowledge"
        self.now_s += self._byte_s

    def put(self, *values: int) -> None:
        for value in values:
            assert self.sensor.write(self.now_s, value)
            self.now_s += self._byte_s

    def get(self, count: int) -> list[int]:
        values = []
        for _ in range(count):
            values.append(self.sensor.read(self.now_s))
            self.now_s += self._byte_s
        return values

    def stop(self) -> None:
        self.sensor.end(self.now_s)

    def write(self, register: int, *values: int) -> None:
        self.start(read=False)
        self.put(register, *values)
        self.stop()

    def read(self, register: int, count: int = 1, *, stops: bool = False) -> list[int]:
        """Read registers, with a repeated start or, as some drivers do, with a stop after the address."""
        self.start(read=False)
        self.put(register)
        if stops:
            self.stop()
        self.start(read=True)
        data = self.get(count)
        self.stop()
        return data

    def update_bits(self, register: int, mask: int, value: int) -> None:
        """Read, and write when something changes, as Linux does."""
        old = self.read(register)[0]
        if old & mask != value:
            self.write(register, old & ~mask | value)

    def set_bits(self, register: int, mask: int, value: int) -> None:
        """Read and write in any case, as CircuitPython's register library does."""
        self.write(register, self.read(register)[0] & ~mask | value)


def words(data: Iterable[int]) -> np.ndarray:
    return np.frombuffer(bytes(data), dtype="<u2").astype(np.int64)


def two_s_complement_degc(data: Iterable[int]) -> np.ndarray:
    word = words(data)
    return ((word & 0x7FF) - (word & 0x800)) / 4


def sign_and_magnitude(data: Iterable[int], sign: int = 0x800) -> np.ndarray:
    word = words(data)
    return np.where(word & sign, -(word & 0x7FF), word & 0x7FF)


def frame_shown(pixels_degc: np.ndarray) -> int:
    """Return which frame this is; fail when it is none, as a mixture of two is not."""
    frame = round(float(pixels_degc[0] + 12) * 4)
    np.testing.assert_array_equal(pixels_degc, truth_degc(frame))
    return frame


# Linux: media driver and its hwmon part.


def linux_power_on(host: Host) -> None:
    host.write(PCTL, 0x00)
    host.wait(0.050)
    host.write(RST, 0x3F)
    host.wait(0.002)
    host.write(RST, 0x30)
    host.wait(0.200)


def linux_power_off(host: Host) -> None:
    host.write(PCTL, 0x10)
    host.wait(0.100)


@pytest.mark.parametrize("strict", [True, False])
def test_linux_gets_frames_after_every_resume_and_breaks_no_rule(strict: bool) -> None:  # noqa: FBT001 - a parameter
    host = Host(device(strict=strict))
    linux_power_off(host)
    for _ in range(3):
        linux_power_on(host)
        host.update_bits(FPSC, 0x01, 0)
        assert frame_shown(two_s_complement_degc(host.read(T01L, 128))) == int(host.now_s * 10)
        linux_power_off(host)
    assert host.sensor.rejected_writes == ()
    assert host.sensor.broken_rules == ()


def test_linux_at_one_frame_a_second_reads_means_of_ten() -> None:
    host = Host(device())
    linux_power_on(host)
    host.update_bits(FPSC, 0x01, 1)
    assert host.read(FPSC) == [1]
    host.wait(1.96 - host.now_s)
    expected = np.round(np.mean([truth_degc(frame) for frame in range(10, 20)], axis=0) * 4) / 4
    np.testing.assert_array_equal(two_s_complement_degc(host.read(T01L, 128)), expected)


@pytest.mark.parametrize("degc", [25.0, 0.0, -0.25, -19.9375, 79.5])
def test_linux_hwmon_tells_the_thermistor_in_millidegrees(degc: float) -> None:
    host = Host(device(degc))
    linux_power_on(host)
    raw = int(sign_and_magnitude(host.read(TTHL, 2))[0])
    assert int(raw * 625 / 10) == int(degc * 1000)


# Zephyr.


def zephyr_init(host: Host) -> None:
    if host.read(PCTL)[0] != 0x00:
        host.write(PCTL, 0x00)
        host.wait(0.050)
    host.write(RST, 0x3F)
    host.wait(0.002)
    host.write(FPSC, 0x00)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("sleeps", [False, True])
def test_zephyr_gets_frames_without_a_flag_reset(strict: bool, sleeps: bool) -> None:  # noqa: FBT001 - parameters
    host = Host(device(strict=strict))
    if sleeps:
        host.write(PCTL, 0x10)
        host.wait(0.3)
    zephyr_init(host)
    host.wait(0.2)
    assert frame_shown(two_s_complement_degc(host.read(T01L, 128))) == int(host.now_s * 10)
    assert host.sensor.rejected_writes == ()


def test_zephyr_triggers_on_thresholds() -> None:
    host = Host(device())
    zephyr_init(host)
    host.write(INTC, 0x00)
    for register, steps in ((INTHL, 20), (INTHL + 2, 0)):
        host.write(register, steps & 0xFF)
        host.write(register + 1, steps >> 8 & 0xFF)
    host.write(SCLR, 0x02)
    host.write(INTC, 0x03)
    assert not host.sensor.interrupt_is_asserted
    assert host.sensor.int_pin_is_low(host.now_s + 0.1)
    host.wait(0.1)
    assert host.read(STAT)[0] & 0x02


def test_zephyr_s_negative_threshold_writes_bits_that_do_not_exist() -> None:
    """The driver sends the sign in bits 12 to 15 too: strict refuses the byte, lenient drops the bits."""
    outcome = {}
    for strict in (True, False):
        host = Host(device(strict=strict))
        host.write(INTHL + 2, -40 & 0xFF)
        host.write(INTHL + 3, -40 >> 8 & 0xFF)
        outcome[strict] = (host.read(INTHL + 2, 2), len(host.sensor.rejected_writes))
    assert outcome == {True: ([0xD8, 0x00], 1), False: ([0xD8, 0x0F], 0)}


# Adafruit, C++.


def adafruit_begin(host: Host) -> None:
    host.start(read=False)
    host.stop()
    for register, value in ((PCTL, 0x00), (RST, 0x3F), (INTC, 0x00), (FPSC, 0x00)):
        host.write(register, value)
    host.wait(0.100)


def adafruit_burst(host: Host, register: int, count: int, chunk: int = 32) -> list[int]:
    """Read in chunks of the Arduino's buffer, each after a repeated start, with one stop at the end."""
    host.start(read=False)
    host.put(register)
    data: list[int] = []
    while len(data) < count:
        host.start(read=True)
        data += host.get(min(chunk, count - len(data)))
    host.stop()
    return data


@pytest.mark.parametrize("sleeps", [False, True])
def test_adafruit_wakes_it_without_waiting(sleeps: bool) -> None:  # noqa: FBT001 - a parameter
    host = Host(device())
    if sleeps:
        host.write(PCTL, 0x10)
        host.wait(0.5)
    adafruit_begin(host)
    assert frame_shown(two_s_complement_degc(adafruit_burst(host, T01L, 128))) == int(host.now_s * 10)
    noted = {broken.rule for broken in host.sensor.broken_rules}
    assert ("initial reset less than 50 ms after waking" in noted) == sleeps


def test_adafruit_s_chunks_are_one_transaction_and_never_tear() -> None:
    host = Host(device(), clock_hz=100_000)
    adafruit_begin(host)
    for start_s in np.arange(0.5, 0.7, 0.003):
        host.now_s = float(start_s)
        frame_shown(two_s_complement_degc(adafruit_burst(host, T01L, 128)))


def test_adafruit_s_first_release_may_tear_between_its_four_reads() -> None:
    """It addressed the registers anew, with a stop, for every 32 bytes."""
    host = Host(device(), now_s=0.9955, clock_hz=100_000)
    data = [byte for part in range(4) for byte in host.read(T01L + 32 * part, 32, stops=True)]
    seen = {round(value) for value in (two_s_complement_degc(data) - truth_degc(0)) * 4}
    assert seen == {9, 10}


def test_adafruit_s_sleep_is_no_sleep_for_a_strict_sensor() -> None:
    outcome = {}
    for strict in (True, False):
        host = Host(device(strict=strict))
        host.write(PCTL, 0x01)
        host.wait(1.0)
        residency = host.sensor.state_residency_s(host.now_s)
        outcome[strict] = (len(host.sensor.rejected_writes), round(residency["sleep"], 2))
    assert outcome == {True: (1, 0.0), False: (0, 1.0)}


def test_adafruit_s_moving_average_needs_a_lenient_sensor() -> None:
    outcome = {}
    for strict in (True, False):
        host = Host(device(strict=strict))
        adafruit_begin(host)
        host.write(AVE, 0x20)
        outcome[strict] = host.read(AVE)
    assert outcome == {True: [0x00], False: [0x20]}


def test_adafruit_s_hysteresis_of_95_percent_holds_the_interrupt() -> None:
    """With levels of 2 and 0 degC, 1.9 degC of hysteresis leave no way back: a driver's quirk, not ours."""
    host = Host(device())
    adafruit_begin(host)
    host.write(INTC, 0x02)
    for register, steps in ((INTHL, 8), (INTHL + 2, 0), (INTHL + 4, 7)):
        host.write(register, steps & 0xFF)
        host.write(register + 1, steps >> 8)
    host.write(RST, 0x30)
    host.now_s = 5.05
    assert host.read(INT0 + 6, 2) == [0xFF, 0xFF]
    host.now_s = 10.65
    # Pixels 49 to 52 now read 1.5 to 2.25 degC; only the last is beyond a level, and the others are held.
    assert two_s_complement_degc(host.read(T01L + 96, 8)).tolist() == [1.5, 1.75, 2.0, 2.25]
    assert host.read(INT0 + 6) == [0xFF]


# Adafruit, CircuitPython.


def circuitpython_init(host: Host) -> None:
    host.set_bits(PCTL, 0xFF, 0x00)
    host.set_bits(RST, 0xFF, 0x3F)
    host.set_bits(INTC, 0x01, 0)
    host.set_bits(FPSC, 0x01, 0)


def circuitpython_pixels(host: Host) -> np.ndarray:
    data = [byte for pixel in range(64) for byte in host.read(T01L + 2 * pixel, 2)]
    return two_s_complement_degc(data)


@pytest.mark.parametrize("sleeps", [False, True])
def test_circuitpython_reads_pixels_one_by_one(sleeps: bool) -> None:  # noqa: FBT001 - a parameter
    host = Host(device())
    if sleeps:
        host.set_bits(PCTL, 0xFF, 0x10)
        host.wait(0.5)
    circuitpython_init(host)
    host.now_s = 2.01
    assert frame_shown(circuitpython_pixels(host)) == 20
    assert host.sensor.rejected_writes == ()


def test_circuitpython_s_frame_tears_when_it_straddles_an_update() -> None:
    host = Host(device(), now_s=1.985, clock_hz=100_000)
    circuitpython_init(host)
    host.now_s = 1.985
    steps = np.round((circuitpython_pixels(host) - truth_degc(0)) * 4)
    assert set(steps) == {19, 20}
    assert (np.diff(steps) >= 0).all()


def test_a_burst_at_the_same_moment_does_not_tear() -> None:
    host = Host(device(), now_s=1.995, clock_hz=100_000)
    assert frame_shown(two_s_complement_degc(host.read(T01L, 128))) == 19
    assert host.now_s > 2.005


def test_circuitpython_s_thermistor_is_two_reads_and_may_tear_too() -> None:
    """From 31.9375 (0x1FF) to 32 degC (0x200): the high byte of the one with the low byte of the other."""
    recording = Recording(
        time_s=np.arange(2) / 10,
        frames=np.full((2, 8, 8), 20.0, dtype=np.float32),
        count=np.zeros(2, dtype=np.int64),
        thermistor_degc=np.array([31.9375, 32.0], dtype=np.float32),
    )
    host = Host(Amg8833(recording, sheet=SHEET, first_frame_s=1.0), now_s=1.09995)
    high = host.read(TTHL + 1)[0] & 0x0F
    low = host.read(TTHL)[0]
    assert (high << 8 | low) / 16 == 16.0
    assert words(host.read(TTHL, 2)).tolist() == [0x200]


# SparkFun.


def sparkfun_pixels(host: Host) -> np.ndarray:
    return two_s_complement_degc([byte for pixel in range(64) for byte in host.read(T01L + 2 * pixel, 2)])


def test_sparkfun_reads_without_any_start_up() -> None:
    host = Host(device())
    host.now_s = 0.31
    assert frame_shown(sparkfun_pixels(host)) == 3


@pytest.mark.parametrize(("degc", "told_degc"), [(25.0, 25.0), (-0.25, -127.75), (-10.0, -118.0)])
def test_sparkfun_s_thermistor_is_wrong_below_zero_because_of_its_decoding(degc: float, told_degc: float) -> None:
    """It takes sign and magnitude for two's complement."""
    data = Host(device(degc)).read(TTHL, 2)
    assert float(two_s_complement_degc(data)[0]) / 4 == told_degc
    assert float(sign_and_magnitude(data)[0]) / 16 == degc


def test_sparkfun_s_moving_average_is_unlocked_as_specified() -> None:
    host = Host(device())
    for value in (0x20, 0x00):
        for register, byte in ((AVE_UNLOCK, 0x50), (AVE_UNLOCK, 0x45), (AVE_UNLOCK, 0x57), (AVE, value)):
            host.write(register, byte)
        host.write(AVE_UNLOCK, 0x00)
        assert host.read(AVE) == [value]
    assert host.sensor.rejected_writes == ()


def test_sparkfun_wakes_it_with_nothing_but_pctl_which_only_a_lenient_sensor_forgives() -> None:
    outcome = {}
    for strict in (True, False):
        host = Host(device(strict=strict))
        host.now_s = 1.01
        host.write(PCTL, 0x10)
        host.now_s = 2.01
        host.write(PCTL, 0x00)
        host.now_s = 3.01
        outcome[strict] = frame_shown(sparkfun_pixels(host))
    assert outcome == {True: 10, False: 30}


def test_sparkfun_clears_a_flag_that_does_not_exist() -> None:
    """0x0E names the thermistor's overflow, which the specification of 2016 has not."""
    outcome = {}
    for strict in (True, False):
        host = Host(device(strict=strict), now_s=0.35)
        assert host.read(STAT) == [0x06]
        host.write(SCLR, 0x0E)
        outcome[strict] = host.read(STAT)
    assert outcome == {True: [0x06], False: [0x00]}


# Panasonic's own API.


@pytest.mark.parametrize("degc", [25.0, -0.25, -19.9375])
def test_panasonic_s_api_reads_thermistor_and_pixels(degc: float) -> None:
    host = Host(device(degc))
    host.now_s = 0.71
    assert float(sign_and_magnitude(host.read(TTHL, 2))[0]) / 16 == degc
    assert frame_shown(two_s_complement_degc(host.read(T01L, 128))) == 7


@pytest.mark.parametrize(("eight_bits", "address"), [(0xD0, 0x68), (0xD2, 0x69)])
def test_panasonic_s_addresses_are_the_part_s(eight_bits: int, address: int) -> None:
    recording = Recording(np.zeros(1), np.zeros((1, 8, 8), np.float32), np.zeros(1, np.int64))
    assert Amg8833(recording, sheet=SHEET, address=eight_bits >> 1).address == address


# What none of them can do.

STARTS: dict[str, Callable[[Host], None]] = {
    "linux": linux_power_on,
    "zephyr": zephyr_init,
    "adafruit": adafruit_begin,
    "circuitpython": circuitpython_init,
}


@pytest.mark.parametrize("name", STARTS)
def test_no_driver_reaches_it_in_the_first_50_ms(name: str) -> None:
    host = Host(device(power_on_s=1.0), now_s=1.04)
    with pytest.raises(AssertionError, match="acknowledge"):
        STARTS[name](host)


@pytest.mark.parametrize("name", STARTS)
def test_every_driver_recovers_after_a_power_cycle(name: str) -> None:
    host = Host(device())
    STARTS[name](host)
    host.sensor.power_off(1.0)
    host.sensor.power_on(2.0)
    host.now_s = 2.06
    STARTS[name](host)
    host.wait(0.2)
    assert frame_shown(two_s_complement_degc(host.read(T01L, 128))) == int(host.now_s * 10)
