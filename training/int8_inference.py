"""Converted networks of any input: int8 on the reference kernels, others on the kernels that LiteRT chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _Network:
    """A .tflite for one input at a time; every input is computed from fresh states."""

    def __init__(self, content: bytes, resolver: OpResolverType) -> None:
        self._interpreter = Interpreter(model_content=content, experimental_op_resolver_type=resolver, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]

    def _classes(self, inputs: NDArray[Any]) -> NDArray[np.int64]:
        return np.array([self._class(inputs[row : row + 1]) for row in range(len(inputs))], dtype=np.int64)

    def _class(self, one: NDArray[Any]) -> int:
        # An LSTM would go on from the input before.
        self._interpreter.reset_all_variables()
        self._interpreter.set_tensor(self._input["index"], one)
        self._interpreter.invoke()
        return int(np.argmax(self._interpreter.get_tensor(self._output["index"])[0]))


class Int8Inference(_Network):
    """A .tflite with int8 input and output, on the kernels that the firmware agrees with in every bit."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content, OpResolverType.BUILTIN_REF)
        self.scale, self.zero_point = self._input["quantization"]

    def counts(self, inputs: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return (N,) the class with the largest output for each of (N, ...) inputs; the first of equals."""
        exact = inputs.astype(np.float64) / self.scale
        rounded = np.copysign(np.floor(np.abs(exact) + 0.5), exact) + self.zero_point
        return self.counts_of_codes(np.clip(rounded, -128, 127).astype(np.int8))

    def counts_of_codes(self, codes: NDArray[np.int8]) -> NDArray[np.int64]:
        """Return the same for inputs that are quantised already."""
        return self._classes(codes)


class FloatInference(_Network):
    """A .tflite with float32 input and output; its weights may be of other types."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content, OpResolverType.AUTO)

    def counts(self, inputs: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return (N,) the class with the largest output for each of (N, ...) inputs; the first of equals."""
        return self._classes(inputs)
