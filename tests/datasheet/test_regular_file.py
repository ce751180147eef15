"""Files that somebody has named are read within limits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from datasheet.regular_file import read_regular_file
from datasheet.toml_file import MAX_TOML_BYTES, read_toml

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_limit_itself_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"1234")
    assert read_regular_file(path, limit_bytes=4) == b"1234"
    with pytest.raises(BadInputError, match="must hold 3 bytes at most"):
        read_regular_file(path, limit_bytes=3)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_regular_file_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "a.toml")
    with pytest.raises(BadInputError, match="not a regular file"):
        read_toml(tmp_path / "a.toml")


def test_a_device_without_end_is_no_toml() -> None:
    with pytest.raises(BadInputError, match="not a regular file"):
        read_toml(Path("/dev/zero"))


def test_toml_has_a_limit(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"#" * (MAX_TOML_BYTES + 1))
    with pytest.raises(BadInputError, match="bytes at most"):
        read_toml(tmp_path / "a.toml")
