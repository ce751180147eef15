"""What training of mask networks found, as Markdown tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

PUBLISHED_BYTES: Final = 141_760
"""138 KB of 1024 bytes and a half, the published int8 file of the CNN."""
_SHORT: Final = "Short comparisons: half of the pictures, 20,000 at most, a fifth of the epochs, float32."
_SPLITS: Final = {
    "validation": "places as in training",
    "test": "held-out places",
    "stress": "held-out places, the worst cameras",
    "beyond": "held-out places, beyond the zone",
}

Result = dict[str, Any]


def mask_report(results: Sequence[Result], data: str) -> str:
    """Return the tables of a study.

    Args:
        results: Of `training.mask_study.finish_all`.
        data: What was trained and tested on, in words.
    """
    full = [one for one in results if one["study"] == "networks"]
    parts = ["# Mask networks", data, *_networks(full)]
    for one in full:
        parts += [f"## {one['name']}", *_details(one)]
    for study in ("dropout", "augmentation", "training"):
        short = [one for one in results if one["study"] == study]
        if short:
            parts += [f"## Study of {study}", _SHORT, _comparison(short)]
    return "\n\n".join(parts) + "\n"


def _networks(results: Sequence[Result]) -> Iterator[str]:
    yield "## Size"
    head = ("network", "parameters", "float32 bytes", "int8 bytes", "runs in the firmware")
    yield _table(head, ([one["name"], f"{one['parameters']:,}", *_bytes(one)] for one in results))
    yield "## Accuracy on the test set"
    head = (
        "network",
        "learnt from",
        "epochs",
        "float32",
        "int8",
        "int8 less float32, points",
        "let in wrongly",
        "refused wrongly",
        "worst place",
    )
    yield _table(head, (_accuracy(one) for one in results))


def _bytes(result: Result) -> list[str]:
    files = result["files"]
    runs = "yes" if files["int8"]["runs_on_mcu"] else f"no: {files['int8']['refusal']}"
    return [f"{files['float32']['bytes']:,}", f"{files['int8']['bytes']:,}", runs]


def _accuracy(result: Result) -> list[str]:
    real, coded = result["test"]["float32"], result["test"]["int8"]
    less = 100 * (coded["accuracy"] - real["accuracy"])
    shares = [f"{coded[name]:.2%}" for name in ("let_in", "refused", "worst_place")]
    learnt = [f"{result['pictures']['train']:,}", str(result["course"]["effort"]["epochs"])]
    return [result["name"], *learnt, f"{real['accuracy']:.2%}", f"{coded['accuracy']:.2%}", f"{less:+.2f}", *shares]


def _details(result: Result) -> Iterator[str]:
    test = result["test"]
    for precision in ("float32", "int8"):
        yield f"Confusion, {precision}, test:\n\n" + _confusion(test[precision]["confusion"])
    yield "int8, by what is before the face:\n\n" + _shares(test["int8"]["by_covering"])
    if test["int8"]["arrivals"]:
        yield "int8, as often as people come so to the door of the scenario:\n\n" + _shares(test["int8"]["arrivals"])
    yield _by_split(result)
    if "nobody" in result:
        yield "int8, told to wear a mask though nobody is to be asked:\n\n" + _shares(
            result["nobody"]["int8"]["by_situation"]
        )
    distances = test["int8"]["by_distance"]
    if "beyond" in result:
        beyond = {f"{name} (beyond the zone)": share for name, share in result["beyond"]["int8"]["by_distance"].items()}
        distances = {**distances, **beyond}
    if distances:
        yield "int8, by distance:\n\n" + _shares(distances)
    yield f"Cuts around the face instead of whole frames, int8: {test['int8_cuts']['accuracy']:.2%}."
    yield "Scaled otherwise than learnt to be used, float32:\n\n" + _shares(_scaled(test))


def _by_split(result: Result) -> str:
    head = (
        "pictures",
        "number",
        "float32",
        "int8",
        "let in wrongly, int8",
        "refused wrongly, int8",
        "worst place, int8",
    )
    return _table(head, (_split_row(result, name) for name in _SPLITS if name in result))


def _split_row(result: Result, name: str) -> list[str]:
    real, coded = result[name]["float32"], result[name]["int8"]
    shares = [real["accuracy"], *(coded[key] for key in ("accuracy", "let_in", "refused", "worst_place"))]
    return [_SPLITS[name], str(coded["pictures"]), *(f"{share:.2%}" for share in shares)]


def _confusion(confusion: Sequence[Sequence[int]]) -> str:
    rows = zip(("no mask, or worn badly", "mask"), confusion, strict=True)
    return _table(("truth", "told no mask", "told mask"), ([truth, *map(str, row)] for truth, row in rows))


def _comparison(results: Sequence[Result]) -> str:
    ways = list(_scaled(results[0]["test"]))
    head = ("trained with", "validation", "test", "cuts", *(f"test, {way}" for way in ways))
    return _table(head, (_compared(one, ways) for one in results))


def _compared(result: Result, ways: Iterable[str]) -> list[str]:
    test, scaled = result["test"], _scaled(result["test"])
    shares = [result["validation"]["float32"]["accuracy"], test["float32"]["accuracy"], test["cuts"]["accuracy"]]
    return [result["name"], *(f"{share:.2%}" for share in [*shares, *(scaled[way] for way in ways)])]


def _scaled(test: Result) -> dict[str, float]:
    begin = "scaled "
    return {name.removeprefix(begin): test[name]["accuracy"] for name in test if name.startswith(begin)}


def _shares(shares: dict[str, float]) -> str:
    return _table(tuple(shares), [[f"{share:.2%}" for share in shares.values()]])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
