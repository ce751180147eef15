"""Reading and writing recordings."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from sensors import recording as module
from sensors.recording import Recording, read_recording, write_recording

GOOD = {
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
        ({"count": np.array([0.0, 0.5, 1.0])}, "count", "whole numbers"),
        ({"count": np.array([0, -1, 1])}, "count", "whole numbers"),
        ({"count": np.array(["0", "1", "2"])}, "count", "real numbers"),
        ({"time_s": np.array([0.0, np.inf, 1.0])}, "time_s", "finite"),
        ({"thermistor": np.zeros((3, 1))}, "thermistor", "(3,)"),
        ({"count": np.array([0, None, 2], dtype=object)}, "", "Object arrays"),
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
    monkeypatch.setattr(module, "LARGEST_ARRAY_BYTES", 100)
    with pytest.raises(BadInputError, match=r"frames is .*must not be larger than 100 bytes"):
        read_recording(save(tmp_path))


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
