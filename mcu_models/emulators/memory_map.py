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
        self._polled: tuple[int, int, int] | None = None
        self._loops: set[tuple[int, int, int]] = set()

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
        """On the second look at an unchanged flag, pass the time to the next event: nothing happens before it.

        A block of code that has polled like this before, and sees the same value again, need not look twice.
        """
        cycles = self._hook.cycles
        loop = (self._hook.last_pc, offset, value)
        before, self._polled = self._polled, (offset, value, cycles)
        if loop not in self._loops:
            if before is None or before[:2] != (offset, value) or cycles - before[2] > POLL_CYCLES:
                return value
            self._loops.add(loop)
        return self._pass_time(peripheral, offset, inside, size, value)

    def _pass_time(self, peripheral: Peripheral, offset: int, inside: int, size: int, value: int) -> int:
        next_s = self._chip.scheduler.next_s
        if self._chip.clock.cycles_at(next_s) <= self._hook.deadline_cycles:
            self._chip.clock.spin_until(next_s)
            self._chip.scheduler.run_due(self._chip.clock.now_s)
            value = peripheral.read(inside, size)
            self._polled = (offset, value, self._hook.cycles)
        return value
