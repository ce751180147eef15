"""What all DMA controllers of the STM32 share: how a channel moves items, and what its owner hears of it.

Source: RM0351, section 11.4 (L4), RM0090-style streams in RM0385, section 8.3 (F7). A peripheral asks for one item
at a time, and the channel moves it at once: bus contention with the core is not modelled. A block of bytes whose pace
is known may be moved as a whole at its end, unless someone wants to hear of its half; CNDTR counts down meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.emulators.peripherals.base import Chip, Peripheral

_PERIPHERALS_BEGIN, _PERIPHERALS_END = 0x40000000, 0x60000000


@dataclass
class Block:
    """What a channel has been set up to move, item by item; an item is a byte unless other ones were asked for.

    Attributes:
        count: Items left.
        take: For memory to peripheral: returns the items.
        give: For peripheral to memory: stores items, as many as there are or, from streams, fewer. Nothing ends it.
        pace: Called with the time at which the first item begins and the seconds an item takes, so that the count
            can be seen to go down.
    """

    count: int
    take: Callable[[], bytes]
    give: Callable[[bytes], None]
    pace: Callable[[float, float], None]


class Bus(Protocol):
    """Where a channel reads and writes."""

    def read(self, address: int, size: int) -> int:
        """Return `size` bytes at an address."""

    def write(self, address: int, size: int, value: int) -> None:
        """Store `size` bytes at an address."""


class TransferError(Exception):
    """An address that nothing answers at.

    Attributes:
        address: The address.
    """

    def __init__(self, address: int) -> None:
        super().__init__(f"nothing answers at {address:#010x}")
        self.address = address


class ChipBus:
    """Memories and peripherals of a chip, as a DMA controller reaches them."""

    def __init__(self, chip: Chip) -> None:
        self._chip = chip

    def read(self, address: int, size: int) -> int:
        """Return `size` bytes at an address.

        Raises:
            TransferError: Nothing answers there.
        """
        peripheral = self._peripheral(address)
        if peripheral is not None:
            return peripheral.read(address - peripheral.sheet.base, size)
        if not self.is_memory(address, size):
            raise TransferError(address)
        assert self._chip.memory is not None  # noqa: S101 - set when the chip is put together
        return int.from_bytes(self._chip.memory.read(address, size), "little")

    def write(self, address: int, size: int, value: int) -> None:
        """Store `size` bytes at an address.

        Raises:
            TransferError: Nothing that can be written answers there.
        """
        peripheral = self._peripheral(address)
        if peripheral is not None:
            peripheral.write(address - peripheral.sheet.base, size, value)
            return
        if not self.is_memory(address, size, writable=True):
            raise TransferError(address)
        assert self._chip.memory is not None  # noqa: S101
        self._chip.memory.write(address, value.to_bytes(size, "little"))

    def is_memory(self, address: int, length: int, *, writable: bool = False) -> bool:
        """Tell whether all of `length` bytes lie in one memory, of a kind that can be written if asked."""
        if self._chip.board is None:
            return True
        memories = self._chip.board.memories.values()
        return any(m.holds(address, length) and not (writable and m.kind in ("flash", "rom")) for m in memories)

    def _peripheral(self, address: int) -> Peripheral | None:
        if not _PERIPHERALS_BEGIN <= address < _PERIPHERALS_END:
            return None
        everyone = self._chip.peripherals.values()
        return next((p for p in everyone if 0 <= address - p.sheet.base < p.sheet.size), None)


@dataclass(frozen=True)
class End:
    """One end of a transfer: the address as programmed, bytes of an item, whether it moves on."""

    address: int
    size: int
    increments: bool

    def at(self, index: int) -> int:
        """Return the address of an item."""
        return self.address + index * self.size if self.increments else self.address


@dataclass(frozen=True)
class Transfer:
    """What a channel does, from the moment it is enabled.

    Attributes:
        source: Where items come from.
        target: Where they go.
        count: Items of one round.
        circular: Whether it begins anew after a round.
    """

    source: End
    target: End
    count: int
    circular: bool

    def move(self, bus: Bus, index: int) -> None:
        """Move one item; a wider target is filled with zeros, a narrower one takes the low bytes (RM0351, 11.4.5)."""
        value = bus.read(self.source.at(index), self.source.size)
        bus.write(self.target.at(index), self.target.size, value & ((1 << 8 * self.target.size) - 1))


@dataclass
class Progress:
    """How far a channel has come: items left, and since when a block that is moved as a whole has been under way.

    Attributes:
        transfer: What is being done; None while the channel is off.
        left: Items left of this round.
        begin_s: When the first item of the block began; None unless a block is under way.
        item_s: Seconds an item of the block takes.
    """

    transfer: Transfer | None = None
    left: int = 0
    begin_s: float | None = None
    item_s: float = 0.0

    def left_at(self, now_s: float) -> int:
        """Return the items left, those of a block under way counted by the time."""
        if self.begin_s is None or self.item_s <= 0:
            return self.left
        # A nanosecond of slack: an item that ends now has been moved.
        moved = int((now_s - self.begin_s + 1e-9) / self.item_s)
        return max(0, self.left - max(0, moved))

    def move_one(self, bus: Bus) -> tuple[bool, bool]:
        """Move an item; tell whether the round is now half and wholly done. A circular round begins anew.

        Raises:
            TransferError: Nothing answers at one of its ends.
        """
        assert self.transfer is not None  # noqa: S101 - only an enabled channel is asked
        transfer = self.transfer
        transfer.move(bus, transfer.count - self.left)
        self.left -= 1
        half, complete = self.left == transfer.count - transfer.count // 2, self.left == 0
        if complete and transfer.circular:
            self.left = transfer.count
        return half, complete
