"""Faults of ARMv7-M: what the core does when an instruction cannot be carried out.

Source: ARMv7-M Architecture Reference Manual (Arm DDI 0403E), sections B1.5.14 (fault behaviour, escalation, lockup)
and B3.2.15-B3.2.18 (fault status and address registers). Not modelled: faults by the MPU's access permissions, bus
errors that come late (imprecise), and those of stacking, which end in lockup here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcu_models.emulators.interrupt_controller import BUS_FAULT, HARD_FAULT, MEM_MANAGE, USAGE_FAULT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcu_models.emulators.exceptions import ExceptionUnit
    from mcu_models.emulators.interrupt_controller import InterruptController
    from mcu_models.emulators.system_control import SystemControl

FAULT_NAMES = {
    HARD_FAULT: "HardFault",
    MEM_MANAGE: "MemManage",
    BUS_FAULT: "BusFault",
    USAGE_FAULT: "UsageFault",
}
_FORCED = 1 << 30
_HARD_FAULT_PRIORITY = -1


@dataclass(frozen=True)
class Cause:
    """Why an instruction faults.

    Attributes:
        exception: Number of the exception that the architecture has for it.
        status: Bits of CFSR that tell of it.
        text: In words.
        address: Data address, where there is one.
    """

    exception: int
    status: int
    text: str
    address: int | None = None


def data_bus_error(address: int, text: str) -> Cause:
    """Return the cause of a data access that nothing answered: BFARVALID and PRECISERR."""
    return Cause(BUS_FAULT, 1 << 15 | 1 << 9, f"{text} {address:#010x}", address)


def instruction_bus_error(address: int) -> Cause:
    """Return the cause of a fetch that nothing answered: IBUSERR."""
    return Cause(BUS_FAULT, 1 << 8, f"instruction fetch from {address:#010x}, where there is no memory")


UNDEFINED_INSTRUCTION = Cause(USAGE_FAULT, 1 << 16, "undefined instruction")
INVALID_STATE = Cause(USAGE_FAULT, 1 << 17, "jump to an address without the Thumb bit")
NO_COPROCESSOR = Cause(USAGE_FAULT, 1 << 19, "floating-point instruction while CPACR keeps the unit off")
UNALIGNED = Cause(USAGE_FAULT, 1 << 24, "unaligned access")
SVC_MASKED = Cause(HARD_FAULT, 0, "SVC while its exception is masked")
DIVIDE_BY_ZERO = Cause(USAGE_FAULT, 1 << 25, "divide by zero")


@dataclass(frozen=True)
class FaultRecord:
    """A fault as it was taken, for a post-mortem.

    Attributes:
        time_s: Virtual time.
        exception: Name of the exception taken, "lockup" when none could be.
        cause: In words.
        pc: Address of the instruction.
        function: Function that holds it.
        registers: Core registers at that instruction, by name.
        status: CFSR.
        hard_status: HFSR.
        last_blocks: Addresses of the blocks that ran last, the newest last.
    """

    time_s: float
    exception: str
    cause: str
    pc: int
    function: str
    registers: Mapping[str, int]
    status: int
    hard_status: int
    last_blocks: tuple[int, ...]


class FaultUnit:
    """Chooses the exception that a fault becomes."""

    def __init__(self, nvic: InterruptController, system: SystemControl, exceptions: ExceptionUnit) -> None:
        self._nvic = nvic
        self._system = system
        self._exceptions = exceptions

    def pend(self, cause: Cause) -> int | None:
        """Set the status registers, make the exception pending and return its number; None: the core locks up."""
        self._system.note_fault(cause)
        running_at = self._exceptions.execution_priority()
        if cause.exception in self._nvic.enabled and self._nvic.group_priority(cause.exception) < running_at:
            number = cause.exception
        elif running_at > _HARD_FAULT_PRIORITY:
            number = HARD_FAULT
        else:
            return None
        if number == HARD_FAULT:
            self._system.hard_fault_status |= _FORCED
        self._nvic.pending.add(number)
        return number
