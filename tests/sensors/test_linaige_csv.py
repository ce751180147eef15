"""Recordings as LINAIGE publishes them: CSV with a header, pixels after two columns, `people_number`, `confidence`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasheet.bad_input import BadInputError
from sensors import linaige_csv as module
from sensors.recording import Recording, read_recording, write_recording

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PIXELS = [f"px_{number}" for number in range(64)]
HEADER = ["timestamp", "ambient_temperature", *PIXELS, "people_number", "confidence"]


def row(
    clock: str = "18:14:07.25", ambient: str = "30.625", first: float = 22.0, people: str = "1", ease: str = "e"
) -> list[str]:
    return [clock, ambient, *(str(first + number / 4) for number in range(64)), people, ease]


def save(
    folder: Path, rows: list[list[str]], header: list[str] | None = None, name: str = "Session3_office.csv"
) -> Path:
    path = folder / name
    path.write_text("\n".join(",".join(fields) for fields in [HEADER if header is None else header, *rows]) + "\n")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(BadInputError) as caught:
        read_recording(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))
    return str(caught.value)


def test_a_session_is_read_as_published(tmp_path: Path) -> None:
    recording = read_recording(save(tmp_path, [row(), row("18:14:07.351", "30.75", 23.0, "0", "h")]))
    assert recording.time_s.tolist() == [65647.25, 65647.351]
    assert recording.frames.dtype == np.float32
    np.testing.assert_array_equal(recording.frames[1], 23 + np.arange(64).reshape(8, 8) / 4)
    assert recording.count.tolist() == [1, 0]
    assert recording.thermistor_degc is not None
    assert recording.thermistor_degc.tolist() == [30.625, 30.75]
    assert recording.session is not None
    assert recording.session.tolist() == [3, 3]
    assert recording.confidence is not None
    assert recording.confidence.tolist() == [1, 0]


def test_what_was_csv_can_be_written_as_npz(tmp_path: Path) -> None:
    recording = read_recording(save(tmp_path, [row(), row("18:14:07.351", people="2")]))
    write_recording(tmp_path / "copy.npz", recording)
    copy = read_recording(tmp_path / "copy.npz")
    for name in ("time_s", "frames", "count", "thermistor_degc", "session", "confidence"):
        np.testing.assert_array_equal(getattr(copy, name), getattr(recording, name))


@pytest.mark.parametrize(
    ("clock", "seconds"),
    [
        ("12.5", 12.5),
        ("1.6e9", 1.6e9),
        ("00:00:01", 1.0),
        ("23:59:59.999999", 86399.999999),
        ("1970-01-02 00:00:01.5", 86401.5),
        ("1970-01-01T01:00:00+01:00", 0.0),
    ],
)
def test_times_may_be_seconds_times_of_the_day_or_dates(tmp_path: Path, clock: str, seconds: float) -> None:
    assert read_recording(save(tmp_path, [row(clock)])).time_s[0] == pytest.approx(seconds)


@pytest.mark.parametrize("name", ["Pixel {}", "p{}", "T_{}", "{}"])
@pytest.mark.parametrize("first", [0, 1])
def test_pixels_are_found_by_their_numbers_wherever_they_stand(tmp_path: Path, name: str, first: int) -> None:
    pixels = [name.format(number) for number in range(first, first + 64)]
    header = ["people_number", *reversed(pixels), "Time [s]"]
    fields = ["2", *(str(number / 4) for number in reversed(range(64))), "0.5"]
    recording = read_recording(save(tmp_path, [fields], header, "walk.CSV"))
    np.testing.assert_array_equal(recording.frames[0], np.arange(64).reshape(8, 8) / 4)
    assert (recording.thermistor_degc, recording.session, recording.confidence) == (None, None, None)


def test_pixels_without_numbers_stand_where_they_were_published(tmp_path: Path) -> None:
    header = ["Timestamp", "Thermistor", *(f"x{chr(97 + n // 8)}{chr(97 + n % 8)}" for n in range(64)), *HEADER[-2:]]
    recording = read_recording(save(tmp_path, [row()], header))
    assert recording.frames[0, 7, 7] == 22 + 63 / 4
    assert recording.thermistor_degc is not None


@pytest.mark.parametrize(("field", "number"), [("4", 4), ("Session4", 4), ("session 12", 12)])
def test_a_column_tells_the_session_before_the_file_s_name_does(tmp_path: Path, field: str, number: int) -> None:
    recording = read_recording(save(tmp_path, [[*row(), field]], [*HEADER, "session"]))
    assert recording.session is not None
    assert recording.session.tolist() == [number]


def test_a_byte_order_mark_quotes_blanks_and_empty_lines_are_harmless(tmp_path: Path) -> None:
    path = save(tmp_path, [row()])
    text = path.read_text().replace("px_0,", '" px_0 ",').replace("22.0,", ' "22.0",', 1).replace(' "22.0"', '"22.0"')
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n\r\n").encode())
    assert read_recording(path).frames[0, 0, 0] == 22.0


def test_temperatures_are_rounded_to_the_sensor_s_steps(tmp_path: Path) -> None:
    assert read_recording(save(tmp_path, [row(first=22.1)])).frames[0, 0, 0] == 22.0


def changed(index: int, value: str) -> list[str]:
    fields = row("18:14:07.351")
    fields[index] = value
    return fields


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (changed(-2, "two"), "line 3, people_number is 'two'; must be a number"),
        (changed(-2, "1.5"), "count is 1.5; must hold whole numbers only"),
        (changed(-2, "-1"), "count is -1.0; must hold values from 0 to 64 only"),
        (changed(-1, "x"), "line 3, confidence is 'x'; must be e, h or a number"),
        (changed(0, "noon"), "line 3, timestamp is 'noon'; must be a time of the day, as in the first row"),
        (changed(0, "65647.35"), "line 3, timestamp is '65647.35'; must be a time of the day, as in the first row"),
        (changed(0, "2021-05-03 18:14:07"), "must be a time of the day, as in the first row"),
        (changed(0, "25:00:00"), "line 3, timestamp is '25:00:00'"),
        (changed(5, ""), "line 3, px_3 is ''; must be a number"),
        (changed(5, "1_0"), "line 3, px_3 is '1_0'; must be a number"),
        (changed(5, "nan"), "frames is nan; must hold finite numbers only"),
        (changed(5, "1e999"), "frames is inf; must hold finite numbers only"),
        (changed(5, "101"), "frames is 101.0; must hold values from -20 to 100 degC only"),
        (changed(1, "1000"), "thermistor is 1000.0; must hold values from -40 to 125 degC only"),
        (row()[:-1], "line 3; must have 68 columns as the header; has 67"),
        ([*row(), ""], "line 3; must have 68 columns as the header; has 69"),
        (changed(3, '"open'), "is not CSV"),
        (changed(3, "2" * 200_000), "is not CSV: field larger than field limit"),
    ],
)
def test_what_is_wrong_with_a_row_is_told_in_one_line(tmp_path: Path, fields: list[str], said: str) -> None:
    assert said in refusal(save(tmp_path, [row(), fields]))


DATED = ["date", *HEADER]


def dated(date: str, clock: str) -> list[str]:
    return [date, *row(clock)]


@pytest.mark.parametrize("name", ["date", "Date (UTC)", "recording_date"])
def test_a_date_and_a_time_in_columns_of_their_own_belong_together(tmp_path: Path, name: str) -> None:
    rows = [dated("1970-01-01", "23:59:59.5"), dated("1970-01-02", "00:00:00.5"), dated("1970-01-04", "00:00:00")]
    path = save(tmp_path, rows, [name, *HEADER])
    assert read_recording(path).time_s.tolist() == [86399.5, 86400.5, 259200.0]


def test_the_date_may_stand_after_the_time(tmp_path: Path) -> None:
    rows = [[*row("00:00:01"), "1970-01-02"], [*row("00:00:02"), "1970-01-02"]]
    assert read_recording(save(tmp_path, rows, [*HEADER, "date"])).time_s.tolist() == [86401.0, 86402.0]


@pytest.mark.parametrize(("clock", "seconds"), [("1970-01-03 00:00:01", 172801.0), ("12.5", 12.5)])
def test_a_time_that_is_complete_needs_no_date(tmp_path: Path, clock: str, seconds: float) -> None:
    assert read_recording(save(tmp_path, [dated("1999-12-31", clock)], DATED)).time_s.tolist() == [seconds]


def test_a_date_that_cannot_be_read_is_named_with_its_time(tmp_path: Path) -> None:
    said = refusal(save(tmp_path, [dated("3 May", "18:14:07")], DATED))
    assert "line 2, date and timestamp is '3 May 18:14:07'; must be seconds, a time of the day or a date" in said
    said = refusal(save(tmp_path, [dated("2021-05-03", "18:14:07"), dated("", "18:14:08")], DATED))
    assert "line 3, date and timestamp is ' 18:14:08'; must be a date with a time, as in the first row" in said


def test_names_of_columns_are_taken_by_whole_words(tmp_path: Path) -> None:
    """What was seen sometimes, or updated, is no clock; nor is a pixel's thermal gain a thermistor."""
    header = ["times_seen", "updated", "hypothermal", *PIXELS, "people_number"]
    rows = [["7", "9", "1", *row()[2:-1]] for _ in range(3)]
    recording = read_recording(save(tmp_path, rows, header))
    assert recording.time_s.tolist() == pytest.approx([0.0, 0.1, 0.2])
    assert recording.thermistor_degc is None


