"""How well a network for images tells masks: shares with intervals, the confusion, and what it got most wrong."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from rich.table import Table
from rich.text import Text
from sklearn import metrics

from twin.intervals import wilson

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.image_evaluation import ScoredImages, Threshold

COVERAGE: Final = 0.95
WORST: Final = 10
CLASSES: Final = ("without_mask", "with_mask")


@dataclass(frozen=True)
class Share:
    """A share of pictures with Wilson's score interval.

    Attributes:
        value: The share.
        low: Lower end of the interval at `COVERAGE`.
        high: Upper end.
        number: Pictures that it is a share of.
    """

    value: float
    low: float
    high: float
    number: int

    def __str__(self) -> str:
        return f"{self.value:.1%}  ({self.low:.1%} to {self.high:.1%}) of {self.number:,}"


def share_of(right: NDArray[np.bool_]) -> Share:
    """Return the share of those that are right."""
    low, high = wilson(int(right.sum()), len(right), COVERAGE)
    return Share(float(right.mean()), low, high, len(right))


@dataclass(frozen=True)
class WrongImage:
    """A picture that was told wrong.

    Attributes:
        name: What it is called.
        is_masked: Whether a mask is worn.
        mask_probability: What the network says.
    """

    name: str
    is_masked: bool
    mask_probability: float


@dataclass(frozen=True)
class ImageAccuracy:
    """How well masks are told.

    Attributes:
        accuracy: Share told right.
        balanced_accuracy: Mean of the shares told right of both classes.
        recall: Share told right of each of `CLASSES`.
        confusion: Rows: without a mask, with one; columns: told without, told with.
        auc: Area under the receiver operating characteristic: how often a picture with a mask is more probable than one
            without.
        threshold: From where on a mask is told.
        worst: The most confidently wrong pictures, the worst first.
        wrong: How many are wrong altogether.
        left_out: So many pictures had nobody to ask of.
    """

    accuracy: Share
    balanced_accuracy: float
    recall: dict[str, Share]
    confusion: tuple[tuple[int, int], tuple[int, int]]
    auc: float
    threshold: Threshold
    worst: tuple[WrongImage, ...]
    wrong: int
    left_out: int

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        found = asdict(self)
        return found | {
            "accuracy": self.accuracy.value,
            "accuracy_interval": {"low": self.accuracy.low, "high": self.accuracy.high, "coverage": COVERAGE},
            "confusion": [list(row) for row in self.confusion],
            "classes": list(CLASSES),
            "worst": [asdict(one) for one in self.worst],
        }


def image_accuracy(scored: ScoredImages, threshold: Threshold) -> ImageAccuracy:
    """Return how well a network tells pictures of both classes."""
    told, masked = scored.codes >= threshold.code, scored.masked
    right = told == masked
    recall = {name: share_of(right[masked == bool(label)]) for label, name in enumerate(CLASSES)}
    table = metrics.confusion_matrix(masked, told, labels=[False, True])
    return ImageAccuracy(
        accuracy=share_of(right),
        balanced_accuracy=float(np.mean([share.value for share in recall.values()])),
        recall=recall,
        confusion=((int(table[0, 0]), int(table[0, 1])), (int(table[1, 0]), int(table[1, 1]))),
        auc=float(metrics.roc_auc_score(masked, scored.codes)),
        threshold=threshold,
        worst=_worst(scored, right),
        wrong=int((~right).sum()),
        left_out=scored.left_out,
    )


def _worst(scored: ScoredImages, right: NDArray[np.bool_]) -> tuple[WrongImage, ...]:
    wrong = np.flatnonzero(~right)
    surprise = np.where(scored.masked, 1 - scored.probability, scored.probability)
    order = wrong[np.argsort(-surprise[wrong], kind="stable")][:WORST]
    return tuple(
        WrongImage(scored.names[number], bool(scored.masked[number]), float(scored.probability[number]))
        for number in order
    )


def image_accuracy_table(found: ImageAccuracy, title: str) -> Table:
    """Return the figures for a terminal."""
    table = Table(title=Text(title), title_justify="left", show_header=False)
    table.add_row("accuracy", str(found.accuracy))
    table.add_row("balanced accuracy", f"{found.balanced_accuracy:.1%}")
    table.add_row("told right with a mask", str(found.recall["with_mask"]))
    table.add_row("told right without", str(found.recall["without_mask"]))
    table.add_row("AUC", f"{found.auc:.4f}")
    table.add_row("a mask is told from", f"probability {found.threshold.probability:g}, code {found.threshold.code}")
    table.add_section()
    table.add_row("", f"{'told without':>14}{'told with':>14}")
    for name, row in zip(("without a mask", "with a mask"), found.confusion, strict=True):
        table.add_row(name, "".join(f"{number:>14,}" for number in row))
    if found.left_out:
        table.add_row("left out, nobody there", f"{found.left_out:,}")
    table.add_section()
    for one in found.worst:
        truth = "mask" if one.is_masked else "no mask"
        table.add_row(Text(printable(one.name)), f"{truth}, probability of one {one.mask_probability:.3f}")
    if found.wrong > len(found.worst):
        table.add_row("", f"and {found.wrong - len(found.worst):,} more told wrong")
    return table


def printable(name: str) -> str:
    """Return a file's name so that a terminal shows it and does nothing else with it."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape", "backslashreplace").decode() for one in name
    )
