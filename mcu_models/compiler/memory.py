"""Which tensors share memory: views, operators in place, and what the caller owns; and how long each is needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from mcu_models.compiler.arena import Buffer
from mcu_models.compiler.operators.registry import family_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcu_models.compiler.model import Network, Operator, Tensor

Owner: TypeAlias = Literal["arena", "input", "output"]

_AFTER_ALL: Final = 1 << 30


@dataclass
class Storage:
    """Memory that holds one tensor after another, or one under several shapes.

    Attributes:
        owner: "arena", or "input" or "output" when the caller owns it.
        position: Of the network's inputs or outputs, when the caller owns it; else a number of its own.
        size_bytes: As long as the longest of its tensors.
        first: The step that first writes it.
        tensors: The tensors it holds, by their index in the file.
    """

    owner: Owner
    position: int
    size_bytes: int
    first: int
    tensors: list[int] = field(default_factory=list)

    @property
    def name(self) -> str:
        """A name that no other storage has."""
        return f"{self.owner}_{self.position}"


@dataclass(frozen=True)
class Memory:
    """Where every tensor of a network lies.

    Attributes:
        by_tensor: The storage of each computed tensor, by its index in the file.
        buffers: What the arena must hold, without scratch.
        removed: Indices of the operators that need no code, since their output is where their input is.
        in_place: Indices of the operators whose output overwrites an operand.
    """

    by_tensor: dict[int, Storage]
    buffers: tuple[Buffer, ...]
    removed: frozenset[int]
    in_place: frozenset[int]


def plan_memory(network: Network) -> Memory:
    """Return which tensors share memory, and when each piece of the arena is needed.

    A view shares its input's memory, unless both belong to the caller. An operator that can work in place does
    so when nothing reads its operand afterwards.
    """
    planner = _Planner(network)
    for step, operator in enumerate(network.operators):
        planner.place(step, operator)
    return planner.memory()


class _Planner:
    def __init__(self, network: Network) -> None:
        self._network = network
        self._results = {tensor.index: position for position, tensor in enumerate(network.outputs)}
        self._last_use = _last_uses(network)
        self._storages = [Storage("input", i, t.size_bytes, -1, [t.index]) for i, t in enumerate(network.inputs)]
        self._by_tensor = {storage.tensors[0]: storage for storage in self._storages}
        self._removed: set[int] = set()
        self._in_place: set[int] = set()

    def place(self, step: int, operator: Operator) -> None:
        family = family_of(self._network.path, operator)
        if family.is_view and self._can_hold(self._by_tensor[operator.input.index], operator.output):
            self._join(self._by_tensor[operator.input.index], operator.output)
            self._removed.add(operator.index)
            return
        free = [self._by_tensor[operator.computed_inputs[i].index] for i in family.in_place(operator)]
        shared = next((s for s in free if self._may_overwrite(s, step) and self._can_hold(s, operator.output)), None)
        if shared is not None:
            self._join(shared, operator.output)
            self._in_place.add(operator.index)
        for tensor in operator.outputs[0 if shared is None else 1 :]:
            self._add(step, tensor)

    def _can_hold(self, storage: Storage, tensor: Tensor) -> bool:
        return storage.owner == "arena" or tensor.index not in self._results

    def _may_overwrite(self, storage: Storage, step: int) -> bool:
        kept = any(self._last_use[index] > step for index in storage.tensors)
        return storage.owner != "input" and not kept

    def _join(self, storage: Storage, tensor: Tensor) -> None:
        storage.tensors.append(tensor.index)
        self._by_tensor[tensor.index] = storage
        if tensor.index in self._results:
            storage.owner, storage.position = "output", self._results[tensor.index]

    def _add(self, step: int, tensor: Tensor) -> None:
        storage = Storage("arena", len(self._storages), tensor.size_bytes, step)
        self._storages.append(storage)
        self._join(storage, tensor)

    def memory(self) -> Memory:
        buffers = [
            Buffer(storage.name, storage.size_bytes, storage.first, self._end(storage.tensors, storage.first))
            for storage in self._storages
            if storage.owner == "arena"
        ]
        return Memory(self._by_tensor, tuple(buffers), frozenset(self._removed), frozenset(self._in_place))

    def _end(self, tensors: Iterable[int], first: int) -> int:
        return max([first, *(self._last_use[index] for index in tensors)])


def _last_uses(network: Network) -> dict[int, int]:
    """Return the last step that reads each tensor; the network's outputs are read after all."""
    last = dict.fromkeys(network.tensors, -1)
    for step, operator in enumerate(network.operators):
        last |= {tensor.index: step for tensor in operator.computed_inputs}
    return last | {tensor.index: _AFTER_ALL for tensor in network.outputs}
