"""What a sweep's TOML says: what is varied, over which values."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field

from datasheet.bad_input import BadInputError
from datasheet.config import Config, find_in_library, read_config
from twin.sweeps.axes import Axes, Value, drawn_axes, grid_axes
from twin.sweeps.keys import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MOST_RUNS: Final = 100_000

LIBRARY: Final = "twin.sweeps.library"

Level = Literal["host", "emulated"]


class RulesConfig(Config):
    """With `skip_impossible`, a combination that cannot be is a row with the reason, and no error."""

    skip_impossible: bool = False


class SweepConfig(Config):
    """A sweep's TOML; `seeds` are a further axis of the grid."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    scenario: str
    node: str
    seconds: float
    level: Level = "host"
    seed: int = 1
    seeds: tuple[int, ...] = ()
    grid: dict[str, Any] = Field(default_factory=dict)
    random: dict[str, Any] = Field(default_factory=dict)
    rules: RulesConfig = RulesConfig()


@dataclass(frozen=True)
class Run:
    """One run of a sweep.

    Attributes:
        scenario: Name or path.
        node: Name or path.
        seconds: How long the scenario runs.
        seed: Everything random follows from it.
        level: "host" or "emulated".
        changes: What is changed in scenario, node and parts, by dotted key, in the order of the keys.
    """

    scenario: str
    node: str
    seconds: float
    seed: int
    level: Level
    changes: tuple[tuple[str, Value], ...] = ()

    def value_of(self, key: str) -> Value:
        """Return the value of a varied key."""
        return getattr(self, key) if key in SETTINGS else dict(self.changes)[key]

    def told(self, keys: tuple[str, ...]) -> str:
        """Return the values of varied keys, as said to the user."""
        return ", ".join(f"{key} = {self.value_of(key)!r}" for key in keys)


@dataclass(frozen=True)
class Sweep:
    """A sweep, ready to be played.

    Attributes:
        path: Its TOML.
        config: What the TOML says.
        axes: The varied keys with their values.
    """

    path: Path
    config: SweepConfig
    axes: Axes

    @property
    def keys(self) -> tuple[str, ...]:
        """The varied keys."""
        return (*self.axes.drawn, *self.axes.grid)

    def runs(self) -> Iterator[Run]:
        """Yield the runs in order: draw by draw, within them the grid, its last key the fastest."""
        base = {name: getattr(self.config, name) for name in SETTINGS}
        draws = zip(*self.axes.drawn.values(), strict=True) if self.axes.drawn else iter([()])
        for draw in draws:
            for point in product(*self.axes.grid.values()):
                yield _run(base, dict(zip(self.keys, (*draw, *point), strict=True)))


def load_sweep(name_or_path: str) -> Sweep:
    """Return a sweep of the library by name, or of a file of the user's own.

    Raises:
        BadInputError: There is none, it says what cannot be, or it has more than `MOST_RUNS` runs.
    """
    path = find_in_library(name_or_path, LIBRARY, kind="sweep")
    config = read_config(path, SweepConfig)
    axes = Axes(grid_axes(path, config.grid, _seeds(path, config)), drawn_axes(path, config.random))
    _check(path, config, axes)
    return Sweep(path, config, axes)


def _seeds(path: Path, config: SweepConfig) -> tuple[int, ...]:
    if config.seeds and {"seed"} & config.model_fields_set:
        raise BadInputError(path, "seeds", list(config.seeds), "stands beside seed; keep one of them")
    return config.seeds


def _check(path: Path, config: SweepConfig, axes: Axes) -> None:
    twice = sorted(set(axes.grid) & set(axes.drawn))
    if twice:
        raise BadInputError(path, f"random.{twice[0]}", None, "is in the grid as well; keep one of them")
    if not axes.grid and not axes.drawn:
        raise BadInputError(path, "", None, "varies nothing: it needs a table grid or random, or seeds")
    if axes.runs > MOST_RUNS:
        raise BadInputError(path, "", None, f"has {axes.runs} runs; {MOST_RUNS} at most")
    for name in ("seconds", "seed", "level"):
        given = (*axes.grid.get(name, ()), *axes.drawn.get(name, ()), getattr(config, name))
        for value in given:
            _check_setting(path, name, value)


def _check_setting(path: Path, name: str, value: Value) -> None:
    is_number, is_int = isinstance(value, int | float) and not isinstance(value, bool), type(value) is int
    if name == "seconds" and not (is_number and 1 <= float(value) <= 86_400):
        raise BadInputError(path, name, value, "must be a number from 1 to 86400")
    if name == "seed" and not (is_int and int(value) >= 0):
        raise BadInputError(path, name, value, "must be a whole number, not negative")
    if name == "level" and value not in ("host", "emulated"):
        raise BadInputError(path, name, value, "must be host or emulated")


def _run(base: Mapping[str, Value], values: dict[str, Value]) -> Run:
    settings: dict[str, Any] = {name: values.pop(name, base[name]) for name in SETTINGS}
    settings["seconds"] = float(settings["seconds"])
    return Run(**settings, changes=tuple(sorted(values.items())))
