"""UART scripts: what they say, what they wait for, what they say when it does not come."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasheet.bad_input import BadInputError
from mcu_models.emulators.connections import Transcript, uart_bytes
from mcu_models.emulators.port import End, RunOutcome
from twin.uart_script import HOST_LATENCY_S, MAX_SCRIPT_BYTES, MissedText, ScriptStep, read_script
from twin.uart_script import play_script as play_script_on

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass
class Firmware:
    """Says lines at fixed times, answers every text it gets, may end early."""

    says: list[tuple[float, str]] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    dies_s: float = 1e9
    now_s: float = 0.0
    got: list[str] = field(default_factory=list)
    got_s: list[float] = field(default_factory=list)

    def run(
        self, *, until_s: float, until_text: str | None = None, give_up: Callable[[], bool] | None = None
    ) -> RunOutcome:
        if give_up is not None and give_up():
            return self.outcome("seconds", "gave up in main")
        new = [(time_s, text) for time_s, text in self.says if self.now_s < time_s <= until_s]
        coming = [time_s for time_s, text in new if until_text is not None and until_text in text]
        end: End = "until" if coming else "seconds"
        self.now_s = max(self.now_s, min([until_s, self.dies_s, *coming]))
        if self.now_s >= self.dies_s:
            return self.outcome("fault", "unaligned access in main")
        return self.outcome(end, "")

    def outcome(self, end: End, detail: str) -> RunOutcome:
        return RunOutcome(end, 0, 0, self.now_s, 0.0, detail)

    def send_uart(self, text: str, port: str | None = None) -> None:  # noqa: ARG002
        self.got.append(text)
        self.got_s.append(self.now_s)
        if text in self.answers:
            self.says.append((self.now_s + 0.005, self.answers[text]))

    def said(self) -> list[str]:
        return [text for time_s, text in self.says if time_s <= self.now_s]

    def transcript(self, port: str) -> Transcript:  # noqa: ARG002
        return Transcript(text=bytearray("".join(f"{text}\n" for text in self.said()).encode()))


class Talkative(Firmware):
    """One that ends no line."""

    def transcript(self, port: str) -> Transcript:  # noqa: ARG002
        return Transcript(text=bytearray("".join(self.said()).encode()))


def play_script(
    firmware: Firmware, script_steps: Sequence[ScriptStep], ports: Sequence[str] = ("A",), **options: Any
) -> MissedText | None:
    return play_script_on(firmware, script_steps, ports=ports, **options)


def steps(*texts: str) -> list[ScriptStep]:
    return [ScriptStep(number, "expect", text) for number, text in enumerate(texts, 1)]


def script(tmp_path: Path, text: str) -> list[ScriptStep]:
    path = tmp_path / "s.txt"
    path.write_text(text)
    return read_script(path)


def test_every_verb_is_read(tmp_path: Path) -> None:
    text = "# ask\n\nexpect m-ready\n  send name # 1\nsend-raw a\\r\\n\\x00\\t\\\\%\nwait 1.5\ntimeout 3e2\n"
    assert script(tmp_path, text) == [
        ScriptStep(3, "expect", "m-ready"),
        ScriptStep(4, "send", "name # 1"),
        ScriptStep(5, "send-raw", "a\r\n\0\t\\%"),
        ScriptStep(6, "wait", seconds=1.5),
        ScriptStep(7, "timeout", seconds=300.0),
    ]


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("expekt x", "did you mean 'expect'"),
        ("expect", "expect TEXT"),
        ("wait soon", "0 to 864000 seconds"),
        ("wait -1", "0 to 864000 seconds"),
        ("timeout nan", "0 to 864000 seconds"),
        ("send-raw \\q", "escapes are"),
        ("send-raw \\x4", "escapes are"),
        ("send-raw a\\", "escapes are"),
    ],
)
def test_a_line_that_is_no_step_is_named(tmp_path: Path, line: str, hint: str) -> None:
    with pytest.raises(BadInputError, match=r"s\.txt: line 2") as raised:
        script(tmp_path, f"send x\n{line}\n")
    assert hint in str(raised.value)


@given(st.binary(max_size=60))
def test_any_file_is_a_script_or_bad_input(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("scripts") / "s.txt"
    path.write_bytes(data)
    try:
        found = read_script(path)
    except BadInputError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert len(found) <= len(data)


def test_a_dialogue_goes_on_with_every_answer() -> None:
    firmware = Firmware([(0.1, "m-ready")], {"name%": "m-name-dut", "infer 10 0%": "m-infer-done"})
    dialogue = [
        ScriptStep(1, "expect", "m-ready"), ScriptStep(2, "send-raw", "name%"), ScriptStep(3, "expect", "m-name"),
        ScriptStep(4, "wait", seconds=2.0), ScriptStep(5, "send-raw", "infer 10 0%"), ScriptStep(6, "expect", "done"),
    ]  # fmt: skip
    assert play_script(firmware, dialogue) is None
    assert firmware.got == ["name%", "infer 10 0%"]
    assert firmware.now_s == pytest.approx(2.11 + HOST_LATENCY_S, abs=1e-9)


def test_send_adds_a_newline() -> None:
    firmware = Firmware()
    play_script(firmware, [ScriptStep(1, "send", "help")])
    assert firmware.got == ["help\n"]


def test_a_text_that_came_while_the_script_waited_counts() -> None:
    assert play_script(Firmware([(0.5, "ready")]), [ScriptStep(1, "wait", seconds=1.0), *steps("ready")]) is None


def test_the_same_text_is_waited_for_anew() -> None:
    ready = Firmware([(0.1, "ready"), (0.7, "ready")])
    assert play_script(ready, steps("ready", "ready")) is None
    assert ready.now_s == pytest.approx(0.7)
    once = play_script(Firmware([(0.1, "ready")]), steps("ready", "ready"))
    assert once is not None
    assert once.step.number == 2


def test_a_prompt_without_a_newline_is_heard() -> None:
    firmware = Talkative([(0.4, "pass"), (0.5, "word: ")])
    assert play_script(firmware, steps("password: ")) is None
    assert 0.5 <= firmware.now_s <= 0.52


def test_two_uarts_are_heard_apart() -> None:
    """What the first sends in between does not make the second's old text new."""

    class TwoPorts(Firmware):
        def transcript(self, port: str) -> Transcript:
            return Transcript(text=bytearray("".join(text for text in self.said() if text[0] == port).encode()))

    firmware = TwoPorts([(0.1, "B: ready "), (0.2, "A: chatter ")])
    assert play_script(firmware, steps("ready", "chatter"), ports=("A", "B")) is None
    missed = play_script(firmware, [*steps("ready"), ScriptStep(2, "timeout", seconds=1), *steps("ready")], ports="AB")
    assert missed is not None


