"""Recordings: frames of a thermal array with how many people are in view, simulated or real."""

from __future__ import annotations

import math
import stat
import struct
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from tokenize import TokenError
from typing import IO, TYPE_CHECKING

import numpy as np

from datasheet.bad_input import BadInputError
from sensors.linaige_csv import read_linaige_csv
from sensors.whole_file import whole_file

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LARGEST_ARCHIVE_BYTES = 256 * 2**20
"""A file whose arrays claim more than this together is refused before it is unpacked; 28 h at 10 frames/s."""

PIXEL_STEP_DEGC = 0.25
"""Step of the pixel registers; "Infrared Array Sensor Grid-EYE (AMG88)", datasheet, 1 May 2016, p. 2."""

PIXEL_RANGE_DEGC = (-20.0, 100.0)
"""Widest object range of the family, that of the low-gain AMG8832 and AMG8834; same datasheet, p. 1."""

WIDEST_RANGE_DEGC = (-40.0, 300.0)
"""Object range of the MLX90640, the widest of the parts known; its datasheet, revision 11, p. 1."""

GRID_EYE_SHAPE = (8, 8)
"""Rows and columns of an AMG88xx."""

_LARGEST_SIDE = 256

THERMISTOR_RANGE_DEGC = (-40.0, 125.0)
"""Generous: the part's thermistor is specified for -20 to 80 degC (same datasheet, p. 2); assumed."""

_REQUIRED = ("frames", "count", "time_s")
_OPTIONAL = ("thermistor", "session", "confidence")
_TRUTH = "truth"

# What each array may hold. Times of the day or of the epoch are in range; labels fit any integer type.
_RANGES: dict[str, tuple[float, float]] = {
    "frames": PIXEL_RANGE_DEGC,
    "count": (0, 64),
    "time_s": (-1e12, 1e12),
    "thermistor": THERMISTOR_RANGE_DEGC,
    "session": (-(2**31), 2**31 - 1),
    "confidence": (-(2**31), 2**31 - 1),
}
_UNITS = {"frames": " degC", "thermistor": " degC", "time_s": " s"}
_WHOLE = ("count", "session", "confidence")

