"""Peripherals at their addresses: routes accesses, passes the time while firmware polls, reports what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.boards.board import PeripheralSheet
    from mcu_models.emulators.block_hook import BlockHook
    from mcu_models.emulators.peripherals.base import Chip, Peripheral

BANK_BYTES = 0x400
POLL_CYCLES = 400
"""Two reads of one status register within this many cycles are a polling loop."""


class Registers(Protocol):
    """Anything that answers at an address."""

    def read(self, offset: int, size: int) -> int:
        """Return `size` bytes at `offset`."""

    def write(self, offset: int, size: int, value: int) -> None:
        """Take `size` bytes at `offset`."""


class PeripheralSpace:
    """The region in which peripherals lie, one bank of 1 KiB each."""

    def __init__(self, base: int, chip: Chip, hook: BlockHook, where: Callable[[], str]) -> None:
        self._base = base
        self._chip = chip
        self._hook = hook
        self._where = where
        self._banks: dict[int, Peripheral] = {}
        self._gates: dict[int, Callable[[], bool]] = {}
        self._polled: tuple[tuple[int, int, int], int, int] | None = None

    def add(self, peripheral: Peripheral, sheet: PeripheralSheet, enabled: Callable[[], bool]) -> None:
        """Place a peripheral; it answers only while `enabled` says its bus clock is on."""
        bank = (sheet.base - self._base) // BANK_BYTES
        self._banks[bank] = peripheral
        self._gates[bank] = enabled

    def read(self, offset: int, size: int) -> int:
        """Return `size` bytes at `offset` from the start of the region."""
        bank, inside = divmod(offset, BANK_BYTES)
        peripheral = self._find(bank, offset, "read")
        if peripheral is None:
            return 0
        value = peripheral.read(inside, size)
        if inside & ~3 in peripheral.status_registers:
            return self._polling(peripheral, offset, inside, size, value)
        self._polled = None
        return value

    def write(self, offset: int, size: int, value: int) -> None:
        """Take `size` bytes at `offset` from the start of the region."""
        bank, inside = divmod(offset, BANK_BYTES)
        self._polled = None
        peripheral = self._find(bank, offset, "write")
        if peripheral is not None:
            peripheral.write(inside, size, value)

    def _find(self, bank: int, offset: int, access: str) -> Peripheral | None:
        peripheral = self._banks.get(bank)
        if peripheral is None:
            self._chip.report(f"{access} of {self._base + offset:#010x}, not modelled, by {self._where()}")
        elif not self._gates[bank]():
            self._chip.report(f"{access} of {peripheral.name} while its bus clock is off, by {self._where()}")
            return None
        return peripheral

    def _polling(self, peripheral: Peripheral, offset: int, inside: int, size: int, value: int) -> int:
        """Pass the time to the next event when a loop looks at an unchanged flag again: nothing happens before it.

        A loop is the same block of code run anew, with no other access in between; code that merely reads a flag
        twice is not.
        """
        look = (self._hook.last_pc, offset, value)
        instructions, cycles = self._hook.instructions, self._hook.cycles
        before, self._polled = self._polled, (look, instructions, cycles)
        if before is None or before[0] != look or before[1] == instructions or cycles - before[2] > POLL_CYCLES:
            return value
        # The deadline is the next event, or the end of this stretch of the run when that comes first.
        self._hook.cycles = max(cycles, self._hook.deadline_cycles)
        self._chip.scheduler.run_due(self._chip.clock.now_s)
        self._polled = (look, instructions, self._hook.cycles)
        return peripheral.read(inside, size)
