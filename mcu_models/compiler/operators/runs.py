"""Copies of runs of bytes between two arrays, along as few axes as can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcu_models.compiler import ctext

if TYPE_CHECKING:
    from collections.abc import Sequence

# LAYOUT_AXES of layout.h.
MOST_AXES: Final = 5


def steps_of(shape: Sequence[int], item_bytes: int) -> list[int]:
    """Return how many bytes apart an array's values are along each axis."""
    steps, step = [], item_bytes
    for length in reversed(shape):
        steps.append(step)
        step *= length
    return steps[::-1]


def merged_runs(
    lengths: Sequence[int], from_steps: Sequence[int], to_steps: Sequence[int], item_bytes: int
) -> tuple[list[tuple[int, int, int]], int]:
    """Return length, step in the source and step in the target along each axis that is left, and the run in bytes."""
    axes: list[tuple[int, int, int]] = []
    for length, source, target in zip(lengths, from_steps, to_steps, strict=True):
        if length == 1:
            continue
        if axes and (axes[-1][1], axes[-1][2]) == (source * length, target * length):
            axes[-1] = (axes[-1][0] * length, source, target)
        else:
            axes.append((length, source, target))
    run = item_bytes
    if axes and axes[-1][1:] == (run, run):
        run *= axes.pop()[0]
    return axes, run


def runs_struct(name: str, axes: Sequence[tuple[int, int, int]], run: int) -> str:
    """Return the C struct that describes merged runs."""
    filled = [(1, 0, 0)] * (MOST_AXES - len(axes)) + list(axes)
    fields: dict[str, object] = {
        key: ctext.listed(axis[i] for axis in filled) for i, key in enumerate(("lengths", "from", "to"))
    }
    return ctext.struct("layout_steps", name, fields | {"run": run})
