"""Budgets: what firmware costs, held to what it cost when a baseline was written.

The baseline is a TOML file that is committed with the tests:

    [tolerance]
    cycles = "1 %"
    ram = "0 bytes"

    [budget."inference"."stm32l4a6zg unicorn"]
    cycles = 65907
    ram = 6520

Emulation is deterministic: an image that has not changed costs the same to the cycle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import tomli_w
from pydantic import Field, field_validator

from datasheet.bad_input import BadInputError
from datasheet.config import Config, read_config
from twin.result_files import write_files
from twin.testing.failures import FirmwareFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Value = Annotated[float, Field(allow_inf_nan=False, ge=0)] | Annotated[int, Field(ge=0)]
Verdict = Literal["grew", "within", "shrank", "new"]
DEFAULT_TOLERANCES: Final = {"cycles": "1 %", "ram": "0 bytes", "flash": "1 %", "energy_uj": "1 %"}
"""A kilobyte of flash more or less is a compiler's mood; RAM is scarce, and does not change by itself."""
OTHER_TOLERANCE: Final = "1 %"
UNITS: Final = {"cycles": "", "ram": " bytes", "flash": " bytes", "energy_uj": " uJ"}


class BudgetExceededError(FirmwareFailedError):
    """A value has grown by more than its tolerance, or nothing is known to compare it with."""


class BaselineFile(Config):
    """What a baseline file holds: tolerances by value, and values by budget and by board with backend."""

    tolerance: dict[str, str] = Field(default_factory=dict)
    budget: dict[str, dict[str, dict[str, Value]]] = Field(default_factory=dict)

    @field_validator("tolerance")
    @classmethod
    def _readable(cls, tolerances: dict[str, str]) -> dict[str, str]:
        for text in tolerances.values():
            allowed_growth(text, 0.0)
        return tolerances


def allowed_growth(tolerance: str, baseline: float) -> float:
    """Return how much a value may grow: "1 %" of its baseline, or so much: "32 bytes", "100 cycles", "0.5".

    Raises:
        ValueError: It is neither.
    """
    number, _, unit = tolerance.strip().partition(" ")
    try:
        amount = float(number.removesuffix("%"))
    except ValueError:
        amount = math.nan
    if not 0 <= amount < math.inf:
        raise ValueError('must be such as "1 %" or "32 bytes"')
    return amount / 100 * baseline if "%" in (number + unit) else amount


@dataclass(frozen=True)
class Comparison:
    """A value beside its baseline.

    Attributes:
        budget: Name of the budget.
        place: Board and backend.
        value: Which value, such as "cycles".
        baseline: What it was; None where it is not in the file.
        measured: What it is.
        allowed: How much it may grow.
    """

    budget: str
    place: str
    value: str
    baseline: float | None
    measured: float
    allowed: float

    @property
    def growth(self) -> float:
        """How much it has grown."""
        return self.measured - (self.measured if self.baseline is None else self.baseline)

    @property
    def verdict(self) -> Verdict:
        """Whether that is too much."""
        if self.baseline is None:
            return "new"
        if self.growth > self.allowed:
            return "grew"
        return "shrank" if -self.growth > self.allowed else "within"

    def __str__(self) -> str:
        unit = UNITS.get(self.value, "")
        if self.baseline is None:
            return f"{self.value} {self.measured:,.6g}{unit}: not in the baseline"
        share = f" ({self.growth / self.baseline:+.2%})" if self.baseline else ""
        change = f"{shown(self.growth, sign=True)}{unit}{share}"
        grown = f"{shown(self.baseline)} -> {shown(self.measured)}{unit}"
        return f"{self.value} {grown}: {change}, allowed {shown(self.allowed, sign=True)}{unit}"


def shown(value: float, *, sign: bool = False) -> str:
    """Return a value as people read it, with its sign if asked for."""
    plus = "+" if sign else ""
    return f"{value:{plus},.0f}" if float(value).is_integer() else f"{value:{plus},.4g}"


@dataclass
class Budgets:
    """Compares values with a baseline, and gathers them for a new one.

    Attributes:
        path: The baseline file.
        updates: Whether values are gathered instead of compared.
        comparisons: Made so far.
    """

    path: Path
    updates: bool = False
    comparisons: list[Comparison] = field(default_factory=list)
    _read: BaselineFile | None = None

    @property
    def baseline(self) -> BaselineFile:
        """What the file holds; nothing if there is none yet.

        Raises:
            BadInputError: It cannot be read.
        """
        if self._read is None:
            self._read = read_config(self.path, BaselineFile) if self.path.exists() else BaselineFile()
        return self._read

    def hold(self, name: str, board: str, backend: str, measured: Mapping[str, float]) -> None:
        """Compare values with the baseline.

        Raises:
            BudgetExceededError: One has grown too much or is not in the baseline, unless it is being renewed.
            BadInputError: A value is no finite number of 0 or more.
        """
        __tracebackhide__ = True
        place = f"{board} {backend}"
        if not isinstance(name, str) or not name:
            raise BadInputError("assert_budget", "name", name, "must be a text")
        if not measured:
            raise BadInputError("assert_budget", name, None, "needs a value, such as cycles=machine.cycles(...)")
        made = [self._compared(name, place, value, number) for value, number in measured.items()]
        self.comparisons += made
        bad = [one for one in made if one.verdict in ("grew", "new")]
        if bad and not self.updates:
            lines = [f"budget {name!r} on {place} is exceeded:" if bad[0].verdict == "grew" else f"budget {name!r}:"]
            lines += [f"  {one}" for one in bad]
            lines.append(f"if that is meant, renew {self.path.name}: pytest --twin-update-baseline")
            raise BudgetExceededError("\n".join(lines))

    def _compared(self, name: str, place: str, value: str, measured: float) -> Comparison:
        if isinstance(measured, bool) or not isinstance(measured, Real) or not 0 <= measured < math.inf:
            raise BadInputError("assert_budget", f"{name}.{value}", measured, "must be a number of 0 or more")
        # Numbers of NumPy are numbers, too, but neither TOML nor the reports of a worker know them.
        measured = int(measured) if isinstance(measured, Integral) else float(measured)
        baseline = self.baseline.budget.get(name, {}).get(place, {}).get(value)
        tolerance = self.baseline.tolerance.get(value, DEFAULT_TOLERANCES.get(value, OTHER_TOLERANCE))
        return Comparison(name, place, value, baseline, measured, allowed_growth(tolerance, baseline or 0.0))


def write_baseline(path: Path, comparisons: Iterable[Comparison]) -> None:
    """Put measured values into a baseline file; what was not measured stays as it is.

    Of one value that was measured several times the largest counts.

    Raises:
        BadInputError: The file cannot be read or written.
    """
    before = read_config(path, BaselineFile) if path.exists() else BaselineFile()
    budget: dict[str, dict[str, dict[str, float]]] = {}
    for one in comparisons:
        values = budget.setdefault(one.budget, {}).setdefault(one.place, {})
        values[one.value] = max(one.measured, values.get(one.value, one.measured))
    merged: dict[str, Any] = {name: dict(places) for name, places in before.budget.items()}
    for name, places in budget.items():
        for place, values in places.items():
            known = merged.setdefault(name, {})
            known[place] = {**known.get(place, {}), **values}
    ordered = {
        name: {place: dict(sorted(merged[name][place].items())) for place in sorted(merged[name])}
        for name in sorted(merged)
    }
    text = tomli_w.dumps({"tolerance": before.tolerance or DEFAULT_TOLERANCES, "budget": ordered})
    write_files(path.parent, {path.name: text.encode()})
