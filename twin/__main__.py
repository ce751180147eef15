"""Starts the command line: `python -m twin`, and the `twin` command."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from twin.interruption import raise_if_interrupted, remember_interrupts, was_interrupted

INTERRUPTED = 130
"""Exit status of shells for a program that Ctrl-C has ended: 128 and the number of SIGINT."""


def main() -> None:
    """Run the command line; Ctrl-C while it still loads ends it as quietly as later."""
    try:
        remember_interrupts()
        from twin.cli import run  # noqa: PLC0415 - loading takes a second, in which Ctrl-C may come

        raise_if_interrupted()
        status = run(sys.argv[1:])
    except KeyboardInterrupt:
        _leave_interrupted()
    except Exception:
        if not was_interrupted():
            raise
        # A library that was loading has made something else of the interrupt.
        _leave_interrupted()
    if was_interrupted():
        _leave(status)
    sys.exit(status)


def _leave_interrupted() -> NoReturn:
    sys.stderr.write("interrupted; nothing was written\n")
    _leave(INTERRUPTED)


def _leave(status: int) -> NoReturn:
    """Leave at once.

    The interpreter's own way out ends in a signal, not in a status, if an interrupt came while a library ran code of
    its own.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
