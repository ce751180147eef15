"""Grid-EYE frames as a RESD file, the format in which Renode's sensors are fed with samples over virtual time.

"Renode sensor data (RESD) format", Renode documentation, 1.16: a file header, then data blocks. The block written here
has samples of constant frequency of the type "binary data"; a sample is 64 pixels as int16 in register steps, pixel 1
first, then the thermistor's register word as uint16. Everything is little endian. The block's metadata say the rest:

| key | type | |
|---|---|---|
| `content` | string | `grid-eye-frames` |
| `version` | uint8 | 1; a reader refuses others |
| `frames` | uint64 | samples in this block |
| `pixel_step_k`, `thermistor_step_k` | double | what a step is |
| `lowest_steps`, `highest_steps` | int32 | measuring range; a pixel beyond it sets OVF_IRS |
| `slow_frame_length` | uint16 | frames that the slow frame rate averages |

The people in view are not in the file: a sensor does not know them.
"""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from datasheet.bad_input import BadInputError
from sensors.recording import GRID_EYE_SHAPE
from sensors.register_words import recorded_pixels, recorded_thermistor
from sensors.whole_file import whole_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from sensors.grid_eye_sheet import GridEyeSheet
    from sensors.recording import Recording

LARGEST_RESD_BYTES: Final = 256 * 2**20
"""A larger file is refused before it is read; 55 h at 10 frames/s."""

CONTENT: Final = b"grid-eye-frames"
VERSION: Final = 1

_FILE_HEADER: Final = b"RESD" + bytes([1, 0, 0, 0])
_BLOCK_HEADER: Final = struct.Struct("<BHHQ")
_TIMES: Final = struct.Struct("<QQ")
_SIZE: Final = struct.Struct("<Q")
_CONSTANT_FREQUENCY: Final = 2
_BINARY_DATA: Final = 9
_UINT8, _UINT16, _INT32, _UINT64, _DOUBLE, _STRING = 0x02, 0x04, 0x05, 0x08, 0x0A, 0x0B
_FORMATS: Final = {_UINT8: "<B", _UINT16: "<H", _INT32: "<i", _UINT64: "<Q", _DOUBLE: "<d"}

_SAMPLE: Final = np.dtype([("length", "<u4"), ("pixels", "<i2", 64), ("thermistor", "<u2")])
_SAMPLE_BYTES: Final = _SAMPLE.itemsize - 4

_LARGEST_UINT64: Final = 2**64 - 1


@dataclass(frozen=True)
class RegisterFrames:
    """N frames as they stand in a Grid-EYE's registers.

    Attributes:
        pixels: (N, 64) int16 in steps, pixel 1 first.
        thermistor: (N,) uint16, words of sign and magnitude.
        period_ns: From one frame to the next.
        start_ns: Time of the first frame.
        pixel_step_k: What a step of the pixels is.
        thermistor_step_k: What a step of the thermistor is.
        lowest_steps: Lowest pixel within the measuring range.
        highest_steps: Highest such pixel.
        slow_frame_length: Frames that the slow frame rate averages.
    """

    pixels: NDArray[np.int16]
    thermistor: NDArray[np.uint16]
    period_ns: int
    start_ns: int
    pixel_step_k: float
    thermistor_step_k: float
    lowest_steps: int
    highest_steps: int
    slow_frame_length: int


def check_fits_resd(sheet: GridEyeSheet) -> None:
    """Refuse a sheet whose sensor has other registers than a Grid-EYE, or whose numbers do not fit.

    Raises:
        BadInputError: The array is not 8 x 8, or a frame's period, the range in steps or the slow frame is too large.
    """
    if (sheet.rows, sheet.columns) != GRID_EYE_SHAPE:
        allowed = "rows and columns must be 8; a .resd holds the registers of a Grid-EYE"
        raise BadInputError(sheet.part, "rows, columns", (sheet.rows, sheet.columns), allowed)
    try:
        _metadata(sheet, frames=0)
        _TIMES.pack(0, _period_ns(sheet))
    except (struct.error, OverflowError) as error:
        raise BadInputError(sheet.part, "", None, f"does not fit into a .resd: {error}") from error
    if not _period_ns(sheet):
        raise BadInputError(sheet.part, "fast_frame_rate", sheet.fast_frame_rate_hz.value, "must be below 1e9 Hz")


def resd_bytes(recording: Recording, sheet: GridEyeSheet, *, start_ns: int = 0, channel: int = 0) -> bytes:
    """Return a whole RESD file with the frames of `recording` in one block.

    The frames follow each other at the sheet's fast rate, whatever times the recording has; a period that is no whole
    number of nanoseconds is rounded. Same recording, same bytes.

    Args:
        recording: What the sensor sees, 8 x 8 pixels.
        sheet: Its datasheet, for steps, range and rates.
        start_ns: Time stamp of the first frame. `GridEye.cs` does not look at it; Renode's own tools show it.
        channel: Of the block.

    Raises:
        BadInputError: The sheet is of another array, the recording has no frames or not 8 x 8 pixels, or a number does
            not fit.
    """
    check_fits_resd(sheet)
    _check_frames(recording)
    return _head(sheet, len(recording.frames), start_ns, channel) + _samples(recording, sheet)


