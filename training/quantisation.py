"""The five ways in which a trained network becomes a .tflite."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np

from datasheet.bad_input import BadInputError, nearest_name
from training.architectures import CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable

    import keras

    from training.fitting import Course

Precision = Literal["float32", "float16", "dynamic_range", "int8", "int8_qat"]
"""How a network computes.

float32: As it was trained.
float16: Weights in 16 bits, arithmetic in float32.
dynamic_range: Weights of at least 1024 elements in int8, all else in float32; smaller ones the converter leaves alone.
int8: Weights, activations, input and output in int8, quantised after training.
int8_qat: The same, and trained some epochs more with int8 simulated (`fake_quant`).
"""

PRECISIONS: Final[tuple[Precision, ...]] = get_args(Precision)
DEFAULT_PRECISIONS: Final[tuple[Precision, ...]] = ("float32", "int8")
INT8_PRECISIONS: Final[tuple[Precision, ...]] = ("int8", "int8_qat")
_REPRESENTATIVE: Final = 1000
"""Inputs of the training mixture from which ranges of activations are taken."""


def read_precisions(words: Iterable[str]) -> tuple[Precision, ...]:
    """Return the precisions that are named, each once and in the order of `PRECISIONS`.

    Raises:
        BadInputError: There is none of a name.
    """
    named = set(words)
    for word in sorted(named - set(PRECISIONS)):
        raise BadInputError("--precisions", "", word, nearest_name(word, PRECISIONS))
    return tuple(precision for precision in PRECISIONS if precision in named)


def quantised(precision: Precision, model: keras.Model, course: Course) -> bytes:
    """Return the .tflite of a trained network; the same bytes for the same weights and course.

    Args:
        precision: How it computes.
        model: The trained network, which stays as it is.
        course: What it was trained by; ranges are taken from it, and quantisation-aware training goes on with it.
    """
    from training.leftovers import without_leftovers  # noqa: PLC0415 - files are not needed to know precisions

    return without_leftovers(_converted(precision, model, course))


def _converted(precision: Precision, model: keras.Model, course: Course) -> bytes:
    from training.fitting import fixed_batch  # noqa: PLC0415 - needs tensorflow
    from training.float_network import convert_to_float  # noqa: PLC0415
    from training.int8_network import convert_to_int8, convert_to_int8_with_ranges  # noqa: PLC0415
    from training.quantised_training import train_quantised  # noqa: PLC0415

    architecture = course.architecture
    if precision == "int8_qat":
        tuned, ranges = train_quantised(model, course)
        with _quiet():
            return convert_to_int8_with_ranges(fixed_batch(tuned, architecture), _representative(course), ranges)
    with _quiet():
        fixed = fixed_batch(model, architecture)
        if precision == "int8":
            return convert_to_int8(fixed, _representative(course))
        return convert_to_float(fixed, precision)


def inference(precision: Precision, content: bytes) -> Any:
    """Return the network in a .tflite, whose `counts` answers arrays of float inputs."""
    from training.int8_inference import FloatInference, Int8Inference  # noqa: PLC0415 - only judging needs LiteRT

    return Int8Inference(content) if precision in INT8_PRECISIONS else FloatInference(content)


def _representative(course: Course) -> Any:
    rng = np.random.default_rng(course.seed)
    return course.mixture.draw(_REPRESENTATIVE, course.architecture, CLASSES, rng).inputs


def _quiet() -> contextlib.redirect_stdout[io.StringIO]:
    """Keep what the converter tells at length of what it saves for a moment."""
    return contextlib.redirect_stdout(io.StringIO())
