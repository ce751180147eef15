"""Finds networks and rules, those that come with the twin by name, a user's own by path.

Most count people in thermal frames; a row of `kind = "image"` is a network that looks at pictures of a camera.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from datasheet.bad_input import BadInputError, nearest_name
from datasheet.regular_file import is_file, read_regular_file
from datasheet.toml_file import read_toml
from mcu_models.compiler.door_decision import USUAL_POLICY, DoorPolicy
from mcu_models.compiler.frontend import find_frontend
from mcu_models.compiler.reader import MAX_FILE_BYTES
from mcu_models.compiler.vote import LARGEST_VOTES
from mcu_models.people_detection.parameters import detector_names, find_detector
from mcu_models.people_tracking.line import MIDDLE_LINE, DoorLine
from mcu_models.people_tracking.parameters import find_tracker, is_tracker, tracker_names

if TYPE_CHECKING:
    from collections.abc import Mapping

MANIFEST: Final = "manifest.toml"
DEFAULT_FRONTEND: Final = "minus_median"
IMAGE_FRONTENDS: Final = ("area_rgb565",)
"""Front ends of networks for images; `area_rgb565` scales an RGB565 frame to the network's input by area."""
RULES_SUFFIX: Final = ".toml"
_ROWS: Final = "network"
_SPAN: Final = "frontend_span_degc"
_PUBLISHED: Final = "published"
_KIND: Final = "kind"
_THERMAL: Final = "thermal"
_IMAGE: Final = "image"
_RULES: Final = {"family": "rule_based", _PUBLISHED: "deterministic"}
_TRACKING: Final = {"family": "people_tracking"}
_PUBLISHED_RULES: Final = {"deterministic": "panasonic_grid_eye_api"}


@dataclass(frozen=True)
class NetworkEntry:
    """A network, or rules that count without one, and what is known of it.

    Attributes:
        path: The .tflite file; of rules, the TOML file with their values.
        sha256: Digest of the file, in hexadecimal.
        frontend: Name of the front end that prepares its input; empty for rules.
        row: Everything its manifest row says; empty for a file without one.
        votes: The answer is the most frequent of so many counts, of equally frequent ones the latest.
        wake_up_degc: The network runs if the warmest block of 2 x 2 pixels of a frame is at least so warm behind the
            front end, on average; else nobody is counted. None runs it always.
        span_degc: What the front end's values are held within where the network's input is float32; None for all.
        door_policy: When a door opens that a network for images guards.
        door_line: The line in the image that rules which count passages count at.
    """

    path: Path
    sha256: str
    frontend: str
    row: Mapping[str, Any] = field(default_factory=dict)
    votes: int = 1
    wake_up_degc: float | None = None
    span_degc: tuple[float, float] | None = None
    door_policy: DoorPolicy = USUAL_POLICY
    door_line: DoorLine = MIDDLE_LINE

    @property
    def is_for_images(self) -> bool:
        """Whether it looks at images of a camera and counts nobody."""
        return self.frontend in IMAGE_FRONTENDS

    @property
    def has_rules(self) -> bool:
        """Whether these are rules, of `mcu_models.people_detection` or `people_tracking`, and no network."""
        return self.path.suffix == RULES_SUFFIX

    @property
    def counts_passages(self) -> bool:
        """Whether these are rules that count who passes a door, of `mcu_models.people_tracking`."""
        return self.row.get("family") == _TRACKING["family"]


def network_names() -> tuple[str, ...]:
    """Return the names of the networks that come with the twin, and of the rules that count without one.

    Raises:
        BadInputError: The manifest cannot be read.
    """
    return tuple(sorted((*_read_manifest(_library_folder()), *detector_names(), *tracker_names())))


