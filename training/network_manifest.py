"""Rows of a `manifest.toml`: how a network was made, and how the twin prepares frames for it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from training.architectures import read_architecture
from training.protocol import over_folds
from training.toml_text import array_of_tables
from training.windows import FRONTEND, SPAN_K

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from training.quantisation import Precision
    from training.toml_text import Value

_HEAD: Final = "# Networks of a study of people counting; each row says how one was made and what it needs.\n\n"
_DIGITS: Final = 4

Row = dict[str, "Value"]


@dataclass(frozen=True)
class Origin:
    """Where a study's networks come from.

    Attributes:
        data: What they were trained on, in words.
        command: What makes them again.
    """

    data: str
    command: str


def study_manifest(results: Iterable[Mapping[str, Any]], origin: Origin) -> str:
    """Return a manifest with a row for each file of a study that runs on a microcontroller."""
    rows = [
        network_row(PurePath(file["file"]).stem, file["file"], one, precision) | _origin(one, origin)
        for one in results
        for precision, file in one["files"].items()
        if file["runs_on_mcu"]
    ]
    return _HEAD + manifest_text(rows)


def manifest_text(rows: Sequence[Mapping[str, Value]]) -> str:
    """Return the rows as TOML."""
    return array_of_tables("network", rows)


def network_row(name: str, file: str, result: Mapping[str, Any], precision: Precision) -> Row:
    """Return the row of a network.

    Args:
        name: What it is called.
        file: The name of its file, beside the manifest.
        result: What training it gave.
        precision: Which of its files this one is.
    """
    votes = read_architecture(result["family"], result["architecture"], result["window"]).votes
    score, tested_on = _tested(result, precision)
    return {
        "name": name,
        "file": file,
        "sha256": result["files"][precision]["sha256"],
        "family": result["family"],
        "architecture": result["architecture"],
        "window": result["window"],
        "votes": votes,
        "seed": result["seed"],
        "frontend": FRONTEND,
        "frontend_span_degc": [float(end) for end in SPAN_K],
        "parameters": result["parameters"],
        "macs": result["macs"],
        "precision": precision,
        "balanced_accuracy": round(score, _DIGITS),
        "balanced_accuracy_data": tested_on,
        "validation_balanced_accuracy": round(result["validation"][precision]["balanced_accuracy"], _DIGITS),
        "keras": metadata.version("keras"),
        "tensorflow": tensorflow_version(),
    }


def tensorflow_version() -> str:
    """Return the release of TensorFlow, by whichever of its packages it was installed."""
    try:
        return metadata.version("tensorflow-cpu")
    except metadata.PackageNotFoundError:
        return metadata.version("tensorflow")


def _origin(result: Mapping[str, Any], origin: Origin) -> Row:
    left_out = "" if result["left_out"] is None else f", without session {result['left_out']}"
    return {"data": f"{origin.data}{left_out}", "command": origin.command}


def _tested(result: Mapping[str, Any], precision: Precision) -> tuple[float, str]:
    """Return a balanced accuracy and what it is of: simulated test sessions where there are some."""
    tests = result["judged"]
    names = ["simulated"] if "simulated" in tests else list(tests)
    score = over_folds([tests[name][precision] for name in names])["balanced_accuracy"]["mean"]
    return score, f"easy frames of sessions that were not trained on: {', '.join(names)}"
