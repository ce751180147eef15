"""The parts in the library: what distinguishes them, and that the registers follow the sheet."""

from __future__ import annotations

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from datasheet.config import library_names
from datasheet.sheet import quantities
from sensors.amg8833 import INTHL, STAT, T01L, TTHL, Amg8833
from sensors.grid_eye_sheet import load_grid_eye
from sensors.recording import Recording

GRID_EYES = ("amg8831", "amg8833", "amg8834")


def test_the_library_holds_three_grid_eyes_and_a_larger_array() -> None:
    assert library_names("sensors.parts") == ("amg8831", "amg8833", "amg8834", "mlx90640")


@pytest.mark.parametrize(
    ("name", "range_degc", "accuracy_k", "netd_k"),
    [
        ("amg8831", (0, 80), 2.5, (0.08, 0.26)),
        ("amg8833", (0, 80), 2.5, (0.05, 0.16)),
        ("amg8834", (-20, 100), 3.0, (0.05, 0.16)),
    ],
)
def test_grid_eyes_differ_in_range_accuracy_and_noise(
    name: str, range_degc: tuple[float, float], accuracy_k: float, netd_k: tuple[float, float]
) -> None:
    sheet = load_grid_eye(name)
    assert (sheet.object_low_degc.value, sheet.object_high_degc.value) == range_degc
    assert sheet.accuracy_k.value == accuracy_k
    assert (sheet.netd_1hz_k.value, sheet.netd_10hz_k.value) == netd_k
    assert sheet.noise["datasheet"].centre_noise_k.value == netd_k[1]
    assert sheet.part.lower() == name


def test_a_type_never_recorded_claims_no_measurement() -> None:
    for name in ("amg8831", "amg8834", "mlx90640"):
        measured = [key for key, value in quantities(load_grid_eye(name)) if value.evidence == "measured"]
        assert measured == [], name


def test_the_grid_eyes_share_optics_and_supply() -> None:
    first, *others = (load_grid_eye(name) for name in GRID_EYES)
    for other in others:
        assert (other.pixels, other.rows, other.columns) == (first.pixels, 8, 8)
        assert (other.normal_current_a, other.startup_communication_s) == (
            first.normal_current_a,
            first.startup_communication_s,
        )


def test_noise_falls_with_the_square_root_of_the_ten_frames_averaged() -> None:
    for name in GRID_EYES:
        sheet = load_grid_eye(name)
        assert sheet.netd_10hz_k.value / np.sqrt(10) == pytest.approx(sheet.netd_1hz_k.value, abs=0.003)


def test_the_mlx90640_is_a_wide_array_of_24_rows() -> None:
    sheet = load_grid_eye("mlx90640")
    assert (sheet.rows, sheet.columns, sheet.pixels) == (24, 32, None)
    assert (sheet.field_of_view_horizontal_deg.value, sheet.field_of_view_vertical_deg.value) == (110, 75)
    assert sheet.i2c_address.values[0] == (0x33,)
    assert sheet.normal_current_a.high == 0.025


def recording(*frames_degc: float, thermistor_degc: float = 25.0) -> Recording:
    count = len(frames_degc)
    return Recording(
        time_s=np.arange(count) / 10,
        frames=np.repeat(np.array(frames_degc, dtype=np.float32), 64).reshape(-1, 8, 8),
        count=np.zeros(count, dtype=np.int64),
        thermistor_degc=np.full(count, thermistor_degc, dtype=np.float32),
    )


def read(sensor: Amg8833, time_s: float, register: int, count: int) -> list[int]:
    sensor.begin(time_s, read=False)
    sensor.write(time_s, register)
    sensor.begin(time_s, read=True)
    data = [sensor.read(time_s) for _ in range(count)]
    sensor.end(time_s)
    return data


@pytest.mark.parametrize(
    ("name", "degc", "overflows"),
    [
        ("amg8833", -0.25, True),
        ("amg8833", 0.0, False),
        ("amg8833", 80.25, True),
        ("amg8834", -0.25, False),
        ("amg8834", -20.25, True),
        ("amg8834", 100.0, False),
        ("amg8834", 100.25, True),
    ],
)
def test_the_overflow_flag_follows_the_part_s_range(name: str, degc: float, *, overflows: bool) -> None:
    sensor = Amg8833(recording(20.0, degc), sheet=load_grid_eye(name), first_frame_s=0.0)
    sensor.begin(0.06, read=False)
    for byte in (INTHL, 0xFF, 0x07, 0x00, 0x08, 0, 0):
        sensor.write(0.06, byte)
    sensor.end(0.06)
    assert read(sensor, 0.15, STAT, 1) == [0x04 if overflows else 0x00]
    low, high = read(sensor, 0.15, T01L, 2)
    assert low | high << 8 == round(degc * 4) & 0xFFF


def test_the_steps_of_the_registers_follow_the_sheet() -> None:
    sheet = load_grid_eye()
    coarse = sheet.model_copy(
        update={
            "pixel_lsb_k": load_grid_eye("amg8834").accuracy_k,
            "thermistor_lsb_k": load_grid_eye("amg8834").accuracy_k,
        }
    )
    sensor = Amg8833(recording(30.0, thermistor_degc=-27.0), sheet=coarse)
    assert read(sensor, 0.06, T01L, 2) == [10, 0]
    assert read(sensor, 0.06, TTHL, 2) == [9, 0x08]


def test_the_registers_are_not_those_of_an_mlx90640() -> None:
    with pytest.raises(BadInputError, match="rows and columns must be 8"):
        Amg8833(recording(20.0), sheet=load_grid_eye("mlx90640"), address=0x33)
    with pytest.raises(BadInputError, match="must be 0x33"):
        Amg8833(recording(20.0), sheet=load_grid_eye("mlx90640"))
