"""What running somebody else's firmware may take of the host: memory and time.

An image decides how much an emulator remembers of it, and how long a step of the emulator lasts. The emulator bounds
both where it knows of a way; this is the net below: whatever an image does, the run ends in one clear line.
"""

from __future__ import annotations

import mmap
import signal
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if sys.platform != "win32":
    import resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

DEFAULT_MEMORY_BYTES: Final = 4 << 30
"""Over what the process has mapped already; an emulated board with all its limits filled takes less than 1 GiB."""
LEAST_MEMORY_BYTES: Final = 256 << 20
"""Less is refused: an emulator alone maps some 100 MiB, and its engine ends the process when it does not get them."""
GRACE_S: Final = 30.0
"""After its time a run is asked to end; so much later it is broken off."""
_SOON_S: Final = 1e-3


class HostLimitError(RuntimeError):
    """A run took more of the host than it may; the text says of what and how much."""


@contextmanager
def limited(*, memory_bytes: int = DEFAULT_MEMORY_BYTES, host_seconds: float) -> Iterator[Callable[[], bool]]:
    """Limit what the block takes of the host; give what is to be asked now and then whether its time is up.

    Processes that the block starts have the limit of memory as well, each for itself: it counts mapped memory
    (RLIMIT_AS). Time is that of the wall clock. Who asks, as `UnicornEmulator.run` does with its `give_up`, can end in
    good order; a block that does not ask is broken off `GRACE_S` later at the next Python instruction of the main
    thread. In other threads nothing is broken off. Native
    code that takes memory without asking whether it got it, and an endless loop within it, end or hold the process:
    for those, put limits around the process itself.

    Args:
        memory_bytes: What may be mapped besides what is mapped already.
        host_seconds: How long the block may take.

    Raises:
        HostLimitError: It has taken more.
        ValueError: The limit of memory is below `LEAST_MEMORY_BYTES`.
    """
    if memory_bytes < LEAST_MEMORY_BYTES:
        raise ValueError(f"{memory_bytes} bytes of memory; {LEAST_MEMORY_BYTES} at least")
    end_s = time.monotonic() + host_seconds
    with memory_limited(memory_bytes), _alarm(host_seconds + GRACE_S, host_seconds):
        yield lambda: time.monotonic() >= end_s


@contextmanager
def memory_limited(memory_bytes: int = DEFAULT_MEMORY_BYTES) -> Iterator[None]:
    """Limit what the block, and each process that it starts, may map besides what is mapped already; not on Windows.

    Raises:
        HostLimitError: It has asked for more.
    """
    if sys.platform == "win32":
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _mapped_bytes() + memory_bytes
    known = [one for one in (soft, hard) if one != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([wanted, *known]), hard))
    try:
        yield
    except MemoryError as error:
        raise HostLimitError(f"needs more than {memory_bytes >> 20} MiB of the host's memory") from error
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _mapped_bytes() -> int:
    """Return the memory that this process has mapped; 0 where the system does not tell, as on macOS."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * mmap.PAGESIZE
    except OSError:
        return 0


@contextmanager
def _alarm(after_s: float, allowed_s: float) -> Iterator[None]:
    """Break the block off after a time, in the main thread; an alarm that was set before comes when it would have."""
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield
        return

    def break_off(_number: int, _frame: FrameType | None) -> None:
        raise HostLimitError(f"did not end within {allowed_s:g} s of the host's time")

    begin_s = time.monotonic()
    handler = signal.signal(signal.SIGALRM, break_off)
    left_s, interval_s = signal.setitimer(signal.ITIMER_REAL, after_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left_s:
            signal.setitimer(signal.ITIMER_REAL, max(left_s - (time.monotonic() - begin_s), _SOON_S), interval_s)