def find_network(name_or_path: str | Path) -> NetworkEntry:
    """Return a network or rules by library name, or by the path of a .tflite file or of rules in a .toml file.

    `Top-Q` and the like, names of Table IV of arXiv 2304.06059, stand for the networks with these architectures. What
    is done around a network is in its row of the `manifest.toml` of its folder, also when its file was renamed there. A
    user's own file without one gets the front end `minus_median`.

    Raises:
        BadInputError: There is none of this name, a file is not the one its manifest row was written for, or several
            rows are for one file.
    """
    text, path = str(name_or_path), Path(name_or_path)
    if text in _PUBLISHED_RULES:
        return find_network(_PUBLISHED_RULES[text])
    if text in tracker_names():
        return _rules(find_tracker(text))
    if path.suffix == RULES_SUFFIX or text in detector_names():
        return _rules(find_detector(text))
    if path.suffix == ".tflite" or is_file(path):
        return _own_network(path)
    folder = _library_folder()
    rows = _read_manifest(folder)
    published = _by_published_name(rows)
    text = published.get(text, text)
    if text not in rows:
        near = [one for one in (*published, *_PUBLISHED_RULES) if one.casefold() == text.casefold()]
        known = nearest_name(text, near or (*rows, *detector_names(), *tracker_names()))
        raise BadInputError("network", "", text, f"no such name and no .tflite file; {known}")
    return _network(folder / rows[text]["file"], text, rows[text])


def read_library(folder: Path) -> dict[str, NetworkEntry]:
    """Return every network of a folder that holds a `manifest.toml`, each checked against its row.

    Raises:
        BadInputError: The manifest or a network cannot be read, or a digest differs.
    """
    return {name: _network(folder / row["file"], name, row) for name, row in _read_manifest(folder).items()}


def read_manifest_rows(folder: Path) -> tuple[str, list[dict[str, Any]]]:
    """Return the comment at the head of a folder's manifest, and its rows.

    Raises:
        BadInputError: The manifest cannot be read, or a row is not as it must be.
    """
    rows = list(_read_manifest(folder).values())
    path = folder / MANIFEST
    head = path.read_text(encoding="utf-8").partition(f"[[{_ROWS}]]")[0] if path.is_file() else ""
    return head, rows


def _library_folder() -> Path:
    return Path(str(resources.files("mcu_models.networks")))


def _rules(path: Path) -> NetworkEntry:
    return NetworkEntry(path, _digest(path), "", _TRACKING if is_tracker(path) else _RULES)


def _own_network(path: Path) -> NetworkEntry:
    manifest, sha256 = path.parent / MANIFEST, _digest(path)
    rows = [row for row in _raw_rows(path.parent) if isinstance(row, dict)]
    found = [row for row in rows if row.get("file") == path.name] or [
        row for row in rows if row.get("sha256") == sha256
    ]
    if len(found) > 1:
        raise BadInputError(manifest, f"{_ROWS}.file", path.name, f"{len(found)} rows are for this file; keep one")
    if not found:
        return NetworkEntry(path, sha256, DEFAULT_FRONTEND)
    row = _checked_row(manifest, found[0])
    return _network(path, _row_name(row), row)


