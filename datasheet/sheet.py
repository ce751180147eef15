"""Loading a datasheet: TOML entries become frozen SI values that remember their source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError, model_validator

from datasheet.explain import explain, field_annotations, toml_key
from datasheet.quantity import Quantity, QuantityTable
from datasheet.toml_file import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


class Sheet(BaseModel):
    """Base of every datasheet schema, and of the tables within it.

    Fields are quantities (`normal_current_a: Ampere`), tables of them (`DegreeTable`), further sheets, also
    in `dict[str, ...]` or `tuple[..., ...]`, or plain text and numbers that have no unit (names, addresses).
    The TOML key of a quantity is its field's name without the unit.

        class RadioSheet(Sheet):
            sleep_current_a: Ampere

        # radio.toml
        sleep_current = { value = 1.9, unit = "uA", source = "PS v1.4 p. 22", evidence = "datasheet" }
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    _stem: str = PrivateAttr(default="")

    @property
    def stem(self) -> str:
        """Name of its file without the ending, with which the keys of its values begin."""
        return self._stem

    @model_validator(mode="before")
    @classmethod
    def _from_toml_keys(cls, table: Any) -> Any:
        if not isinstance(table, dict):
            return table
        names = {toml_key(name, annotation): name for name, annotation in field_annotations(cls).items()}
        return {names.get(key, key): value for key, value in table.items()}


SheetT = TypeVar("SheetT", bound=Sheet)


def load_sheet(path: Path, schema: type[SheetT]) -> SheetT:
    """Return the datasheet at `path`.

    Args:
        path: A TOML file.
        schema: What the file must hold.

    Raises:
        BadInputError: The file is missing or malformed, a key is unknown or missing, a unit has the wrong
            dimension, a number is not finite, or a value does not say its source and evidence.
    """
    return sheet_from_table(path, read_toml(path), schema)


def sheet_from_table(path: Path, table: dict[str, Any], schema: type[SheetT]) -> SheetT:
    """Return the datasheet that a table holds, such as that of a file with another's values put in.

    Args:
        path: Where the table comes from, to be named in errors.
        table: As read from TOML.
        schema: What it must hold.

    Raises:
        BadInputError: As `load_sheet`.
    """
    try:
        sheet = schema.model_validate(table)
    except ValidationError as error:
        raise explain(path, error, schema) from error
    sheet._stem = path.stem  # noqa: SLF001 - the loader is the one that knows
    return sheet


def assumed_keys(sheet: Sheet, without: Iterable[str] = ()) -> tuple[str, ...]:
    """Return "file-stem.dotted.key" of every value of `sheet` whose evidence is "assumed", in file order.

    Args:
        sheet: A loaded datasheet.
        without: Dotted keys, without the file's stem, of values and whole tables to leave out because they
            had no part in a result; "noise.datasheet" leaves out "noise.datasheet.drift", not "noise.datasheet2".
    """
    unused = tuple(without)
    return tuple(
        f"{sheet._stem}.{key}" if sheet._stem else key  # noqa: SLF001
        for key, quantity in quantities(sheet)
        if quantity.evidence == "assumed" and not any(_is_within(key, table) for table in unused)
    )


def _is_within(key: str, table: str) -> bool:
    return key == table or key.startswith((f"{table}.", f"{table}["))


def quantities(sheet: Sheet) -> Iterator[tuple[str, Quantity | QuantityTable]]:
    """Yield the dotted TOML key and the value of every quantity in `sheet`."""
    for name, annotation in field_annotations(type(sheet)).items():
        yield from _quantities_in(getattr(sheet, name), toml_key(name, annotation))


def _quantities_in(value: object, key: str) -> Iterator[tuple[str, Quantity | QuantityTable]]:
    if isinstance(value, Quantity | QuantityTable):
        yield key, value
    elif isinstance(value, Sheet):
        yield from ((f"{key}.{inner}", quantity) for inner, quantity in quantities(value))
    elif isinstance(value, dict):
        for name, child in value.items():
            yield from _quantities_in(child, f"{key}.{name}")
    elif isinstance(value, tuple | list):
        for index, child in enumerate(value):
            yield from _quantities_in(child, f"{key}[{index}]")
