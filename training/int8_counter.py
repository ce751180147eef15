"""A converted people counter on the reference kernels, and how well it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from sklearn.metrics import confusion_matrix

from training.frontend import int8_input

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Int8Counter:
    """A people counter on the reference kernels, one frame at a time."""

    def __init__(self, content: bytes) -> None:
        self._interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        self.scale, self.zero_point = self._input["quantization"]

    def counts(self, frames: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return (N,) int64, the class with the largest output for each (8, 8) frame; the first of equals."""
        inputs = int8_input(frames, self.scale, self.zero_point)
        return np.array([self._count(inputs[index : index + 1]) for index in range(len(inputs))], dtype=np.int64)

    def _count(self, one: NDArray[np.int8]) -> int:
        self._interpreter.set_tensor(self._input["index"], one)
        self._interpreter.invoke()
        return int(np.argmax(self._interpreter.get_tensor(self._output["index"])[0]))


def balanced_accuracy(truth: NDArray[np.int64], counts: NDArray[np.int64]) -> float:
    """Return the mean over the classes that occur of the share counted right."""
    matrix = confusion_matrix(truth, counts)
    present = matrix.sum(axis=1) > 0
    return float(np.mean(np.diag(matrix)[present] / matrix.sum(axis=1)[present]))
