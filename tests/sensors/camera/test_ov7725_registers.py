"""The OV7725: SCCB, what its registers make of the array, and the bytes it sends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasheet.bad_input import BadInputError
from sensors.camera import ov7725_registers as ov
from sensors.camera.camera_sheet import load_camera
from sensors.camera.ov7725_registers import Ov7725, Playback

AWAKE_S = 0.01
WINDOW = {ov.HSTART: 0x4E, ov.HSIZE: 50, ov.VSTRT: 0x0D, ov.VSIZE: 100, ov.HOUTSIZE: 50, ov.VOUTSIZE: 100}
"""200 x 200 from the middle of QVGA."""


def store(camera: Ov7725, register: int, value: int, time_s: float = AWAKE_S) -> None:
    assert camera.begin(time_s, read=False)
    assert camera.write(time_s, register)
    assert camera.write(time_s, value)
    camera.end(time_s)


def fetch(camera: Ov7725, register: int, time_s: float = AWAKE_S) -> int:
    """Read as SCCB does: the address and STOP, then a byte."""
    assert camera.begin(time_s, read=False)
    camera.write(time_s, register)
    camera.end(time_s)
    assert camera.begin(time_s, read=True)
    value = camera.read(time_s)
    camera.end(time_s)
    return value


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 65536, (200, 200)).astype(np.uint16)


@pytest.fixture
def camera(picture: np.ndarray) -> Ov7725:
    """Return a camera that sends 200 x 200 RGB565 at 24 MHz."""
    made = Ov7725(Playback(picture[np.newaxis]))
    store(made, ov.COM7, 0x46)
    store(made, ov.CLKRC, 0)
    for register, value in WINDOW.items():
        store(made, register, value)
    return made


def test_it_tells_who_made_it(camera: Ov7725) -> None:
    assert [fetch(camera, register) for register in (ov.PID, ov.VER, ov.MIDH, ov.MIDL)] == [0x77, 0x21, 0x7F, 0xA2]
    store(camera, ov.PID, 1)
    assert fetch(camera, ov.PID) == 0x77
    assert camera.rejected_writes == ((AWAKE_S, ov.PID, 1),)


@given(
    register=st.integers(0, 255).filter(lambda n: n not in (ov.PID, ov.VER, ov.MIDH, ov.MIDL)),
    value=st.integers(0, 127),
)
def test_other_registers_keep_what_is_written(register: int, value: int) -> None:
    camera = Ov7725(Playback(np.zeros((1, 2, 2), np.uint16)))
    store(camera, register, value)
    assert fetch(camera, register) == value


def test_a_reset_brings_everything_back_and_deafens_for_a_while(camera: Ov7725) -> None:
    store(camera, ov.COM7, 0x80)
    assert not camera.begin(AWAKE_S + ov.RESET_S / 2, read=False)
    later_s = AWAKE_S + 2 * ov.RESET_S
    assert fetch(camera, ov.COM7, later_s) == 0
    assert fetch(camera, ov.HSIZE, later_s) == 0xA0
    assert camera.next_frame(later_s) is None


@pytest.mark.parametrize(
    ("com4", "clkrc", "com7", "rate_hz"),
    [
        (0x41, 0x00, 0x46, 75),
        (0x41, 0x40, 0x46, 150),
        (0x41, 0x40, 0x06, 60),
        (0x81, 0x01, 0x46, 56.2),
        (0x01, 0x40, 0x46, 37.5),
    ],
)
def test_the_frame_rate_follows_from_pll_prescaler_and_resolution(
    camera: Ov7725, com4: int, clkrc: int, com7: int, rate_hz: float
) -> None:
    """75 and 150 frames a second in QVGA and 60 in VGA are the published rates."""
    for register, value in ((ov.COM4, com4), (ov.CLKRC, clkrc), (ov.COM7, com7)):
        store(camera, register, value)
    assert 1 / camera.mode.frame_s == pytest.approx(rate_hz, rel=0.002)


def test_the_rolling_shutter_has_the_row_time_of_the_registers(camera: Ov7725) -> None:
    """As drivers set the camera up: QVGA, 24 MHz. The rows of a frame are the same, their time within a thousandth."""
    sheet = load_camera("ov7725")
    assert camera.mode.pixel_clock_hz == 24e6
    assert sheet.frame_rows.value == ov.FRAME_ROWS[True]
    assert sheet.row_s == pytest.approx(camera.mode.row_s, rel=1e-3)


def test_the_window_lies_in_the_middle(camera: Ov7725, picture: np.ndarray) -> None:
    assert (camera.mode.first, camera.mode.size) == ((20, 60), (200, 200))
    frame = camera.next_frame(1.0)
    assert frame is not None
    assert (frame.rows, frame.row_bytes) == (200, 400)
    data = camera.data(frame)
    assert data[:2] == int(picture[0, 0]).to_bytes(2, "big")
    assert (np.frombuffer(data, ">u2").reshape(200, 200) == picture).all()
    assert camera.frames_taken == [frame.index]
    assert not camera.notes


def test_a_window_beyond_the_picture_is_black_there(camera: Ov7725, picture: np.ndarray) -> None:
    for register, value in ((ov.HSTART, 0x3F), (ov.HSIZE, 80), (ov.HOUTSIZE, 80)):
        store(camera, register, value)
    frame = camera.next_frame(1.0)
    words = np.frombuffer(camera.data(frame), ">u2").reshape(200, 320)
    assert (words[:, 60:260] == picture).all()
    assert not words[:, :60].any()
    assert not words[:, 260:].any()


@pytest.mark.parametrize(("com3", "turned"), [(0x80, np.s_[::-1]), (0x40, np.s_[:, ::-1]), (0xC0, np.s_[::-1, ::-1])])
def test_pictures_can_be_flipped(camera: Ov7725, picture: np.ndarray, com3: int, turned: object) -> None:
    store(camera, ov.COM3, com3)
    words = np.frombuffer(camera.data(camera.next_frame(1.0)), ">u2").reshape(200, 200)
    assert (words == picture[turned]).all()


def test_red_and_blue_can_be_swapped(camera: Ov7725, picture: np.ndarray) -> None:
    store(camera, ov.COM3, 0x20)
    words = np.frombuffer(camera.data(camera.next_frame(1.0)), ">u2").reshape(200, 200)
    assert (words >> 11 == picture & 0x1F).all()
    assert (words & 0x1F == picture >> 11).all()
    assert (words & 0x07E0 == picture & 0x07E0).all()


def test_colour_bars_are_eight(camera: Ov7725) -> None:
    store(camera, ov.COM3, 0x01)
    words = np.frombuffer(camera.data(camera.next_frame(1.0)), ">u2").reshape(200, 200)
    assert tuple(words[7, ::25]) == ov.BARS
    assert (words == words[0]).all()


@given(first_s=st.floats(0.02, 5.0), step_s=st.floats(1e-5, 0.1))
def test_frames_come_one_after_the_other(first_s: float, step_s: float) -> None:
    camera = Ov7725(Playback(np.zeros((1, 2, 2), np.uint16)))
    store(camera, ov.COM7, 0x46)
    first, later = camera.next_frame(first_s), camera.next_frame(first_s + step_s)
    assert first is not None
    assert later is not None
    assert first_s - 1e-8 <= first.begin_s < first_s + first.period_s
    assert later.begin_s - first.begin_s == pytest.approx((later.index - first.index) * first.period_s, abs=1e-9)


def test_asleep_it_sends_nothing(camera: Ov7725) -> None:
    store(camera, ov.COM2, 0x11)
    assert camera.next_frame(1.0) is None
    store(camera, ov.COM2, 0x01, 2.0)
    frame = camera.next_frame(2.0)
    assert frame is not None
    assert frame.begin_s == 2.0


def test_a_change_of_the_clock_begins_a_frame_with_a_number_of_its_own(camera: Ov7725) -> None:
    before = camera.next_frame(1.0)
    store(camera, ov.CLKRC, 0x40, 1.0)
    after = camera.next_frame(1.0)
    assert (before.index, before.begin_s > 1.0) == (after.index, True)
    assert after.begin_s == 1.0
    assert camera.next_frame(1.001).index == after.index + 1


def test_scaling_on_the_chip_is_noted(camera: Ov7725) -> None:
    store(camera, ov.HOUTSIZE, 25)
    camera.data(camera.next_frame(1.0))
    assert len(camera.notes) == 1


def test_what_it_regulates_by_itself_is_told(camera: Ov7725) -> None:
    assert camera.automatic == ("exposure", "white balance", "gain")
    store(camera, ov.COM8, 0xFA)
    assert camera.automatic == ("white balance",)
    store(camera, ov.AECH, 1)
    store(camera, ov.AEC, 4)
    assert camera.exposure_rows == 260


def test_playback_begins_with_the_first_frame_taken_and_skips_what_nobody_takes() -> None:
    frames = np.arange(4, dtype=np.uint16).reshape(4, 1, 1)
    played = Playback(frames)
    assert [int(played.picture(index, 0.0)[0, 0]) for index in (7, 8, 10, 11, 99)] == [0, 1, 3, 3, 3]


@pytest.mark.parametrize("frames", [np.zeros((0, 2, 2), np.uint16), np.zeros((2, 2), np.uint16), np.zeros((1, 2, 2))])
def test_frames_that_are_none_are_refused(frames: np.ndarray) -> None:
    with pytest.raises(BadInputError, match="must be uint16"):
        Playback(frames)
