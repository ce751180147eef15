"""Intel HEX and Motorola S-records: text files that carry bytes and where they belong.

Intel HEX: Intel, Hexadecimal Object File Format Specification, revision A, 1988. S-records: Motorola, M68000 Family
Programmer's Reference Manual, appendix C. Both are read by record, every checksum is checked, and work and memory
grow with the size of the file only.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError
from mcu_models.emulators.image_model import Segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_TEXT_BYTES = 16 << 20
"""About 6 MiB of firmware in the usual records of 16 bytes: more than the memories of any board hold."""
MAX_SEGMENTS = 10_000
"""Stretches that do not touch; what a linker writes has a handful."""
_INTEL, _MOTOROLA = re.compile(rb"\s*:[0-9A-Fa-f]{10}"), re.compile(rb"\s*S[0-9][0-9A-Fa-f]{6}")
_DATA, _END, _SEGMENT_BASE, _SEGMENT_START, _LINEAR_BASE, _LINEAR_START = range(6)
_ADDRESS_BYTES: Final = {"0": 2, "1": 2, "2": 3, "3": 4, "5": 2, "6": 3, "7": 4, "8": 3, "9": 2}
_DATA_TYPES, _END_TYPES = frozenset("123"), frozenset("789")
_ADDRESS_SPACE = 1 << 32

Piece = tuple[int, bytes]


def is_intel_hex(data: bytes) -> bool:
    """Tell whether a file begins with a record of Intel HEX."""
    return _INTEL.match(data[:4096]) is not None


def is_s_record(data: bytes) -> bool:
    """Tell whether a file begins with a Motorola S-record."""
    return _MOTOROLA.match(data[:4096]) is not None


def read_intel_hex(name: str, data: bytes) -> tuple[Segment, ...]:
    """Return what an Intel HEX file loads.

    Raises:
        BadInputError: A record is damaged, two of them overlap, or the end record is missing.
    """
    return _segments(name, data, _intel_pieces)


def read_s_record(name: str, data: bytes) -> tuple[Segment, ...]:
    """Return what a file of S-records loads.

    Raises:
        BadInputError: A record is damaged, two of them overlap, or the end record is missing.
    """
    return _segments(name, data, _motorola_pieces)


class _RecordError(ValueError):
    """What is wrong with a record."""


def _segments(name: str, data: bytes, read: Callable[[Iterator[str]], Iterator[Piece]]) -> tuple[Segment, ...]:
    if len(data) > MAX_TEXT_BYTES:
        raise BadInputError(name, "size", len(data), f"at most {MAX_TEXT_BYTES} bytes of records")
    lines = _Lines(data)
    try:
        pieces = list(read(lines))
    except _RecordError as error:
        raise BadInputError(name, f"line {lines.number}", lines.text, str(error)) from None
    if not pieces:
        raise BadInputError(name, "", None, "has no data records")
    return _joined(name, pieces)


class _Lines:
    """The lines that hold something, counted for messages."""

    def __init__(self, data: bytes) -> None:
        self._lines = enumerate(data.splitlines(), 1)
        self.number = 0
        self.text = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        number, line = next((number, line) for number, line in self._lines if line.strip())
        self.number, self.text = number, line.decode("ascii", errors="backslashreplace").strip()
        return self.text


def _intel_pieces(lines: Iterator[str]) -> Iterator[Piece]:
    base = 0
    for line in lines:
        record = _intel_record(line)
        address, kind, body = int.from_bytes(record[1:3], "big"), record[3], record[4:-1]
        if kind == _END:
            return
        if kind == _DATA:
            if body:
                yield (base + address) % _ADDRESS_SPACE, body
        elif kind in (_SEGMENT_BASE, _LINEAR_BASE):
            base = _base(kind, body)
        elif kind not in (_SEGMENT_START, _LINEAR_START):
            raise _RecordError("must be of type 0 to 5")
    raise _RecordError("is the last line: the end record is missing, the file is truncated")


def _intel_record(line: str) -> bytes:
    if not line.startswith(":"):
        raise _RecordError("must be a record that begins with ':'")
    record = _from_hex(line[1:])
    if len(record) < 5 or len(record) != record[0] + 5:
        raise _RecordError("must be as long as its length byte says")
    if sum(record) & 0xFF:
        raise _RecordError("has a wrong checksum")
    return record


def _base(kind: int, body: bytes) -> int:
    if len(body) != 2:
        raise _RecordError("must hold an address of 2 bytes")
    return int.from_bytes(body, "big") << (16 if kind == _LINEAR_BASE else 4)


def _motorola_pieces(lines: Iterator[str]) -> Iterator[Piece]:
    for line in lines:
        kind, record = _motorola_record(line)
        if kind in _END_TYPES:
            return
        width = _ADDRESS_BYTES[kind]
        if kind in _DATA_TYPES and len(record) > width + 2:
            yield int.from_bytes(record[1 : 1 + width], "big"), record[1 + width : -1]
    raise _RecordError("is the last line: the end record is missing, the file is truncated")


def _motorola_record(line: str) -> tuple[str, bytes]:
    kind = line[1:2]
    if not line.startswith("S") or kind not in _ADDRESS_BYTES:
        raise _RecordError("must be a record S0 to S3 or S5 to S9")
    record = _from_hex(line[2:])
    if len(record) < _ADDRESS_BYTES[kind] + 2 or len(record) != record[0] + 1:
        raise _RecordError("must be as long as its length byte says")
    if sum(record) & 0xFF != 0xFF:
        raise _RecordError("has a wrong checksum")
    return kind, record


def _from_hex(digits: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise _RecordError("must hold pairs of hexadecimal digits") from None


def _joined(name: str, pieces: list[Piece]) -> tuple[Segment, ...]:
    """Join pieces that touch; records may come in any order."""
    pieces.sort(key=lambda piece: piece[0])
    segments: list[Segment] = []
    start, gathered = pieces[0][0], bytearray()
    for address, body in pieces:
        end = start + len(gathered)
        if address < end:
            raise BadInputError(name, "address", hex(address), "is loaded by two records")
        if address > end:
            segments.append(Segment(start, bytes(gathered)))
            start, gathered = address, bytearray()
        gathered += body
    if len(segments) >= MAX_SEGMENTS:
        raise BadInputError(name, "separate stretches", len(segments) + 1, f"at most {MAX_SEGMENTS}")
    return (*segments, Segment(start, bytes(gathered)))
