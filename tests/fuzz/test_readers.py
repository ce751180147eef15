"""Every reader meets damaged files: a result, or one line that says what is wrong."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from fuzz.mutation import FORMS, LONGEST_BYTES, mutated
from fuzz.readers import CORPUS, READERS
from fuzz.trial import Trial, try_file
from fuzz.worker import damaged_file

if TYPE_CHECKING:
    from pathlib import Path

INPUTS = {"firmware": 4, "networks": 100, "recordings": 60, "tables": 40}
"""Damaged files by module: a second of host time at most."""


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_read_or_refused(name: str, tmp_path: Path) -> None:
    reader = READERS[name]
    target, seeds, path = reader.target(), reader.seeds(), tmp_path / reader.file
    for number in range(len(seeds), len(seeds) + INPUTS[reader.module]):
        path.write_bytes(damaged_file(reader, seeds, 1, number))
        assert try_file(target, path).verdict in ("read", "refused"), number


@pytest.mark.parametrize("name", [name for name, reader in READERS.items() if (CORPUS / name).is_dir()])
def test_the_corpus_holds_valid_files_and_some_that_found_a_defect(name: str, tmp_path: Path) -> None:
    """A corpus of files that are all refused would damage nothing but the first check."""
    reader = READERS[name]
    target, path = reader.target(), tmp_path / reader.file
    for file in sorted((CORPUS / name).iterdir()):
        path.write_bytes(file.read_bytes())
        allowed = ("read", "refused") if file.name.startswith("found_") else ("read",)
        assert try_file(target, path).verdict in allowed, file.name


@pytest.mark.parametrize("form", FORMS)
def test_the_same_seed_damages_in_the_same_way(form: str) -> None:
    seeds = [b'name = "one"\nvalue = 12\n', b":10000000000102030405060708090A0B0C0D0E0F78\n:00000001FF\n"]
    files = [[mutated(form, random.Random(n), seeds) for n in range(40)] for _ in range(2)]  # noqa: S311
    assert files[0] == files[1]
    assert len(set(files[0])) > 20
    assert max(map(len, files[0])) <= LONGEST_BYTES


def _refuse(path: Path) -> None:
    raise BadInputError(path, "", None, "is not good")


def _fail(_path: Path) -> None:
    raise KeyError("what")


def _run_out_of_memory(path: Path) -> None:
    raise BadInputError(path, "", None, "does not fit into memory") from MemoryError()


def _warn(_path: Path) -> None:
    import warnings  # noqa: PLC0415

    warnings.warn("mind", stacklevel=1)


def test_what_counts_as_a_finding(tmp_path: Path) -> None:
    assert try_file(lambda _path: None, tmp_path) == Trial("read")
    assert try_file(_refuse, tmp_path) == Trial("refused")
    assert [try_file(one, tmp_path).verdict for one in (_fail, _warn, _run_out_of_memory)] == [
        "exception", "exception", "memory"
    ]  # fmt: skip
