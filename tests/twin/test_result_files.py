"""Results appear whole or not at all."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any, Self

import pytest

from datasheet.bad_input import BadInputError
from twin.result_files import write_files

if TYPE_CHECKING:
    from pathlib import Path


def test_a_full_disk_leaves_what_was_there_and_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.json").write_bytes(b"old")
    opened = os.fdopen

    def full(handle: int, mode: str) -> Any:
        file = opened(handle, mode)

        class Full:
            def __enter__(self) -> Self:
                return self

            def __exit__(self, *_: object) -> None:
                file.close()

            def write(self, content: bytes) -> int:
                if len(content) > 5:
                    raise OSError(errno.ENOSPC, "No space left on device")
                return int(file.write(content))

        return Full()

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(BadInputError, match="No space left"):
        write_files(tmp_path, {"a.json": b"new", "b.npz": b"much more"})
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_bytes() == b"old"
