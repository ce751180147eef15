"""Recordings become sessions in blocks of time, and bad ones one clear line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from sensors.recording import Recording, write_recording
from training.recorded_sessions import check_window, recorded_sessions

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = 40


def recording(session: list[int], *, count: list[int] | None = None) -> Recording:
    number = len(session)
    time_s = np.arange(number) / 10 + 20 * (np.arange(number) >= number // 4)
    return Recording(
        time_s=time_s,
        frames=np.full((number, 8, 8), 24.25, dtype=np.float32),
        count=np.array(count or [index % 3 for index in range(number)]),
        session=np.array(session),
        confidence=np.ones(number, dtype=int),
    )


def csv(path: Path, rows: list[list[str]], header: list[str] | None = None) -> Path:
    names = header or ["timestamp", "ambient", *(f"p{one}" for one in range(64)), "people_number", "confidence"]
    path.write_text("\n".join(",".join(row) for row in [names, *rows]) + "\n")
    return path


def row(frame: int, count: str = "0", pixel: str = "24.25") -> list[str]:
    return [str(frame / 10), "25.0", pixel, *["24.25"] * 63, count, "e"]


def test_sessions_are_cut_where_time_jumps(tmp_path: Path) -> None:
    write_recording(tmp_path / "both.npz", recording([2] * FRAMES + [5] * FRAMES))
    found = recorded_sessions(tmp_path / "both.npz")
    assert [session.number for session in found] == [2, 5]
    assert np.bincount(found[0].block).tolist() == [20, 20]
    assert np.bincount(found[1].block).tolist() == [40]
    assert set(found[0].steps.ravel().tolist()) == {97}


def test_rows_out_of_order_are_put_in_the_order_of_time(tmp_path: Path) -> None:
    mixed = recording([2] * FRAMES)
    order = np.random.default_rng(0).permutation(FRAMES)
    shuffled = Recording(
        mixed.time_s[order], mixed.frames[order], mixed.count[order], session=mixed.session, confidence=mixed.confidence
    )
    write_recording(tmp_path / "mixed.npz", shuffled)
    assert recorded_sessions(tmp_path / "mixed.npz")[0].count.tolist() == mixed.count.tolist()


def test_a_folder_of_csv_files_has_a_session_for_each(tmp_path: Path) -> None:
    for number in (3, 2):
        csv(tmp_path / f"Session{number}_x.csv", [row(frame, str(frame % 2)) for frame in range(10)])
    found = recorded_sessions(tmp_path)
    assert [(session.number, len(session.count), session.easy.all()) for session in found] == [
        (2, 10, True),
        (3, 10, True),
    ]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row(0), row(1, "4")], "count is 4; must be 0 to 3"),
        ([row(0), row(1, "-1")], "count is -1"),
        ([row(0), row(1, "1", "nan")], "frames is nan; must hold finite numbers"),
        ([row(0), row(1, "1", "180")], "frames is 180.0; must hold values from -20 to 100 degC"),
        ([row(0), row(1)], "session is 2; has easy frames of 1 count only; leave this session out"),
        ([], "must hold at least one frame"),
    ],
)
def test_a_csv_that_cannot_be_used_is_refused_in_one_line(tmp_path: Path, rows: list[list[str]], said: str) -> None:
    path = csv(tmp_path / "Session2.csv", rows)
    with pytest.raises(BadInputError) as caught:
        recorded_sessions(path)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_missing_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="must have a column 'people_number'"):
        recorded_sessions(csv(tmp_path / "Session2.csv", [], ["time", "p0"]))
    with pytest.raises(BadInputError, match="must have 64 numbered columns of pixels"):
        recorded_sessions(csv(tmp_path / "Session2.csv", [], ["time", "p0", "people_number"]))


def test_a_session_in_two_files_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_recording(tmp_path / f"{name}.npz", recording([2] * FRAMES))
    with pytest.raises(BadInputError, match="session is 2; is in two files"):
        recorded_sessions(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"holds no \.csv and no \.npz file"):
        recorded_sessions(tmp_path)


def test_a_window_longer_than_every_block_is_refused(tmp_path: Path) -> None:
    write_recording(tmp_path / "short.npz", recording([2] * 16))
    sessions = recorded_sessions(tmp_path / "short.npz")
    check_window(sessions, 12, "short.npz")
    with pytest.raises(BadInputError, match="window is 13; must be at most 12 frames, the longest block of session 2"):
        check_window(sessions, 13, "short.npz")
