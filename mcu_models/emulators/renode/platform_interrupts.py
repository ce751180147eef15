"""Interrupt lines of the core that several outputs share."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from mcu_models.emulators.renode.platform_entry import Entry, Wire

if TYPE_CHECKING:
    from collections.abc import Iterable


def with_interrupts(entries: Iterable[Entry]) -> list[Entry]:
    """Return the entries with every interrupt led to the core.

    An input of Renode's NVIC has the level of whoever drove it last. Where several outputs share one, an object that
    ors them stands between: it is added, under the name `nvicInputN`.
    """
    entries = list(entries)
    sharing = Counter(wire.irq for entry in entries for wire in entry.wires)
    taken: Counter[int] = Counter()
    led = [replace(entry, wires=tuple(_led(wire, sharing, taken) for wire in entry.wires)) for entry in entries]
    return led + [_combined(irq, count) for irq, count in sorted(taken.items())]


def _led(wire: Wire, sharing: Counter[int | None], taken: Counter[int]) -> Wire:
    """Return a wire with its target; `taken` counts the inputs in use of each object that ors."""
    if wire.irq is None:
        return wire
    if sharing[wire.irq] == 1:
        return replace(wire, target=f"nvic@{wire.irq}")
    taken[wire.irq] += 1
    return replace(wire, target=f"nvicInput{wire.irq}@{taken[wire.irq] - 1}")


def _combined(irq: int, inputs: int) -> Entry:
    wires = (Wire("OutputLine", target=f"nvic@{irq}"),)
    return Entry(
        f"nvicInput{irq}", "Miscellaneous.CombinedInput", arguments={"numberOfInputs": str(inputs)}, wires=wires
    )
