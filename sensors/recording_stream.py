"""Writes a recording longer than memory: chunk by chunk, into the same .npz that `read_recording` reads."""

from __future__ import annotations

import zipfile
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from sensors.whole_file import whole_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from sensors.recording import Recording

_COMPRESSION = 1
"""Of deflate: noise hardly shrinks further, and a day of frames is written several times faster than at 6."""


def write_recording_chunks(path: Path, chunks: Iterable[Recording], *, frames: int) -> NDArray[np.int64]:
    """Write consecutive parts of one recording to `path` as .npz, complete or not at all; a symbolic link is followed.

    Only one part is held in memory, besides times, counts and thermistor readings.

    Args:
        path: The file.
        chunks: The parts in order of time, all with or all without thermistor readings.
        frames: How many frames there will be altogether.

    Returns:
        (frames,) the people in view in each frame.

    Raises:
        BadInputError: The file cannot be written, or is there and is no regular file; found out before the first part
            is asked for.
        ValueError: There are more or fewer frames than announced.
    """
    with whole_file(path) as file:
        return _write(file, chunks, frames)


def _write(file: IO[bytes], chunks: Iterable[Recording], frames: int) -> NDArray[np.int64]:
    columns: dict[str, list[NDArray[Any]]] = {"count": [], "time_s": [], "thermistor": []}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION) as archive:
        _write_frames(archive, chunks, frames, columns)
        for name, parts in columns.items():
            if parts:
                with archive.open(f"{name}.npy", "w") as member:
                    np.lib.format.write_array(member, np.concatenate(parts), allow_pickle=False)
    return np.concatenate(columns["count"]).astype(np.int64)


def _write_frames(
    archive: zipfile.ZipFile, chunks: Iterable[Recording], frames: int, columns: dict[str, list[NDArray[Any]]]
) -> None:
    """Write the frames as they come, and keep what is small for later."""
    written = 0
    with archive.open("frames.npy", "w", force_zip64=True) as member:
        for chunk in chunks:
            if not written:
                shape = (frames, *chunk.frames.shape[1:])
                header = {"descr": "<f4", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(member, header)
            member.write(np.ascontiguousarray(chunk.frames, dtype="<f4").tobytes())
            written += len(chunk.frames)
            _keep(chunk, columns)
    if written != frames:
        raise ValueError(f"{written} frames came, {frames} were announced")


def _keep(chunk: Recording, columns: dict[str, list[NDArray[Any]]]) -> None:
    columns["count"].append(chunk.count)
    columns["time_s"].append(chunk.time_s)
    if chunk.thermistor_degc is not None:
        columns["thermistor"].append(chunk.thermistor_degc)