def write_resd_chunks(
    path: Path,
    chunks: Iterable[Recording],
    sheet: GridEyeSheet,
    *,
    frames: int,
    start_ns: int = 0,
    channel: int = 0,
) -> NDArray[np.int64]:
    """Write consecutive parts of one recording to `path`, complete or not at all; a symbolic link is followed.

    Only one part is held in memory, besides the counts. For the arguments see `resd_bytes`.

    Args:
        path: The file.
        chunks: The parts in order of time.
        sheet: The sensor's datasheet.
        frames: How many frames there will be altogether.
        start_ns: Time stamp of the first frame.
        channel: Of the block.

    Returns:
        (frames,) the people in view in each frame, which the file does not hold.

    Raises:
        BadInputError: As for `resd_bytes`; or the file cannot be written, or is there and is no regular file.
        ValueError: There are more or fewer frames than announced.
    """
    check_fits_resd(sheet)
    with whole_file(path) as file:
        file.write(_head(sheet, frames, start_ns, channel))
        counts: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
        for chunk in chunks:
            _check_frames(chunk)
            file.write(_samples(chunk, sheet))
            counts.append(chunk.count)
        count = np.concatenate(counts)
        if len(count) != frames:
            raise ValueError(f"{len(count)} frames came, {frames} were announced")
    return count


