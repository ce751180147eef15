"""LiteRT's interpreter with its reference kernels, fed with what the writer made of a checked network only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ai_edge_litert.interpreter import Interpreter, OpResolverType

from datasheet.bad_input import BadInputError
from mcu_models.compiler.writer import write_network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mcu_models.compiler.model import Network


class ReferenceInterpreter:
    """A network as `OpResolverType.BUILTIN_REF` computes it, one run at a time.

    LiteRT reads a file without checking its offsets, and a damaged one can end the process. So the file itself is
    not passed on: `write_network` makes another of what was read and checked.

    Args:
        network: The network, checked.
        batch: How many inferences one run computes; more than one needs an open batch.

    Raises:
        BadInputError: LiteRT refuses the network.
        ValueError: It does not compute this batch, or gives outputs of other shapes than the file says.
    """

    def __init__(self, network: Network, batch: int = 1) -> None:
        self._network = network
        try:
            self._interpreter = Interpreter(
                model_content=write_network(network),
                experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
                num_threads=1,
            )
            if batch > 1:
                self._resize(batch)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise BadInputError(network.path, "", None, f"refused by LiteRT: {error}") from None
        self._inputs = _indices(self._interpreter.get_input_details())
        self._outputs = _indices(self._interpreter.get_output_details())
        self._check_shapes(batch)

    def _resize(self, batch: int) -> None:
        for tensor, place in zip(self._network.inputs, _indices(self._interpreter.get_input_details()), strict=True):
            self._interpreter.resize_tensor_input(place, (batch, *tensor.shape[1:]))

    def _check_shapes(self, batch: int) -> None:
        for tensor, detail in zip(self._network.outputs, self._interpreter.get_output_details(), strict=True):
            expected = tensor.shape if batch == 1 else (batch * tensor.shape[0], *tensor.shape[1:])
            if tuple(detail["shape"].tolist()) != expected:
                shape = detail["shape"].tolist()
                raise BadInputError(self._network.path, "output shape", list(tensor.shape), f"computed is {shape}")

    def run(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Return the outputs for the inputs, one array each in the network's order and shapes.

        Raises:
            BadInputError: LiteRT cannot compute them.
        """
        try:
            self._interpreter.reset_all_variables()
            for place, values in zip(self._inputs, inputs, strict=True):
                self._interpreter.set_tensor(place, values)
            self._interpreter.invoke()
            return [self._interpreter.get_tensor(place) for place in self._outputs]
        except (ValueError, RuntimeError) as error:
            raise BadInputError(self._network.path, "", None, f"not computed by LiteRT: {error}") from None


def _indices(details: list[dict[str, Any]]) -> list[int]:
    return [int(detail["index"]) for detail in details]
