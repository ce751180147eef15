"""A Renode process that is led through two named pipes, and never outlives who leads it.

It opens no port: commands and events go through pipes in a folder that only this user can enter, and Renode's own
monitor stays at its standard input, of which nothing but its end is used. What Renode prints is kept for the day it
does not start.
"""

from __future__ import annotations

import errno
import os
import re
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SILENCE_S = 7.0
"""Renode that sends nothing for so long is taken to hang: it sends a sign of life every second."""
START_LIMIT_S = 120.0
"""What a slow machine may need to compile our models and build the machine, as long as it is at work."""
_AT_WORK_SHARE = 0.05
"""Share of a core that tells a process at work from one that waits for something."""
_LOOK_S = 0.05
_END_S = 1.0
_SHELLS_SIGNALS = 128
_KEPT_BYTES = 1 << 16
_COMMANDS, _EVENTS, _OUTPUT, _SCRIPT = "commands", "events", "output.txt", "start.resc"
_LAST_WORDS = "the script has been carried out"
_SCRIPT_ENDED = f"Script: {_LAST_WORDS}"
"""As Renode logs it; the command itself is printed when it is read."""
_BROKEN_OFF = "There was an error executing command"
"""As Renode's monitor says that it ends a script, and with it all other commands; its reasons follow."""
_PROMPT = re.compile(r"\([\w-]+\)")
"""Of the monitor, when it has nothing more to do."""
_FAILURES = ("error", "Error", "Could not", "No such command", "cannot", "failed", "not found")


class RenodeError(RuntimeError):
    """Renode did not start, ended by itself, or no longer answers; the text says what was seen."""


class RenodeProcess:
    """Renode with one machine, from its start to its end.

    Args:
        executable: Renode's.
        files: What the script needs beside it, by name.
        script: Monitor commands that build the machine named "machine".

    Raises:
        RenodeError: It does not start; the text holds what Renode says.
    """

    def __init__(self, executable: Path, files: Mapping[str, bytes], script: str) -> None:
        # Renode clears folders away whose names begin as its own do; `TwinLink.cs` removes those that begin so.
        self.folder = Path(tempfile.mkdtemp(prefix="twin-renode-"))
        self._pending = b""
        self._selector = selectors.DefaultSelector()
        self._ended = _Ending(self.folder)
        self._finalizer = weakref.finalize(self, self._ended.end)
        try:
            self._start(executable, files, script)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Kill Renode, with all it has started, and remove its folder."""
        self._finalizer()

    def send(self, line: str) -> None:
        """Give Renode a line.

        Raises:
            RenodeError: It has ended, or takes nothing for `SILENCE_S`.
        """
        data = line.encode("ascii") + b"\n"
        begin_s = time.monotonic()
        while data:
            try:
                data = data[os.write(self._ended.commands, data) :]
            except BlockingIOError:
                if time.monotonic() - begin_s > SILENCE_S:
                    raise RenodeError(f"Renode does not answer: it took no command for {SILENCE_S:g} s") from None
                time.sleep(_LOOK_S)
            except OSError as error:
                raise RenodeError(self._how_it_ended()) from error

    def events(self, look: Callable[[], None] | None = None) -> list[str]:
        """Wait for what Renode sends and return its lines, at least one; call `look` now and then meanwhile.

        Raises:
            RenodeError: It has ended, or has been silent for `SILENCE_S`.
        """
        heard_s = time.monotonic()
        while True:
            lines = self._read()
            if lines:
                return lines
            if look is not None:
                look()
            if time.monotonic() - heard_s > SILENCE_S:
                raise RenodeError(f"Renode does not answer: nothing came in {SILENCE_S:g} s")

    def _start(self, executable: Path, files: Mapping[str, bytes], script: str) -> None:
        for name, data in files.items():
            (self.folder / name).write_bytes(data)
        for pipe in (_COMMANDS, _EVENTS):
            os.mkfifo(self.folder / pipe, 0o600)
        commands, events = self.folder / _COMMANDS, self.folder / _EVENTS
        if " " in str(self.folder):
            raise RenodeError(f"the folder for temporary files must not have a space in its name: {self.folder.parent}")
        link = f'emulation CreateTwinLink "machine" "{commands}" "{events}"\n'
        (self.folder / _SCRIPT).write_text(script + link, encoding="utf-8")
        self._ended.events = os.open(events, os.O_RDONLY | os.O_NONBLOCK)
        self._selector.register(self._ended.events, selectors.EVENT_READ)
        self._launch(executable)
        self._await_link(commands)

    def _launch(self, executable: Path) -> None:
        script, config = self.folder / _SCRIPT, self.folder / "renode.config"
        with (self.folder / _OUTPUT).open("wb") as output:
            try:
                self._ended.process = subprocess.Popen(  # noqa: S603 - the user's own Renode
                    [
                        str(executable), "--disable-xwt", "--console", "--plain", "--config", str(config),
                        "-e", f"include @{script}", "-e", f'log "{_LAST_WORDS}"',
                    ],
                    stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, cwd=self.folder,
                    start_new_session=True, env=os.environ | {"TMPDIR": str(self.folder)},
                )  # fmt: skip
            except OSError as error:
                raise RenodeError(f"cannot start {executable}: {error.strerror}") from error

    def _await_link(self, commands: Path) -> None:
        """Wait until Renode has opened the pipes; whatever it prints shows that it is alive."""
        begin_s = time.monotonic()
        printed, changed_s, worked_s = b"", begin_s, 0.0
        while self._ended.commands < 0:
            try:
                self._ended.commands = os.open(commands, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                time.sleep(_LOOK_S)
            now = self._printed()
            if now != printed:
                printed, changed_s, worked_s = now, time.monotonic(), self._ended.worked_s()
            silent_s = time.monotonic() - changed_s
            is_at_work = bool(printed) and self._ended.worked_s() - worked_s > _AT_WORK_SHARE * silent_s
            self._check_start(printed, silent_s, is_at_work=is_at_work and time.monotonic() - begin_s < START_LIMIT_S)

    def _check_start(self, printed: bytes, silent_s: float, *, is_at_work: bool) -> None:
        process = self._ended.process
        if self._ended.commands >= 0 or process is None:
            return
        if process.poll() is not None:
            raise RenodeError(f"{_how(process.returncode)} before it ran{self._last_words()}")
        if silent_s > _END_S and _has_ended(printed.decode("utf-8", errors="replace")):
            raise RenodeError(f"Renode could not build the machine{self._last_words()}")
        if silent_s > SILENCE_S and not is_at_work:
            raise RenodeError(f"Renode does not answer: it did not start in {SILENCE_S:g} s{self._last_words()}")

    def _read(self) -> list[str]:
        if not self._selector.select(_LOOK_S):
            return []
        data = os.read(self._ended.events, 1 << 20)
        if not data:
            raise RenodeError(self._how_it_ended())
        *lines, self._pending = (self._pending + data).split(b"\n")
        return [line.decode("utf-8", errors="replace") for line in lines]

    def _how_it_ended(self) -> str:
        process = self._ended.process
        with suppress(subprocess.TimeoutExpired):
            if process is not None:
                process.wait(SILENCE_S)  # it has closed its pipe; a busy machine takes its time to end it
        status = None if process is None else process.returncode
        return f"{_how(status)}{'' if _signal(status) else self._last_words()}"

    def _printed(self) -> bytes:
        with suppress(OSError):
            return (self.folder / _OUTPUT).read_bytes()[-_KEPT_BYTES:]
        return b""

    def _last_words(self) -> str:
        """Return what Renode printed of a failure, or else its last line; its folder's files by their names."""
        text = self._printed().decode("utf-8", errors="replace").replace(f"{self.folder}/", "")
        lines = [line.strip() for line in text.splitlines()]
        lines = [line for line in lines if line.strip("^") and _LAST_WORDS not in line and not _PROMPT.fullmatch(line)]
        reasons = next((lines[at:] for at, line in enumerate(lines) if line.startswith(_BROKEN_OFF)), [])
        telling = [line for line in lines if any(word in line for word in _FAILURES)]
        chosen = reasons[:4] or telling[:3] or lines[-1:]
        return f"; it says: {' / '.join(chosen)}" if chosen else "; it printed nothing"