@pytest.mark.parametrize(
    "name", ["Time", "TIME", "TimeStamp", "dateTime", "DATETIME", "Time [s]", "frame_time", "date"]
)
def test_a_clock_is_found_however_its_name_is_written(tmp_path: Path, name: str) -> None:
    rows = [["times", *row()], ["times", *row("18:14:08")]]
    assert read_recording(save(tmp_path, rows, ["times_seen", name, *HEADER[1:]])).time_s[1] == 65648.0


def test_times_of_the_day_go_on_after_midnight(tmp_path: Path) -> None:
    clocks = ["23:59:59.9", "00:00:00.1", "12:00:00", "23:00:00", "01:00:00"]
    times_s = read_recording(save(tmp_path, [row(clock) for clock in clocks])).time_s
    assert times_s.tolist() == [86399.9, 86400.1, 129600.0, 169200.0, 176400.0]


def test_blocks_out_of_order_are_not_taken_for_midnight(tmp_path: Path) -> None:
    times_s = read_recording(save(tmp_path, [row("18:00:00"), row("09:00:00"), row("09:00:01")])).time_s
    assert times_s.tolist() == [64800.0, 32400.0, 32401.0]


def test_all_rows_are_read_as_the_first(tmp_path: Path) -> None:
    zoned = save(tmp_path, [row("2021-05-03T18:14:07+02:00"), row("2021-05-03T18:14:08")])
    assert "line 3, timestamp is '2021-05-03T18:14:08'; must be a date with a time and a zone" in refusal(zoned)
    seconds = save(tmp_path, [row("7"), row("00:00:08")])
    assert "line 3, timestamp is '00:00:08'; must be seconds, as in the first row" in refusal(seconds)


