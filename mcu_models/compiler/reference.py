"""The golden results of a network: the reference kernels of LiteRT on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from datasheet.bad_input import BadInputError
from mcu_models.compiler.interpreter import ReferenceInterpreter
from mcu_models.compiler.reader import read_network

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mcu_models.compiler.model import Network, Tensor

# Long enough to hide the cost of a call, short enough that the activations stay in the cache.
_CHUNK_FRAMES: Final = 256
_CHUNK_BYTES: Final = 64 * 1024 * 1024
_PROBE_FRAMES: Final = 3


class ReferenceNetwork:
    """A network computed by LiteRT's reference kernels (`OpResolverType.BUILTIN_REF`).

    These round twice when they rescale an accumulator, as the firmware's kernels do; the default
    resolver's optimised kernels differ from them by many steps. Every frame is computed from fresh states.

    Args:
        path: A .tflite file; it is checked by `read_network` first.

    Raises:
        BadInputError: The file is not a network the twin supports, or LiteRT refuses it.
    """

    def __init__(self, path: str | Path) -> None:
        self.network = read_network(path)
        self._single = self._proven_interpreter()
        self._chunk_frames = _chunk_frames(self.network)
        self._chunk = self._batch_interpreter()

    @property
    def is_batched(self) -> bool:
        """Whether many frames are computed by one call."""
        return self._chunk is not None

    def run(self, inputs: NDArray[Any]) -> NDArray[Any]:
        """Compute the output of a network with one input and one output.

        Args:
            inputs: (N, ...) of the input's type and, after N, its shape without a batch of 1.

        Returns:
            (N, ...) of the output's type and, after N, its shape without a batch of 1.

        Raises:
            ValueError: `inputs` has another shape or dtype, or the network has several inputs or outputs.
        """
        (output,) = self.run_all([inputs])
        return output

    def run_all(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Compute every output of a network from all of its inputs.

        Args:
            inputs: One array for each input, as `run` takes it.

        Returns:
            One array for each output, as `run` gives it.

        Raises:
            ValueError: An array has another shape or dtype.
        """
        count = len(inputs[0])
        for values, tensor in zip(inputs, self.network.inputs, strict=True):
            expected = _frame_shape(tensor)
            if values.dtype != tensor.dtype or values.shape != (count, *expected):
                raise ValueError(f"inputs are {values.dtype} {values.shape}, expected {tensor.dtype} (N, {expected})")
        outputs = [np.empty((count, *_frame_shape(t)), t.dtype) for t in self.network.outputs]
        done = 0
        if self._chunk is not None:
            done = count - count % self._chunk_frames
            _invoke_all(self._chunk, inputs, outputs, range(0, done, self._chunk_frames), self._chunk_frames)
        _invoke_all(self._single, inputs, outputs, range(done, count), 1, self.network)
        return outputs

    def _proven_interpreter(self) -> ReferenceInterpreter:
        """Return an interpreter for one frame that has computed one."""
        interpreter = ReferenceInterpreter(self.network)
        interpreter.run([np.zeros(tensor.shape, tensor.dtype) for tensor in self.network.inputs])
        return interpreter

    def _batch_interpreter(self) -> ReferenceInterpreter | None:
        """Return an interpreter for a chunk of frames, or None when frames would not be computed apart.

        An operator that names the first axis, such as a STRIDED_SLICE, refuses another batch, or folds frames into
        one another.
        """
        if self._chunk_frames < _PROBE_FRAMES or not _may_be_batched(self.network):
            return None
        frames = self._probe_frames()
        try:
            interpreter = ReferenceInterpreter(self.network, self._chunk_frames)
            together = interpreter.run(frames)
        except BadInputError:
            return None
        last = range(self._chunk_frames - _PROBE_FRAMES, self._chunk_frames)
        for frame in last:
            alone = self._single.run([values[frame : frame + 1] for values in frames])
            if not all(np.array_equal(a[frame], b[0]) for a, b in zip(together, alone, strict=True)):
                return None
        return interpreter

    def _probe_frames(self) -> list[NDArray[Any]]:
        generator = np.random.default_rng(0)
        shapes = [(self._chunk_frames, *tensor.shape[1:]) for tensor in self.network.inputs]
        return [
            generator.integers(-128, 128, shape, np.int8).astype(tensor.dtype)
            for shape, tensor in zip(shapes, self.network.inputs, strict=True)
        ]


def _frame_shape(tensor: Tensor) -> tuple[int, ...]:
    return tensor.shape[1:] if tensor.shape[0] == 1 else tensor.shape


def _chunk_frames(network: Network) -> int:
    """Return how many frames a chunk holds, fewer where a frame's activations are long."""
    frame_bytes = sum(tensor.size_bytes for tensor in network.tensors.values() if tensor.is_computed)
    return min(_CHUNK_FRAMES, _CHUNK_BYTES // frame_bytes)


def _may_be_batched(network: Network) -> bool:
    tensors = network.tensors.values()
    ends = (*network.inputs, *network.outputs)
    return all(t.shape[:1] == (1,) for t in ends) and not any(t.is_state for t in tensors)


def _invoke_all(
    interpreter: ReferenceInterpreter,
    inputs: Sequence[NDArray[Any]],
    outputs: Sequence[NDArray[Any]],
    firsts: range,
    batch: int,
    network: Network | None = None,
) -> None:
    for first in firsts:
        frames = [values[first : first + batch] for values in inputs]
        if network is not None:
            frames = [values.reshape(t.shape) for values, t in zip(frames, network.inputs, strict=True)]
        for result, answer in zip(outputs, interpreter.run(frames), strict=True):
            result[first : first + batch] = answer.reshape(batch, *result.shape[1:])


def classify(outputs: NDArray[Any]) -> NDArray[np.int64]:
    """Return the class of each output: where it is largest, the first of equals.

    Args:
        outputs: (N, classes).

    Returns:
        (N,) int64.
    """
    classes: NDArray[np.int64] = np.argmax(outputs.reshape(len(outputs), -1), axis=1).astype(np.int64)
    return classes
