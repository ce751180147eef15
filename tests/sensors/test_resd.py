"""Grid-EYE frames as a RESD file: written, read back, damaged, cut into parts."""

from __future__ import annotations

import contextlib
import os
import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasheet.bad_input import BadInputError
from sensors import resd
from sensors.grid_eye_sheet import load_grid_eye
from sensors.recording import Recording
from sensors.register_words import recorded_thermistor, thermistor_steps
from sensors.resd import read_resd, resd_bytes, write_resd_chunks

if TYPE_CHECKING:
    from pathlib import Path

SHEET = load_grid_eye()
HEADER_BYTES = 8 + 13
SAMPLE_BYTES = 4 + 130


def recording_of(steps: list[int], thermistor_degc: list[float] | None = None) -> Recording:
    """Return a recording whose frame k has `steps[k]`, plus the number of the pixel, in every pixel."""
    pixels = (np.array(steps)[:, None] + np.arange(64)).reshape(-1, 8, 8)
    return Recording(
        time_s=np.arange(len(steps)) / 10,
        frames=(pixels * 0.25).astype(np.float32),
        count=np.arange(len(steps), dtype=np.int64) % 4,
        thermistor_degc=None if thermistor_degc is None else np.array(thermistor_degc, dtype=np.float32),
    )


GOOD = recording_of([80, 81, 90], [25.0, -1.5, 0.0625])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    steps=st.lists(st.integers(-2048, 2047 - 63), min_size=1, max_size=12),
    start_ns=st.integers(0, 2**63),
    channel=st.integers(0, 0xFFFF),
    part=st.sampled_from(["amg8831", "amg8833", "amg8834"]),
    data=st.data(),
)
def test_what_is_read_is_what_was_written(
    tmp_path: Path, steps: list[int], start_ns: int, channel: int, part: str, data: st.DataObject
) -> None:
    temperatures = st.lists(st.floats(-127, 127), min_size=len(steps), max_size=len(steps))
    sheet, recording = load_grid_eye(part), recording_of(steps, data.draw(st.none() | temperatures))
    path = tmp_path / "f.resd"
    path.write_bytes(resd_bytes(recording, sheet, start_ns=start_ns, channel=channel))
    back = read_resd(path)
    assert np.array_equal(back.pixels, np.array(steps)[:, None] + np.arange(64))
    assert back.pixels.dtype == np.int16
    assert np.array_equal(back.thermistor, recorded_thermistor(recording, sheet))
    assert (back.start_ns, back.period_ns, back.slow_frame_length) == (start_ns, 100_000_000, 10)
    assert (back.pixel_step_k, back.thermistor_step_k) == (sheet.pixel_lsb_k.value, sheet.thermistor_lsb_k.value)
    assert back.lowest_steps * 0.25 == sheet.object_low_degc.value
    assert back.highest_steps * 0.25 == sheet.object_high_degc.value


def test_the_bytes_are_those_of_the_format() -> None:
    """Header, block header, times, metadata and samples, taken apart by hand."""
    data = resd_bytes(GOOD, SHEET, start_ns=5, channel=2)
    assert data[:8] == b"RESD\x01\0\0\0"
    kind, sample, channel, size = struct.unpack_from("<BHHQ", data, 8)
    assert (kind, sample, channel, size) == (2, 9, 2, len(data) - HEADER_BYTES)
    start_ns, period_ns, metadata = struct.unpack_from("<QQQ", data, HEADER_BYTES)
    assert (start_ns, period_ns) == (5, 100_000_000)
    samples = data[HEADER_BYTES + 24 + metadata :]
    assert len(samples) == 3 * SAMPLE_BYTES
    assert struct.unpack_from("<I64hH", samples, SAMPLE_BYTES) == (130, *range(81, 145), 0x800 | 24)
    assert data[HEADER_BYTES + 24 :].startswith(b"content\0\x0bgrid-eye-frames\0version\0\x02\x01frames\0\x08\x03\0")


