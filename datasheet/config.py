"""The user's own TOML files (scenarios, nodes), whose keys carry their units, and where to find them."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from datasheet.bad_input import BadInputError, nearest_name
from datasheet.explain import explain
from datasheet.toml_file import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterator


class Config(BaseModel):
    """Base of every configuration model and of the tables within it: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


ModelT = TypeVar("ModelT", bound=BaseModel)


def read_config(path: Path, model: type[ModelT]) -> ModelT:
    """Return the configuration at `path`, checked strictly: text is never taken for a number.

    Args:
        path: A TOML file.
        model: What the file must hold; derive it, and the models within it, from `Config`.

    Raises:
        BadInputError: With the first thing that is wrong: file, dotted key, value, and what is allowed.
    """
    # As JSON, because in strict mode only JSON lists may become tuples.
    text = json.dumps(read_toml(path), default=str)
    try:
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise explain(path, error, model) from error


def find_in_library(name_or_path: str, package: str, suffix: str = ".toml", kind: str = "scenario") -> Path:
    """Return the file that `name_or_path` means: a name in the library, or a path to the user's own file.

    Args:
        name_or_path: A library name such as "office_doorway", or a path.
        package: Dotted name of the package that is the library.
        suffix: File ending of library entries.
        kind: What is looked for, as said to the user.

    Raises:
        BadInputError: Neither a library name nor an existing file, for which the nearest name is suggested; or
            no path that the file system takes.
    """
    library = {path.name.removesuffix(suffix): path for path in _library_files(package, suffix)}
    if name_or_path in library:
        return library[name_or_path]
    own = Path(name_or_path)
    try:
        is_file = own.is_file()
    except OSError as error:
        raise BadInputError(kind, "", name_or_path, f"cannot be read: {error.strerror}") from error
    if is_file:
        return own
    raise BadInputError(
        kind, "", name_or_path, f"neither a file nor a known {kind}; {nearest_name(name_or_path, library)}"
    )


def library_names(package: str, suffix: str = ".toml") -> tuple[str, ...]:
    """Return the names in the library `package`, sorted."""
    return tuple(sorted(path.name.removesuffix(suffix) for path in _library_files(package, suffix)))


def _library_files(package: str, suffix: str) -> Iterator[Path]:
    for entry in resources.files(package).iterdir():
        if entry.name.endswith(suffix):
            yield Path(str(entry))