def test_a_clock_that_never_moves_is_refused(tmp_path: Path) -> None:
    dates = save(tmp_path, [["2021-05-03", *row()[1:]]] * 12, ["date", *HEADER[1:]])
    assert "date is '2021-05-03'; must move; it is the same in all 12 frames" in refusal(dates)
    assert "timestamp is '18:14:07.25'; must move; it is the same in all 3" in refusal(save(tmp_path, [row()] * 3))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (
            ["count" if name == "people_number" else name for name in HEADER],
            "must have a column 'people_number'; found",
        ),
        ([*HEADER[:2], *PIXELS[:63], "people_number", "confidence"], "must have 64 numbered columns of pixels"),
        (["people_number", "time", *("x" * (n + 1) for n in range(64)), "confidence"], "64 numbered columns"),
        ([*HEADER[:-1], "people_number"], "header is 'people_number'; every column must have a name of its own"),
        ([*HEADER, *(f"more {chr(97 + n % 26)}{n}x" for n in range(200))], "must have at most 256 columns"),
        ([], "must have a column 'people_number'; found none"),
    ],
)
def test_what_is_missing_in_the_header_is_told_in_one_line(tmp_path: Path, header: list[str], said: str) -> None:
    assert said in refusal(save(tmp_path, [row()], header))


