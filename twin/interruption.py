"""Ctrl-C that cannot get lost: some libraries swallow it while they load."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
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


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Hold SIGINT back within the block, and for good from the threads and processes that are started there.

    Ctrl-C goes to all processes of a terminal. Workers must not die of it with a traceback each: the main thread hears
    it and ends them. Threads and processes inherit the mask of the thread that starts them. The tracker that
    `multiprocessing` starts beside them would unmask the thread that it is started from: it is started before.
    """
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
