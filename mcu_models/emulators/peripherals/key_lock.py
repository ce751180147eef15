"""The locks of the flash controllers of STM32F7 and H7, which two words in order open.

Source: RM0433, unlocking of the flash registers; RM0385 has the same words.
"""

from __future__ import annotations

KEYS = (0x45670123, 0xCDEF89AB)
"""Open the control register."""
OPTION_KEYS = (0x08192A3B, 0x4C5D6E7F)
"""Open the option bytes."""


class KeyLock:
    """A lock that opens after two words in order, and stays shut until the next reset after a wrong one."""

    def __init__(self, keys: tuple[int, int]) -> None:
        self._keys = keys
        self._next = 0
        self.jammed = False

    def take(self, word: int) -> bool:
        """Take a word; return whether the lock opens by it."""
        if self.jammed or word != self._keys[self._next]:
            self.jammed = True
            return False
        self._next = 1 - self._next
        return self._next == 0
