"""`twin emulate`: every format of an image, profiles, traces, what is strict."""

from __future__ import annotations

import json
import struct
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from mcu_models.emulators.image import read_image
from twin import emulation
from twin.cli import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.emulators.trace_events import TraceEvent

IMAGE = "people_counter_stm32l4a6zg"
REFERENCE = Path(str(resources.files("mcu_models.firmware.images"))) / f"{IMAGE}.elf"
UNTIL = ["--until", "people counter", "--json"]


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, Any]:
    assert run(["emulate", *arguments]) == status
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    return content


def flat() -> bytes:
    """Return the reference image as one stretch from the start of flash."""
    segments = read_image(REFERENCE).segments
    base = segments[0].address
    data = bytearray(max(s.address + len(s.data) for s in segments) - base)
    for segment in segments:
        data[segment.address - base : segment.address - base + len(segment.data)] = segment.data
    return bytes(data)


def intel_hex(data: bytes) -> bytes:
    lines = [(0, 4, struct.pack(">H", 0x0800))]
    lines += [(at, 0, data[at : at + 16]) for at in range(0, len(data), 16)]
    lines.append((0, 1, b""))
    records = [struct.pack(">BHB", len(body), at, kind) + body for at, kind, body in lines]
    return "\n".join(":" + (record + bytes([-sum(record) & 0xFF])).hex() for record in records).encode()


@pytest.mark.parametrize("form", [flat, lambda: intel_hex(flat())])
def test_an_image_without_an_elf_around_it_runs_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: Callable[[], bytes]
) -> None:
    (tmp_path / "image").write_bytes(form())
    expected = answer(capsys, IMAGE, *UNTIL)
    found = answer(capsys, str(tmp_path / "image"), *UNTIL)
    assert found | {"host_s": 0} == expected | {"host_s": 0}


def test_a_profile_accounts_for_all_cycles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "p.json"
    found = answer(capsys, IMAGE, "--profile-out", str(out), *UNTIL)
    profile = found["profile"]
    assert profile["cycles"] + profile["other_cycles"] == found["cycles"]
    assert sum(row["cycles"] for row in profile["functions"]) == profile["cycles"]
    assert {row["function"] for row in profile["functions"]} >= {"main", "reset_handler"}
    assert json.loads(out.read_text())["profiles"][0]["endValue"] == found["cycles"]


def test_a_profile_is_printed_as_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["emulate", IMAGE, "--until", "people counter", "--profile"]) == 0
    printed = capsys.readouterr().out
    assert "cycles by function" in printed
    assert "cycles by line" in printed
    assert "reset_handler" in printed


def test_a_trace_shows_power_states_and_uart_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "t.json"
    found = answer(capsys, IMAGE, "--trace", str(out), *UNTIL)
    content = json.loads(out.read_text())
    assert "people counter" in [e["name"] for e in content["traceEvents"] if e["ph"] == "i"]
    assert any(e["ph"] == "B" and e["name"].startswith("run ") for e in content["traceEvents"])
    assert content["otherData"]["events"] == found["trace"]["events"] > 0


def test_an_emulator_that_records_hands_its_events_over_as_they_come() -> None:
    """The writer is given to `trace_events`, and nothing is written twice."""
    heard: list[TraceEvent] = []
    writer: Any = SimpleNamespace(
        write=heard.append, finish=lambda _end_s: SimpleNamespace(events=len(heard), dropped=0)
    )  # fmt: skip
    recorder: Any = SimpleNamespace(trace_events=lambda sink: sink, now_s=1.0)
    assert emulation._close_trace(writer, recorder) == {"trace": {"events": 0, "dropped": 0}}


def test_strict_makes_a_failure_of_what_is_not_modelled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A load from a peripheral's address at which there is none."""
    code = bytes.fromhex("024b1b68fee700bf") + bytes(4) + struct.pack("<I", 0x40008C00)
    (tmp_path / "a.bin").write_bytes(struct.pack("<II", 0x20010000, 0x08000009) + code)
    image = [str(tmp_path / "a.bin"), "--seconds", "0.001", "--json"]
    relaxed = answer(capsys, *image)
    assert any("0x40008c00" in problem for problem in relaxed["problems"])
    assert answer(capsys, *image, "--strict", status=1)["problems"] == relaxed["problems"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--load-address", "here"], "--load-address"),
        (["--load-address", "0x08000000"], "says itself where"),
        (["--trace", "t.txt"], ".json"),
        (["--trace", f"{REFERENCE}/t.json"], "cannot be"),
        (["--profile-out", f"{REFERENCE}/p.json"], "cannot be"),
    ],
)
def test_options_that_cannot_be(capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str) -> None:
    assert run(["emulate", str(REFERENCE), "--seconds", "0.001", *arguments]) == 2
    captured = capsys.readouterr()
    assert expected in captured.err
    assert captured.err.count("\n") == 1


def test_a_reference_image_is_loaded_where_it_was_linked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["emulate", IMAGE, "--load-address", "0x08004000"]) == 2
    assert "only of a raw binary" in capsys.readouterr().err


def test_a_raw_binary_that_is_no_firmware(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.bin").write_bytes(b"no firmware at all")
    assert run(["emulate", str(tmp_path / "a.bin")]) == 2
    assert "no vector table" in capsys.readouterr().err
