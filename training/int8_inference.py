"""Int8 networks of any input on the reference kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Int8Inference:
    """A .tflite with int8 input and output, for one input at a time."""

    def __init__(self, content: bytes) -> None:
        self._interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        self.scale, self.zero_point = self._input["quantization"]

    def counts(self, inputs: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return (N,) the class with the largest output for each of (N, ...) inputs; the first of equals."""
        exact = inputs.astype(np.float64) / self.scale
        rounded = np.copysign(np.floor(np.abs(exact) + 0.5), exact) + self.zero_point
        return self.counts_of_codes(np.clip(rounded, -128, 127).astype(np.int8))

    def counts_of_codes(self, codes: NDArray[np.int8]) -> NDArray[np.int64]:
        """Return the same for inputs that are quantised already."""
        return np.array([self._count(codes[row : row + 1]) for row in range(len(codes))], dtype=np.int64)

    def _count(self, one: NDArray[np.int8]) -> int:
        self._interpreter.set_tensor(self._input["index"], one)
        self._interpreter.invoke()
        return int(np.argmax(self._interpreter.get_tensor(self._output["index"])[0]))
