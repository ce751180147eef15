"""Sessions from recordings: LINAIGE's CSV files, or .npz files, cut into blocks of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from datasheet.bad_input import BadInputError
from sensors.recording import read_recording
from training.sessions import CLASSES, STEP_K, Session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sensors.recording import Recording

GAP_S: Final = 5.0
"""After a longer pause the background begins afresh, as after switching on; assumed."""


def recorded_sessions(path: Path) -> list[Session]:
    """Return the sessions of a file, or of every .csv and .npz file of a folder, in the order of their numbers.

    Frames whose confidence says so are easy; without that column, all are.

    Raises:
        BadInputError: A file cannot be used (see `sensors.recording.read_recording`), two files hold the same
            session, a count is not 0 to 3, or all easy frames of a session have the same count.
    """
    found: dict[int, Session] = {}
    for number, file in enumerate(_files(path)):
        for session in _sessions(file, number):
            if session.number in found:
                raise BadInputError(file, "session", session.number, "is in two files; every session needs its number")
            _check(file, session)
            found[session.number] = session
    return [found[number] for number in sorted(found)]


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in {".csv", ".npz"})
    if not files:
        raise BadInputError(path, "", None, "holds no .csv and no .npz file; name a recording or a folder of them")
    return files


def _sessions(file: Path, number: int) -> list[Session]:
    recording = read_recording(file)
    session = np.full(len(recording.count), number) if recording.session is None else recording.session
    return [_session(int(one), recording, np.flatnonzero(session == one)) for one in np.unique(session)]


def _session(number: int, recording: Recording, rows: NDArray[np.intp]) -> Session:
    """Return the rows of one session in the order of time."""
    rows = rows[np.argsort(recording.time_s[rows], kind="stable")]
    easy = np.ones(len(rows), dtype=bool) if recording.confidence is None else recording.confidence[rows] == 1
    return Session(
        number=number,
        steps=np.round(recording.frames[rows] / STEP_K).astype(np.int16),
        count=recording.count[rows],
        easy=easy,
        block=np.cumsum(np.diff(recording.time_s[rows], prepend=recording.time_s[rows[0]]) > GAP_S),
    )


def _check(file: Path, session: Session) -> None:
    wrong = session.count[session.count >= CLASSES]
    if len(wrong):
        allowed = f"must be 0 to {CLASSES - 1}; leave other frames out of the file"
        raise BadInputError(file, "count", int(wrong[0]), allowed)
    counts = np.unique(session.count[session.easy])
    if len(counts) < 2:
        said = f"has easy frames of {len(counts)} count only; leave this session out, or add frames of another count"
        raise BadInputError(file, "session", session.number, said)


def check_window(sessions: Sequence[Session], window: int, source: str | Path) -> None:
    """Refuse a window that fits into no block of a session.

    Raises:
        BadInputError: There is such a session.
    """
    for session in sessions:
        longest = int(np.bincount(session.block).max())
        if longest < window:
            said = f"must be at most {longest} frames, the longest block of session {session.number}"
            raise BadInputError(source, "window", window, f"{said}; choose a shorter one or leave the session out")