def test_without_a_clock_frames_follow_at_the_sensor_s_rate(tmp_path: Path) -> None:
    recording = read_recording(save(tmp_path, [row(), row(), row()], ["a", "b", *HEADER[2:]]))
    assert recording.time_s.tolist() == pytest.approx([0.0, 0.1, 0.2])


def test_a_file_without_frames_is_refused(tmp_path: Path) -> None:
    assert "must hold at least one frame" in refusal(save(tmp_path, []))


def test_a_huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path, [row(), row()])
    monkeypatch.setattr(module, "LARGEST_CSV_BYTES", 1000)
    assert "must not be larger than 1000 bytes" in refusal(path)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def binary(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04\xff\xfe")


def nulls(path: Path) -> None:
    path.write_bytes(b"a,b\n\x00,1\n")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (pipe, "must be a regular file"),
        (binary, "is not UTF-8 text: byte 4"),
        (nulls, "must have a column 'people_number'"),
    ],
)
def test_what_is_no_csv_is_refused(tmp_path: Path, make: Callable[[Path], None], said: str) -> None:
    make(tmp_path / "frames.csv")
    assert said in refusal(tmp_path / "frames.csv")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "there is no such file" in refusal(tmp_path / "absent.csv")


GOOD_TEXT = "\n".join(",".join(fields) for fields in [HEADER, row(), row("18:14:07.351", people="0", ease="h")])


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(GOOD_TEXT)), st.integers(0, 8), st.text(max_size=4) | st.sampled_from('",\n\r\0;')
        ),
        max_size=6,
    ),
    st.none() | st.text(max_size=300),
)
def test_any_text_is_a_recording_or_bad_input(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[int, int, str]], replacement: str | None
) -> None:
    text = GOOD_TEXT if replacement is None else replacement
    for at, length, inserted in edits:
        text = text[:at] + inserted + text[at + length :]
    path = tmp_path_factory.mktemp("any") / "frames.csv"
    path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    try:
        recording = read_recording(path)
    except BadInputError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert recording.frames.shape == (len(recording.count), 8, 8)


def test_the_public_recordings_survive_their_published_form(tmp_path: Path) -> None:
    """The arrays at hand were made from the CSV files; written in that form they are read back the same."""
    folder = os.environ.get("TWIN_SHARED")
    if not folder:
        pytest.skip("set TWIN_SHARED to the folder with data/linaige_s2_s3.npz")
    original = read_recording(type(tmp_path)(folder) / "data" / "linaige_s2_s3.npz")
    assert isinstance(original, Recording)
    assert original.thermistor_degc is not None
    assert original.confidence is not None
    rows = [
        [repr(float(t)), repr(float(ts)), *(repr(float(v)) for v in frame.ravel()), str(int(n)), "e" if easy else "h"]
        for t, ts, frame, n, easy in zip(
            original.time_s,
            original.thermistor_degc,
            original.frames,
            original.count,
            original.confidence,
            strict=True,
        )
    ]
    copy = read_recording(save(tmp_path, rows))
    for name in ("time_s", "frames", "count", "thermistor_degc", "confidence"):
        np.testing.assert_array_equal(getattr(copy, name), getattr(original, name))
