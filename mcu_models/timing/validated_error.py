"""How far predicted times of whole programs lay from measured ones, on images that had no part in the cycle models.

Images: MLPerf Tiny submissions of Bosch (rounds 1.1 and 1.2) and STMicroelectronics (round 1.3), quantized to int8, run
unmodified on emulated boards and held against the throughput that their results files state
(benchmarks/mlperf_tiny_images.py prints each). Float32 networks on a Cortex-M7 lay 10 to 18 % below (three images) and
are not covered by these figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from datasheet.bad_input import BadInputError, nearest_name


@dataclass(frozen=True)
class ValidatedError:
    """Relative errors of predicted execution time, predicted over measured less one.

    Attributes:
        mean_absolute: Mean of their magnitudes.
        worst: The one of the largest magnitude.
        images: How many there are.
        against: What was compared, in words.
    """

    mean_absolute: float
    worst: float
    images: int
    against: str

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return vars(self).copy()

    def __str__(self) -> str:
        """Return one line for a reader."""
        return f"{self.mean_absolute:.1%} on average, at most {abs(self.worst):.1%}, on {self.images} {self.against}"


_ERRORS = {
    "cortex-m4": ValidatedError(
        0.026, -0.105, 12, "int8 MLPerf Tiny images on a NUCLEO-L4R5ZI that had no part in the cycle model"
    ),
    "cortex-m7": ValidatedError(
        0.031, -0.067, 19, "int8 MLPerf Tiny images on two STM32F7 and H7 boards that had no part in the cycle model"
    ),
}


def validated_error(core: str) -> ValidatedError:
    """Return how far predictions for a core such as "cortex-m4" can be trusted.

    Raises:
        BadInputError: There is no cycle model of it.
    """
    if core not in _ERRORS:
        raise BadInputError("board", "core", core, nearest_name(core, _ERRORS))
    return _ERRORS[core]
