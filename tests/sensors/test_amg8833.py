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
from sensors.register_words import pixel_word, signed_12, thermistor_steps, thermistor_word

SHEET = load_grid_eye()


def device(
    frames_degc: np.ndarray | None = None,
    thermistor_degc: float = 25.0,
    *,
    first_frame_s: float | None = 0.0,
    **options: float | bool,
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


def test_average_at_one_frame_a_second_is_the_mean_of_twenty() -> None:
    sensor = device(np.arange(40)[:, None, None] * np.ones((8, 8)))
    for register, value in ((AVE_UNLOCK, 0x50), (AVE_UNLOCK, 0x45), (AVE_UNLOCK, 0x57), (AVE, 0x20), (FPSC, 1)):
        write(sensor, 0.06, register, value)
    assert [pixels_degc(sensor, time_s)[5] for time_s in (0.95, 1.95, 2.95)] == [4.5, 9.5, 19.5]


@pytest.mark.parametrize(("register", "value", "time_s", "degc"), [(AVE, 0x20, 3.15, 31.0), (FPSC, 1, 3.95, 35.0)])
def test_means_begin_anew_after_the_initial_reset(register: int, value: int, time_s: float, degc: float) -> None:
    sensor = device(np.arange(60)[:, None, None] * np.ones((8, 8)))
    for key in (0x50, 0x45, 0x57):
        write(sensor, 0.06, AVE_UNLOCK, key)
    write(sensor, 0.06, register, value)
    write(sensor, 1.0, PCTL, 0x10)
    write(sensor, 3.0, PCTL, 0x00)
    write(sensor, 3.05, RST, 0x3F)
    assert pixels_degc(sensor, time_s)[5] == degc


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


def test_the_wake_sequence_of_the_specification_breaks_no_rule() -> None:
    sensor = device()
    write(sensor, 0.2, PCTL, 0x10)
    write(sensor, 1.0, PCTL, 0x00)
    write(sensor, 1.05, RST, 0x3F)
    write(sensor, 1.052, RST, 0x30)
    assert shown_frame(sensor, 1.253) == 12
    assert (sensor.rejected_writes, sensor.broken_rules) == ((), ())


@pytest.mark.parametrize(
    ("reset_s", "flags_s", "read_s", "rule"),
    [
        (1.049, 1.06, 1.3, "initial reset less than 50 ms after waking"),
        (1.05, 1.051, 1.3, "flag reset less than 2 ms after the initial reset"),
        (1.05, 1.06, 1.24, "temperatures or flags read less than two frames after the initial reset"),
    ],
)
def test_a_wait_cut_short_is_noted_and_forgiven(reset_s: float, flags_s: float, read_s: float, rule: str) -> None:
    sensor = device()
    write(sensor, 0.2, PCTL, 0x10)
    write(sensor, 1.0, PCTL, 0x00)
    write(sensor, reset_s, RST, 0x3F)
    write(sensor, flags_s, RST, 0x30)
    assert shown_frame(sensor, read_s) == int(read_s * 10)
    assert [broken.rule for broken in sensor.broken_rules] == [rule]


def test_reads_while_asleep_and_before_the_reset_are_noted_once() -> None:
    sensor = device()
    write(sensor, 0.2, PCTL, 0x10)
    for time_s in (0.3, 0.4):
        assert read(sensor, time_s, T01L, 4) == [0xFF] * 4
    write(sensor, 1.0, PCTL, 0x00)
    read(sensor, 1.1, T01L, 4)
    expected = [(0.3, "read while asleep"), (1.1, "read after sleep before the initial reset")]
    assert [(broken.time_s, broken.rule) for broken in sensor.broken_rules] == expected


@pytest.mark.parametrize("register", [PCTL, FPSC, INTC, STAT, AVE, INTHL, TTHL, INT0, T01L, 0xFF])
def test_a_strict_sensor_tells_nothing_while_asleep(register: int) -> None:
    sensor = device()
    write(sensor, 1.0, PCTL, 0x10)
    assert read(sensor, 1.1, register) == [0xFF]


def test_a_lenient_sensor_tells_its_power_mode_while_asleep() -> None:
    sensor = device(strict=False)
    write(sensor, 1.0, PCTL, 0x01)
    assert read(sensor, 1.1, PCTL) == [0x10]
    assert read(sensor, 1.1, T01L) == [0xFF]


def test_the_initial_reset_after_sleep_resets_temperatures_flags_and_nothing_else() -> None:
    """Table 4-11-12 of the specification."""
    sensor = device(thermistor_degc=25.0)
    for key in (0x50, 0x45, 0x57):
        write(sensor, 0.06, AVE_UNLOCK, key)
    held = {AVE: 0x20, FPSC: 0x01, INTC: 0x03, INTHL: 9, INTHL + 2: 8, INTHL + 4: 7}
    for register, value in held.items():
        write(sensor, 0.07, register, value)
    assert read(sensor, 0.95, STAT) == [0x02]
    write(sensor, 1.0, PCTL, 0x10)
    write(sensor, 2.0, PCTL, 0x00)
    write(sensor, 2.05, RST, 0x3F)
    assert {register: read(sensor, 2.06, register)[0] for register in held} == held
    assert read(sensor, 2.06, PCTL) == [0]
    assert read(sensor, 2.06, TTHL, 2) == [0x90, 0x01]
    assert read(sensor, 2.06, STAT) == [0]
    assert read(sensor, 2.06, INT0, 8) == [0] * 8
    assert read(sensor, 2.06, T01L, 128) == [0] * 128


def test_an_initial_reset_without_sleep_is_a_flag_reset() -> None:
    sensor = device()
    write(sensor, 1.0, RST, 0x3F)
    assert shown_frame(sensor, 1.01) == 10
    assert read(sensor, 1.02, STAT) == [0]
    assert [broken.rule for broken in sensor.broken_rules] == ["initial reset without sleep before it"]


def test_a_recording_begins_when_valid_pixels_are_read_not_those_of_a_sleeper() -> None:
    sensor = device(first_frame_s=None)
    write(sensor, 0.1, PCTL, 0x10)
    read(sensor, 0.2, T01L, 2)
    write(sensor, 0.3, PCTL, 0x00)
    read(sensor, 0.4, T01L, 2)
    assert sensor.first_frame_s is None
    write(sensor, 0.5, RST, 0x3F)
    assert pixels_degc(sensor, 5.0).tolist() == [pixel / 4 for pixel in range(64)]
    assert sensor.first_frame_s == pytest.approx(4.95)
    assert shown_frame(sensor, 5.1) == 1


def test_the_difference_of_the_first_frame_after_a_reset_is_zero() -> None:
    sensor = device(np.full((60, 8, 8), 20.0))
    write(sensor, 0.06, INTHL, 8, 0, 0xF8, 0x0F, 0, 0)
    write(sensor, 1.0, PCTL, 0x10)
    write(sensor, 2.0, PCTL, 0x00)
    write(sensor, 2.05, RST, 0x3F)
    assert read(sensor, 2.35, STAT) == [0]


def test_the_last_frame_is_shown_to_who_wakes_the_sensor_after_the_recording_s_end() -> None:
    sensor = device(np.full((5, 8, 8), 20.0))
    write(sensor, 10.0, PCTL, 0x10)
    write(sensor, 11.0, PCTL, 0x00)
    write(sensor, 11.05, RST, 0x3F)
    assert pixels_degc(sensor, 11.3).tolist() == [20.0] * 64


def test_the_interrupt_pin_falls_without_anybody_on_the_bus_and_only_when_enabled() -> None:
    sensor = device(frames_with_hot_pixel(20, 20, 26, 20))
    write(sensor, 0.06, INTHL, 100, 0, 0x00, 0x0F, 4, 0)
    write(sensor, 0.06, INTC, 0x02)
    assert not sensor.int_pin_is_low(0.25)
    assert read(sensor, 0.25, STAT) == [0x02]
    write(sensor, 0.26, RST, 0x30)
    write(sensor, 0.26, INTC, 0x03)
    quiet = device(frames_with_hot_pixel(20, 20, 26, 20))
    write(quiet, 0.06, INTHL, 100, 0, 0x00, 0x0F, 4, 0)
    write(quiet, 0.06, INTC, 0x03)
    assert [quiet.int_pin_is_low(time_s) for time_s in (0.15, 0.21, 0.35)] == [False, True, True]
    write(quiet, 0.36, SCLR, 0x02)
    assert not quiet.int_pin_is_low(0.37)


def test_sleep_releases_the_interrupt_pin_and_standby_does_not() -> None:
    for mode, is_low in ((0x21, True), (0x10, False)):
        sensor = device()
        write(sensor, 0.06, INTC, 0x03)
        assert sensor.int_pin_is_low(0.25)
        write(sensor, 0.3, PCTL, mode)
        assert sensor.int_pin_is_low(0.4) == is_low


def test_standby_compares_its_measurements_with_each_other() -> None:
    frames = np.full((400, 8, 8), 20.0)
    frames[150:] = 25.0
    sensor = device(frames)
    write(sensor, 0.06, INTHL, 8, 0, 0xF8, 0x0F, 0, 0)
    write(sensor, 0.06, INTC, 0x01)
    write(sensor, 0.5, PCTL, 0x21)
    assert [sensor.int_pin_is_low(time_s) for time_s in (10.6, 20.4, 20.6)] == [False, False, True]


def test_standby_measures_at_the_end_of_each_period_whoever_looks() -> None:
    """A person who came and went between two looks has set the flag, as at the normal frame rate."""
    frames = np.full((400, 8, 8), 20.0)
    frames[150:250] = 25.0
    sensor = device(frames)
    write(sensor, 0.06, INTHL, 90, 0, 0, 0, 0, 0)
    write(sensor, 0.06, INTC, 0x03)
    write(sensor, 0.5, PCTL, 0x21)
    write(sensor, 0.5, SCLR, 0x02)
    assert sensor.int_pin_is_low(35.0)


def test_standby_waits_for_a_recording_that_begins_late() -> None:
    sensor = device(np.stack([np.full((8, 8), 20.0), np.full((8, 8), 25.0)]), first_frame_s=3600.0)
    write(sensor, 0.06, PCTL, 0x21)
    assert read(sensor, 3599.0, T01L, 1) == [80]
    assert read(sensor, 3615.0, T01L, 1) == [100]


@pytest.mark.parametrize("value", [0x00, 0x20])
def test_the_average_register_locks_again(value: int) -> None:
    sensor = device()
    for key in (0x50, 0x45, 0x57):
        write(sensor, 0.06, AVE_UNLOCK, key)
    write(sensor, 0.06, AVE, value)
    write(sensor, 0.06, AVE_UNLOCK, 0x00)
    write(sensor, 0.07, AVE, 0x20 - value)
    assert read(sensor, 0.07, AVE) == [value]
    assert [(refused.register, refused.value) for refused in sensor.rejected_writes] == [(AVE, 0x20 - value)]


@pytest.mark.parametrize("keys", [(0x50, 0x57, 0x45), (0x50, 0x45), (0x45, 0x57), (0x50, 0x45, 0x57, 0x57)])
def test_a_wrong_key_does_not_unlock(keys: tuple[int, ...]) -> None:
    sensor = device()
    for key in keys:
        write(sensor, 0.06, AVE_UNLOCK, key)
    write(sensor, 0.06, AVE, 0x20)
    assert read(sensor, 0.06, AVE) == [0]


def test_a_power_cycle_resets_every_register() -> None:
    sensor = device(power_on_s=0.0)
    write(sensor, 0.06, INTHL, 9, 1, 8, 1, 7, 1)
    write(sensor, 0.06, FPSC, 1)
    write(sensor, 0.06, INTC, 3)
    assert sensor.int_pin_is_low(0.95)
    sensor.power_off(1.0)
    assert not sensor.begin(1.5, read=False)
    assert not sensor.write(1.5, 0)
    assert sensor.read(1.5) == 0xFF
    assert not sensor.int_pin_is_low(1.5)
    sensor.power_on(2.0)
    assert not sensor.begin(2.049, read=False)
    assert read(sensor, 2.06, 0x00, 256) == [0] * 256
    assert shown_frame(sensor, 2.11) == 21


def test_a_power_cycle_wakes_a_sleeper_without_a_reset() -> None:
    sensor = device()
    write(sensor, 1.0, PCTL, 0x10)
    sensor.power_off(2.0)
    sensor.power_on(3.0)
    assert shown_frame(sensor, 3.11) == 31
    assert sensor.broken_rules == ()


def test_a_cut_supply_ends_the_transaction() -> None:
    sensor = device()
    assert sensor.begin(1.0, read=False)
    sensor.write(1.0, T01L)
    sensor.power_off(1.0)
    sensor.power_on(1.1)
    assert shown_frame(sensor, 1.36) == 13


def test_switching_what_is_switched_changes_nothing() -> None:
    sensor = device()
    sensor.power_on(1.0)
    assert shown_frame(sensor, 1.01) == 10
    for time_s in (2.0, 3.0):
        sensor.power_off(time_s)
    assert sensor.state_residency_s(4.0) == pytest.approx(
        {"startup": 0.05, "normal": 1.95, "standby": 0.0, "sleep": 0.0, "off": 2.0}
    )


def test_a_supply_cut_during_start_up_is_off_at_once() -> None:
    sensor = device(power_on_s=1.0)
    sensor.power_off(1.02)
    assert not sensor.begin(1.1, read=False)
    residency = sensor.state_residency_s(2.0)
    assert residency == pytest.approx({"startup": 0.02, "normal": 0.0, "standby": 0.0, "sleep": 0.0, "off": 0.98})


WRITES = st.lists(
    st.tuples(
        st.sampled_from([PCTL, RST, FPSC, INTC, SCLR, AVE, AVE_UNLOCK, INTHL, *range(256)]),
        st.sampled_from([0x00, 0x01, 0x10, 0x20, 0x21, 0x30, 0x3F, 0x50, 0x45, 0x57, *range(256)]),
        st.sampled_from([0.0, 0.001, 0.05, 0.1, 0.7, 11.0]),
    ),
    max_size=25,
)


@given(WRITES, st.booleans())
def test_writes_in_any_order_leave_a_sensor_that_answers(writes: list[tuple[int, int, float]], strict: bool) -> None:  # noqa: FBT001 - drawn
    sensor, time_s = device(strict=strict), 0.06
    for register, value, wait_s in writes:
        write(sensor, time_s, register, value)
        time_s += wait_s
        data = read(sensor, time_s, 0x00, 256)
        assert all(0 <= byte <= 0xFF for byte in data)
        assert all(byte <= 0x0F for byte in data[T01L + 1 :: 2]) or set(data[1:]) == {0xFF}
        sensor.int_pin_is_low(time_s)
    assert sum(sensor.state_residency_s(time_s).values()) == pytest.approx(time_s)


READ_ONLY = [STAT, *range(TTHL, 0x18), *range(T01L, 0x100)]


@given(st.sampled_from([*READ_ONLY, 0x06, *range(0x18, 0x1F), *range(0x20, 0x80)]), st.integers(0, 255), st.booleans())
def test_a_write_to_a_read_only_or_reserved_register_changes_nothing(register: int, value: int, strict: bool) -> None:  # noqa: FBT001 - drawn
    sensor = device(strict=strict)
    write(sensor, 0.06, INTC, 0x03)
    before = read(sensor, 0.55, 0x00, 256)
    write(sensor, 0.55, register, value)
    assert read(sensor, 0.55, 0x00, 256) == before
    assert [(refused.register, refused.value) for refused in sensor.rejected_writes] == [(register, value)]


@given(WRITES)
def test_only_frames_and_resets_change_what_was_measured(writes: list[tuple[int, int, float]]) -> None:
    sensor = device()
    before = read(sensor, 0.55, 0x00, 256)
    for register, value, _ in writes:
        if register not in (PCTL, RST, SCLR):
            write(sensor, 0.55, register, value)
    after = read(sensor, 0.55, 0x00, 256)
    assert [after[register] for register in READ_ONLY] == [before[register] for register in READ_ONLY]


@given(
    st.lists(
        st.tuples(st.sampled_from(["off", "on", 0x00, 0x10, 0x20, 0x21]), st.floats(0.0, 20.0)),
        max_size=12,
    ),
    st.floats(0.0, 300.0),
)
def test_residency_adds_up_to_the_time_since_power_on(events: list[tuple[object, float]], until_s: float) -> None:
    sensor, time_s = device(power_on_s=2.0), 2.0
    for event, wait_s in events:
        time_s += wait_s
        if event == "off":
            sensor.power_off(time_s)
        elif event == "on":
            sensor.power_on(time_s)
        elif sensor.begin(time_s, read=False):
            sensor.write(time_s, PCTL)
            sensor.write(time_s, int(str(event)))
            sensor.end(time_s)
    residency = sensor.state_residency_s(until_s)
    assert all(seconds >= 0 for seconds in residency.values())
    assert sum(residency.values()) == pytest.approx(max(until_s - 2.0, 0.0), abs=1e-9)


@given(st.integers(-2048, 2047), st.integers(0, 15))
def test_a_pixel_s_sign_survives_its_register(steps: int, unspecified: int) -> None:
    assert signed_12(pixel_word(steps) | unspecified << 12) == steps


@given(st.integers(-2047, 2047), st.integers(0, 15))
def test_the_thermistor_s_sign_survives_its_register(steps: int, unspecified: int) -> None:
    assert thermistor_steps(thermistor_word(steps) | unspecified << 12) == steps


@given(st.integers(-(10**6), 10**6))
def test_a_thermistor_beyond_its_word_is_limited(steps: int) -> None:
    assert thermistor_steps(thermistor_word(steps)) == max(min(steps, 2047), -2047)


def test_an_address_of_another_part_is_refused() -> None:
    with pytest.raises(BadInputError, match="0x68 or 0x69"):
        device(address=0x33)


def test_a_recording_without_frames_is_refused() -> None:
    with pytest.raises(BadInputError, match="at least one frame"):
        device(np.zeros((0, 8, 8)))


def test_frames_of_another_array_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"frames is \(1, 24, 32\); shape must be \(N, 8, 8\)"):
        device(np.zeros((1, 24, 32)))


def test_listeners_hear_of_power_and_of_modes() -> None:
    sensor, heard = device(power_on_s=0.0), list[tuple[float, str]]()
    sensor.on_power_state(lambda time_s, state: heard.append((time_s, state)))
    write(sensor, 1.0, PCTL, 0x21)
    write(sensor, 2.0, PCTL, 0x00)
    sensor.power_off(3.0)
    sensor.power_off(3.5)
    sensor.power_on(4.0)
    assert heard == [(1.0, "standby"), (2.0, "normal"), (3.0, "off"), (4.0, "startup")]


def test_a_recording_begins_when_it_is_told_to_once() -> None:
    sensor = device(first_frame_s=None)
    sensor.begin_recording(1.0)
    sensor.begin_recording(2.0)
    assert sensor.first_frame_s == 1.0
    assert shown_frame(sensor, 1.55) == 5
