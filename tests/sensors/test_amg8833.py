"""The AMG8833 on its bus: registers, frames, power modes and the wake sequences of real drivers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasheet.bad_input import BadInputError
from sensors.amg8833 import AVE, AVE_UNLOCK, FPSC, INT0, INTC, INTHL, PCTL, RST, SCLR, STAT, T01L, TTHL, Amg8833
from sensors.grid_eye_sheet import load_grid_eye
from sensors.recording import Recording

SHEET = load_grid_eye()


def device(
    frames_degc: np.ndarray | None = None,
    thermistor_degc: float = 25.0,
    *,
    first_frame_s: float | None = 0.0,
    **options: float,
) -> Amg8833:
    """An AMG8833 that sees 400 frames: pixel n of frame k is k / 4 degC above n / 4, n from 0."""
    if frames_degc is None:
        frames_degc = (np.arange(400)[:, None, None] % 100 + np.arange(64).reshape(8, 8)) / 4
    count = len(frames_degc)
    recording = Recording(
        time_s=np.arange(count) / 10,
        frames=np.asarray(frames_degc, dtype=np.float32),
        count=np.zeros(count, dtype=np.int64),
        thermistor_degc=np.full(count, thermistor_degc, dtype=np.float32),
    )
    return Amg8833(recording, sheet=SHEET, first_frame_s=first_frame_s, **options)  # type: ignore[arg-type]


def write(sensor: Amg8833, time_s: float, register: int, *values: int) -> None:
    assert sensor.begin(time_s, read=False)
    for byte in (register, *values):
        assert sensor.write(time_s, byte)
    sensor.end(time_s)


def read(sensor: Amg8833, time_s: float, register: int, count: int = 1) -> list[int]:
    assert sensor.begin(time_s, read=False)
    sensor.write(time_s, register)
    assert sensor.begin(time_s, read=True)
    data = [sensor.read(time_s) for _ in range(count)]
    sensor.end(time_s)
    return data


def pixels_degc(sensor: Amg8833, time_s: float) -> np.ndarray:
    words = np.frombuffer(bytes(read(sensor, time_s, T01L, 128)), dtype="<u2").astype(np.int64)
    return ((words & 0x7FF) - (words & 0x800)) * 0.25


def shown_frame(sensor: Amg8833, time_s: float) -> float:
    """Number of the frame in the registers; pixel 0 of frame k is k / 4 degC."""
    return float(pixels_degc(sensor, time_s)[0] * 4)


def test_it_does_not_acknowledge_in_the_first_50_ms() -> None:
    sensor = device(power_on_s=1.0)
    assert not sensor.begin(0.5, read=False)
    assert not sensor.begin(1.049, read=False)
    assert sensor.begin(1.0501, read=False)


@pytest.mark.parametrize(("time_s", "frame"), [(0.06, 0), (1.0, 0), (2.05, 0), (2.1, 1), (2.45, 4), (2.5, 5)])
def test_frame_k_is_there_from_its_time_on(time_s: float, frame: int) -> None:
    sensor = device(first_frame_s=2.0)
    assert shown_frame(sensor, time_s) == frame
    assert sensor.latched_frame == frame


def test_the_recording_can_begin_with_the_first_read_of_pixels() -> None:
    sensor = device(first_frame_s=None)
    write(sensor, 1.0, RST, 0x3F)
    assert read(sensor, 3.0, TTHL, 2) == [0x90, 0x01]
    assert [shown_frame(sensor, time_s) for time_s in (7.03, 7.13, 7.23)] == [0, 1, 2]


def test_the_last_frame_stays() -> None:
    sensor = device(np.arange(5)[:, None, None] * np.ones((8, 8)))
    assert pixels_degc(sensor, 100.0).tolist() == [4.0] * 64
    assert sensor.latched_frame == 4


def test_a_burst_never_mixes_frames() -> None:
    sensor = device()
    sensor.begin(1.09, read=False)
    sensor.write(1.09, T01L)
    sensor.begin(1.09, read=True)
    data = [sensor.read(1.09 + index * 0.01) for index in range(128)]
    sensor.end(2.4)
    assert data[0::2] == [10 + pixel for pixel in range(64)]
    assert sensor.latched_frame == 10
    assert shown_frame(sensor, 2.41) == 24


def test_single_pixel_reads_may_tear() -> None:
    sensor = device()
    low = [read(sensor, 1.0 + pixel * 0.02, T01L + 2 * pixel, 2)[0] for pixel in range(64)]
    assert {word - pixel for pixel, word in enumerate(low)} == set(range(10, 23))


def test_the_pointer_survives_a_stop_and_advances() -> None:
    sensor = device()
    write(sensor, 0.06, TTHL)
    sensor.begin(0.06, read=True)
    assert [sensor.read(0.06), sensor.read(0.06)] == [0x90, 0x01]
    sensor.end(0.06)


@given(st.integers(-2048, 2047))
def test_pixels_are_twelve_bit_two_s_complement_low_byte_first(steps: int) -> None:
    sensor = device(np.full((1, 8, 8), steps / 4))
    low, high = read(sensor, 0.06, T01L + 2 * 17, 2)
    assert high <= 0x0F
    word = low | high << 8
    assert (word - 4096 if word & 0x800 else word) == steps


@pytest.mark.parametrize(
    ("degc", "word"), [(25.0, 0x190), (-0.25, 0x804), (0.0, 0), (127.9375, 0x7FF), (-59.6875, 0xBBB)]
)
def test_the_thermistor_is_sign_and_magnitude(degc: float, word: int) -> None:
    low, high = read(device(thermistor_degc=degc), 0.06, TTHL, 2)
    assert low | high << 8 == word


def test_a_recording_without_thermistor_shows_the_usual_self_heating() -> None:
    plain = Recording(np.zeros(1), np.full((1, 8, 8), 20.0, np.float32), np.zeros(1, np.int64))
    low, high = read(Amg8833(plain, sheet=SHEET), 0.06, TTHL, 2)
    assert (low | high << 8) / 16 == pytest.approx(20 + SHEET.thermistor_offset_k.value, abs=0.04)


def test_registers_are_zero_after_power_on_and_keep_what_is_written() -> None:
    sensor = device()
    for register in (PCTL, FPSC, INTC, STAT, AVE, *range(INTHL, TTHL)):
        assert read(sensor, 0.06, register) == [0]
    write(sensor, 0.06, INTHL, 0x50, 0x01, 0x20, 0x0F, 0x04, 0x00)
    assert read(sensor, 0.06, INTHL, 6) == [0x50, 0x01, 0x20, 0x0F, 0x04, 0x00]
    write(sensor, 0.06, FPSC, 1)
    assert read(sensor, 0.06, FPSC) == [1]


def test_sleep_takes_nothing_but_the_wake_command() -> None:
    sensor = device()
    write(sensor, 1.0, PCTL, 0x10)
    write(sensor, 1.1, FPSC, 1)
    assert [(rejected.register, rejected.value) for rejected in sensor.rejected_writes] == [(FPSC, 1)]
    assert read(sensor, 1.2, T01L, 2) == [0xFF, 0xFF]
    write(sensor, 1.3, PCTL, 0x00)
    assert read(sensor, 1.4, FPSC) == [0]


def test_after_sleep_frames_come_only_after_the_initial_reset() -> None:
    sensor = device()
    write(sensor, 1.0, PCTL, 0x10)
    write(sensor, 3.0, PCTL, 0x00)
    assert shown_frame(sensor, 4.0) == 10
    write(sensor, 4.05, RST, 0x3F)
    assert pixels_degc(sensor, 4.06).tolist() == [0.0] * 64
    assert shown_frame(sensor, 4.11) == 41


def test_what_sleep_holds_is_held() -> None:
    sensor = device()
    write(sensor, 1.0, INTHL, 7)
    write(sensor, 1.0, INTC, 3)
    write(sensor, 1.0, PCTL, 0x10)
    write(sensor, 3.0, PCTL, 0x00)
    write(sensor, 3.1, RST, 0x3F)
    assert (read(sensor, 3.2, INTHL), read(sensor, 3.2, INTC)) == ([7], [3])


def test_one_frame_a_second_is_the_mean_of_ten() -> None:
    sensor = device()
    write(sensor, 0.06, FPSC, 1)
    assert pixels_degc(sensor, 0.5)[0] == 0
    # Frames 0 to 9 have pixel 0 at 0 to 9 steps; 4.5 is halfway and goes to the even one.
    assert pixels_degc(sensor, 0.95)[0] == 1.0
    assert pixels_degc(sensor, 1.85)[0] == 1.0
    assert pixels_degc(sensor, 1.95)[0] == 3.5


@pytest.mark.parametrize(("value", "period_s"), [(0x21, 10.0), (0x20, 60.0)])
def test_standby_measures_once_a_period(value: int, period_s: float) -> None:
    frames = np.arange(1600)[:, None, None] * np.ones((8, 8)) / 4
    sensor = device(frames)
    write(sensor, 1.0, PCTL, value)
    assert shown_frame(sensor, 1.0 + period_s - 0.1) == 10
    assert shown_frame(sensor, 1.0 + period_s + 0.1) == 10 + 10 * period_s
    write(sensor, 1.2 + period_s, PCTL, 0x00)
    assert shown_frame(sensor, 1.55 + period_s) == 15 + 10 * period_s


def test_average_needs_its_unlock_sequence() -> None:
    sensor = device()
    write(sensor, 0.06, AVE, 0x20)
    assert read(sensor, 0.06, AVE) == [0]
    for key in (0x50, 0x45, 0x57):
        write(sensor, 0.07, AVE_UNLOCK, key)
    write(sensor, 0.07, AVE, 0x20)
    write(sensor, 0.07, AVE_UNLOCK, 0x00)
    write(sensor, 0.08, AVE, 0x00)
    assert read(sensor, 0.08, AVE) == [0x20]


def test_average_is_the_mean_of_two_frames() -> None:
    sensor = device(np.array([0.0, 2.0, 4.0, 8.0])[:, None, None] * np.ones((8, 8)))
    for key in (0x50, 0x45, 0x57):
        write(sensor, 0.07, AVE_UNLOCK, key)
    write(sensor, 0.07, AVE, 0x20)
    assert [pixels_degc(sensor, time_s)[5] for time_s in (0.15, 0.25, 0.35)] == [1.0, 3.0, 6.0]


def test_unknown_commands_are_ignored_and_noted() -> None:
    sensor = device()
    for register, value in ((PCTL, 0x01), (RST, 0x12), (FPSC, 2), (INTC, 4), (STAT, 2), (0x06, 1), (T01L, 1)):
        write(sensor, 0.06, register, value)
    assert len(sensor.rejected_writes) == 7
    assert shown_frame(sensor, 1.0) == 10


def frames_with_hot_pixel(*hot_degc: float) -> np.ndarray:
    frames = np.full((len(hot_degc), 8, 8), 20.0)
    frames[:, 1, 2] = hot_degc
    return frames


def test_absolute_interrupt_has_hysteresis_and_a_pixel_table() -> None:
    sensor = device(frames_with_hot_pixel(20, 26, 24.5, 23.5, 20))
    write(sensor, 0.06, INTC, 0x03)
    write(sensor, 0.06, INTHL, 100, 0, 0x00, 0x0F, 4, 0)  # above 25 degC, below -64 degC, 1 degC back
    assert read(sensor, 0.07, INT0, 8) == [0] * 8
    assert read(sensor, 0.15, INT0, 8) == [0, 0b100, 0, 0, 0, 0, 0, 0]
    assert read(sensor, 0.15, STAT) == [0x02]
    assert sensor.interrupt_is_asserted
    assert read(sensor, 0.25, INT0 + 1) == [0b100]
    assert read(sensor, 0.35, INT0 + 1) == [0]
    assert read(sensor, 0.35, STAT) == [0x02]
    write(sensor, 0.36, SCLR, 0x02)
    assert read(sensor, 0.36, STAT) == [0]
    assert not sensor.interrupt_is_asserted


def test_difference_interrupt_compares_with_the_previous_frame() -> None:
    sensor = device(frames_with_hot_pixel(20, 26, 26, 20))
    write(sensor, 0.06, INTHL, 8, 0, 0xF8, 0x0F, 0, 0)  # more than 2 degC up or down
    assert [read(sensor, time_s, INT0 + 1) for time_s in (0.15, 0.25, 0.35)] == [[4], [0], [4]]


def test_zero_levels_set_the_flag_and_a_flag_reset_clears_it() -> None:
    sensor = device()
    assert read(sensor, 0.35, STAT) == [0x02]
    write(sensor, 0.35, RST, 0x30)
    assert read(sensor, 0.36, STAT) == [0]
    assert read(sensor, 0.36, INT0, 8) == [0] * 8


def test_overflow_is_flagged() -> None:
    sensor = device(frames_with_hot_pixel(20, 81))
    write(sensor, 0.06, INTHL, 0xFF, 0x07, 0x00, 0x08, 0, 0)
    assert read(sensor, 0.15, STAT) == [0x04]


def test_time_in_each_power_state_adds_up() -> None:
    sensor = device(power_on_s=1.0)
    write(sensor, 3.0, PCTL, 0x10)
    write(sensor, 5.0, PCTL, 0x00)
    write(sensor, 6.0, PCTL, 0x20)
    residency = sensor.state_residency_s(10.0)
    assert residency == pytest.approx({"startup": 0.05, "normal": 2.95, "sleep": 2.0, "standby": 4.0})
    assert sensor.state_residency_s(0.5) == pytest.approx(dict.fromkeys(residency, 0.0))


def test_linux_wakes_it() -> None:
    sensor = device()
    write(sensor, 0.2, PCTL, 0x10)
    write(sensor, 1.0, PCTL, 0x00)
    write(sensor, 1.05, RST, 0x3F)
    write(sensor, 1.053, RST, 0x30)
    rate = read(sensor, 1.06, FPSC)[0]
    write(sensor, 1.06, FPSC, rate & ~1)
    assert shown_frame(sensor, 1.253) == 12
    assert sensor.rejected_writes == ()


def test_zephyr_wakes_it_without_a_flag_reset() -> None:
    sensor = device()
    write(sensor, 0.2, PCTL, 0x10)
    assert read(sensor, 1.0, PCTL) == [0x10]
    write(sensor, 1.0, PCTL, 0x00)
    write(sensor, 1.05, RST, 0x3F)
    write(sensor, 1.052, FPSC, 0x00)
    assert shown_frame(sensor, 1.21) == 12


def test_adafruit_wakes_it_without_waiting() -> None:
    sensor = device()
    write(sensor, 0.2, PCTL, 0x10)
    write(sensor, 1.0, PCTL, 0x00)
    write(sensor, 1.0, RST, 0x3F)
    write(sensor, 1.0, INTC, 0x00)
    write(sensor, 1.0, FPSC, 0x00)
    assert shown_frame(sensor, 1.11) == 11


def test_an_address_of_another_part_is_refused() -> None:
    with pytest.raises(BadInputError, match="0x68 or 0x69"):
        device(address=0x33)


def test_a_recording_without_frames_is_refused() -> None:
    with pytest.raises(BadInputError, match="at least one frame"):
        device(np.zeros((0, 8, 8)))