# Whatever the standard library raises about a damaged archive.
_DAMAGE = (
    EOFError,
    KeyError,
    OSError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
    TokenError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class Recording:
    """N frames in the order in which they were recorded.

    Attributes:
        time_s: (N,) float64; blocks of a recording need not be in order of time.
        frames: (N, rows, columns) float32 degC, row 0 at the top; 8 x 8 for a Grid-EYE.
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


def read_recording(path: Path, *, shape: tuple[int, int] | None = GRID_EYE_SHAPE) -> Recording:
    """Return the recording in an .npz file, or in a .csv file as LINAIGE has them (see `sensors.linaige_csv`).

    An .npz file has `frames`, `count` and `time_s`, and maybe `thermistor`, `session` and `confidence`. One that
    `twin run` wrote has people in view in `truth` and the node's answers in `count`: they are left out. Other arrays
    are ignored. Frames of 8 x 8 pixels are rounded, half to even, to the Grid-EYE's steps of 0.25 degC, because
    recordings may have been averaged or kept in half precision; they change by 0.125 degC at most, and everybody
    who reads the file sees the same frames. Frames of other arrays are left as they are.

    Args:
        path: The file; its ending tells what it is.
        shape: Rows and columns that the frames must have; None takes any array up to 256 x 256.

    Raises:
        BadInputError: The file is missing, truncated, no regular .npz or .csv file, or larger than
            `LARGEST_ARCHIVE_BYTES` when unpacked (`LARGEST_CSV_BYTES` for a .csv); or one of its arrays is missing,
            not of real numbers, of the wrong shape, without any frame, not finite, or holds what the sensor cannot
            report.
    """
    arrays = _load_csv(path) if path.suffix.lower() == ".csv" else _load_arrays(path)
    for name in _REQUIRED:
        if name not in arrays:
            raise BadInputError(path, name, None, f"array is missing; found {', '.join(arrays) or 'none'}")
    _check_shapes(path, arrays, shape)
    is_grid_eye = arrays["frames"].shape[1:] == GRID_EYE_SHAPE
    for name, array in arrays.items():
        limits = WIDEST_RANGE_DEGC if name == "frames" and not is_grid_eye else _RANGES[name]
        _check_values(path, name, array, limits)
    return Recording(
        time_s=arrays["time_s"].astype(np.float64),
        frames=_in_pixel_steps(arrays["frames"]) if is_grid_eye else arrays["frames"].astype(np.float32),
        count=arrays["count"].astype(np.int64),
        thermistor_degc=arrays["thermistor"].astype(np.float32) if "thermistor" in arrays else None,
        session=arrays["session"].astype(np.int64) if "session" in arrays else None,
        confidence=arrays["confidence"].astype(np.int64) if "confidence" in arrays else None,
    )


def write_recording(path: Path, recording: Recording) -> None:
    """Write `recording` to `path` as .npz, complete or not at all; a symbolic link is followed.

    Raises:
        BadInputError: The file cannot be written, or is there and is no regular file.
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
    with whole_file(path) as file:
        np.savez_compressed(file, allow_pickle=False, **present)


def _check_shapes(path: Path, arrays: dict[str, NDArray[np.generic]], shape: tuple[int, int] | None) -> None:
    frames = arrays["frames"]
    if frames.ndim != 3 or (shape is not None and frames.shape[1:] != shape):
        allowed = "(N, rows, columns)" if shape is None else f"(N, {shape[0]}, {shape[1]})"
        raise BadInputError(path, "frames", frames.shape, f"shape must be {allowed}")
    if not all(1 <= side <= _LARGEST_SIDE for side in frames.shape[1:]):
        raise BadInputError(path, "frames", frames.shape, f"must have 1 to {_LARGEST_SIDE} rows and columns")
    if not len(frames):
        raise BadInputError(path, "frames", frames.shape, "must hold at least one frame")
    for name in arrays.keys() - {"frames"}:
        if arrays[name].shape != (len(frames),):
            raise BadInputError(path, name, arrays[name].shape, f"shape must be ({len(frames)},) as of frames")


def _check_values(path: Path, name: str, array: NDArray[np.generic], limits: tuple[float, float]) -> None:
    """Refuse what the array may not hold, before a cast to another type could warn or wrap."""
    _check_each(path, name, array, np.isfinite(array), "must hold finite numbers only")
    low, high = limits
    # As arrays, which compare exactly with integers of every type.
    is_possible = (array >= np.array(low)) & (array <= np.array(high))
    _check_each(path, name, array, is_possible, f"must hold values from {low:g} to {high:g}{_UNITS.get(name, '')} only")
    if name in _WHOLE:
        number = array.astype(np.float64)
        _check_each(path, name, array, number == np.round(number), "must hold whole numbers only")


def _check_each(path: Path, name: str, array: NDArray[np.generic], good: NDArray[np.bool_], allowed: str) -> None:
    """Name the first value that is not good."""
    if not good.all():
        raise BadInputError(path, name, array[~good][0].item(), allowed)


def _in_pixel_steps(degc: NDArray[np.generic]) -> NDArray[np.float32]:
    return (np.round(degc.astype(np.float64) / PIXEL_STEP_DEGC) * PIXEL_STEP_DEGC).astype(np.float32)


def _load_csv(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        _check_kind(path)
        return read_linaige_csv(path)
    except FileNotFoundError as error:
        raise BadInputError(path, "", None, "there is no such file") from error
    except MemoryError as error:
        raise BadInputError(path, "", None, "does not fit into memory") from error
    except OSError as error:
        raise BadInputError(path, "", None, f"cannot be read: {error.strerror}") from error


def _load_arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        _check_kind(path)
        with warnings.catch_warnings(), zipfile.ZipFile(path) as archive:
            # numpy's, of types and headers of the past.
            warnings.simplefilter("ignore")
            _check_size(path, archive)
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            names = [name for name in (*_REQUIRED, *_OPTIONAL) if name in members]
            # Where a node's answers are the counts, people in view stand apart.
            stored = {name: _TRUTH if name == "count" and _TRUTH in members else name for name in names}
            return {name: _read_array(path, name, archive, members[stored[name]]) for name in names}
    except FileNotFoundError as error:
        raise BadInputError(path, "", None, "there is no such file") from error
    except BadInputError:
        raise
    except MemoryError as error:
        raise BadInputError(path, "", None, "does not fit into memory") from error
    except _DAMAGE as error:
        raise BadInputError(path, "", None, f"is not a complete .npz file of numbers: {error}") from error


def _check_kind(path: Path) -> None:
    """Refuse pipes and devices, which may never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise BadInputError(path, "", None, "must be a regular file")


def _check_size(path: Path, archive: zipfile.ZipFile) -> None:
    """Check what is claimed; a member is never unpacked beyond its claim."""
    claimed = sum(member.file_size for member in archive.infolist())
    if claimed > LARGEST_ARCHIVE_BYTES:
        limit = f"must not be larger than {LARGEST_ARCHIVE_BYTES} bytes when unpacked; it is {claimed}"
        raise BadInputError(path, "", None, limit)


def _read_array(path: Path, name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[np.generic]:
    """Return an array, after its header has been found to agree with the member's size."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadInputError(path, name, None, "must be stored or deflated, as numpy writes it")
    with archive.open(member) as file:
        shape, dtype = _read_header(path, name, file)
        size = file.tell() + math.prod(shape) * dtype.itemsize
    if dtype.kind not in "iuf":
        raise BadInputError(path, name, str(dtype), "must be an array of real numbers")
    if min(shape, default=0) < 0 or size != member.file_size:
        raise BadInputError(
            path, name, shape, f"shape must agree with the {member.file_size} bytes of the array's file"
        )
    with archive.open(member) as file:
        array: NDArray[np.generic] = np.lib.format.read_array(file, allow_pickle=False)
        return array


def _read_header(path: Path, name: str, file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    match np.lib.format.read_magic(file):
        case (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        case (2, 0):
            shape, _, dtype = np.lib.format.read_array_header_2_0(file)
        case version:
            raise BadInputError(path, name, version, "array file format must be 1.0 or 2.0")
    return shape, dtype
