"""Builds networks tensor by tensor, for tests and for asking the golden reference about one operator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mcu_models.compiler.model import Network, Operator, Options, Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class GraphBuilder:
    """Collects tensors and operators; nothing is checked before the file that `write_network` makes is read."""

    def __init__(self) -> None:
        self._operators: list[Operator] = []
        self._tensors: list[Tensor] = []

    def tensor(
        self, shape: Sequence[int], scale: float | None = None, zero_point: int = 0, dtype: str = "int8"
    ) -> Tensor:
        """Add a computed tensor; without a scale, it is not quantised."""
        scales, zero_points = ((), ()) if scale is None else ((float(np.float32(scale)),), (zero_point,))
        return self._add(tuple(shape), dtype, scales, zero_points)

    def constant(
        self, values: NDArray[np.generic], scales: Sequence[float] = (), zero_point: int = 0, axis: int = 0
    ) -> Tensor:
        """Add a constant tensor with one scale, or one for each index of `axis`."""
        exact = tuple(float(np.float32(scale)) for scale in scales)
        made = self._add(values.shape, values.dtype.name, exact, (zero_point,) * len(exact))
        self._tensors[-1] = replace(made, data=values, axis=axis)
        return self._tensors[-1]

    def state(self, shape: Sequence[int], scale: float | None, zero_point: int, dtype: str) -> Tensor:
        """Add a tensor that an operator keeps from step to step."""
        made = replace(self.tensor(shape, scale, zero_point, dtype), is_state=True)
        self._tensors[-1] = made
        return made

    def _add(
        self, shape: tuple[int, ...], dtype: str, scales: tuple[float, ...], zero_points: tuple[int, ...]
    ) -> Tensor:
        index = len(self._tensors)
        self._tensors.append(Tensor(index, f"tensor_{index}", shape, dtype, scales, zero_points, 0, None))
        return self._tensors[-1]

    def operator(
        self,
        name: str,
        inputs: Sequence[Tensor | None],
        outputs: Sequence[Tensor],
        options: Options = None,
        intermediates: Sequence[Tensor] = (),
    ) -> None:
        """Add an operator."""
        index = len(self._operators)
        made = Operator(index, name, tuple(inputs), tuple(outputs), options, tuple(intermediates))
        self._operators.append(made)

    def network(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Network:
        """Return the network, of no file."""
        return Network(Path("built.tflite"), "", tuple(inputs), tuple(outputs), tuple(self._operators))