def test_the_thermistor_is_a_word_of_sign_and_magnitude(tmp_path: Path) -> None:
    (tmp_path / "f.resd").write_bytes(resd_bytes(GOOD, SHEET))
    words = read_resd(tmp_path / "f.resd").thermistor.tolist()
    assert [thermistor_steps(word) * 0.0625 for word in words] == [25.0, -1.5, 0.0625]


@pytest.mark.parametrize("sizes", [[3], [1, 2], [2, 1], [1, 1, 1]])
def test_the_bytes_do_not_depend_on_where_the_recording_was_cut(tmp_path: Path, sizes: list[int]) -> None:
    whole = resd_bytes(GOOD, SHEET)
    ends = np.cumsum(sizes).tolist()
    chunks = [
        Recording(
            time_s=GOOD.time_s[end - size : end],
            frames=GOOD.frames[end - size : end],
            count=GOOD.count[end - size : end],
            thermistor_degc=None if GOOD.thermistor_degc is None else GOOD.thermistor_degc[end - size : end],
        )
        for end, size in zip(ends, sizes, strict=True)
    ]
    count = write_resd_chunks(tmp_path / "f.resd", chunks, SHEET, frames=3)
    assert (tmp_path / "f.resd").read_bytes() == whole
    assert count.tolist() == GOOD.count.tolist()


class TestWriting:
    @pytest.mark.parametrize("frames", [2, 4])
    def test_another_number_of_frames_than_announced_leaves_nothing(self, tmp_path: Path, frames: int) -> None:
        with pytest.raises(ValueError, match=f"3 frames came, {frames} were announced"):
            write_resd_chunks(tmp_path / "f.resd", [GOOD], SHEET, frames=frames)
        assert not list(tmp_path.iterdir())

    def test_a_link_is_followed(self, tmp_path: Path) -> None:
        (tmp_path / "link.resd").symlink_to(tmp_path / "f.resd")
        write_resd_chunks(tmp_path / "link.resd", [GOOD], SHEET, frames=3)
        assert (tmp_path / "link.resd").is_symlink()
        assert len(read_resd(tmp_path / "f.resd").pixels) == 3

    def test_a_pipe_stays_a_pipe(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "f.resd")
        with pytest.raises(BadInputError, match="must be a regular file"):
            write_resd_chunks(tmp_path / "f.resd", [GOOD], SHEET, frames=3)
        assert (tmp_path / "f.resd").is_fifo()

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(BadInputError, match="cannot be written"):
            write_resd_chunks(tmp_path / "no" / "f.resd", [GOOD], SHEET, frames=3)

    def test_another_array_is_refused_before_a_frame_is_asked_for(self, tmp_path: Path) -> None:
        with pytest.raises(BadInputError, match=r"rows, columns is \(24, 32\).*registers of a Grid-EYE"):
            write_resd_chunks(
                tmp_path / "f.resd", iter(lambda: pytest.fail("asked"), 1), load_grid_eye("mlx90640"), frames=3
            )

    def test_frames_of_another_shape(self) -> None:
        with pytest.raises(BadInputError, match=r"shape must be \(N, 8, 8\)"):
            resd_bytes(replace(GOOD, frames=np.zeros((3, 4, 8), dtype=np.float32)), SHEET)

    def test_a_recording_without_frames(self) -> None:
        with pytest.raises(BadInputError, match="at least one frame"):
            resd_bytes(replace(GOOD, frames=np.zeros((0, 8, 8), dtype=np.float32)), SHEET)

    @pytest.mark.parametrize("channel", [-1, 65536])
    def test_a_channel_that_does_not_fit(self, channel: int) -> None:
        with pytest.raises(BadInputError, match="must be from 0 to 65535"):
            resd_bytes(GOOD, SHEET, channel=channel)

    @pytest.mark.parametrize("start_ns", [-1, 2**64 - 300_000_000])
    def test_a_start_that_does_not_fit(self, start_ns: int) -> None:
        resd_bytes(GOOD, SHEET, start_ns=2**64 - 300_000_001)
        with pytest.raises(BadInputError, match="start_ns"):
            resd_bytes(GOOD, SHEET, start_ns=start_ns)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("pixel_lsb_k", 1e-9),
            ("slow_frame_rate_hz", 1e-4),
            ("fast_frame_rate_hz", 3e9),
            ("fast_frame_rate_hz", 1e-12),
        ],
    )
    def test_a_sheet_whose_numbers_do_not_fit(self, name: str, value: float) -> None:
        quantity = replace(getattr(SHEET, name), value=value, low=value, high=value)
        with pytest.raises(BadInputError):
            resd_bytes(GOOD, SHEET.model_copy(update={name: quantity}))