def _signal(status: int | None) -> signal.Signals | None:
    """Return the signal that ended a process: a launcher that is a shell script gives it as 128 and its number."""
    with suppress(ValueError):
        return None if status is None else signal.Signals(-status if status < 0 else status - _SHELLS_SIGNALS)
    return None


def _how(status: int | None) -> str:
    number = _signal(status)
    return f"Renode was ended by {number.name}" if number else f"Renode ended by itself with status {status}"


def _has_ended(printed: str) -> bool:
    """Tell whether the script has been carried out, or broken off by a failure: then the monitor waits."""
    _, _, behind = printed.rpartition(_SCRIPT)
    is_waiting = _PROMPT.fullmatch(behind.rpartition("\n")[2].strip()) is not None
    return is_waiting or _SCRIPT_ENDED in printed or _BROKEN_OFF in printed


class _Ending:
    """Ends a process and removes its folder; holds no reference to who started it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self.commands = -1
        self.events = -1

    def worked_s(self) -> float:
        """Return the processor time of the process and what it has started; 0 when it has ended."""
        if self.process is None:
            return 0.0
        with suppress(psutil.Error):
            root = psutil.Process(self.process.pid)
            times = [one.cpu_times() for one in (root, *root.children(recursive=True))]
            return sum(one.user + one.system for one in times)
        return 0.0

    def end(self) -> None:
        """Kill the process group, close the pipes, remove the folder."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            with suppress(OSError):
                if self.process.stdin is not None:
                    self.process.stdin.close()
            self.process.wait()
        for pipe in (self.commands, self.events):
            if pipe >= 0:
                os.close(pipe)
        self.commands = self.events = -1
        shutil.rmtree(self.folder, ignore_errors=True)
