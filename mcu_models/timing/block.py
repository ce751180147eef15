"""A run of instructions with one entry and one exit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcu_models.timing.decoding import Instruction


@dataclass(frozen=True, slots=True)
class Block:
    """A run of instructions with one entry and one exit, as the emulator translates it."""

    address: int
    size: int
    instructions: tuple[Instruction, ...]

    @property
    def end(self) -> int:
        """Address behind the last instruction."""
        return self.address + self.size
