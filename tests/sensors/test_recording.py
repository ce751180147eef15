"""Reading and writing recordings."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasheet.bad_input import BadInputError
from sensors import recording as module
from sensors.recording import Recording, read_recording, write_recording

GOOD: dict[str, np.ndarray] = {
    "frames": np.full((3, 8, 8), 22.25, dtype=np.float16),
    "count": np.array([0, 1, 2], dtype=np.uint8),
    "time_s": np.array([5.0, 5.1, 0.0]),
    "thermistor": np.array([27.0, 27.0, 27.0625], dtype=np.float32),
    "session": np.array([2, 2, 3], dtype=np.uint8),
    "confidence": np.array([1, 2, 1], dtype=np.uint8),
}


def save(folder: Path, **changes: object) -> Path:
    path = folder / "frames.npz"
    arrays = {name: array for name, array in (GOOD | changes).items() if array is not None}
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def one_wrong(degc: float) -> np.ndarray:
    frames = np.full((3, 8, 8), 22.25)
    frames[1, 2, 3] = degc
    return frames


def test_a_recording_keeps_the_order_of_its_frames(tmp_path: Path) -> None:
    recording = read_recording(save(tmp_path))
    assert recording.time_s.tolist() == [5.0, 5.1, 0.0]
    assert recording.frames.dtype == np.float32
    assert recording.count.dtype == np.int64
    assert recording.session is not None
    assert recording.session.tolist() == [2, 2, 3]


def test_optional_arrays_may_be_missing(tmp_path: Path) -> None:
    recording = read_recording(save(tmp_path, thermistor=None, session=None, confidence=None))
    assert (recording.thermistor_degc, recording.session, recording.confidence) == (None, None, None)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    recording = read_recording(save(tmp_path))
    write_recording(tmp_path / "copy.npz", recording)
    copy = read_recording(tmp_path / "copy.npz")
    for name in ("time_s", "frames", "count", "thermistor_degc", "session", "confidence"):
        np.testing.assert_array_equal(getattr(copy, name), getattr(recording, name))


def test_the_same_recording_gives_the_same_bytes(tmp_path: Path) -> None:
    recording = read_recording(save(tmp_path))
    for name in ("a.npz", "b.npz"):
        write_recording(tmp_path / name, recording)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"frames": np.zeros((3, 64))}, "frames", "shape must be (N, 8, 8)"),
        ({"frames": np.full((3, 8, 8), np.nan)}, "frames", "finite"),
        ({"frames": None}, "frames", "missing"),
        ({"count": None}, "count", "missing"),
        ({"count": np.array([0, 1])}, "count", "(3,)"),
        ({"count": np.array([0.0, 0.5, 1.0])}, "count", "is 0.5; must hold whole numbers"),
        ({"count": np.array([0, -1, 1])}, "count", "is -1; must hold values from 0 to 64"),
        ({"count": np.array([0, 2**64 - 1, 65], dtype=np.uint64)}, "count", "0 to 64"),
        ({"count": np.array([0, np.longdouble("1e4000"), 1])}, "count", "0 to 64"),
        ({"frames": one_wrong(-20.25)}, "frames", "is -20.25; must hold values from -20 to 100 degC"),
        ({"frames": one_wrong(1e300)}, "frames", "is 1e+300; must hold values from -20 to 100 degC"),
        ({"frames": one_wrong(-np.inf)}, "frames", "is -inf; must hold finite numbers"),
        ({"frames": np.full((3, 8, 8), 301, dtype=np.int16)}, "frames", "is 301"),
        ({"frames": np.full((3, 8, 8), "22")}, "frames", "real numbers"),
        ({"thermistor": np.array([27, 1e300, 27])}, "thermistor", "is 1e+300; must hold values from -40 to 125 degC"),
        ({"thermistor": np.array([27, np.nan, 27])}, "thermistor", "is nan; must hold finite numbers"),
        ({"time_s": np.array([0, 1, np.longdouble("1e4000")])}, "time_s", "-1e+12 to 1e+12 s"),
        ({"session": np.array([1, 1e300, 1])}, "session", "is 1e+300"),
        ({"confidence": np.array([1, 0.5, 1])}, "confidence", "is 0.5; must hold whole numbers"),
        ({"count": np.array(["0", "1", "2"])}, "count", "real numbers"),
        ({"time_s": np.array([0.0, np.inf, 1.0])}, "time_s", "finite"),
        ({"thermistor": np.zeros((3, 1))}, "thermistor", "(3,)"),
        ({"count": np.array([0, None, 2], dtype=object)}, "count", "real numbers"),
    ],
)
def test_a_bad_array_is_named(tmp_path: Path, changes: dict[str, object], key: str, said: str) -> None:
    path = save(tmp_path, **changes)
    with pytest.raises(BadInputError) as caught:
        read_recording(path)
    assert (caught.value.source, caught.value.key) == (str(path), key)
    assert said in str(caught.value)


@pytest.mark.parametrize("kept", [0, 3, 0.5, 0.95])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: float) -> None:
    path = save(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: int(kept if kept > 1 else kept * len(data))])
    with pytest.raises(BadInputError, match=r"not a complete \.npz"):
        read_recording(path)


def test_a_damaged_array_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path)
    data = bytearray(path.read_bytes())
    data[200] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(BadInputError, match=r"not a complete \.npz"):
        read_recording(path)


def test_an_array_that_claims_to_be_huge_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_ARCHIVE_BYTES", 100)
    with pytest.raises(BadInputError, match="must not be larger than 100 bytes when unpacked"):
        read_recording(save(tmp_path))


def test_a_recording_without_frames_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path, **{name: array[:0] for name, array in GOOD.items()})
    with pytest.raises(BadInputError, match="at least one frame"):
        read_recording(path)


def test_frames_are_rounded_half_to_even_to_the_sensor_s_steps(tmp_path: Path) -> None:
    degc = np.array([22.0, 22.1, 22.125, 22.126, 22.375, -0.375, 100.0, -20.0])
    recording = read_recording(save(tmp_path, frames=np.tile(degc, (3, 8, 1))))
    assert recording.frames.dtype == np.float32
    assert recording.frames[0, 0].tolist() == [22.0, 22.0, 22.0, 22.25, 22.5, -0.5, 100.0, -20.0]


@given(st.floats(-20, 100, width=16))
def test_rounding_changes_a_temperature_by_half_a_step_at_most(degc: float) -> None:
    rounded = module._in_pixel_steps(np.array([degc], dtype=np.float16))
    assert abs(float(rounded[0]) - degc) <= 0.125
    assert float(rounded[0]) % 0.25 == 0


def test_a_larger_array_is_read_unrounded_when_asked_for(tmp_path: Path) -> None:
    frames = np.linspace(-40, 300, 3 * 24 * 32).reshape(3, 24, 32)
    path = save(tmp_path, frames=frames)
    with pytest.raises(BadInputError, match=r"shape must be \(N, 8, 8\)"):
        read_recording(path)
    with pytest.raises(BadInputError, match=r"shape must be \(N, 16, 32\)"):
        read_recording(path, shape=(16, 32))
    for shape in (None, (24, 32)):
        np.testing.assert_array_equal(read_recording(path, shape=shape).frames, frames.astype(np.float32))


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        (np.full((3, 24, 32), 300.5), "is 300.5; must hold values from -40 to 300 degC"),
        (np.zeros((3, 257, 1)), "must have 1 to 256 rows and columns"),
        (np.zeros((3, 64)), "shape must be (N, rows, columns)"),
        (one_wrong(100.25), "is 100.25; must hold values from -20 to 100 degC"),
    ],
)
def test_any_array_has_its_limits(tmp_path: Path, frames: np.ndarray, said: str) -> None:
    with pytest.raises(BadInputError, match="frames is") as caught:
        read_recording(save(tmp_path, frames=frames), shape=None)
    assert said in str(caught.value)


def replace_member(path: Path, name: str, data: bytes) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in (members | {name: data}).items():
            archive.writestr(member, content)


@pytest.mark.parametrize("shape", [(10**12, 8, 8), (-3, -8, 8), (2, 8, 8), (10**30, 0, 8)])
def test_a_header_that_claims_what_is_not_there_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
    path = save(tmp_path)
    replace_member(path, "frames.npy", file.getvalue() + bytes(3 * 64 * 4))
    with pytest.raises(BadInputError, match=r"frames is .*shape must agree with the \d+ bytes"):
        read_recording(path)


def test_what_unpacks_to_much_more_than_its_size_is_refused_unopened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path)
    replace_member(path, "padding.npy", bytes(300_000))
    monkeypatch.setattr(module, "LARGEST_ARCHIVE_BYTES", 200_000)
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    assert path.stat().st_size < 5_000
    with pytest.raises(BadInputError, match="must not be larger than 200000 bytes when unpacked"):
        read_recording(path)


def test_an_archive_as_large_as_memory_is_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path)

    def exhaust(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(np.lib.format, "read_array", exhaust)
    with pytest.raises(BadInputError, match="does not fit into memory"):
        read_recording(path)


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_only_regular_files_are_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(BadInputError, match="regular file"):
        read_recording(path)


def test_a_damaged_compressed_array_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "new.npz"
    write_recording(path, read_recording(save(tmp_path)))
    data = bytearray(path.read_bytes())
    data[60:70] = b"\xff" * 10
    path.write_bytes(bytes(data))
    with pytest.raises(BadInputError, match=r"not a complete \.npz"):
        read_recording(path)


def test_another_compression_or_format_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path)
    replace_member(path, "count.npy", b"\x93NUMPY\x09\x00")
    with pytest.raises(BadInputError, match=r"count .*must be 1\.0 or 2\.0"):
        read_recording(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("frames.npy", b"frames")
    with pytest.raises(BadInputError, match="frames; must be stored or deflated"):
        read_recording(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such file"):
        read_recording(tmp_path / "absent.npz")


def test_nothing_half_written_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = read_recording(save(tmp_path))

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_recording(tmp_path / "new.npz", recording)
    assert [path.name for path in tmp_path.iterdir()] == ["frames.npz"]


def test_a_folder_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    recording = read_recording(save(tmp_path))
    with pytest.raises(BadInputError, match="cannot be written"):
        write_recording(tmp_path / "absent" / "new.npz", recording)


def test_the_public_recordings_are_read() -> None:
    folder = os.environ.get("TWIN_SHARED")
    if not folder:
        pytest.skip("set TWIN_SHARED to the folder with data/linaige_s2_s3.npz")
    recording = read_recording(Path(folder) / "data" / "linaige_s2_s3.npz")
    assert isinstance(recording, Recording)
    assert recording.frames.shape == (3520, 8, 8)
    assert recording.confidence is not None
    assert (recording.confidence == 1).sum() == 3100


def test_only_a_regular_file_is_replaced(tmp_path: Path) -> None:
    """A pipe, which stands for every device, stays what it is."""
    recording = read_recording(save(tmp_path))
    os.mkfifo(tmp_path / "pipe.npz")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(BadInputError, match="must be a regular file") as caught:
        write_recording(tmp_path / "pipe.npz", recording)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "pipe.npz").is_fifo()
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("is_there", [True, False])
def test_what_is_written_goes_where_a_link_leads(tmp_path: Path, is_there: bool) -> None:  # noqa: FBT001
    recording = read_recording(save(tmp_path))
    (tmp_path / "kept").mkdir()
    (tmp_path / "link.npz").symlink_to("kept/real.npz")
    if is_there:
        (tmp_path / "kept" / "real.npz").write_bytes(b"old")
    write_recording(tmp_path / "link.npz", recording)
    assert (tmp_path / "link.npz").is_symlink()
    assert np.array_equal(read_recording(tmp_path / "kept" / "real.npz").frames, recording.frames)


def test_a_link_to_itself_is_bad_input(tmp_path: Path) -> None:
    recording = read_recording(save(tmp_path))
    (tmp_path / "link.npz").symlink_to("link.npz")
    with pytest.raises(BadInputError, match="cannot be written"):
        write_recording(tmp_path / "link.npz", recording)
