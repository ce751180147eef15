"""Peripherals at their addresses: routes accesses, passes the time while firmware polls, reports what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from mcu_models.boards.board import BANK_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.emulators.block_hook import BlockHook
    from mcu_models.emulators.peripherals.base import Chip, Peripheral

MAX_LOOKS = 4096
"""So many looks at registers are remembered: code can look at others without end."""
POLL_CYCLES = 400
"""Two reads of one status register within this many cycles are a polling loop."""


class _Look(NamedTuple):
    """A look at a status register: instructions and cycles so far, registers and top of the stack."""

    instructions: int
    cycles: int
    state: object = None


class Registers(Protocol):
    """Anything that answers at an address."""

    def read(self, offset: int, size: int) -> int:
        """Return `size` bytes at `offset`."""

    def write(self, offset: int, size: int, value: int) -> None:
        """Take `size` bytes at `offset`."""


class PeripheralSpace:
    """A region in which peripherals lie, in banks of 1 KiB.

    Args:
        base: First address of the region.
        chip: Takes reports, and passes the time.
        hook: Cycle counter.
        where: Returns the function that is running, for reports.
    """

    def __init__(self, base: int, chip: Chip, hook: BlockHook, where: Callable[[], str]) -> None:
        self._base = base
        self._chip = chip
        self._hook = hook
        self._where = where
        self._banks: dict[int, Peripheral] = {}
        self._polled: dict[tuple[int, int, int], _Look] = {}
        self._unchanging: dict[tuple[int, int], int] = {}
        self._first_bank = base // BANK_BYTES

    def add(self, peripheral: Peripheral) -> None:
        """Place a peripheral at the address of its sheet; it answers only while its bus clock is on."""
        first = (peripheral.sheet.base - self._base) // BANK_BYTES
        for bank in range(first, first + peripheral.sheet.size // BANK_BYTES):
            self._banks[bank] = peripheral

    def read(self, offset: int, size: int) -> int:
        """Return `size` bytes at `offset` from the start of the region."""
        peripheral = self._chip.answering.get(self._first_bank + offset // BANK_BYTES) or self._find(offset, "read")
        if peripheral is None:
            return 0
        inside = self._base + offset - peripheral.sheet.base
        value = peripheral.read(inside, size)
        if inside & ~3 in peripheral.status_registers:
            return self._polling(peripheral, offset, inside, size, value)
        if len(self._unchanging) >= MAX_LOOKS:
            self._forget_polls()
        where = self._hook.last_pc, offset
        if inside & ~3 in peripheral.consumed_registers or self._unchanging.setdefault(where, value) != value:
            self._forget_polls()
        return value

    def write(self, offset: int, size: int, value: int) -> None:
        """Take `size` bytes at `offset` from the start of the region."""
        self._forget_polls()
        peripheral = self._chip.answering.get(self._first_bank + offset // BANK_BYTES) or self._find(offset, "write")
        if peripheral is not None:
            if peripheral.gates_clocks:
                self._chip.answering.clear()
            peripheral.write(self._base + offset - peripheral.sheet.base, size, value)

    def _find(self, offset: int, access: str) -> Peripheral | None:
        """Return who answers at `offset`, and report an access that the hardware would not honour."""
        peripheral = self._banks.get(offset // BANK_BYTES)
        if peripheral is None:
            self._chip.report(f"{access} of {self._base + offset:#010x}, not modelled, by {self._where()}")
            return None
        if not peripheral.modelled:
            what = f"{self._base + offset:#010x} ({peripheral.name}), not modelled"
            self._chip.report(f"{access} of {what}, by {self._where()}")
        elif not self._is_clocked(peripheral):
            self._chip.report(f"{access} of {peripheral.name} while its bus clock is off, by {self._where()}")
            return None
        else:
            self._chip.answering[self._first_bank + offset // BANK_BYTES] = peripheral
        return peripheral

    def _is_clocked(self, peripheral: Peripheral) -> bool:
        enable, tree = peripheral.sheet.enable, self._chip.tree
        return enable is None or tree is None or tree.is_enabled(enable.register_offset, enable.bit)

    def _forget_polls(self) -> None:
        self._polled.clear()
        self._unchanging.clear()

    def _polling(self, peripheral: Peripheral, offset: int, inside: int, size: int, value: int) -> int:
        """Pass the time to the next event when a loop looks at an unchanged flag again: nothing happens before it.

        A loop is a block of code run anew that sees what it saw before, with nothing since but looks at registers
        that say what they said before; code that merely reads a flag twice is not. A loop that counts its turns or
        the time, to give up some day, is not passed over while nothing is to come of what it waits for.
        """
        look = (self._hook.last_pc, offset, value)
        instructions, cycles = self._hook.instructions, self._hook.cycles
        before = self._polled.get(look)
        if before is None and any(where[1] == offset and where[2] != value for where in self._polled):
            self._forget_polls()
        if len(self._polled) >= MAX_LOOKS:
            self._forget_polls()
        if before is None or before.instructions == instructions or cycles - before.cycles > POLL_CYCLES:
            self._polled[look] = _Look(instructions, cycles)
            return value
        if not self._may_pass(peripheral, look, before):
            return value
        # The deadline is the next event, or the end of this stretch of the run when that comes first.
        self._hook.pass_to(self._hook.deadline_cycles)
        self._chip.clock.passed_cycles += self._hook.cycles - cycles
        self._chip.scheduler.run_due(self._chip.clock.now_s)
        self._polled[look] = _Look(instructions, self._hook.cycles)
        return peripheral.read(inside, size)

    def _may_pass(self, peripheral: Peripheral, look: tuple[int, int, int], before: _Look) -> bool:
        """Tell whether turns of a loop may be passed over: something is to come, or they leave everything as it was."""
        hook = self._hook
        if self._chip.scheduler.waits_for(peripheral.name):
            return True
        state = hook.loop_state()
        self._polled[look] = _Look(hook.instructions, hook.cycles, state)
        return state == before.state


class BitBand:
    """The bit-band alias of a Cortex-M4 region: one word stands for one bit.

    Source: ARM Cortex-M4 TRM (100166_0001), section 3.7. A write is a read-modify-write of the byte that holds the bit.
    """

    def __init__(self, target: Registers) -> None:
        self._target = target

    def read(self, offset: int, size: int) -> int:  # noqa: ARG002 - an access of any width is of one bit
        """Return the bit that the word at `offset` stands for."""
        return self._target.read(offset >> 5, 1) >> (offset >> 2 & 7) & 1

    def write(self, offset: int, size: int, value: int) -> None:  # noqa: ARG002
        """Set or clear the bit that the word at `offset` stands for."""
        bit = 1 << (offset >> 2 & 7)
        byte = self._target.read(offset >> 5, 1)
        self._target.write(offset >> 5, 1, byte | bit if value & 1 else byte & ~bit)
