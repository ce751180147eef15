"""What happened when on an emulated microcontroller, one thing at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

EventKind = Literal["enter", "leave", "exception_enter", "exception_leave", "state", "uart", "fault", "pin"]


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """One thing that happened.

    Attributes:
        time_s: Virtual time since power-on; events come in order of it.
        kind: "enter" and "leave" a function, "exception_enter" and "exception_leave" a handler, "state" a power state
            begins and the one before it ends, "uart" a line was complete, "fault" something was done on purpose, "pin"
            firmware has changed a pin's level.
        name: Of the function, the exception or the state; the text of the line; what was done; pin and level.
    """

    time_s: float
    kind: EventKind
    name: str
