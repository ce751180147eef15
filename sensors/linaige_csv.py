"""LINAIGE as it is published: one CSV file for each recording session of a ceiling-mounted Grid-EYE.

C. Xie, F. Daghero, Y. Chen et al., "Efficient Deep Learning Models for Privacy-preserving People Counting on
Low-resolution Infrared Arrays", arXiv 2304.06059; data on Kaggle, francescodaghero/linaige, CC BY 4.0. The authors'
own loader says: comma-separated with a header; two columns, then the 64 pixels in row-major order, then further
columns, among them `people_number` and, last, `confidence` with "e" for easy and "h" for hard to label; files are
named Session<number>_... What the other columns are called it does not say, so they are found by words in their names.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    _ClockLine: TypeAlias = tuple[int, Mapping[int, str]]
    """The number of a line and its fields of date and time, by column."""

LARGEST_CSV_BYTES = 64 * 2**20
"""Larger files are refused; the five sessions of LINAIGE have about 25,000 frames of some 450 bytes."""

MOST_COLUMNS = 256
"""More columns are refused; LINAIGE has about 70."""

_PIXELS = 64
_FRAME_RATE_HZ = 10.0
_PUBLISHED_PIXELS = range(2, 2 + _PIXELS)
_COUNT, _CONFIDENCE, _SESSION = "people_number", "confidence", "session"
_CONFIDENCES = {"e": 1, "h": 0}
_TIME_WORDS = {"time", "timestamp", "datetime"}
_DATE_WORDS = {"date"}
_THERMISTOR_WORDS = {"ambient", "therm", "thermistor"}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_DAY_S = 86400.0
_NUMBERED = re.compile(r"(.*?)[ _-]*([0-9]{1,3})")
_NAMED_SESSION = re.compile(r"session[ _-]*([0-9]{1,6})", re.IGNORECASE)


@dataclass(frozen=True)
class _Columns:
    """Where in a row things stand; None where the file has no such column."""

    pixels: tuple[int, ...]
    count: int
    time: int | None
    date: int | None
    thermistor: int | None
    confidence: int | None
    session: int | None


@dataclass(frozen=True)
class _Clock:
    """The columns that together tell the time, and what they hold, a key of `_CLOCKS`."""

    places: tuple[int, ...]
    kind: str

    def text(self, row: Mapping[int, str]) -> str:
        return " ".join(row[place].strip() for place in self.places)

    def named(self, header: list[str]) -> str:
        return " and ".join(header[place] for place in self.places)


def read_linaige_csv(path: Path) -> dict[str, NDArray[np.generic]]:
    """Return the arrays of a recording: `frames` (N, 8, 8), `count`, `time_s`, and what else the file has.

    `thermistor` (a column whose name has the word "therm", "thermistor" or "ambient"), `session` (a column of that
    name, else the number in the file's name) and `confidence` (1 easy, 0 hard) may be missing. The clock is the first
    column whose name has the word "time", "timestamp" or "datetime"; where it has times of the day and another column
    has the word "date", both together. Times may be seconds; times of the day, which become seconds since midnight and
    go on after the next; or dates with a time, which become seconds since 1970, without a zone taken for UTC. All rows
    are read as the first one is. Without a clock, or a date, the frames follow each other at the sensor's 10
    frames/s. Numbers are read, not judged: the caller checks their ranges.

    Raises:
        BadInputError: The file is larger than `LARGEST_CSV_BYTES`, not text, or without frames; the 64 pixels
            or the number of people cannot be found among the columns; a row is not as long as
            the header or holds something else than numbers, or a time of another kind than the first; or the
            clock stands still from the first frame to the last.
    """
    rows = _rows(path)
    names = [name.strip() for name in next(rows, (0, []))[1]]
    header = [name.lower() for name in names]
    columns = _find_columns(path, header, [_words(name) for name in names])
    clocks = [place for place in (columns.date, columns.time) if place is not None]
    table: list[list[float]] = []
    lines: list[_ClockLine] = []
    for line, row in rows:
        if row:
            table.append(_numbers(path, line, row, header, columns))
            lines.append((line, {place: row[place] for place in clocks}))
    if not table:
        raise BadInputError(path, "", None, "must hold at least one frame")
    arrays = _arrays(path, np.array(table, dtype=np.float64), columns)
    if columns.time is not None:
        arrays["time_s"] = _clock_s(path, lines, header, columns)
    return arrays


def _words(name: str) -> set[str]:
    """Return the words of a column's name, also of one in camel case, in lower case."""
    return {word.lower() for word in _WORD.findall(name)}


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the number of its line."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise BadInputError(path, f"line {reader.line_num}", None, f"is not CSV: {error}") from error


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_CSV_BYTES + 1)
    except OSError as error:
        raise BadInputError(path, "", None, f"cannot be read: {error.strerror}") from error
    if len(data) > LARGEST_CSV_BYTES:
        raise BadInputError(path, "", None, f"must not be larger than {LARGEST_CSV_BYTES} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInputError(path, "", None, f"is not UTF-8 text: byte {error.start}") from error


def _find_columns(path: Path, header: list[str], words: list[set[str]]) -> _Columns:
    if len(header) > MOST_COLUMNS:
        raise BadInputError(path, "header", len(header), f"must have at most {MOST_COLUMNS} columns")
    if len(set(header)) != len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise BadInputError(path, "header", twice, "every column must have a name of its own")
    if _COUNT not in header:
        raise _missing(path, f"a column {_COUNT!r}", header)
    pixels = _find_pixels(path, header)
    others = [index for index in range(len(header)) if index not in pixels and header[index] != _COUNT]
    clock, date = (_first_with(words, others, some) for some in (_TIME_WORDS, _DATE_WORDS))
    if clock is None:
        clock, date = date, None
    return _Columns(
        pixels=pixels,
        count=header.index(_COUNT),
        time=clock,
        date=None if date == clock else date,
        thermistor=_first_with(words, [index for index in others if index not in (clock, date)], _THERMISTOR_WORDS),
        confidence=header.index(_CONFIDENCE) if _CONFIDENCE in header else None,
        session=header.index(_SESSION) if _SESSION in header else None,
    )


def _find_pixels(path: Path, header: list[str]) -> tuple[int, ...]:
    """Return the columns of the pixels: those numbered 0 to 63 or 1 to 64, else the published places."""
    series: dict[str, dict[int, int]] = {}
    for index, name in enumerate(header):
        if match := _NUMBERED.fullmatch(name):
            series.setdefault(match[1], {})[int(match[2])] = index
    for numbered in series.values():
        for first in (0, 1):
            if sorted(numbered) == list(range(first, first + _PIXELS)):
                return tuple(numbered[number] for number in sorted(numbered))
    known = {_COUNT, _CONFIDENCE, _SESSION}
    if len(header) >= _PUBLISHED_PIXELS.stop + 1 and not known & set(header[: _PUBLISHED_PIXELS.stop]):
        return tuple(_PUBLISHED_PIXELS)
    raise _missing(path, f"{_PIXELS} numbered columns of pixels", header)


def _first_with(words: list[set[str]], indexes: Sequence[int], wanted: set[str]) -> int | None:
    return next((index for index in indexes if words[index] & wanted), None)


def _missing(path: Path, what: str, header: list[str]) -> BadInputError:
    names = ", ".join([*header[:4], "...", *header[-4:]] if len(header) > 8 else header)
    return BadInputError(path, "header", None, f"must have {what}; found {names or 'none'}")


def _numbers(path: Path, line: int, row: list[str], header: list[str], columns: _Columns) -> list[float]:
    """Return a row as numbers: pixels, count, then thermistor, confidence and session, NaN where missing."""
    if len(row) != len(header):
        raise BadInputError(
            path, f"line {line}", None, f"must have {len(header)} columns as the header; has {len(row)}"
        )

    def number(index: int | None, what: str = "a number") -> float:
        if index is None:
            return float("nan")
        try:
            return _PARSERS.get(what, _plain)(row[index].strip())
        except (ValueError, OverflowError) as error:
            key = f"line {line}, {header[index]}"
            raise BadInputError(path, key, row[index], f"must be {what}") from error

    return [
        *(number(index) for index in columns.pixels),
        number(columns.count),
        number(columns.thermistor),
        number(columns.confidence, _EASE),
        number(columns.session, _SESSION_NUMBER),
    ]


def _plain(text: str) -> float:
    if "_" in text:
        raise ValueError(text)
    return float(text)


def _clock_s(path: Path, lines: list[_ClockLine], header: list[str], columns: _Columns) -> NDArray[np.float64]:
    """Return (N,) times, all read in the one way in which the first can be read."""
    clock = _find_clock(path, lines[0], header, columns)
    time_s = np.array([_moment_s(path, line, header, clock) for line in lines])
    if clock.kind == _TIME_OF_DAY:
        # Only a fall by more than half a day is midnight: blocks of a recording may be out of order.
        time_s[1:] += _DAY_S * np.cumsum(np.diff(time_s) < -_DAY_S / 2)
    if len(time_s) > 1 and (time_s == time_s[0]).all():
        allowed = f"must move; it is the same in all {len(time_s)} frames"
        raise BadInputError(path, clock.named(header), clock.text(lines[0][1]), allowed)
    return time_s


def _find_clock(path: Path, first: _ClockLine, header: list[str], columns: _Columns) -> _Clock:
    """Return how the first row's clock can be read: the time alone, else the date and the time of the day."""
    assert columns.time is not None  # noqa: S101 - the caller looks
    line, row = first
    places = [(columns.time,), *([] if columns.date is None else [(columns.date, columns.time)])]
    kinds = [kind for kind in _CLOCKS if columns.date is None or kind != _TIME_OF_DAY]
    for clock in (_Clock(place, kind) for place in places for kind in kinds):
        if _is_read(clock, row):
            return clock
    raise BadInputError(path, f"line {line}, {clock.named(header)}", clock.text(row), f"must be {_TIME}")


def _moment_s(path: Path, line: _ClockLine, header: list[str], clock: _Clock) -> float:
    number, row = line
    try:
        return _CLOCKS[clock.kind](clock.text(row))
    except (ValueError, OverflowError) as error:
        key, allowed = f"line {number}, {clock.named(header)}", f"must be {clock.kind}, as in the first row"
        raise BadInputError(path, key, clock.text(row), allowed) from error


def _is_read(clock: _Clock, row: Mapping[int, str]) -> bool:
    try:
        _CLOCKS[clock.kind](clock.text(row))
    except (ValueError, OverflowError):
        return False
    return True


def _local_date_s(text: str) -> float:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo:
        raise ValueError(text)
    return moment.replace(tzinfo=UTC).timestamp()


def _zoned_date_s(text: str) -> float:
    moment = datetime.fromisoformat(text)
    if not moment.tzinfo:
        raise ValueError(text)
    return moment.timestamp()


def _seconds_of_day(text: str) -> float:
    if text.count(":") != 2 or "-" in text:
        raise ValueError(text)
    moment = time.fromisoformat(text)
    return moment.hour * 3600.0 + moment.minute * 60.0 + moment.second + moment.microsecond / 1e6


def _ease(text: str) -> float:
    return float(_CONFIDENCES[text.lower()]) if text.lower() in _CONFIDENCES else _plain(text)


def _session_number(text: str) -> float:
    match = _NAMED_SESSION.fullmatch(text)
    return float(match[1]) if match else _plain(text)


_TIME = "seconds, a time of the day or a date with a time"
_TIME_OF_DAY = "a time of the day"
_CLOCKS: dict[str, Callable[[str], float]] = {
    "seconds": _plain,
    _TIME_OF_DAY: _seconds_of_day,
    "a date with a time": _local_date_s,
    "a date with a time and a zone": _zoned_date_s,
}
_EASE = "e, h or a number"
_SESSION_NUMBER = "a number, with or without the word session"
_PARSERS = {_EASE: _ease, _SESSION_NUMBER: _session_number}


def _arrays(path: Path, table: NDArray[np.float64], columns: _Columns) -> dict[str, NDArray[np.generic]]:
    arrays: dict[str, NDArray[np.generic]] = {
        "frames": table[:, :_PIXELS].reshape(-1, 8, 8),
        "count": table[:, _PIXELS],
        "time_s": np.arange(len(table)) / _FRAME_RATE_HZ,
    }
    if columns.thermistor is not None:
        arrays["thermistor"] = table[:, _PIXELS + 1]
    if columns.confidence is not None:
        arrays["confidence"] = table[:, _PIXELS + 2]
    named = _NAMED_SESSION.search(path.stem)
    if columns.session is not None:
        arrays["session"] = table[:, _PIXELS + 3]
    elif named:
        arrays["session"] = np.full(len(table), int(named[1]), dtype=np.int64)
    return arrays
