"""Ctrl-C that cannot get lost: some libraries swallow it while they load."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


class _Memory:
    """Whether Ctrl-C has been pressed; one for the process, as signal handlers are."""

    pressed = False


def remember_interrupts() -> None:
    """Handle SIGINT as Python does, and remember that it came."""
    signal.signal(signal.SIGINT, _remember)


def was_interrupted() -> bool:
    """Tell whether Ctrl-C was pressed at any time."""
    return _Memory.pressed


def raise_if_interrupted() -> None:
    """Raise KeyboardInterrupt if Ctrl-C was pressed at any time, even if the exception it raised was swallowed."""
    if _Memory.pressed:
        raise KeyboardInterrupt


def _remember(number: int, frame: FrameType | None) -> None:
    _Memory.pressed = True
    signal.default_int_handler(number, frame)
