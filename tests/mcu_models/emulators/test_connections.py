"""What a UART has sent: lines, bytes, and who waits for a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators import connections
from mcu_models.emulators.connections import Connections, Transcript

if TYPE_CHECKING:
    import pytest


def filled(data: bytes) -> Transcript:
    transcript = Transcript()
    for byte in data:
        transcript.take(byte, 0.0)
    return transcript


def test_lines_are_utf_8_and_the_last_may_have_no_end() -> None:
    transcript = filled("21 °C\r\n".encode() + b"\xff\nlogin: \r")
    assert [line.text for line in transcript.lines] == ["21 °C", "\ufffd"]
    assert transcript.unfinished == "login: "


def test_of_too_many_lines_the_oldest_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_LINES", 4)
    assert [line.text for line in filled(b"1\n2\n3\n4\n5\n6\n").lines] == ["3", "4", "5", "6"]


def test_places_are_counted_from_the_first_byte_even_if_that_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_TEXT_BYTES", 8)
    transcript = filled(b"ab ab ab ab ")
    assert transcript.dropped > 0
    assert transcript.sent_bytes == 12
    assert transcript.end_of(b"ab", 7) == 11
    assert transcript.end_of(b"ab", 10) is None


class Awaiting:
    """Runs of an emulator, as far as an awaited text goes."""

    def __init__(self) -> None:
        self.wires = Connections()

    def run(self, text: str, sent: bytes) -> bool:
        with self.wires.awaited(text, lambda: None) as awaited:
            for byte in sent:
                self.wires.uart_byte("USART2", byte, 0.0)
        return awaited.has_come


def test_a_text_may_begin_in_one_run_and_end_in_the_next() -> None:
    emulator = Awaiting()
    assert [emulator.run("READY", sent) for sent in (b"..RE", b"AD", b"Y")] == [False, False, True]
    assert not emulator.run("READY", b"")
    assert emulator.run("READY", b"READY")


def test_another_text_in_between_lets_the_beginning_be_forgotten() -> None:
    emulator = Awaiting()
    assert not emulator.run("READY", b"REA")
    assert not emulator.run("other", b"..")
    assert not emulator.run("READY", b"DY")


def test_an_awaited_letter_is_no_question_mark() -> None:
    emulator = Awaiting()
    assert not emulator.run("é", b"?")
    assert emulator.run("é", "é".encode())
