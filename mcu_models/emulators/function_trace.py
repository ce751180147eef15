"""Tells from the blocks that run which functions begin and end, exceptions and power states beside them.

A block at the first address of a function is a call; one inside a function further up ends those called since; any
other jump replaces the function on top, as a switch of tasks does. Each handler has a stack of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators.trace_events import TraceEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.emulators.exceptions import Moment
    from mcu_models.emulators.image_model import FirmwareImage
    from mcu_models.emulators.port import UartLine
    from mcu_models.emulators.trace_events import EventKind
    from mcu_models.emulators.virtual_clock import PowerState

    Sink = Callable[[TraceEvent], bool]

EXCEPTION_NAMES = {
    2: "NMI",
    3: "HardFault",
    4: "MemManage",
    5: "BusFault",
    6: "UsageFault",
    11: "SVCall",
    12: "DebugMonitor",
    14: "PendSV",
    15: "SysTick",
}
_FIRST_IRQ = 16


def exception_name(number: int) -> str:
    """Return the name of an exception, such as "SysTick" or "IRQ 37"."""
    return EXCEPTION_NAMES.get(number, f"IRQ {number - _FIRST_IRQ}")


class FunctionTrace:
    """Hands events to a sink, in order of time, until the sink is full.

    Args:
        image: Names the functions.
        sink: Takes an event; returns whether it can take more.
        now_s: Returns virtual time.
    """

    def __init__(self, image: FirmwareImage, sink: Sink, now_s: Callable[[], float]) -> None:
        self._image = image
        self._sink = sink
        self._now_s = now_s
        self._contexts: list[list[str]] = [[]]
        self._names: dict[int, tuple[str, bool]] = {}
        self._state: PowerState | None = None
        self.is_full = False

    def __deepcopy__(self, _memo: object) -> FunctionTrace:
        """Stay the same in snapshots: the sink is outside."""
        return self

    def block(self, pc: int) -> None:
        """Hear that the block at `pc` begins."""
        if self.is_full:
            return
        name, is_entry = self._function(pc)
        stack = self._contexts[-1]
        if stack and stack[-1] == name:
            return
        if not is_entry:
            if name in stack:
                while stack[-1] != name:
                    self._emit("leave", stack.pop())
                return
            if stack:
                self._emit("leave", stack.pop())
        stack.append(name)
        self._emit("enter", name)

    def exception(self, number: int, moment: Moment) -> None:
        """Hear that a handler begins or ends."""
        if self.is_full:
            return
        name = exception_name(number)
        if moment == "enter":
            self._contexts.append([])
            self._emit("exception_enter", name)
            return
        if len(self._contexts) > 1:
            for function in reversed(self._contexts.pop()):
                self._emit("leave", function)
        self._emit("exception_leave", name)

    def state(self, state: PowerState) -> None:
        """Hear that the chip goes into a power state."""
        if state != self._state:
            self._state = state
            self._emit("state", str(state))

    def line(self, line: UartLine) -> None:
        """Hear that a UART has completed a line."""
        self._emit("uart", line.text)

    def _function(self, pc: int) -> tuple[str, bool]:
        known = self._names.get(pc)
        if known is None:
            function = self._image.function_holding(pc)
            known = (hex(pc), True) if function is None else (function.name, function.address == pc)
            self._names[pc] = known
        return known

    def _emit(self, kind: EventKind, name: str) -> None:
        if not self.is_full:
            self.is_full = not self._sink(TraceEvent(self._now_s(), kind, name))
