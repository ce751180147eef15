"""Stands in for Renode: builds no machine, but opens the two pipes and speaks as `TwinLink.cs` does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

HANG_S = 600.0


def main(behaviour: str, notes: Path, script: Path) -> None:
    """Lead both pipes until a command asks for the behaviour."""
    child = subprocess.Popen(["sleep", str(HANG_S)])  # as a launcher has one
    (notes / "pids").write_text(f"{os.getpid()} {child.pid}")
    if behaviour == "talks":
        sys.stdout.write("loading\nwaiting for a display\n")
        sys.stdout.flush()
    if behaviour in ("sleeps", "talks"):
        time.sleep(HANG_S)
    commands, events = re.findall(r'"([^"]+)"', script.read_text().splitlines()[-1])[1:]
    with Path(events).open("w", buffering=1) as out, Path(commands).open() as orders:
        out.write("done\n")
        for order in orders:
            obey(order.split(), behaviour, notes, out.write)


def obey(words: list[str], behaviour: str, notes: Path, tell: object) -> None:
    """Carry out a command, or do instead what the test is about."""
    assert callable(tell)
    if words[0] != "run":
        tell("done\n")
        return
    (notes / "running").touch()
    if behaviour == "hangs":
        time.sleep(HANG_S)
    elif behaviour == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    elif behaviour == "exits":
        sys.stdout.write("Fatal error: out of something\n")
        sys.stdout.flush()
        os._exit(4)
    elif behaviour == "lives":
        while True:
            tell("alive\n")
            time.sleep(0.05)
    elif behaviour.startswith("says "):
        tell(behaviour.removeprefix("says ").replace("|", "\n") + "\n")
        time.sleep(HANG_S)
    else:
        answer(int(words[1]), tell)


def answer(until_ns: int, tell: object) -> None:
    """Send what a run gives: a line, a pin, a warning and the time."""
    assert callable(tell)
    for at, byte in enumerate(b"hi\r\n"):
        tell(f"byte usart2 {1000 * at} {byte:02x}\n")
    tell("pin gpioa 8 1 5000\nproblem [WARNING] cpu: something odd\n")
    tell(f"spent run 4000000 0 {until_ns / 2:.0f}\nspent stop2 0 {until_ns / 2:.0f} {until_ns}\n")
    tell(f"done {until_ns} 100 200 0 {until_ns / 2:.0f} 0 0 134217736\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[sys.argv.index("-e") + 1].removeprefix("include @")))
