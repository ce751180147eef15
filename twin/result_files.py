"""Writes results: to a temporary name first, then renamed, so that nothing is ever half-written."""

from __future__ import annotations

import io
import json
import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datasheet.bad_input import BadInputError
from mcu_models.emulators.interruption import deferred_interrupt
from sensors.whole_file import output_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from twin.prediction import Prediction


@contextmanager
def output_folder(folder: Path | None) -> Iterator[None]:
    """Make `folder` for the results of the block, and take it away again if the block fails before any are there.

    Raises:
        BadInputError: It cannot be made or written to; found out before the block runs.
    """
    if folder is None:
        yield
        return
    made = _make(folder)
    try:
        yield
    except BaseException:
        for path in made:
            # An output that is there already, or somebody else's, keeps its folder.
            with suppress(OSError):
                path.rmdir()
        raise


def _make(folder: Path) -> list[Path]:
    """Make a folder and what leads to it; return what was made, innermost first."""
    try:
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BadInputError(folder, "", None, f"cannot be written to: {error.strerror}") from error
    return missing


def write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files by name into `folder`; all are written before the first appears under its own name.

    A symbolic link is followed.

    Raises:
        BadInputError: The folder cannot be written to, or one of the names is there and is no regular file.
    """
    targets = {output_target(folder / name): content for name, content in contents.items()}
    temporary: dict[Path, Path] = {}
    try:
        for target, content in targets.items():
            temporary[target] = _write_temporary(target.parent, content)
        with deferred_interrupt():
            for target, path in temporary.items():
                path.replace(target)
    except OSError as error:
        raise BadInputError(folder, "", None, f"cannot be written to: {error.strerror}") from error
    finally:
        for path in temporary.values():
            path.unlink(missing_ok=True)


def _write_temporary(folder: Path, content: bytes) -> Path:
    handle, name = tempfile.mkstemp(dir=folder, prefix=".partial-")
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    except OSError:  # a full disk
        path.unlink(missing_ok=True)
        raise
    # mkstemp makes the file private; results are as readable as any other file.
    path.chmod(0o666 & ~_umask())
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def as_json_bytes(answer: Mapping[str, Any]) -> bytes:
    """Return an answer as it stands in a file."""
    return (json.dumps(answer, indent=2, allow_nan=False) + "\n").encode()


def result_json(prediction: Prediction) -> bytes:
    """Return `result.json`."""
    return as_json_bytes(prediction.as_result())


def frames_npz(prediction: Prediction) -> bytes:
    """Return `frames.npz`: time_s, frames, truth and count."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        time_s=prediction.recording.time_s,
        frames=prediction.recording.frames,
        truth=prediction.recording.count,
        count=prediction.count,
    )
    return buffer.getvalue()