def read_resd(path: Path) -> RegisterFrames:
    """Return the frames in a RESD file that this module wrote: one block, nothing behind it.

    Raises:
        BadInputError: The file is missing, no regular file, larger than `LARGEST_RESD_BYTES`, damaged, or holds
            something else.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise BadInputError(path, "", None, "must be a regular file")
        if status.st_size > LARGEST_RESD_BYTES:
            raise BadInputError(path, "", None, f"must not be larger than {LARGEST_RESD_BYTES} bytes")
        data = path.read_bytes()
    except OSError as error:
        raise BadInputError(path, "", None, f"cannot be read: {error.strerror}") from error
    return _Reader(path, data).frames()


def _check_frames(recording: Recording) -> None:
    if not len(recording.frames):
        raise BadInputError("recording", "frames", 0, "must hold at least one frame")
    if recording.frames.shape[1:] != GRID_EYE_SHAPE:
        raise BadInputError("recording", "frames", recording.frames.shape, "shape must be (N, 8, 8)")


def _head(sheet: GridEyeSheet, frames: int, start_ns: int, channel: int) -> bytes:
    """Return all that stands before the samples."""
    if not 0 <= channel <= 0xFFFF:
        raise BadInputError("resd", "channel", channel, "must be from 0 to 65535")
    period_ns = _period_ns(sheet)
    if not 0 <= start_ns <= _LARGEST_UINT64 - frames * period_ns:
        raise BadInputError("resd", "start_ns", start_ns, "must not be negative, and the last frame must fit 64 bits")
    metadata = _metadata(sheet, frames)
    block = _TIMES.pack(start_ns, period_ns) + _SIZE.pack(len(metadata)) + metadata
    size = len(block) + frames * _SAMPLE.itemsize
    return _FILE_HEADER + _BLOCK_HEADER.pack(_CONSTANT_FREQUENCY, _BINARY_DATA, channel, size) + block


def _period_ns(sheet: GridEyeSheet) -> int:
    return round(1e9 / sheet.fast_frame_rate_hz.value)


def _metadata(sheet: GridEyeSheet, frames: int) -> bytes:
    pixel_step_k = sheet.pixel_lsb_k.value
    slow_frame_length = round(sheet.fast_frame_rate_hz.value / sheet.slow_frame_rate_hz.value)
    numbers: tuple[tuple[bytes, int, float], ...] = (
        (b"version", _UINT8, VERSION),
        (b"frames", _UINT64, frames),
        (b"pixel_step_k", _DOUBLE, pixel_step_k),
        (b"thermistor_step_k", _DOUBLE, sheet.thermistor_lsb_k.value),
        (b"lowest_steps", _INT32, round(sheet.object_low_degc.value / pixel_step_k)),
        (b"highest_steps", _INT32, round(sheet.object_high_degc.value / pixel_step_k)),
        (b"slow_frame_length", _UINT16, slow_frame_length),
    )
    parts = [b"content\0" + bytes([_STRING]) + CONTENT + b"\0"]
    parts += [key + b"\0" + bytes([kind]) + struct.pack(_FORMATS[kind], value) for key, kind, value in numbers]
    return b"".join(parts)


def _samples(recording: Recording, sheet: GridEyeSheet) -> bytes:
    samples = np.empty(len(recording.frames), dtype=_SAMPLE)
    samples["length"] = _SAMPLE_BYTES
    samples["pixels"] = recorded_pixels(recording, sheet)
    samples["thermistor"] = recorded_thermistor(recording, sheet)
    return samples.tobytes()


class _Reader:
    """Takes a file apart from front to back; every claim is checked against the bytes that are there."""

    def __init__(self, path: Path, data: bytes) -> None:
        self._path = path
        self._data = data
        self._at = 0

    def frames(self) -> RegisterFrames:
        if self._take(len(_FILE_HEADER), "header") != _FILE_HEADER:
            raise self._fault("header", None, "must be that of a RESD file of version 1")
        self._check_block()
        start_ns, period_ns = _TIMES.unpack(self._take(_TIMES.size, "times"))
        metadata = self._metadata()
        samples = self._samples(int(self._number(metadata, "frames")))
        if not period_ns:
            raise self._fault("period", period_ns, "must be at least 1 ns")
        return RegisterFrames(
            pixels=samples["pixels"].astype(np.int16),
            thermistor=samples["thermistor"].astype(np.uint16),
            period_ns=period_ns,
            start_ns=start_ns,
            pixel_step_k=self._positive(metadata, "pixel_step_k"),
            thermistor_step_k=self._positive(metadata, "thermistor_step_k"),
            lowest_steps=int(self._number(metadata, "lowest_steps")),
            highest_steps=int(self._number(metadata, "highest_steps")),
            slow_frame_length=int(self._positive(metadata, "slow_frame_length")),
        )

    def _fault(self, key: str, value: object, allowed: str) -> BadInputError:
        return BadInputError(self._path, key, value, allowed)

    def _take(self, size: int, what: str) -> bytes:
        if size > len(self._data) - self._at:
            raise self._fault(what, None, "is cut off; the file is not complete")
        self._at += size
        return self._data[self._at - size : self._at]

    def _take_text(self, what: str) -> bytes:
        end = self._data.find(b"\0", self._at)
        if end < 0:
            raise self._fault(what, None, "is cut off; the file is not complete")
        return self._take(end + 1 - self._at, what)[:-1]

    def _check_block(self) -> None:
        kind, sample, _, size = _BLOCK_HEADER.unpack(self._take(_BLOCK_HEADER.size, "block"))
        if (kind, sample) != (_CONSTANT_FREQUENCY, _BINARY_DATA):
            raise self._fault("block", (kind, sample), "must be binary data of constant frequency, (2, 9)")
        if size != len(self._data) - self._at:
            allowed = f"must be the {len(self._data) - self._at} bytes to the end of the file"
            raise self._fault("block's size", size, allowed)

    def _metadata(self) -> dict[bytes, object]:
        (size,) = _SIZE.unpack(self._take(_SIZE.size, "metadata"))
        end = self._at + size
        values: dict[bytes, object] = {}
        while self._at < end:
            key = self._take_text("metadata")
            values[key] = self._value(key, self._take(1, "metadata")[0])
        if self._at != end:
            raise self._fault("metadata", size, "must be as long as what they hold")
        if values.get(b"content") != CONTENT or values.get(b"version") != VERSION:
            allowed = f"must say {CONTENT.decode()} of version {VERSION}"
            raise self._fault("metadata", (values.get(b"content"), values.get(b"version")), allowed)
        return values

    def _value(self, key: bytes, kind: int) -> object:
        if kind == _STRING:
            return self._take_text("metadata")
        if kind not in _FORMATS:
            raise self._fault(f"metadata {key!r}", kind, "type is not known")
        value: object = struct.unpack(_FORMATS[kind], self._take(struct.calcsize(_FORMATS[kind]), "metadata"))[0]
        return value

    def _number(self, metadata: dict[bytes, object], key: str) -> float:
        value = metadata.get(key.encode())
        if not isinstance(value, (int, float)) or not np.isfinite(value):
            raise self._fault(f"metadata {key}", value, "must be a number")
        return value

    def _positive(self, metadata: dict[bytes, object], key: str) -> float:
        value = self._number(metadata, key)
        if value <= 0:
            raise self._fault(f"metadata {key}", value, "must be greater than 0")
        return value

    def _samples(self, frames: int) -> NDArray[np.void]:
        found, rest = divmod(len(self._data) - self._at, _SAMPLE.itemsize)
        if rest or found != frames or not frames:
            allowed = f"must be 1 or more, each of {_SAMPLE.itemsize} bytes; {found} are there and {rest} bytes"
            raise self._fault("metadata frames", frames, allowed)
        samples: NDArray[np.void] = np.frombuffer(self._data, dtype=_SAMPLE, offset=self._at)
        if (samples["length"] != _SAMPLE_BYTES).any():
            wrong = int(samples["length"][samples["length"] != _SAMPLE_BYTES][0])
            raise self._fault("length of a sample", wrong, f"must be {_SAMPLE_BYTES}")
        return samples
