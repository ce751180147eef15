"""Networks are found by name or by path, and a file that changed is noticed."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from mcu_models.networks.library import find_network, network_names, read_library

if TYPE_CHECKING:
    from pathlib import Path

ROW = '[[network]]\nfile = "{file}"\nsha256 = "{sha256}"\nfrontend = "{frontend}"\nseed = 7\n'


@pytest.fixture
def library(models: Path, tmp_path: Path) -> Path:
    """Return a folder with one network and a manifest."""
    shutil.copy(models / "c8_p_fc.tflite", tmp_path / "counter.tflite")
    sha256 = hashlib.sha256((tmp_path / "counter.tflite").read_bytes()).hexdigest()
    row = ROW.format(file="counter.tflite", sha256=sha256, frontend="raw")
    (tmp_path / "manifest.toml").write_text(row)
    return tmp_path


def test_a_network_comes_with_its_manifest_row(library: Path) -> None:
    entry = read_library(library)["counter"]
    assert entry.path == library / "counter.tflite"
    assert entry.frontend == "raw"
    assert entry.row["seed"] == 7


def test_a_file_that_is_not_the_manifests_is_refused(library: Path) -> None:
    with (library / "counter.tflite").open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(BadInputError, match=r"sha256 is .*manifest\.toml row 'counter' says"):
        read_library(library)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('frontend = "raw"', 'frontend = "rwa"', "did you mean 'raw'"),
        ('frontend = "raw"', "", r"network\.frontend; every row needs"),
        ('"counter.tflite"', '"../counter.tflite"', "expected a file's name"),
        ("[[network]]", "[network]", r"expected rows, each headed \[\[network\]\]"),
        ("seed = 7", "seed =", "cannot be read"),
        ('"counter.tflite"', '"other.tflite"', "cannot be read"),
    ],
)
def test_a_wrong_manifest_is_refused(library: Path, old: str, new: str, message: str) -> None:
    manifest = library / "manifest.toml"
    manifest.write_text(manifest.read_text().replace(old, new))
    with pytest.raises(BadInputError, match=message):
        read_library(library)


def test_what_is_done_around_a_network_is_in_its_row(library: Path) -> None:
    """Without a word in the row, every frame is answered by itself."""
    assert (read_library(library)["counter"].votes, read_library(library)["counter"].wake_up_degc) == (1, None)
    with (library / "manifest.toml").open("a") as stream:
        stream.write("votes = 5\nwake_up_degc = 1\nfrontend_span_degc = [-4.0, 8]\n")
    entry = read_library(library)["counter"]
    assert (entry.votes, entry.wake_up_degc, entry.span_degc) == (5, 1.0, (-4.0, 8.0))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("votes = 0", r"manifest\.toml: network\.votes is 0; must be a whole number from 1 to 9"),
        ("votes = 10", "votes is 10; must be a whole number from 1 to 9"),
        ("votes = 3.0", r"votes is 3\.0; must be a whole number"),
        ("votes = true", "votes is True; must be a whole number"),
        ('wake_up_degc = "warm"', "wake_up_degc is 'warm'; must be a number of degC"),
        ("wake_up_degc = nan", "wake_up_degc is nan; must be a number of degC"),
        (
            "frontend_span_degc = [8.0, -4.0]",
            "frontend_span_degc is .*must be two numbers of degC, the lower one first",
        ),
        ("frontend_span_degc = 8.0", "frontend_span_degc is 8.0; must be two numbers"),
        ("wake_up_degc = false", "wake_up_degc is False; must be a number of degC"),
    ],
)
def test_wrong_votes_and_thresholds_are_told_in_one_line(library: Path, line: str, message: str) -> None:
    with (library / "manifest.toml").open("a") as stream:
        stream.write(line + "\n")
    for read in (lambda: read_library(library), lambda: find_network(library / "counter.tflite")):
        with pytest.raises(BadInputError, match=message) as refused:
            read()
        assert "\n" not in str(refused.value)


def test_a_users_own_network_has_the_row_of_its_folder(library: Path) -> None:
    """As training writes it; the file must be the one that the row was written for."""
    entry = find_network(library / "counter.tflite")
    assert (entry.frontend, entry.row["seed"]) == ("raw", 7)
    with (library / "counter.tflite").open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(BadInputError, match=r"sha256 is .*manifest\.toml row 'counter' says"):
        find_network(library / "counter.tflite")


def test_a_manifest_of_other_files_says_nothing_of_a_network(library: Path) -> None:
    shutil.copy(library / "counter.tflite", library / "other.tflite")
    entry = find_network(library / "other.tflite")
    assert (entry.frontend, entry.votes, dict(entry.row)) == ("minus_median", 1, {})


def test_a_users_own_network_subtracts_the_median(models: Path) -> None:
    path = models / "c8_p_fc.tflite"
    entry = find_network(path)
    assert (entry.path, entry.frontend, dict(entry.row)) == (path, "minus_median", {})
    assert entry.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"network 'no_such_network'; no such name and no \.tflite file"):
        find_network("no_such_network")
    with pytest.raises(BadInputError, match="cannot be read"):
        find_network("no_such_file.tflite")


def test_every_network_of_the_twin_matches_its_row() -> None:
    """What the names lead to is what the manifest says."""
    for name in network_names():
        assert find_network(name).path.stem == name
