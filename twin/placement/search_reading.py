"""Reading what a search has written: the designs that no other beats, to be looked at and taken over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, ValidationError

from datasheet.bad_input import BadInputError
from datasheet.config import Config
from datasheet.explain import explain
from datasheet.regular_file import read_regular_file

if TYPE_CHECKING:
    from pathlib import Path

FILE = "place.json"
LARGEST_BYTES = 20_000_000


class FoundSensor(Config):
    """A node of a design, and where it hangs."""

    node: str
    x_m: float
    y_m: float
    height_m: float
    yaw_deg: float
    tilt_deg: float


@dataclass(frozen=True)
class FoundDesign:
    """A design of a search.

    Attributes:
        sensors: Its nodes.
        error: What the search judged it by, on the days of the search.
        cost: What it costs.
        life_s: When its first battery is empty.
        origin: "search", or which start it was.
    """

    sensors: tuple[FoundSensor, ...]
    error: float
    cost: float
    life_s: float
    origin: str


@dataclass(frozen=True)
class FoundDesigns:
    """What a search has found.

    Attributes:
        plan: Name of the plan.
        error_in_words: What its error is.
        why: Why the recommended design is as it is, in words.
        front: Designs that no other beats in error, cost and life.
    """

    plan: str
    error_in_words: str
    why: tuple[str, ...]
    front: tuple[FoundDesign, ...]


class _Searched(Config, extra="ignore"):
    error: float


class _Tried(Config, extra="ignore"):
    design: Annotated[tuple[FoundSensor, ...], Field(min_length=1)]
    origin: str
    search: _Searched
    cost: float
    life_s: float


class _File(Config, extra="ignore"):
    plan: str
    error: str
    why: str | tuple[str, ...] = ()
    front: tuple[_Tried, ...]


def read_found(folder: Path) -> FoundDesigns:
    """Return what a search has written into a folder.

    Raises:
        BadInputError: It holds no search, or one that cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        raise BadInputError(folder, "", None, f"holds no search: it has no {FILE}")
    try:
        file = _File.model_validate_json(read_regular_file(path, limit_bytes=LARGEST_BYTES), strict=True)
    except ValidationError as error:
        raise explain(path, error, _File) from error
    front = tuple(FoundDesign(one.design, one.search.error, one.cost, one.life_s, one.origin) for one in file.front)
    return FoundDesigns(file.plan, file.error, (file.why,) if isinstance(file.why, str) else file.why, front)


def holds_search(folder: Path) -> bool:
    """Return whether a folder holds what a search has written."""
    try:
        return (folder / FILE).is_file()
    except (OSError, ValueError):
        return False
