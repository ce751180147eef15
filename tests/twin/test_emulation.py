"""`twin emulate`: every format of an image, profiles, traces, what is strict."""

from __future__ import annotations

import json
import socket
import struct
import threading
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mcu_models.emulators.image import read_image
from twin.cli import run
from twin.emulated_node import STEP_S
from twin.emulation import EmulationRequest, emulate_image

if TYPE_CHECKING:
    from collections.abc import Callable

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


PLAN = """
seed = 3
[[i2c_brown_out]]
bus = "I2C1"
from_s = 19.0
until_s = 19.5
[[uart_loss]]
port = "USART2"
direction = "sent"
probability = 0.01
"""


def plan_file(tmp_path: Path, text: str = PLAN) -> str:
    (tmp_path / "faults.toml").write_text(text)
    return str(tmp_path / "faults.toml")


def test_a_sensor_that_loses_its_supply_is_woken_and_counted_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The AMG8833 forgets that it was awake; the firmware notices, says so, and goes on counting frames."""
    frames, trace = tmp_path / "frames.npz", tmp_path / "t.json"
    assert run(["sense", "office_doorway", "--seconds", "25", "--seed", "5", "--out", str(frames)]) == 0
    capsys.readouterr()
    arguments = [IMAGE, "--frames", str(frames), "--faults", plan_file(tmp_path), "--trace", str(trace), "--json"]
    found = answer(capsys, *arguments)
    supply = [one for one in found["injected"] if one["fault"] == "i2c_brown_out[0]"]
    assert [one["what"] for one in supply] == ["device 0x69: without supply", "device 0x69: supplied again"]
    assert found["injected_count"] == len(found["injected"]) > len(supply)
    assert any("sensor does not" in line for line in found["uart"])
    assert found["uart"][-1].split()[0].isdigit()
    assert found["problems"] == []
    instants = [event["name"] for event in json.loads(trace.read_text())["traceEvents"] if event["ph"] == "i"]
    assert "i2c_brown_out[0]: device 0x69: without supply" in instants
    assert answer(capsys, *arguments) | {"host_s": 0} == found | {"host_s": 0}


def test_injected_faults_are_listed_on_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = plan_file(tmp_path, '[[uart_loss]]\nport = "USART2"\ndirection = "sent"\n')
    assert run(["emulate", IMAGE, "--seconds", "5", "--faults", plan]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "injected faults took effect" in captured.err
    assert "uart_loss[0]: USART2, sent: 0x70 lost" in captured.err
    assert "more; --json lists " in captured.err


def test_without_a_sensor_there_is_none_to_disturb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["emulate", IMAGE, "--faults", plan_file(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "faults.toml: i2c_brown_out[0].bus is 'I2C1'; has no device" in error
    assert error.count("\n") == 1


def binary(tmp_path: Path, code: str) -> str:
    """Return an image that begins with this code behind its vector table."""
    (tmp_path / "a.bin").write_bytes(struct.pack("<II", 0x20010000, 0x08000009) + bytes.fromhex(code))
    return str(tmp_path / "a.bin")


BRANCH_TO_SELF, COUNT_FOR_EVER = "fee7", "0130fde7"
"""b .; and adds r0,#1 with a branch back to it."""


@pytest.mark.parametrize("code", [BRANCH_TO_SELF, COUNT_FOR_EVER])
def test_a_loop_without_output_ends_when_the_host_has_had_enough(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], code: str
) -> None:
    image = [binary(tmp_path, code), "--seconds", "864000", "--host-seconds", "0.5", "--json"]
    found = answer(capsys, *image, status=1)
    assert found["end"] == "seconds"
    assert found["virtual_s"] < 864000
    assert found["detail"] == "0.5 s on the host are up: gave up; it was in 0x8000008; nothing was heard"


def test_a_loop_without_output_ends_at_its_virtual_time_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, binary(tmp_path, BRANCH_TO_SELF), "--seconds", "0.01", "--json")
    assert (found["end"], found["detail"]) == ("seconds", "it was in 0x8000008; nothing was heard")


@pytest.mark.parametrize("extra", [["--uart-script"], ["--frames"], []])
def test_nothing_goes_on_when_the_host_has_had_enough(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], extra: list[str]
) -> None:
    """Neither a script that waits for a text, nor a recording of frames, nor a plain run."""
    (tmp_path / "s.txt").write_text("wait 1000\nexpect no such text\n")
    if extra == ["--frames"]:
        assert run(["sense", "office_doorway", "--seconds", "5", "--out", str(tmp_path / "f.npz")]) == 0
        capsys.readouterr()
    files = {"--uart-script": [str(tmp_path / "s.txt")], "--frames": [str(tmp_path / "f.npz")]}
    arguments = [*extra, *(files[extra[0]] if extra else ["--seconds", "864000"])]
    found = answer(capsys, IMAGE, *arguments, "--host-seconds", "0.001", "--json", status=1)
    assert found["end"] == "seconds"
    assert "0.001 s on the host are up: " in found["detail"]
    assert "gave up" in found["detail"]


def test_what_was_heard_instead_of_an_awaited_text(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, IMAGE, "--until", "no such text", "--seconds", "4", "--json", status=1)
    assert found["detail"].startswith("'no such text' did not come; it was in ")
    assert "last heard was 'people counter" in found["detail"]


