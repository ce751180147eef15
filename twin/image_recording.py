"""Labelled pictures in an .npz file: frames of the camera or images of any size, read and written piece by piece.

| array | shape and type | what |
|---|---|---|
| `frames` | (N, 200, 200) uint16 | RGB565 words, as the camera sends them; or instead |
| `images` | (N, rows, columns, 3) uint8 | red, green, blue |
| `masked` | (N,) bool, or integers 0 and 1 | whether a mask is worn correctly |
| `first` | (N,) integers, may be absent | who stands before the camera; below 0: nobody, so that nothing is asked |

`twin sense` of a guarded door writes `time_s` and `wearing` besides. Other arrays are passed over.
"""

from __future__ import annotations

import stat
import struct
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from tokenize import TokenError
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

from datasheet.bad_input import BadInputError
from mcu_models.compiler.area_scale import FRAME_SIDE
from sensors.whole_file import whole_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

LARGEST_ARRAY_BYTES: Final = 2**31
"""A file that claims more pictures than this is refused before they are unpacked: 26,843 frames of the camera."""
LARGEST_SIDE_PX: Final = 4096
MOST_PICTURES: Final = 1_000_000
PIECE_BYTES: Final = 4 * 2**20
"""So much of the pictures is in memory at a time, and one picture at least."""
PICTURES: Final = ("frames", "images")
MASKED: Final = "masked"
FIRST: Final = "first"
_COMPRESSION: Final = 1
"""Of deflate: noise hardly shrinks further."""
_DAMAGE: Final = (
    EOFError, KeyError, OSError, OverflowError, RuntimeError, TypeError, ValueError, TokenError, struct.error,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""Whatever the standard library raises about a damaged archive."""


@dataclass(frozen=True)
class ImageRecording:
    """N labelled pictures in a file.

    Attributes:
        path: The file.
        name: Of the array that holds them, "frames" or "images".
        shape: Of that array.
        masked: (N,) whether a mask is worn correctly.
        is_asked: (N,) whether there is anybody to ask of.
    """

    path: Path
    name: str
    shape: tuple[int, ...]
    masked: NDArray[np.bool_]
    is_asked: NDArray[np.bool_]

    def pieces(self) -> Iterator[NDArray[Any]]:
        """Give all pictures in order, some at a time: (n, 200, 200) uint16 or (n, rows, columns, 3) uint8.

        Raises:
            BadInputError: The file is damaged.
        """
        try:
            yield from _pieces(self.path, self.name)
        except _DAMAGE as error:
            raise _damaged(self.path, error) from None


def array_names(path: Path) -> tuple[str, ...]:
    """Return what arrays an .npz file holds.

    Raises:
        BadInputError: It is no such file.
    """
    try:
        _require_regular(path)
        with zipfile.ZipFile(path) as archive:
            return tuple(one.removesuffix(".npy") for one in archive.namelist())
    except FileNotFoundError:
        raise BadInputError(path, "", None, "there is no such file or folder") from None
    except BadInputError:
        raise
    except _DAMAGE as error:
        raise _damaged(path, error) from None


def read_image_recording(path: Path) -> ImageRecording:
    """Return what an .npz file of labelled pictures holds; the pictures themselves are read later.

    Raises:
        BadInputError: It is no such file, an array is missing, of another shape or type, or too large, or all pictures
            are of one class.
    """
    names = array_names(path)
    found = [name for name in PICTURES if name in names]
    if len(found) != 1 or MASKED not in names:
        wanted = "must be frames (N, 200, 200) uint16 or images (N, rows, columns, 3) uint8, and masked (N,)"
        raise BadInputError(path, "arrays", ", ".join(names) or "none", wanted)
    try:
        with zipfile.ZipFile(path) as archive:
            shape = _checked_pictures(path, found[0], archive)
            masked = _labels(path, MASKED, archive, shape[0])
            first = _labels(path, FIRST, archive, shape[0]) if FIRST in names else np.zeros(shape[0], np.int64)
    except BadInputError:
        raise
    except _DAMAGE as error:
        raise _damaged(path, error) from None
    if not np.isin(masked, (0, 1)).all():
        raise BadInputError(path, MASKED, int(masked[~np.isin(masked, (0, 1))][0]), "must hold 0 and 1 only")
    recording = ImageRecording(path, found[0], shape, masked.astype(np.bool_), first >= 0)
    _require_both(path, recording.masked[recording.is_asked])
    return recording


def write_image_recording(
    path: Path, frames: Iterable[NDArray[np.uint16]], number: int, columns: Mapping[str, list[Any]]
) -> None:
    """Write frames as they come, complete or not at all; a symbolic link is followed.

    Args:
        path: The file.
        frames: Each (200, 200) RGB565.
        number: How many there will be.
        columns: Further arrays by name, filled while the frames come.

    Raises:
        BadInputError: The file cannot be written, or they would be more than `LARGEST_ARRAY_BYTES`.
        ValueError: More or fewer frames came than announced.
    """
    require_length(number)
    with whole_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION) as out:
        written = 0
        with out.open(_member("frames"), "w", force_zip64=True) as member:
            header = {"descr": "<u2", "fortran_order": False, "shape": (number, FRAME_SIDE, FRAME_SIDE)}
            np.lib.format.write_array_header_1_0(member, header)
            for frame in frames:
                member.write(np.ascontiguousarray(frame, dtype="<u2").tobytes())
                written += 1
        if written != number:
            raise ValueError(f"{written} frames came, {number} were announced")
        for name, values in columns.items():
            with out.open(_member(name), "w") as member:
                np.lib.format.write_array(member, np.asarray(values), allow_pickle=False)


def require_length(number: int) -> None:
    """Refuse so many frames of the camera that `read_image_recording` would refuse the file.

    Raises:
        BadInputError: They are more than `LARGEST_ARRAY_BYTES`.
    """
    longest = LARGEST_ARRAY_BYTES // (2 * FRAME_SIDE**2)
    if number > longest:
        raise BadInputError("--out", "frames", number, f"a file holds up to {longest} frames; fewer --seconds or --fps")


def _require_regular(path: Path) -> None:
    if not stat.S_ISREG(path.stat().st_mode):
        raise BadInputError(path, "", None, "must be an .npz file, or a folder of images")


def _member(name: str) -> zipfile.ZipInfo:
    """Return a member without the time of day: the same arrays are the same bytes."""
    member = zipfile.ZipInfo(f"{name}.npy")
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o644 << 16
    return member


def _damaged(path: Path, error: BaseException) -> BadInputError:
    return BadInputError(path, "", None, f"is not a complete .npz file of pictures: {error}")


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(member)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    with warnings.catch_warnings():
        # Of types and headers of the past.
        warnings.simplefilter("ignore")
        shape, is_fortran, dtype = read(member)
    return shape, is_fortran, dtype


def _checked_pictures(path: Path, name: str, archive: zipfile.ZipFile) -> tuple[int, ...]:
    """Return the shape of the pictures, if they may be used."""
    with archive.open(f"{name}.npy") as member:
        shape, is_fortran, dtype = _header(member)
    sides = f"(N, {FRAME_SIDE}, {FRAME_SIDE}) uint16" if name == "frames" else "(N, rows, columns, 3) uint8"
    is_frames = len(shape) == 3 and shape[1:] == (FRAME_SIDE, FRAME_SIDE) and dtype == np.uint16
    is_images = len(shape) == 4 and shape[3] == 3 and dtype == np.uint8
    if not (is_frames if name == "frames" else is_images) or is_fortran:
        raise BadInputError(path, name, f"{dtype} {shape}", f"must be {sides}, row by row")
    if not all(1 <= side <= LARGEST_SIDE_PX for side in shape[1:3]) or not 1 <= shape[0] <= MOST_PICTURES:
        allowed = f"must be 1 to {MOST_PICTURES} pictures of up to {LARGEST_SIDE_PX} pixels a side"
        raise BadInputError(path, name, shape, allowed)
    size = int(np.prod([int(side) for side in shape], dtype=object)) * dtype.itemsize
    if size > LARGEST_ARRAY_BYTES:
        raise BadInputError(path, name, f"{size} bytes", f"up to {LARGEST_ARRAY_BYTES} are read from one file")
    return tuple(int(side) for side in shape)


def _labels(path: Path, name: str, archive: zipfile.ZipFile, number: int) -> NDArray[np.int64]:
    with archive.open(f"{name}.npy") as member:
        shape, _, dtype = _header(member)
        if shape != (number,) or dtype.kind not in "bui":
            raise BadInputError(path, name, f"{dtype} {shape}", f"must be ({number},) of whole numbers or truth values")
        return np.frombuffer(_exactly(member, number * dtype.itemsize), dtype).astype(np.int64)


def _pieces(path: Path, name: str) -> Iterator[NDArray[Any]]:
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as member:
        shape, _, dtype = _header(member)
        one = int(np.prod(shape[1:])) * dtype.itemsize
        most = max(1, PIECE_BYTES // one)
        for begin in range(0, shape[0], most):
            number = min(most, shape[0] - begin)
            yield np.frombuffer(_exactly(member, number * one), dtype).reshape(number, *shape[1:]).astype(dtype.type)


def _exactly(member: IO[bytes], length: int) -> bytes:
    content = member.read(length)
    if len(content) != length:
        raise EOFError("an array ends early")
    return content


def _require_both(path: Path, masked: NDArray[np.bool_]) -> None:
    for label, word in ((True, "with"), (False, "without")):
        if not (masked == label).any():
            raise BadInputError(path, MASKED, None, f"has no picture {word} a mask; both classes are needed")
