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
        image: Has the functions; those of the same name, as `static` ones of two files, are told apart by address.
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
        self._addresses_of: dict[str, set[int]] = {}
        for address, name in by_address.items():
            self._addresses_of.setdefault(name, set()).add(address)
        for name, address in image.symbols.items():  # a function may have further names
            if address & ~1 in by_address and name not in self._addresses_of:
                self._addresses_of[name] = {address & ~1}
        hook.watch_calls(by_address)

    def __deepcopy__(self, _memo: object) -> CallTimes:
        """Stay the same in snapshots: what is counted belongs to the hook."""
        return self

    def of(self, function: str | int) -> CallCycles:
        """Return the cycles of the calls that have ended, of a function by name or by address.

        What a compiler has added to a name ("f.constprop.0") may be left out.

        Raises:
            BadInputError: The image has no such function, or several.
        """
        return CallCycles(*self._hook.call_cycles(self._number(function)))

    def _number(self, function: str | int) -> int:
        address: int | None
        if isinstance(function, int):
            address, shown = function & ~1, hex(function)
            hint = "no function of the image begins there"
        else:
            address, shown = self._address(function), function
            near = nearest_name(shown, self._addresses_of) if self._addresses_of else "it has no symbols"
            hint = f"no function of the image; {near}"
        if address not in self._number_at:
            raise BadInputError(self._image.name, "function", shown, hint)
        return self._number_at[address]

    def _address(self, name: str) -> int | None:
        known = self._addresses_of.get(name)
        if known is None:
            # A compiler that has specialised a function adds to its name: "f.constprop.0", "f.isra.0", "f.part.0".
            derived = [addresses for full, addresses in self._addresses_of.items() if full.split(".")[0] == name]
            known = set().union(*derived)
        if len(known) > 1:
            places = ", ".join(hex(address) for address in sorted(known))
            raise BadInputError(self._image.name, "function", name, f"is the name of several, at {places}; name one so")
        return next(iter(known), None)

    def events(self, clock: VirtualClock) -> Iterator[TraceEvent]:
        """Yield the last calls and returns, as far back as they are remembered and their time is known."""
        for number, is_return, cycles in self._hook.call_log():
            time_s = clock.time_at(cycles)
            if time_s is not None:
                yield TraceEvent(time_s, "leave" if is_return else "enter", self._names[number - 1])
