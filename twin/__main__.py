"""Starts the command line: `python -m twin`, and the `twin` command."""

from __future__ import annotations

import sys

from twin.interruption import raise_if_interrupted, remember_interrupts


def main() -> None:
    """Run the command line; Ctrl-C while it still loads ends it as quietly as later."""
    try:
        remember_interrupts()
        from twin.cli import run  # noqa: PLC0415 - loading takes a second, in which Ctrl-C may come

        raise_if_interrupted()
        status = run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; nothing was written\n")
        status = 130
    sys.exit(status)


if __name__ == "__main__":
    main()
