"""Decides when data accesses are watched one by one, and when the mean of what they have cost is charged instead.

Watching slows the engine down three to five times. What an edge (a block behind another) waits for memory changes
little from run to run, so it is watched until nearly all code that runs is known, charged by its mean from then on,
and watched again now and then: code may have moved on to other data, so that what was seen last counts most. After a
stretch without watching, the caches are filled again before anything is measured. All of it follows from instruction
counts alone, so that runs are repeatable. A loop that goes over to another memory within a stretch is charged as
before until the stretch ends: one made to do so was 2 to 5 % off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators import native_hook as native

if TYPE_CHECKING:
    from mcu_models.emulators.block_hook import BlockHook

FIRST_INSTRUCTIONS = 4_000_000
"""Watched at least, from the start."""
MEASURED_INSTRUCTIONS = 1_000_000
WARMING_INSTRUCTIONS = 100_000
REUSED_INSTRUCTIONS = (8_000_000, 16_000_000)
"""Charged by means in one stretch: the first, and the longest. Each is twice as long as the one before it."""
LOOK_INSTRUCTIONS = 1_000_000
"""How often it is checked whether much unknown code has run; so much of it ends the reuse at once."""


class DataPenalties:
    """Leads a hook through its phases.

    Args:
        hook: What is led.
        exact: Watch every access for ever.
    """

    def __init__(self, hook: BlockHook, *, exact: bool) -> None:
        self._hook = hook
        self._left = self._window = 0
        self._stretch = REUSED_INSTRUCTIONS[0]
        if not exact:
            self._begin(native.MEASURING, FIRST_INSTRUCTIONS, LOOK_INSTRUCTIONS)

    def window_ended(self) -> None:
        """Go on to the next window, in the same phase or another."""
        unknown = self._hook.unmeasured_instructions > native.UNMEASURED_LIMIT
        self._left -= self._window
        phase = self._hook.phase
        if phase == native.MEASURING:
            if unknown or self._left > 0:
                self._go_on(phase)
            else:
                self._begin(native.REUSING, self._stretch, LOOK_INSTRUCTIONS)
                self._stretch = min(2 * self._stretch, REUSED_INSTRUCTIONS[1])
        elif phase == native.WARMING or unknown:
            self._hook.fade_means()
            self._begin(native.MEASURING, MEASURED_INSTRUCTIONS, MEASURED_INSTRUCTIONS)
        elif self._left > 0:
            self._go_on(phase)
        else:
            self._begin(native.WARMING, WARMING_INSTRUCTIONS, WARMING_INSTRUCTIONS)

    def _begin(self, phase: int, instructions: int, window: int) -> None:
        self._left = instructions
        self._window = window
        self._go_on(phase)

    def _go_on(self, phase: int) -> None:
        self._hook.begin_phase(phase, self._window)
