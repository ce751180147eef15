"""NVIC and the priorities of the system exceptions of ARMv7-M.

Source: ARMv7-M Architecture Reference Manual (Arm DDI 0403E), sections B1.5 and B3.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators.scheduler import nothing

if TYPE_CHECKING:
    from collections.abc import Callable

RESET, NMI, HARD_FAULT, MEM_MANAGE, BUS_FAULT, USAGE_FAULT = range(1, 7)
SV_CALL, DEBUG_MONITOR = 11, 12
PEND_SV, SYS_TICK = 14, 15
FIRST_IRQ = 16
THREAD_PRIORITY = 256
"""Below every exception: nothing is active and nothing is masked."""

_FIXED_PRIORITY = {RESET: -3, NMI: -2, HARD_FAULT: -1}


class InterruptController:
    """Pending, enabled and active exceptions, and which of them comes next.

    Interrupt lines are levels: a line that is still high when its handler returns pends again.
    """

    def __init__(self, *, interrupts: int, priority_bits: int) -> None:
        count = FIRST_IRQ + interrupts
        self.priority = [_FIXED_PRIORITY.get(n, 0) for n in range(count)]
        self.pending: set[int] = set()
        self.enabled = set(range(RESET, FIRST_IRQ)) - {MEM_MANAGE, BUS_FAULT, USAGE_FAULT}
        self.active: list[int] = []
        self._lines: dict[int, set[str]] = {}
        self._priority_mask = (0xFF << (8 - priority_bits)) & 0xFF
        self._group_mask = 0xFF
        self.changed: Callable[[], None] = nothing

    @property
    def count(self) -> int:
        """Exceptions known, system exceptions included."""
        return len(self.priority)

    def pend(self, number: int) -> None:
        """Make exception `number` pending."""
        if number < self.count:
            self.pending.add(number)
            self.changed()

    def unpend(self, number: int) -> None:
        """Withdraw a pending exception."""
        self.pending.discard(number)
        self.changed()

    def set_line(self, irq: int, *, high: bool, source: str = "") -> None:
        """Set the level at which `source` drives the interrupt line `irq`; several sources of a line are ored."""
        number = FIRST_IRQ + irq
        sources = self._lines.setdefault(number, set())
        was_high = bool(sources)
        (sources.add if high else sources.discard)(source)
        if sources and not was_high and number not in self.active:
            self.pend(number)

    def set_priority(self, number: int, value: int) -> None:
        """Set a configurable priority; bits the part does not implement read as zero."""
        if number > HARD_FAULT and number < self.count:
            self.priority[number] = value & self._priority_mask
            self.changed()

    def set_grouping(self, group: int) -> None:
        """Take AIRCR.PRIGROUP: the bits below it do not pre-empt."""
        self._group_mask = (0xFF << (group + 1)) & 0xFF

    def set_enabled(self, number: int, *, enabled: bool) -> None:
        """Enable or disable an exception."""
        if number < self.count:
            (self.enabled.add if enabled else self.enabled.discard)(number)
            self.changed()

    def group_priority(self, number: int) -> int:
        """Return the part of a priority that decides pre-emption."""
        priority = self.priority[number]
        return priority if priority < 0 else priority & self._group_mask

    def candidate(self) -> int | None:
        """Return the pending, enabled exception of highest priority, the lowest number first."""
        if not self.pending:
            return None
        ready = self.pending & self.enabled
        return min(ready, key=lambda n: (self.priority[n], n)) if ready else None

    def execution_priority(self, *, primask: bool, faultmask: bool, basepri: int) -> int:
        """Return the priority the core runs at (DDI 0403E, B1.5.4)."""
        priority = min((self.group_priority(n) for n in self.active), default=THREAD_PRIORITY)
        basepri &= self._priority_mask
        if basepri:
            priority = min(priority, basepri & self._group_mask)
        if primask:
            priority = min(priority, 0)
        return min(priority, -1) if faultmask else priority

    def next_exception(self, execution_priority: int) -> int | None:
        """Return the exception that pre-empts `execution_priority`, if one does."""
        number = self.candidate()
        if number is None or self.group_priority(number) >= execution_priority:
            return None
        return number

    def wakes(self, *, basepri: int) -> bool:
        """Tell whether WFI ends: something would be taken if PRIMASK were clear (DDI 0403E, B1.5.19)."""
        priority = self.execution_priority(primask=False, faultmask=False, basepri=basepri)
        return self.next_exception(priority) is not None

    def enter(self, number: int) -> None:
        """Make `number` active."""
        self.pending.discard(number)
        self.active.append(number)

    def leave(self) -> int:
        """End the handler on top; its line pends again if it is still high. Return its number."""
        number = self.active.pop()
        if self._lines.get(number):
            self.pending.add(number)
        return number
