"""What a run may take of the host: memory, time, and what is left as it was behind it."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import threading
import time

import pytest

from twin import host_limits
from twin.host_limits import HostLimitError, limited

MIB = 1 << 20


def test_too_much_memory_ends_in_one_line_and_the_limit_is_lifted_again() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    with (
        pytest.raises(HostLimitError, match="needs more than 256 MiB of the host's memory"),
        limited(memory_bytes=256 * MIB, host_seconds=60),
    ):
        bytearray(512 * MIB)
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_what_the_limit_allows_can_be_had() -> None:
    with limited(memory_bytes=512 * MIB, host_seconds=60):
        assert len(bytearray(64 * MIB)) == 64 * MIB


def test_a_process_that_is_started_has_the_limit_too() -> None:
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_AS)[0])"
    with limited(host_seconds=60):
        allowed = resource.getrlimit(resource.RLIMIT_AS)[0]
        said = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert int(said.stdout) == allowed != resource.RLIM_INFINITY


def test_who_asks_hears_that_the_time_is_up() -> None:
    with limited(host_seconds=0.05) as is_up:
        assert not is_up()
        time.sleep(0.06)
        assert is_up()


def _spin() -> None:
    with limited(host_seconds=0.02):
        while True:
            pass


def test_who_does_not_ask_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_limits, "GRACE_S", 0.01)
    with pytest.raises(HostLimitError, match=r"did not end within 0.02 s"):
        _spin()


def test_an_alarm_that_was_set_before_still_comes() -> None:
    heard: list[int] = []
    handler = signal.signal(signal.SIGALRM, lambda number, _frame: heard.append(number))
    before_s, _ = signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with limited(host_seconds=60):
            time.sleep(0.01)
        assert not heard
        time.sleep(0.2)
        assert heard
    finally:
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, before_s)


def test_another_thread_is_told_but_not_broken_off() -> None:
    answers: list[bool] = []

    def ask() -> None:
        with limited(host_seconds=0.0) as is_up:
            answers.append(is_up())

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert answers == [True]


def test_a_limit_that_no_emulator_fits_is_refused() -> None:
    with pytest.raises(ValueError, match="268435456 at least"), limited(memory_bytes=64 * MIB, host_seconds=1):
        pass
