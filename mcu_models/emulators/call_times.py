"""How many cycles calls of functions take, their callees included, and when the last calls were.

A call begins with the first instruction of a function and ends where its link register pointed to, with the stack
pointer it began with. Interrupts taken meanwhile count; sleeping does not. Of functions that share a stack with others
in turn, as tasks do not, all calls are seen; a call that another task unwinds past is forgotten, not booked wrongly.
What a compiler has inlined is no call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError, nearest_name
from mcu_models.emulators.native_hook import MAX_FUNCTIONS
from mcu_models.emulators.trace_events import TraceEvent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcu_models.emulators.block_hook import BlockHook
    from mcu_models.emulators.image_model import FirmwareImage
    from mcu_models.emulators.virtual_clock import VirtualClock


@dataclass(frozen=True)
class CallCycles:
    """Cycles of the calls of one function that have ended.

    Attributes:
        calls: How many.
        last: Of the last one.
        shortest: Of the shortest.
        longest: Of the longest.
        total: Of all.
    """

    calls: int
    last: int
    shortest: int
    longest: int
    total: int

    @property
    def mean(self) -> float:
        """Of a call on average."""
        return self.total / self.calls if self.calls else 0.0


class CallTimes:
    """Watches every function of an image from now on, those of the symbol table and others by address.

    Args:
        hook: Sees the blocks.
        image: Has the functions; local ones of the same name are told apart by address only.
        others: Addresses of functions that it has no symbols for, by a name for each.

    Raises:
        BadInputError: There are more functions than can be watched.
    """

    def __init__(self, hook: BlockHook, image: FirmwareImage, others: Mapping[str, int] | None = None) -> None:
        self._hook = hook
        by_address = {address & ~1: name for name, address in (others or {}).items()}
        by_address = {function.address: function.name for function in image.functions} | by_address
        if len(by_address) >= MAX_FUNCTIONS:
            allowed = f"must have fewer than {MAX_FUNCTIONS} functions to have their calls timed"
            raise BadInputError(image.name, "functions", len(by_address), allowed)
        self._image = image
        self._names = list(by_address.values())
        self._number_at = {address: number for number, address in enumerate(by_address, 1)}
        self._number_of = {name: self._number_at[address] for address, name in by_address.items()}
        hook.watch_calls(by_address)

    def __deepcopy__(self, _memo: object) -> CallTimes:
        """Stay the same in snapshots: what is counted belongs to the hook."""
        return self

    def of(self, function: str | int) -> CallCycles:
        """Return the cycles of the calls that have ended, of a function by name or by address.

        What a compiler has added to a name ("f.constprop.0") may be left out.

        Raises:
            BadInputError: The image has no such function.
        """
        return CallCycles(*self._hook.call_cycles(self._number(function)))

    def _number(self, function: str | int) -> int:
        if isinstance(function, int):
            number, shown = self._number_at.get(function & ~1), hex(function)
        else:
            # A compiler that has specialised a function adds to its name: "f.constprop.0", "f.isra.0", "f.part.0".
            names = [name for name in self._number_of if name.split(".")[0] == function]
            whole = names[0] if len(names) == 1 else function
            number, shown = self._number_of.get(function, self._number_of.get(whole)), function
        if number is None:
            hint = nearest_name(shown, self._number_of) if self._number_of else "it has no symbols"
            raise BadInputError(self._image.name, "function", shown, f"no function of the image; {hint}")
        return number

    def events(self, clock: VirtualClock) -> Iterator[TraceEvent]:
        """Yield the last calls and returns, as far back as they are remembered and their time is known."""
        for number, is_return, cycles in self._hook.call_log():
            time_s = clock.time_at(cycles)
            if time_s is not None:
                yield TraceEvent(time_s, "leave" if is_return else "enter", self._names[number - 1])
