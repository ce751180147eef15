r"""Talks to firmware over its UART by a script: what to wait for, what to answer.

One step a line; empty lines and lines that begin with `#` are passed over:

    expect TEXT       wait until the firmware has sent TEXT, a newline behind it or not
    send TEXT         let TEXT and a newline arrive at the receiver
    send-raw TEXT     let TEXT arrive as it is; \r \n \t \0 \\ stand for those characters, \xNN for that byte
    wait SECONDS      let virtual time pass
    timeout SECONDS   how long each following `expect` waits; 60 at first

Texts are UTF-8, as the script itself. What is sent behind an `expect` begins `HOST_LATENCY_S` after its text at the
earliest.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from datasheet.bad_input import BadInputError, nearest_name
from datasheet.regular_file import read_regular_file
from mcu_models.emulators.connections import uart_bytes, uart_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from mcu_models.emulators.connections import Transcript
    from mcu_models.emulators.port import RunOutcome

Verb = Literal["expect", "send", "send-raw", "wait", "timeout"]

DEFAULT_TIMEOUT_S = 60.0
LONGEST_S = 864000.0
MAX_SCRIPT_BYTES = 1 << 20
LAST_HEARD_CHARACTERS = 200
HOST_LATENCY_S = 2e-3
"""What a host takes to answer at least: one frame of full-speed USB (1 ms, USB 2.0, 8.4.3) in, another one out.