@pytest.mark.parametrize(
    ("image", "arguments", "expected"),
    [
        (struct.pack("<II", 0x20010000, 0x08000009) + b"\xfe\xe7" * (1 << 20), [], "outside stm32l4a6zg"),
        (bytes(64), [], "no vector table"),
        (struct.pack("<II", 0x10, 0x08000009) + b"\xfe\xe7", [], "no vector table"),
        (b":020000049000 6A\n", [], "line 1"),
        (intel_hex(bytes(64)).replace(b":020000040800F2", b""), [], "vector table"),
        (b"\x7fELF" + bytes(60), [], "ELF"),
        (b"", [], "empty"),
        (flat(), ["--faults", "no_such_file.toml"], "no such file"),
        (flat(), ["--host-seconds", "0"], "--host-seconds"),
        (flat(), ["--host-seconds", "nan"], "--host-seconds"),
        (flat(), ["--board", "stm32h743vi"], "no vector table"),
    ],
)
def test_bad_input_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], image: bytes, arguments: list[str], expected: str
) -> None:
    (tmp_path / "image").write_bytes(image)
    assert run(["emulate", str(tmp_path / "image"), *arguments]) == 2
    error = capsys.readouterr().err
    assert expected in error
    assert error.count("\n") == 1


def test_an_image_for_another_core_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray(REFERENCE.read_bytes())
    data[18] = 183
    (tmp_path / "a.elf").write_bytes(data)
    assert run(["emulate", str(tmp_path / "a.elf"), "--seconds", "0.001"]) == 2
    assert "is an ELF file for 64-bit Arm" in capsys.readouterr().err


def test_a_debugger_that_leaves_lets_the_firmware_run_on() -> None:
    found: list[str] = []
    announced = threading.Event()

    def announce(text: str) -> None:
        found.append(text)
        announced.set()

    def debug() -> None:
        announced.wait(20)
        address, _, port = found[0].rpartition(" ")[2].partition(":")
        with socket.create_connection((address, int(port)), timeout=20) as connection:
            connection.sendall(b"+$D#44")
            connection.recv(16)

    debugger = threading.Thread(target=debug)
    debugger.start()
    request = EmulationRequest(IMAGE, "stm32l4a6zg", until="people counter", gdb_port=0)
    emulation = emulate_image(request, lambda _done, _of: None, announce=announce)
    debugger.join(20)
    assert "127.0.0.1" in found[0]
    assert emulation.answer["end"] == "until"


def test_every_answer_says_how_far_its_cycles_can_be_trusted(capsys: pytest.CaptureFixture[str]) -> None:
    error = answer(capsys, IMAGE, *UNTIL)["cycles_error"]
    assert 0 < error["mean_absolute"] <= abs(error["worst"]) < 0.2
    assert error["images"] > 0


def test_exact_memory_charges_the_same_where_little_has_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, IMAGE, *UNTIL, "--exact-memory")["cycles"] == answer(capsys, IMAGE, *UNTIL)["cycles"]


BREAKPOINT = "00be"
PROMPT = (
    "0d480121490401600c4849f64041c1600921016005a21178013221b18162c3695b06fcd5f7e700bf{end}00bf"
    "787878780a52454144592e005810024000440040"
)
"""Switches USART2 on, sends "xxxx", a newline and "READY." at a tenth of a second each, and does what `end` says."""
UNDEFINED = "00de"


@pytest.mark.parametrize(
    ("end", "arguments", "status", "last"),
    [
        (BRANCH_TO_SELF, ["--seconds", "2"], 0, "READY."),
        (BRANCH_TO_SELF, ["--until", "REA"], 0, "REA"),
        (UNDEFINED, [], 1, "READY."),
        (BREAKPOINT, [], 1, "READY."),
    ],
)
def test_a_line_without_an_end_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], end: str, arguments: list[str], status: int, last: str
) -> None:
    image = binary(tmp_path, PROMPT.format(end=end))
    assert answer(capsys, image, *arguments, "--json", status=status)["uart"] == ["xxxx", last]
    assert run(["emulate", image, *arguments]) == status
    assert capsys.readouterr().out == f"xxxx\n{last}\n"


def test_a_text_is_heard_across_the_steps_in_which_frames_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """READY comes between 0.5 s and 1.1 s, frames are played in steps of a second."""
    assert run(["sense", "office_doorway", "--seconds", "5", "--out", str(tmp_path / "f.npz")]) == 0
    capsys.readouterr()
    arguments = ["--frames", str(tmp_path / "f.npz"), "--until", "READY", "--json"]
    found = answer(capsys, binary(tmp_path, PROMPT.format(end=BRANCH_TO_SELF)), *arguments)
    assert found["end"] == "until"
    assert STEP_S < found["virtual_s"] < 2 * STEP_S


def test_a_breakpoint_without_a_debugger_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, binary(tmp_path, BREAKPOINT), "--json", status=1)
    assert (found["end"], found["detail"]) == ("halt", "breakpoint in 0x8000008")


def test_a_profile_and_a_trace_need_two_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "b.json").symlink_to("a.json")
    out = [str(tmp_path / "a.json"), "--profile-out", str(tmp_path / "b.json")]
    assert run(["emulate", IMAGE, "--seconds", "0.001", "--trace", *out]) == 2
    assert "must be another file than --trace" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--faults", "--uart-script"])
def test_a_device_is_no_input(capsys: pytest.CaptureFixture[str], option: str) -> None:
    assert run(["emulate", IMAGE, option, "/dev/zero"]) == 2
    assert capsys.readouterr().err == "/dev/zero; cannot be read: not a regular file\n"
