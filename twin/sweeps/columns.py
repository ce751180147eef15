"""The columns of a sweep's table: one row for each run."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from twin.sweeps.keys import SETTINGS
from twin.sweeps.play import BYTES, DIGESTS, FIGURES
from twin.sweeps.store import RUN_ID

if TYPE_CHECKING:
    from twin.sweeps.axes import Value
    from twin.sweeps.play import Outcome
    from twin.sweeps.sweep_file import Run, Sweep

PROBLEM: Final = "problem"
SWEEP: Final = "sweep_sha256"
ASSUMED: Final = "assumed_count"


def schema_of(sweep: Sweep) -> Any:
    """Return the columns as a `pyarrow.Schema`: id, settings, varied keys, problem, figures, provenance."""
    arrow = import_module("pyarrow")
    text, whole, real, truth = arrow.string(), arrow.int64(), arrow.float64(), arrow.bool_()
    settings = {"scenario": text, "node": text, "seconds": real, "seed": whole, "level": text}
    by_kind = {str: text, bool: truth, int: whole, float: real}
    values = {**sweep.axes.grid, **sweep.axes.drawn}
    varied = {key: by_kind[type(values[key][0])] for key in sweep.keys if key not in SETTINGS}
    columns = {
        RUN_ID: text,
        **settings,
        **varied,
        PROBLEM: text,
        **dict.fromkeys(FIGURES, real),
        **dict.fromkeys(BYTES, whole),
        **dict.fromkeys((SWEEP, *DIGESTS), text),
        ASSUMED: whole,
    }
    return arrow.schema(list(columns.items()))


def row_of(run_id: str, sweep_sha256: str, run: Run, outcome: Outcome) -> dict[str, Value | None]:
    """Return a run's row; the same run makes the same row, whenever and wherever it is played."""
    return {
        RUN_ID: run_id,
        **{name: getattr(run, name) for name in SETTINGS},
        **dict(run.changes),
        PROBLEM: None if outcome.problem is None else str(outcome.problem),
        **outcome.row,
        SWEEP: sweep_sha256,
    }