class TestDamage:
    @pytest.fixture
    def whole(self) -> bytes:
        return resd_bytes(GOOD, SHEET)

    def refuse(self, tmp_path: Path, data: bytes, said: str) -> None:
        path = tmp_path / "f.resd"
        path.write_bytes(data)
        with pytest.raises(BadInputError, match=said) as refused:
            read_resd(path)
        assert "\n" not in str(refused.value)

    def test_every_shorter_file_is_refused(self, tmp_path: Path, whole: bytes) -> None:
        for size in range(len(whole)):
            self.refuse(tmp_path, whole[:size], "the file is not complete|must be the .* bytes to the end of the file")

    def test_anything_behind_the_block_is_refused(self, tmp_path: Path, whole: bytes) -> None:
        self.refuse(tmp_path, whole + b"\0", "block's size")

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
    @given(at=st.integers(0, HEADER_BYTES + 24 + 200), value=st.integers(0, 255))
    def test_a_wrong_byte_is_refused_or_read(self, tmp_path: Path, whole: bytes, at: int, value: int) -> None:
        """Nothing else is ever raised."""
        path = tmp_path / "f.resd"
        path.write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
        with contextlib.suppress(BadInputError):
            assert len(read_resd(path).pixels) == 3

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            (b"RESD\x01", b"RESD\x02", "RESD file of version 1"),
            (b"\x02\x09\0", b"\x01\x09\0", r"is \(1, 9\); must be binary data of constant frequency"),
            (b"\x02\x09\0", b"\x02\x01\0", r"is \(2, 1\)"),
            (b"grid-eye-frames", b"grid-eye-movies", "must say grid-eye-frames of version 1"),
            (b"version\0\x02\x01", b"version\0\x02\x02", "must say grid-eye-frames of version 1"),
            (b"version\0\x02", b"version\0\x0c", "type is not known"),
            (b"frames\0\x08\x03", b"frames\0\x08\x04", "3 are there"),
            (b"lowest_steps", b"LOWEST_STEPS", "lowest_steps; must be a number"),
            (b"slow_frame_length\0\x04\x0a", b"slow_frame_length\0\x04\0", "slow_frame_length is 0; must be greater"),
            (struct.pack("<d", 0.25), struct.pack("<d", float("nan")), "pixel_step_k is nan"),
            (struct.pack("<d", 0.25), struct.pack("<d", -0.25), "pixel_step_k is -0.25"),
            (struct.pack("<Q", 100_000_000), bytes(8), "period is 0"),
            (struct.pack("<I64hH", 130, *range(90, 154), 1), struct.pack("<I64hH", 131, *range(90, 154), 1), "is 131"),
        ],
    )
    def test_what_is_wrong_is_said(self, tmp_path: Path, whole: bytes, old: bytes, new: bytes, said: str) -> None:
        assert old in whole
        self.refuse(tmp_path, whole.replace(old, new), said)

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(BadInputError, match="No such file"):
            read_resd(tmp_path / "f.resd")

    def test_a_pipe(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "f.resd")
        with pytest.raises(BadInputError, match="must be a regular file"):
            read_resd(tmp_path / "f.resd")

    def test_a_file_that_is_too_large(self, tmp_path: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(resd, "LARGEST_RESD_BYTES", len(whole) - 1)
        self.refuse(tmp_path, whole, "must not be larger than")
