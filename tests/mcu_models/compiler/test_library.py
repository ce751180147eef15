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
        ("seed = 7", "seed =", "is not valid TOML"),
        ('"counter.tflite"', '"other.tflite"', "there is no such file"),
        ("seed = 7", 'name = ""', r"manifest\.toml: network\.name is ''; must be a text"),
        ("seed = 7", "name = 7", r"network\.name is 7; must be a text"),
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
        ("wake_up_degc = nan", "wake_up_degc is nan; must be a finite number"),
        (
            "frontend_span_degc = [8.0, -4.0]",
            "frontend_span_degc is .*must be two numbers of degC, the lower one first",
        ),
        ("frontend_span_degc = 8.0", "frontend_span_degc is 8.0; must be two numbers"),
        ("frontend_span_degc = [-inf, inf]", r"frontend_span_degc\[0\] is -inf; must be a finite number"),
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


@pytest.mark.parametrize("span", ["[1.0, 8.0]", "[-8.0, -1.0]"])
def test_a_span_of_values_above_a_background_holds_zero(library: Path, span: str) -> None:
    """Only the values of a front end that subtracts nothing are a room's temperatures."""
    manifest = library / "manifest.toml"
    row = manifest.read_text() + f"frontend_span_degc = {span}\n"
    manifest.write_text(row)
    assert read_library(library)["counter"].span_degc is not None
    for frontend in ("minus_median", "hold_zero"):
        manifest.write_text(row.replace("raw", frontend))
        with pytest.raises(BadInputError, match=r"network\.frontend_span_degc is .*; must hold 0 degC"):
            read_library(library)


def test_a_users_own_network_has_the_row_of_its_folder(library: Path) -> None:
    """As training writes it; the file must be the one that the row was written for."""
    entry = find_network(library / "counter.tflite")
    assert (entry.frontend, entry.row["seed"]) == ("raw", 7)
    with (library / "counter.tflite").open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(BadInputError, match=r"sha256 is .*manifest\.toml row 'counter' says"):
        find_network(library / "counter.tflite")


def test_a_renamed_network_keeps_its_row(library: Path) -> None:
    """Another front end would let it count wrongly, and say nothing."""
    renamed = library / "renamed.tflite"
    (library / "counter.tflite").rename(renamed)
    entry = find_network(renamed)
    assert (entry.path, entry.frontend, entry.row["seed"]) == (renamed, "raw", 7)


def test_two_rows_for_one_file_are_refused(library: Path) -> None:
    """Of two ways to prepare its frames, which one is meant?"""
    manifest = library / "manifest.toml"
    row = manifest.read_text()
    manifest.write_text(f"{row}votes = 3\n{row}votes = 5\n")
    with pytest.raises(BadInputError, match=r"network\.file is 'counter\.tflite'; 2 rows are for this file"):
        find_network(library / "counter.tflite")
    with pytest.raises(BadInputError, match=r"network\.name is 'counter'; two rows have this name"):
        read_library(library)


def test_a_file_may_have_rows_of_several_names(library: Path) -> None:
    """As with and without a threshold, in a library, where networks are found by name."""
    manifest = library / "manifest.toml"
    row = manifest.read_text()
    manifest.write_text(f'{row}{row}name = "waking"\nwake_up_degc = 1.0\n')
    found = read_library(library)
    assert (found["counter"].wake_up_degc, found["waking"].wake_up_degc) == (None, 1.0)


def test_a_manifest_of_other_files_says_nothing_of_a_network(library: Path) -> None:
    (library / "other.tflite").write_bytes((library / "counter.tflite").read_bytes() + b"\0")
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
    with pytest.raises(BadInputError, match="there is no such file"):
        find_network("no_such_file.tflite")


def test_every_network_of_the_twin_matches_its_row() -> None:
    """What the names lead to is what the manifest says."""
    for name in network_names():
        assert find_network(name).path.stem == name
