"""Recordings: frames of a thermal array with how many people are in view, simulated or real."""

from __future__ import annotations

import os
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST_ARRAY_BYTES = 2**31
"""An array that claims to be larger is refused before it is unpacked."""

_REQUIRED = ("frames", "count", "time_s")
_OPTIONAL = ("thermistor", "session", "confidence")


@dataclass(frozen=True)
class Recording:
    """N frames in the order in which they were recorded.

    Attributes:
        time_s: (N,) float64; blocks of a recording need not be in order of time.
        frames: (N, 8, 8) float32 degC, row 0 at the top.
        count: (N,) int64, people in view.
        thermistor_degc: (N,) float32, the sensor's own temperature; None when it was not recorded.
        session: (N,) int64, number of the recording session; None when there is only one.
        confidence: (N,) int64, 1 where the count is easy to tell; None when it was not noted.
    """

    time_s: NDArray[np.float64]
    frames: NDArray[np.float32]
    count: NDArray[np.int64]
    thermistor_degc: NDArray[np.float32] | None = None
    session: NDArray[np.int64] | None = None
    confidence: NDArray[np.int64] | None = None


def read_recording(path: Path) -> Recording:
    """Return the recording in an .npz file: `frames`, `count`, `time_s` and maybe `thermistor`.

    Also taken when present: `session` and `confidence`. Other arrays are ignored.

    Raises:
        BadInputError: The file is missing, truncated, no .npz, or one of its arrays is missing, too large,
            not of numbers, of the wrong shape, or not finite.
    """
    arrays = _load_arrays(path)
    for name in _REQUIRED:
        if name not in arrays:
            raise BadInputError(path, name, None, f"array is missing; found {', '.join(arrays) or 'none'}")
    frames = arrays["frames"]
    if frames.ndim != 3 or frames.shape[1:] != (8, 8):
        raise BadInputError(path, "frames", frames.shape, "shape must be (N, 8, 8)")
    for name in arrays.keys() - {"frames"}:
        if arrays[name].shape != (len(frames),):
            raise BadInputError(path, name, arrays[name].shape, f"shape must be ({len(frames)},) as of frames")
    count = arrays["count"].astype(np.float64)
    if not np.array_equal(count, np.clip(np.round(count), 0, 64)):
        raise BadInputError(path, "count", None, "must hold whole numbers of people, 0 to 64")
    return Recording(
        time_s=arrays["time_s"].astype(np.float64),
        frames=frames.astype(np.float32),
        count=arrays["count"].astype(np.int64),
        thermistor_degc=arrays["thermistor"].astype(np.float32) if "thermistor" in arrays else None,
        session=arrays["session"].astype(np.int64) if "session" in arrays else None,
        confidence=arrays["confidence"].astype(np.int64) if "confidence" in arrays else None,
    )


def write_recording(path: Path, recording: Recording) -> None:
    """Write `recording` to `path` as .npz, complete or not at all.

    Raises:
        BadInputError: The file cannot be written.
    """
    arrays: dict[str, NDArray[np.generic] | None] = {
        "frames": recording.frames,
        "count": recording.count,
        "time_s": recording.time_s,
        "thermistor": recording.thermistor_degc,
        "session": recording.session,
        "confidence": recording.confidence,
    }
    present = {name: array for name, array in arrays.items() if array is not None}
    try:
        _write_then_rename(path, present)
    except OSError as error:
        raise BadInputError(path, "", None, f"cannot be written: {error.strerror}") from error


def _write_then_rename(path: Path, arrays: dict[str, NDArray[np.generic]]) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _load_arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        _check_sizes(path)
        with np.load(path, allow_pickle=False) as archive:
            names = [name for name in (*_REQUIRED, *_OPTIONAL) if name in archive.files]
            return {name: _numbers(path, name, archive[name]) for name in names}
    except FileNotFoundError as error:
        raise BadInputError(path, "", None, "there is no such file") from error
    except BadInputError:
        raise
    except (
        OSError,
        ValueError,
        EOFError,
        KeyError,
        TypeError,
        NotImplementedError,
        zipfile.BadZipFile,
    ) as error:
        raise BadInputError(path, "", None, f"is not a complete .npz file of numbers: {error}") from error


def _check_sizes(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.file_size > LARGEST_ARRAY_BYTES:
                limit = f"must not be larger than {LARGEST_ARRAY_BYTES} bytes"
                raise BadInputError(path, member.filename.removesuffix(".npy"), member.file_size, limit)


def _numbers(path: Path, name: str, array: NDArray[np.generic]) -> NDArray[np.generic]:
    if array.dtype.kind not in "iuf":
        raise BadInputError(path, name, str(array.dtype), "must be an array of real numbers")
    if not np.isfinite(array).all():
        raise BadInputError(path, name, None, "must hold finite numbers only")
    return array