Firmware that sends its line's end and then begins to listen relies on it.
"""
_LONGEST_CHARACTER_BYTES = 4
_STEP_S = 0.01
_STEP_SHARE = 0.01
"""Text without a newline behind it is looked for so often, and so much of the time waited may be lost by that."""
_VERBS: dict[str, Verb] = {
    "expect": "expect", "send": "send", "send-raw": "send-raw", "wait": "wait", "timeout": "timeout"
}  # fmt: skip
_FORMS = '"expect TEXT", "send TEXT", "send-raw TEXT", "wait SECONDS" or "timeout SECONDS"'
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.|$)", re.DOTALL)
_ESCAPED = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}


def never() -> bool:
    """Never give up."""
    return False


class Console(Protocol):
    """What a script needs of an emulator."""

    @property
    def now_s(self) -> float:
        """Virtual time since power-on."""

    def run(
        self, *, until_s: float, until_text: str | None = None, give_up: Callable[[], bool] | None = None
    ) -> RunOutcome:
        """Run until virtual time `until_s`, until what a UART sends contains `until_text`, or until `give_up()`."""

    def send_uart(self, text: str, port: str | None = None) -> None:
        """Let `text` arrive at the receiver of a UART, as `uart_bytes` has it."""

    def transcript(self, port: str) -> Transcript:
        """Return what a UART has sent so far."""


@dataclass(frozen=True)
class ScriptStep:
    """One line of a script.

    Attributes:
        number: Of the line, from 1.
        verb: What to do.
        text: With what, escapes resolved, bytes above 0x7f among them as PEP 383 has it; empty for times.
        seconds: For `wait` and `timeout`; else 0.
    """

    number: int
    verb: Verb
    text: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class MissedText:
    """A text that did not come.

    Attributes:
        step: The line of the script that waited for it.
        outcome: How the run ended that waited.
        waited_s: Virtual time it waited.
        last_heard: The end of what the firmware had sent by then.
    """

    step: ScriptStep
    outcome: RunOutcome
    waited_s: float
    last_heard: str

    def __str__(self) -> str:
        why = f"did not come within {self.waited_s:g} s"
        if self.outcome.gave_up:
            why = f"did not come: {self.outcome.detail} after {self.waited_s:g} s"
        elif self.outcome.end not in ("seconds", "until"):
            why = f"did not come: {self.outcome.end}, {self.outcome.detail}"
        heard = f"last heard was {self.last_heard!r}" if self.last_heard else "nothing was heard"
        return f"expected text {self.step.text!r} of script line {self.step.number} {why}; {heard}"


def read_script(path: Path) -> list[ScriptStep]:
    """Return the steps of a UART script.

    Raises:
        BadInputError: The file cannot be read, or a line is no step.
    """
    try:
        text = read_regular_file(path, limit_bytes=MAX_SCRIPT_BYTES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInputError(path, "", None, f"cannot be read as text: {error}") from error
    lines = enumerate(text.splitlines(), 1)
    return [_step(path, number, line.strip()) for number, line in lines if line.strip() and line.strip()[0] != "#"]


def _step(path: Path, number: int, line: str) -> ScriptStep:
    word, _, text = line.partition(" ")
    verb = _VERBS.get(word)
    if verb is None or not text.strip():
        hint = "" if verb else f"; {nearest_name(word, _VERBS)}"
        raise BadInputError(path, f"line {number}", line, f"must be {_FORMS}{hint}")
    if verb in ("wait", "timeout"):
        return ScriptStep(number, verb, seconds=_seconds(path, number, line, text))
    return ScriptStep(number, verb, _unescaped(path, number, text) if verb == "send-raw" else text)


def _seconds(path: Path, number: int, line: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= LONGEST_S:
        raise BadInputError(path, f"line {number}", line, f"must hold 0 to {LONGEST_S:g} seconds")
    return seconds


def _unescaped(path: Path, number: int, text: str) -> str:
    def character(match: re.Match[str]) -> str:
        code = match[1]
        if code in _ESCAPED:
            return _ESCAPED[code]
        if len(code) == 3:
            return bytes.fromhex(code[1:]).decode("ascii", errors="surrogateescape")
        raise BadInputError(path, f"line {number}", text, r"escapes are \r \n \t \0 \\ and \xNN")

    return _ESCAPE.sub(character, text)


def play_script(
    console: Console,
    steps: Sequence[ScriptStep],
    *,
    ports: Sequence[str],
    give_up: Callable[[], bool] = never,
) -> MissedText | None:
    """Play a script; return the first text that did not come, None when all did.

    A text counts when it is sent behind the one expected before, even if it came while the script did something else.

    Args:
        console: The emulator.
        steps: What to do.
        ports: The UARTs to listen to, each for itself.
        give_up: Asked now and then; True ends the script, at the next `expect` with a text that did not come.
    """
    return _Player(console, ports, give_up).play(steps)


class _Player:
    def __init__(self, console: Console, ports: Sequence[str], give_up: Callable[[], bool]) -> None:
        self._console = console
        self._give_up = give_up
        self._heard_until = dict.fromkeys(ports, 0)
        self._timeout_s = DEFAULT_TIMEOUT_S
        self._ready_s = 0.0

    def play(self, steps: Sequence[ScriptStep]) -> MissedText | None:
        for step in steps:
            missed = self._do(step)
            if missed is not None:
                return missed
        return None

    def _do(self, step: ScriptStep) -> MissedText | None:
        if step.verb == "expect":
            return self._expect(step)
        if step.verb == "send":
            self._send(step.text + "\n")
        elif step.verb == "send-raw":
            self._send(step.text)
        elif step.verb == "timeout":
            self._timeout_s = step.seconds
        else:
            self._console.run(until_s=self._console.now_s + step.seconds, give_up=self._give_up)
        return None

    def _send(self, text: str) -> None:
        if self._ready_s > self._console.now_s:
            self._console.run(until_s=self._ready_s, give_up=self._give_up)
        self._console.send_uart(text)

    def _expect(self, step: ScriptStep) -> MissedText | None:
        begin_s = self._console.now_s
        end_s = begin_s + self._timeout_s
        outcome = None
        wanted_bytes = uart_bytes(step.text)
        looked_until = dict(self._heard_until)
        while not self._found(wanted_bytes, looked_until):
            now_s = self._console.now_s
            if outcome is not None and (_is_over(outcome) or now_s >= end_s):
                return MissedText(step, outcome, now_s - begin_s, self._last_heard()[-LAST_HEARD_CHARACTERS:])
            step_s = max(_STEP_S, (now_s - begin_s) * _STEP_SHARE)
            # What ended the last run may be a text that an earlier line has had already.
            again = outcome is not None and outcome.end == "until"
            wanted = None if again else step.text
            step_end_s = min(now_s + step_s, end_s)
            outcome = self._console.run(until_s=step_end_s, until_text=wanted, give_up=self._give_up)
        self._ready_s = self._console.now_s + HOST_LATENCY_S
        return None

    def _found(self, wanted: bytes, looked_until: dict[str, int]) -> bool:
        """Tell whether a text has come since the last one; if so, the next is looked for behind it.

        Args:
            wanted: The text.
            looked_until: Behind how many bytes of each UART it may begin; kept up to date.
        """
        for port, begin in looked_until.items():
            transcript = self._console.transcript(port)
            end = transcript.end_of(wanted, begin)
            if end is not None:
                self._heard_until[port] = end
                return True
            looked_until[port] = max(begin, transcript.sent_bytes - len(wanted) + 1)
        return False

    def _last_heard(self) -> str:
        enough_bytes = _LONGEST_CHARACTER_BYTES * (LAST_HEARD_CHARACTERS + 1)
        ends = (self._console.transcript(port).text[-enough_bytes:] for port in self._heard_until)
        return "".join(uart_text(end)[-LAST_HEARD_CHARACTERS:] for end in ends)


def _is_over(outcome: RunOutcome) -> bool:
    return outcome.end not in ("seconds", "until") or outcome.gave_up
