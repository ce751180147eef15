"""The first complaint of a pydantic model, told as bad input."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Annotated, Union, get_args, get_origin

from pydantic import BaseModel

from datasheet.bad_input import BadInputError, nearest_name
from datasheet.quantity import Dimension

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

ENTRY_KEYS = ("value", "values", "unit", "source", "evidence", "low", "high")


def explain(path: Path, error: ValidationError, model: type[BaseModel]) -> BadInputError:
    """Return the first of `error`'s complaints about the file at `path`, read as a `model`."""
    # A misspelt key also leaves the right one missing: the misspelling is the better thing to say.
    details = sorted(error.errors(include_url=False), key=lambda item: item["type"] != "extra_forbidden")
    first = details[0]
    keys, owner = _toml_keys(first["loc"], model)
    context: Mapping[str, object] = first.get("ctx", {})
    if "subkey" in context:
        keys.append(str(context["subkey"]))
    return BadInputError(path, _dotted(keys), _found(first, context), _allowed(first, keys, owner))


def toml_key(name: str, annotation: object) -> str:
    """Return the TOML key of a field: its name without the unit that its annotation's dimension appends."""
    dimension = dimension_of(annotation)
    return name if dimension is None else name.removesuffix(f"_{dimension.suffix}")


def dimension_of(annotation: object) -> Dimension | None:
    """Return the dimension in a field's annotation, also within `X | None`, `tuple` or `dict`."""
    if isinstance(annotation, Dimension):
        return annotation
    arguments = annotation.__metadata__ if get_origin(annotation) is Annotated else get_args(annotation)  # type: ignore[attr-defined]
    found = (dimension_of(argument) for argument in arguments)
    return next((dimension for dimension in found if dimension is not None), None)


def field_annotations(model: type[BaseModel]) -> dict[str, object]:
    """Return each field's annotation with the metadata pydantic keeps apart from it put back."""
    return {
        name: Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
        for name, info in model.model_fields.items()
    }


def _toml_keys(
    location: tuple[int | str, ...], model: type[BaseModel]
) -> tuple[list[int | str], type[BaseModel] | None]:
    """Return the TOML keys that lead to `location`, and the model that owns the last of them."""
    keys: list[int | str] = []
    annotation: object = model
    owner: type[BaseModel] | None = None
    for part in location:
        element, owner = _element(annotation), _model(annotation)
        fields = {} if owner is None else field_annotations(owner)
        if element is not None:
            annotation = element
            keys.append(part)
        elif part in fields:
            annotation = fields[str(part)]
            keys.append(toml_key(str(part), annotation))
        elif owner is not None or not _names_a_branch(part):
            keys.append(part)
    return keys, owner


def _element(annotation: object) -> object:
    """Return what a dict, list or tuple annotation holds; None for anything else."""
    if get_origin(annotation) in (dict, list, tuple):
        return next(argument for argument in reversed(get_args(annotation)) if argument is not Ellipsis)
    return next(filter(None, map(_element, _alternatives(annotation))), None)


def _model(annotation: object) -> type[BaseModel] | None:
    """Return the model that an annotation, or one branch of it, is; None when there is none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model, _alternatives(annotation))), None)


def _alternatives(annotation: object) -> tuple[object, ...]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return get_args(annotation)[:1]
    return get_args(annotation) if origin in (Union, types.UnionType) else ()


def _names_a_branch(part: int | str) -> bool:
    """Tell pydantic's own names for the branches of a union from keys of the file."""
    return isinstance(part, str) and ("[" in part or part in {"float", "int", "str"})


def _dotted(keys: list[int | str]) -> str:
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def _found(first: ErrorDetails, context: Mapping[str, object]) -> object:
    if "found" in context:
        return context["found"]
    value = first["input"]
    hidden = first["type"] in {"missing", "extra_forbidden"} or isinstance(value, dict | list | BaseModel)
    return None if hidden else value


def _allowed(first: ErrorDetails, keys: list[int | str], owner: type[BaseModel] | None) -> str:
    if first["type"] == "missing":
        return "is required and missing"
    if first["type"] == "extra_forbidden":
        known = (
            ENTRY_KEYS
            if owner is None
            else [toml_key(name, annotation) for name, annotation in field_annotations(owner).items()]
        )
        return f"unknown key; {nearest_name(str(keys[-1]), known)}"
    if first["type"] == "model_type":
        return "must be a table"
    message = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"must be {message.removeprefix('should be ')}" if message.startswith("should be ") else message