def test_a_text_that_does_not_come_is_told_with_what_came() -> None:
    firmware = Firmware([(0.1, "x" * 300), (0.2, "m-error: bad")])
    missed = play_script(firmware, [ScriptStep(1, "timeout", seconds=2.0), ScriptStep(7, "expect", "m-ready")])
    assert missed is not None
    assert missed.waited_s == pytest.approx(2.0)
    assert len(missed.last_heard) == 200
    text = str(missed)
    assert text.startswith("expected text 'm-ready' of script line 7 did not come within 2 s; last heard was 'xxx")
    assert text.endswith("m-error: bad\\n'")


def test_a_fault_while_waiting_is_told() -> None:
    missed = play_script(Firmware(dies_s=1.0), steps("m-ready"))
    assert isinstance(missed, MissedText)
    assert "did not come: fault, unaligned access in main; nothing was heard" in str(missed)


def test_no_time_at_all_still_looks_once() -> None:
    missed = play_script(Firmware([(0.1, "ready")]), [ScriptStep(1, "timeout", seconds=0.0), *steps("ready")])
    assert missed is not None
    assert missed.waited_s == 0


def test_a_script_that_is_given_up_ends_at_once_and_says_where() -> None:
    firmware = Firmware(says=[(1.0, "one")])
    missed = play_script(firmware, steps("one", "two"), give_up=lambda: firmware.now_s >= 2.0)
    assert missed is not None
    assert missed.step.text == "two"
    assert firmware.now_s < 3.0
    assert "did not come: gave up in main" in str(missed)
    assert str(missed).endswith("last heard was 'one\\n'")


def test_a_wait_that_is_given_up_is_no_failure_of_the_script() -> None:
    firmware = Firmware()
    assert play_script(firmware, [ScriptStep(1, "wait", seconds=5.0)], give_up=lambda: True) is None
    assert firmware.now_s == 0.0


def test_what_is_expected_is_answered_no_sooner_than_a_host_can() -> None:
    """Firmware that has sent a prompt may still have to send its line's end, and to begin to listen."""
    firmware = Firmware([(0.1, "ready")])
    play_script(firmware, [*steps("ready"), ScriptStep(2, "send", "one"), ScriptStep(3, "send", "two")])
    assert firmware.got_s == pytest.approx([0.1 + HOST_LATENCY_S] * 2)


def test_an_expected_text_alone_takes_no_latency() -> None:
    """What comes right behind it belongs to who listens next."""
    firmware = Firmware([(0.1, "ready")])
    play_script(firmware, steps("ready"))
    assert firmware.now_s == pytest.approx(0.1)


def test_a_byte_is_sent_as_that_byte_and_text_as_utf_8(tmp_path: Path) -> None:
    (step,) = script(tmp_path, "send-raw \\x7f\\x80\\xff°C")
    assert uart_bytes(step.text) == b"\x7f\x80\xff\xc2\xb0C"


def test_a_question_mark_is_no_letter() -> None:
    timeout = ScriptStep(1, "timeout", seconds=0.5)
    assert play_script(Talkative([(0.1, "?")]), [timeout, *steps("é")]) is not None
    assert play_script(Talkative([(0.1, "é")]), [timeout, *steps("é")]) is None


def test_a_text_that_comes_in_pieces_is_found() -> None:
    """Only what is new is looked at, and what a text may begin with."""
    pieces = [(0.1 * number, letter) for number, letter in enumerate("xxreaready", 1)]
    firmware = Talkative(pieces)
    assert play_script(firmware, steps("ready")) is None
    assert 1.0 <= firmware.now_s < 1.02


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_only_a_regular_file_is_a_script(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "s.txt")
    with pytest.raises(BadInputError, match="not a regular file"):
        read_script(tmp_path / "s.txt")


def test_a_script_has_a_limit(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="bytes at most"):
        script(tmp_path, "#" * (MAX_SCRIPT_BYTES + 1))
