"""The golden results of an int8 network: the reference kernels of LiteRT on the host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from datasheet.bad_input import BadInputError
from mcu_models.compiler.reader import read_network

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Long enough to hide the cost of a call, short enough that the activations stay in the cache.
_CHUNK_FRAMES: Final = 256
_PROBE_FRAMES: Final = 3


class ReferenceNetwork:
    """An int8 network computed by LiteRT's reference kernels (`OpResolverType.BUILTIN_REF`).

    These round twice when they rescale an accumulator, as the firmware's kernels do; the default
    resolver's optimised kernels differ from them by many steps.

    Args:
        path: An int8 .tflite file; it is checked by `read_network` first.

    Raises:
        BadInputError: The file is not a network the twin supports, or LiteRT refuses it.
    """

    def __init__(self, path: str | Path) -> None:
        self.network = read_network(path)
        self._content = Path(path).read_bytes()
        self._single = self._proven_interpreter()
        self._chunk = self._batch_interpreter()

    @property
    def is_batched(self) -> bool:
        """Whether many frames are computed by one call."""
        return self._chunk is not None

    def run(self, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
        """Compute the outputs.

        Args:
            inputs: (N, ...) int8, the network's input shape after the batch.

        Returns:
            (N, ...) int8, the network's output shape after the batch.

        Raises:
            ValueError: `inputs` has another shape or dtype.
        """
        expected = self.network.input.shape[1:]
        if inputs.dtype != np.int8 or inputs.shape[1:] != expected:
            raise ValueError(f"inputs are {inputs.dtype} {inputs.shape}, expected int8 (N, {expected})")
        outputs = np.empty((len(inputs), *self.network.output.shape[1:]), np.int8)
        done = 0
        if self._chunk is not None:
            done = len(inputs) - len(inputs) % _CHUNK_FRAMES
            _invoke_all(self._chunk, inputs[:done], outputs[:done], _CHUNK_FRAMES)
        _invoke_all(self._single, inputs[done:], outputs[done:], 1)
        return outputs

    def _interpreter(self, batch: int) -> Any:
        try:
            interpreter = Interpreter(
                model_content=self._content,
                experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
                num_threads=1,
            )
            if batch > 1:
                shape = (batch, *self.network.input.shape[1:])
                interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], shape)
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise BadInputError(self.network.path, "", None, f"refused by LiteRT: {error}") from None
        return interpreter

    def _proven_interpreter(self) -> Any:
        """Return an interpreter for one frame that has computed one."""
        interpreter = self._interpreter(batch=1)
        answer = np.empty((1, *self.network.output.shape[1:]), np.int8)
        try:
            _invoke_all(interpreter, np.zeros((1, *self.network.input.shape[1:]), np.int8), answer, 1)
        except (ValueError, RuntimeError) as error:
            raise BadInputError(self.network.path, "", None, f"not computed by LiteRT: {error}") from None
        return interpreter

    def _batch_interpreter(self) -> Any | None:
        """Return an interpreter for a chunk of frames, or None when frames would not be computed apart.

        A RESHAPE to a fixed shape refuses another batch, or folds frames into one another.
        """
        try:
            interpreter = self._interpreter(_CHUNK_FRAMES)
            expected = (_CHUNK_FRAMES, *self.network.output.shape[1:])
            frames = self._probe_frames()
            together = np.zeros(expected, np.int8)
            _invoke_all(interpreter, frames, together, _CHUNK_FRAMES)
        except (ValueError, RuntimeError):
            return None
        alone = np.empty((_PROBE_FRAMES, *expected[1:]), np.int8)
        _invoke_all(self._single, frames[-_PROBE_FRAMES:], alone, 1)
        return interpreter if np.array_equal(together[-_PROBE_FRAMES:], alone) else None

    def _probe_frames(self) -> NDArray[np.int8]:
        shape = (_CHUNK_FRAMES, *self.network.input.shape[1:])
        return np.random.default_rng(0).integers(-128, 128, shape, np.int8)


def _invoke_all(interpreter: Any, inputs: NDArray[np.int8], outputs: NDArray[np.int8], batch: int) -> None:
    source = interpreter.get_input_details()[0]["index"]
    result = interpreter.get_output_details()[0]["index"]
    for first in range(0, len(inputs), batch):
        interpreter.set_tensor(source, inputs[first : first + batch])
        interpreter.invoke()
        answer = interpreter.get_tensor(result)
        if answer.shape[0] != batch:
            raise ValueError(f"the output's batch is {answer.shape[0]}, not {batch}")
        outputs[first : first + batch] = answer


def classify(outputs: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return the class of each output: where it is largest, the first of equals.

    Args:
        outputs: (N, classes) int8.

    Returns:
        (N,) int64.
    """
    classes: NDArray[np.int64] = np.argmax(outputs.reshape(len(outputs), -1), axis=1).astype(np.int64)
    return classes
