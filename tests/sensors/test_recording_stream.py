"""A recording written in parts is the recording written at once."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from sensors.recording import Recording, read_recording
from sensors.recording_stream import write_recording_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FRAMES = 57


@pytest.fixture
def recording() -> Recording:
    rng = np.random.default_rng(3)
    return Recording(
        time_s=np.arange(FRAMES) / 10,
        frames=(rng.integers(80, 120, (FRAMES, 8, 8)) * 0.25).astype(np.float32),
        count=rng.integers(0, 4, FRAMES),
        thermistor_degc=np.full(FRAMES, 29.0, dtype=np.float32),
    )


def parts(recording: Recording, sizes: list[int]) -> list[Recording]:
    cuts = [0, *np.cumsum(sizes).tolist()]
    return [
        Recording(
            time_s=recording.time_s[a:b],
            frames=recording.frames[a:b],
            count=recording.count[a:b],
            thermistor_degc=None if recording.thermistor_degc is None else recording.thermistor_degc[a:b],
        )
        for a, b in itertools.pairwise(cuts)
    ]


@pytest.mark.parametrize("sizes", [[57], [1, 56], [20, 20, 17]])
def test_what_is_read_back_is_what_was_given(tmp_path: Path, recording: Recording, sizes: list[int]) -> None:
    path = tmp_path / "r.npz"
    count = write_recording_chunks(path, parts(recording, sizes), frames=FRAMES)
    back = read_recording(path)
    for name in ("time_s", "frames", "count", "thermistor_degc"):
        assert np.array_equal(getattr(back, name), getattr(recording, name)), name
    assert np.array_equal(count, recording.count)


def test_the_bytes_do_not_depend_on_when_or_how_it_was_cut(tmp_path: Path, recording: Recording) -> None:
    for name, sizes in (("a.npz", [57]), ("b.npz", [30, 27])):
        write_recording_chunks(tmp_path / name, parts(recording, sizes), frames=FRAMES)
    first, second = (np.load(tmp_path / name)["frames"] for name in ("a.npz", "b.npz"))
    assert np.array_equal(first, second)


def test_a_wrong_number_of_frames_leaves_nothing_behind(tmp_path: Path, recording: Recording) -> None:
    with pytest.raises(ValueError, match="57 frames came, 60 were announced"):
        write_recording_chunks(tmp_path / "r.npz", [recording], frames=60)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_bad_input(tmp_path: Path, recording: Recording) -> None:
    with pytest.raises(BadInputError, match="cannot be written"):
        write_recording_chunks(tmp_path / "no" / "r.npz", [replace(recording)], frames=FRAMES)


def test_only_a_regular_file_is_replaced_and_that_is_found_out_before_any_work(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "r.npz")

    def never() -> Iterator[Recording]:
        pytest.fail("frames were asked for")
        yield

    with pytest.raises(BadInputError, match="must be a regular file"):
        write_recording_chunks(tmp_path / "r.npz", never(), frames=FRAMES)
    assert (tmp_path / "r.npz").is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["r.npz"]


def test_what_is_written_goes_where_a_link_leads(tmp_path: Path, recording: Recording) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link.npz").symlink_to(tmp_path / "kept" / "real.npz")
    write_recording_chunks(tmp_path / "link.npz", [recording], frames=FRAMES)
    assert (tmp_path / "link.npz").is_symlink()
    assert np.array_equal(read_recording(tmp_path / "kept" / "real.npz").frames, recording.frames)
