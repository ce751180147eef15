"""A process that walks through the golden run and leaves it, in one process more for each fault, just before the fault.

The fork is the snapshot: it costs some milliseconds and holds everything there is. A fault that crashes the emulator,
keeps it busy for too long or lets it take too much memory ends its own process alone. A walker has one thread; so
nothing is lost in a fork.
"""

from __future__ import annotations

import json
import math
import os
import signal
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from twin.campaign.bench import GRID_S, Bench, walk_to
from twin.campaign.follow import FaultResult, failed, follow
from twin.emulated_node import NodeFailedError
from twin.host_limits import HostLimitError, memory_limited

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from twin.campaign.bench import Golden, Setup
    from twin.campaign.draws import DrawnFault

CLOCK_TO_PROCESSOR: Final = 20.0
"""A fault that is long overdue by the clock, too, waits for something that will not come."""
READY: Final = "ready"
_WHOLE_S: Final = 1e-9


def walk(setup: Setup, client: Connection) -> None:
    """Play the faults that a client hands out, and send each one's result as a dictionary.

    First a text is sent, for whoever waits until this process has loaded what it needs. Then come the golden run; a
    fault whenever the last one's result has been sent, each beginning no earlier than the one before; and at last None.
    When the golden run cannot be played, its reason is sent as a text.
    """
    try:
        bench, tick = Bench(setup), 0
        client.send(READY)
        golden: Golden = client.recv()
        while (fault := client.recv()) is not None:
            wanted = math.floor(fault.begin_s / GRID_S - _WHOLE_S)
            while tick < wanted:
                tick += 1
                walk_to(bench, tick)
            client.send(_apart(bench, fault, golden, setup))
    except (BrokenPipeError, EOFError):
        return  # nobody listens any more
    except NodeFailedError as error:
        client.send(str(error))


def _apart(bench: Bench, fault: DrawnFault, golden: Golden, setup: Setup) -> dict[str, Any]:
    """Play one fault in a process of its own."""
    reading, writing = os.pipe()
    walker = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _limit(setup.campaign.host_s)
        row = _followed(bench, fault, golden, setup, partial(_leave_without, walker))
        _write(writing, json.dumps(asdict(row)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return asdict(failed(fault, _why(os.WTERMSIG(status), setup.campaign.host_s)))
    if not said:
        return asdict(failed(fault, "its process ended without a result"))
    return dict(json.loads(said))


def _followed(
    bench: Bench, fault: DrawnFault, golden: Golden, setup: Setup, give_up: Callable[[], bool]
) -> FaultResult:
    try:
        with memory_limited():
            return follow(bench, fault, golden, setup.campaign, give_up)
    except HostLimitError as error:
        return failed(fault, str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this fault's alone
        return failed(fault, f"{type(error).__name__}: {error}".partition("\n")[0])


def _leave_without(walker: int) -> bool:
    """End this process if the one that it was forked from is no more."""
    if os.getppid() != walker:
        os._exit(1)
    return False


def _limit(host_s: float) -> None:
    """Let the kernel end this process when its time is up."""
    for timer, number, seconds in (
        (signal.ITIMER_PROF, signal.SIGPROF, host_s),
        (signal.ITIMER_REAL, signal.SIGALRM, CLOCK_TO_PROCESSOR * host_s),
    ):
        signal.signal(number, signal.SIG_DFL)
        signal.setitimer(timer, seconds)


def _why(number: int, host_s: float) -> str:
    if number == signal.SIGPROF:
        return f"no end within {host_s:g} s of the host's processor"
    if number == signal.SIGALRM:
        return f"no end within {CLOCK_TO_PROCESSOR * host_s:g} s on the host"
    return f"its process ended by {signal.Signals(number).name}"


def _write(pipe: int, data: bytes) -> None:
    while data:
        data = data[os.write(pipe, data) :]
