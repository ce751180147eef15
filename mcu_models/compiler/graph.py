"""Checks that operators form a graph that can be computed in their order, in memory that a computer has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from mcu_models.compiler.model import Network, Operator, Tensor

# A hundred times what a large microcontroller holds; beyond, a damaged file would keep the host busy for minutes.
MAX_CONSTANT_BYTES: Final = 16 * 1024 * 1024
MAX_ACTIVATION_BYTES: Final = 256 * 1024 * 1024
MAX_MACS: Final = 10**10

_INTERFACE_TYPES: Final = ("int8", "float32")


def check_graph(network: Network) -> None:
    """Check that each operator finds its operands computed, and that each tensor is computed once.

    Raises:
        BadInputError: They do not, or the network is larger than anything a microcontroller could compute.
    """
    if not network.operators:
        raise BadInputError(network.path, "operators", 0, "expected at least one")
    _check_interface(network)
    known = {tensor.index for tensor in network.inputs}
    for operator in network.operators:
        _check_operands(network, operator, known)
        for tensor in operator.outputs:
            if tensor.index in known or not tensor.is_computed:
                raise _error(network, operator, "output", tensor, "expected a tensor that nothing else writes")
            known.add(tensor.index)
    for tensor in network.outputs:
        if tensor.index not in known - {source.index for source in network.inputs}:
            raise BadInputError(network.path, "output", tensor.name, "expected a tensor that an operator computes")
    _check_sizes(network)


def _check_interface(network: Network) -> None:
    for key, tensors in (("input", network.inputs), ("output", network.outputs)):
        if not tensors or len({tensor.index for tensor in tensors}) != len(tensors):
            names = [tensor.name for tensor in tensors]
            raise BadInputError(network.path, f"{key}s", names, "expected one or more, each named once")
        for tensor in tensors:
            _check_interface_tensor(network, key, tensor)


def _check_interface_tensor(network: Network, key: str, tensor: Tensor) -> None:
    if tensor.dtype not in _INTERFACE_TYPES:
        allowed = f"expected {' or '.join(_INTERFACE_TYPES)}: quantise the network fully"
        raise BadInputError(network.path, f"{key} type", tensor.dtype, allowed)
    if not tensor.is_computed:
        raise BadInputError(network.path, key, tensor.name, "expected no constant")


def _check_operands(network: Network, operator: Operator, known: set[int]) -> None:
    for tensor in operator.computed_inputs:
        if tensor.index not in known:
            raise _error(network, operator, "input", tensor, "expected one that an earlier operator computes")


def _error(network: Network, operator: Operator, key: str, tensor: Tensor, allowed: str) -> BadInputError:
    return BadInputError(network.path, f"operator {operator.index} {operator.name}: {key}", tensor.name, allowed)


def _check_sizes(network: Network) -> None:
    tensors = network.tensors.values()
    limits = (
        ("constants in bytes", sum(t.size_bytes for t in tensors if t.data is not None), MAX_CONSTANT_BYTES),
        ("activations in bytes", sum(t.size_bytes for t in tensors if t.data is None), MAX_ACTIVATION_BYTES),
        ("multiplications", network.macs, MAX_MACS),
    )
    for key, value, most in limits:
        if value > most:
            raise BadInputError(network.path, key, value, f"at most {most}")