def _network(path: Path, name: str, row: Mapping[str, Any]) -> NetworkEntry:
    sha256 = _digest(path)
    if sha256 != row["sha256"]:
        raise BadInputError(path, "sha256", sha256, f"{MANIFEST} row {name!r} says {row['sha256']}")
    return NetworkEntry(
        path,
        sha256,
        row["frontend"],
        row,
        votes=row.get("votes", 1),
        wake_up_degc=_optional_real(row, "wake_up_degc"),
        span_degc=tuple(row[_SPAN]) if _SPAN in row else None,
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(read_regular_file(path, limit_bytes=MAX_FILE_BYTES)).hexdigest()


def _read_manifest(folder: Path) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for row in _raw_rows(folder):
        checked = _checked_row(folder / MANIFEST, row)
        name = _row_name(checked)
        if name in rows:
            raise BadInputError(folder / MANIFEST, f"{_ROWS}.name", name, "two rows have this name")
        rows[name] = checked
    return rows


def _raw_rows(folder: Path) -> list[Any]:
    path = folder / MANIFEST
    if not path.is_file():
        return []
    rows = read_toml(path).get(_ROWS, [])
    if not isinstance(rows, list):
        raise BadInputError(path, _ROWS, type(rows).__name__, f"expected rows, each headed [[{_ROWS}]]")
    return rows


def _by_published_name(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the names of networks by their names in the published table, where one network has two."""
    published = {name: str(row.get(_PUBLISHED, "")) for name, row in rows.items()}
    return {one: name for name, text in published.items() for one in (*text.split("/"), text) if one}


def _row_name(row: Mapping[str, Any]) -> str:
    return str(row.get("name", row["file"].removesuffix(".tflite")))


def _checked_row(path: Path, row: Any) -> dict[str, Any]:
    for key in ("file", "sha256", "frontend"):
        value = row.get(key) if isinstance(row, dict) else None
        if not isinstance(value, str):
            raise BadInputError(path, f"{_ROWS}.{key}", value, "every row needs this text")
    if Path(row["file"]).name != row["file"]:
        raise BadInputError(path, f"{_ROWS}.file", row["file"], "expected a file's name in the manifest's folder")
    if not (isinstance(row.get("name", "-"), str) and row.get("name", "-").strip()):
        raise BadInputError(path, f"{_ROWS}.name", row["name"], "must be a text, or left out for the file's name")
    if row.get(_KIND, _THERMAL) == _IMAGE:
        return _checked_image_row(path, row)
    if row.get(_KIND, _THERMAL) != _THERMAL:
        raise BadInputError(path, f"{_ROWS}.{_KIND}", row[_KIND], nearest_name(str(row[_KIND]), (_THERMAL, _IMAGE)))
    frontend = find_frontend(row["frontend"], str(path))
    _check_votes(path, row.get("votes", 1))
    _check_wake_up(path, row.get("wake_up_degc", 0.0))
    _check_span(path, row.get(_SPAN, [-1.0, 1.0]), holds_zero=frontend.subtracts != "nothing")
    checked: dict[str, Any] = row
    return checked


def _checked_image_row(path: Path, row: dict[str, Any]) -> dict[str, Any]:
    if row["frontend"] not in IMAGE_FRONTENDS:
        known = nearest_name(row["frontend"], IMAGE_FRONTENDS)
        raise BadInputError(path, f"{_ROWS}.frontend", row["frontend"], known)
    for key in ("votes", "wake_up_degc", _SPAN):
        if key in row:
            raise BadInputError(path, f"{_ROWS}.{key}", row[key], f"is nothing that a network of kind {_IMAGE!r} has")
    return row


def _check_votes(path: Path, votes: Any) -> None:
    if type(votes) is not int or not 1 <= votes <= LARGEST_VOTES:
        raise BadInputError(path, f"{_ROWS}.votes", votes, f"must be a whole number from 1 to {LARGEST_VOTES}")


def _check_wake_up(path: Path, wake_up_degc: Any) -> None:
    if type(wake_up_degc) not in (int, float) or not math.isfinite(wake_up_degc):
        raise BadInputError(path, f"{_ROWS}.wake_up_degc", wake_up_degc, "must be a number of degC, such as 0.75")


def _check_span(path: Path, span_degc: Any, *, holds_zero: bool) -> None:
    """Refuse what is no span; of values above a background or a median, 0 is the place where nobody is."""
    is_pair = isinstance(span_degc, list) and [type(end) in (int, float) for end in span_degc] == [True, True]
    if not is_pair or not -math.inf < span_degc[0] < span_degc[1] < math.inf:
        raise BadInputError(path, f"{_ROWS}.{_SPAN}", span_degc, "must be two numbers of degC, the lower one first")
    if holds_zero and not span_degc[0] <= 0 <= span_degc[1]:
        raise BadInputError(path, f"{_ROWS}.{_SPAN}", span_degc, "must hold 0 degC, the empty room's value")


def _optional_real(row: Mapping[str, Any], key: str) -> float | None:
    return float(row[key]) if key in row else None
