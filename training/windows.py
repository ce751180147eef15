"""From sessions to inputs of networks: background taken off, windows of frames, batches of a chosen mixture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from mcu_models.compiler.hold_zero import VALUES_PER_DEGC, above_background

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from training.architectures import Architecture
    from training.sessions import Session

FRONTEND: Final = "hold_zero"
"""Name of what takes the background off."""

SPAN_K: Final = (-4.0, 8.0)
"""Inputs are clipped to this, so that the scale of a quantised input spans no more."""

_SYMMETRIES: Final = 8
_COLUMNS: Final = 8


@dataclass(frozen=True)
class Frames:
    """The frames of many sessions behind each other, background taken off.

    Attributes:
        above: (N, 8, 8) int16, 1/256 K above the background.
        count: (N,) int64, people in view.
        easy: (N,) bool.
        session: (N,) int64, the session's number.
        start: (N,) int64, where in the N frames the frame's block of time begins.
    """

    above: NDArray[np.int16]
    count: NDArray[np.int64]
    easy: NDArray[np.bool_]
    session: NDArray[np.int64]
    start: NDArray[np.int64]


def prepare(sessions: Sequence[Session]) -> Frames:
    """Return all frames of the sessions; each block of time begins with a fresh background."""
    lengths = [np.unique(session.block, return_counts=True)[1] for session in sessions]
    ends = np.cumsum(np.concatenate(lengths))
    begins = np.concatenate([[0], ends[:-1]])
    steps = np.concatenate([session.steps for session in sessions]).reshape(-1, 64)
    above = [above_background(steps[begin:end], _COLUMNS) for begin, end in zip(begins, ends, strict=True)]
    return Frames(
        above=np.concatenate(above).reshape(-1, 8, 8),
        count=np.concatenate([session.count for session in sessions]),
        easy=np.concatenate([session.easy for session in sessions]),
        session=np.repeat([session.number for session in sessions], [len(session.count) for session in sessions]),
        start=np.repeat(begins, ends - begins),
    )


def inputs(frames: Frames, index: NDArray[np.intp], architecture: Architecture) -> NDArray[np.float32]:
    """Return the network's inputs that end with the frames `index`, degC above the background, clipped to `SPAN_K`.

    A window that reaches beyond its block's start has the block's first frame there. Where the network joins frames
    the shape is (M, window, 8, 8, 1), else (M, 8, 8, channels), the oldest frame first.
    """
    back = max(architecture.channels, architecture.frames)
    taken = index[:, np.newaxis] - np.arange(back - 1, -1, -1)
    images = frames.above[np.maximum(taken, frames.start[index][:, np.newaxis])]
    degc = np.clip(images.astype(np.float32) / VALUES_PER_DEGC, *SPAN_K)
    return degc[..., np.newaxis] if architecture.joint is not None else np.moveaxis(degc, 1, -1)


def whole_windows(frames: Frames, window: int) -> NDArray[np.bool_]:
    """Return (N,) bool, where a window ends that lies in one block."""
    return np.asarray(np.arange(len(frames.start)) - frames.start >= window - 1)


def turned(images: NDArray[np.float32], symmetry: int) -> NDArray[np.float32]:
    """Return inputs turned by quarters and mirrored, one of 8 ways: a sensor may be mounted in any of them."""
    rows = 1 if images.ndim == 4 else 2
    seen = np.flip(images, rows + 1) if symmetry & 4 else images
    return np.ascontiguousarray(np.rot90(seen, symmetry & 3, (rows, rows + 1)))


@dataclass(frozen=True)
class Batch:
    """What a step of training sees.

    Attributes:
        inputs: (B, ...) float32.
        count: (B,) int32.
        weight: (B,) float32, of each loss.
        absent: (B, classes) bool: counts of which the frame's origin knows nothing, and that its loss leaves out.
    """

    inputs: NDArray[np.float32]
    count: NDArray[np.int32]
    weight: NDArray[np.float32]
    absent: NDArray[np.bool_]


@dataclass(frozen=True)
class Pool:
    """Frames of one origin that batches are drawn from.

    Attributes:
        frames: All of them.
        index: (M,) those to draw.
        class_weight: (classes,) weight of each count's loss; None draws the counts equally often instead.
    """

    frames: Frames
    index: NDArray[np.intp]
    class_weight: NDArray[np.float64] | None

    @cached_property
    def _members(self) -> dict[int, NDArray[np.intp]]:
        """The frames of each count that there is."""
        count = self.frames.count[self.index]
        return {int(one): self.index[count == one] for one in np.unique(count)}

    def draw(self, number: int, architecture: Architecture, classes: int, rng: np.random.Generator) -> Batch:
        """Return a batch of `number` frames, all turned the same random way."""
        if self.class_weight is None:
            shares = np.diff(np.round(np.linspace(0, number, len(self._members) + 1)).astype(int))
            drawn = [rng.choice(one, share) for one, share in zip(self._members.values(), shares, strict=True)]
            chosen = np.concatenate(drawn)
            weight = np.ones(number)
        else:
            chosen = rng.choice(self.index, number)
            weight = self.class_weight[self.frames.count[chosen]]
        absent = np.array([one not in self._members for one in range(classes)])
        return Batch(
            inputs=turned(inputs(self.frames, chosen, architecture), int(rng.integers(_SYMMETRIES))),
            count=self.frames.count[chosen].astype(np.int32),
            weight=weight.astype(np.float32),
            absent=np.tile(absent, (number, 1)),
        )


@dataclass(frozen=True)
class Mixture:
    """Pools, and how much of each batch comes from each; the shares add up to one."""

    pools: tuple[Pool, ...]
    shares: tuple[float, ...]

    def draw(self, number: int, architecture: Architecture, classes: int, rng: np.random.Generator) -> Batch:
        """Return a batch of `number` frames."""
        bounds = np.round(number * np.cumsum([0.0, *self.shares])).astype(int)
        parts = [
            pool.draw(int(size), architecture, classes, rng)
            for pool, size in zip(self.pools, np.diff(bounds), strict=True)
            if size
        ]
        return Batch(
            np.concatenate([part.inputs for part in parts]),
            np.concatenate([part.count for part in parts]),
            np.concatenate([part.weight for part in parts]),
            np.concatenate([part.absent for part in parts]),
        )
