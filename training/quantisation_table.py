"""What each precision of a network costs in accuracy, and how large it is, as a table in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from training.protocol import over_folds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from training.quantisation import Precision

_SIMULATED: Final = "simulated"
_HEAD: Final = (
    "family", "architecture", "window", "precision", "bytes",
    "simulated (%)", "loss (points)", "recorded (%)", "loss (points)", "runs on MCU",
)  # fmt: skip
_BEFORE: Final = """\
Balanced accuracy of each precision, and its loss against float32. Recorded sessions are weighted by their frames.
A star marks the int8 network that counts validation frames best.

"""


def quantisation_table(results: Iterable[Mapping[str, Any]]) -> str:
    """Return the table of a study's results: a row for each precision of every network, sessions left out together.

    Below it stands why files do not run on a microcontroller.
    """
    networks: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for one in results:
        key = tuple(one[name] for name in ("family", "architecture", "window", "seed"))
        networks.setdefault(key, []).append(one)
    rows = [cells for found in networks.values() for cells in _rows(found)]
    lines = [" | ".join(_HEAD), " | ".join("---" for _ in _HEAD), *(" | ".join(cells) for cells in rows)]
    remarks = _remarks([one for found in networks.values() for one in found])
    return _BEFORE + "".join(f"| {line} |\n" for line in lines) + "".join(f"\n{line}\n" for line in remarks)


def _rows(found: list[Mapping[str, Any]]) -> list[list[str]]:
    """Return the rows of a network, of which there is a result for each session left out."""
    first = found[0]
    return [
        [
            first["family"],
            first["architecture"],
            str(first["window"]),
            _starred(precision, found),
            f"{max(one['files'][precision]['bytes'] for one in found):,}",
            *_score_and_loss(found, precision, is_simulated=True),
            *_score_and_loss(found, precision, is_simulated=False),
            "yes" if all(one["files"][precision]["runs_on_mcu"] for one in found) else "no",
        ]
        for precision in first["files"]
    ]


def _starred(precision: Precision, found: list[Mapping[str, Any]]) -> str:
    return f"{precision} *" if all(one["best_int8"] == precision for one in found) else precision


def _score_and_loss(found: list[Mapping[str, Any]], precision: Precision, *, is_simulated: bool) -> tuple[str, str]:
    score = _score(found, precision, is_simulated=is_simulated)
    exact = _score(found, "float32", is_simulated=is_simulated)
    if score is None:
        return "-", "-"
    if exact is None:
        return f"{100 * score:.1f}", "-"
    return f"{100 * score:.1f}", f"{round(100 * (exact - score), 1) + 0.0:.1f}"


def _score(found: list[Mapping[str, Any]], precision: Precision, *, is_simulated: bool) -> float | None:
    judged = [
        precisions[precision]
        for one in found
        for test, precisions in one["judged"].items()
        if (test == _SIMULATED) == is_simulated and precision in precisions
    ]
    return over_folds(judged)["balanced_accuracy"]["mean"] if judged else None


def _remarks(results: Collection[Mapping[str, Any]]) -> list[str]:
    """Return why files do not run on a microcontroller, and where the converter changed nothing."""
    concerned: dict[tuple[str, str], list[str]] = {}
    for one in results:
        for precision, file in one["files"].items():
            if file["refusal"] is not None:
                concerned.setdefault((precision, file["refusal"]), []).append(one["family"])
    said = [f"{precision} of {', '.join(dict.fromkeys(who))}: {why}" for (precision, why), who in concerned.items()]
    if any(_is_unchanged(one["files"]) for one in results):
        said.append("dynamic_range files as large as float32 ones are in float32: no weight has 1024 elements.")
    return said


def _is_unchanged(files: Mapping[str, Mapping[str, Any]]) -> bool:
    return {"float32", "dynamic_range"} <= set(files) and files["float32"]["bytes"] == files["dynamic_range"]["bytes"]
