"""Runs any firmware image on an emulated board, with text at its UART and frames at its sensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from mcu_models.firmware.library import find_image
from mcu_models.networks.library import find_network
from sensors.amg8833 import Amg8833
from sensors.grid_eye_sheet import load_grid_eye
from sensors.recording import Recording, read_recording
from twin.emulated_node import ANSWER, FIRST_LOOK_LIMIT_S, STEP_S
from twin.host_node import host_count

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.emulators.port import RunOutcome
    from twin.emulated_node import Progress

DEFAULT_S = 10.0
SCRIPT_WAIT_S = 60.0
MAX_SCRIPT_BYTES = 1 << 20


@dataclass(frozen=True)
class EmulationRequest:
    """What `twin emulate` was asked for; see its options."""

    image: str
    board: str
    until: str | None = None
    seconds: float | None = None
    uart_in: str | None = None
    uart_script: Path | None = None
    frames: Path | None = None
    network: str | None = None


def emulate_image(request: EmulationRequest, progress: Progress) -> tuple[dict[str, Any], bool]:
    """Run an image; return what `--json` prints, without the host's time, and whether it did what was expected.

    Frames are shown by an AMG8833 at address 0x69 of I2C1; the run then lasts until the last of them has been read,
    unless a time is given.

    Raises:
        BadInputError: Something named does not exist or cannot be used.
    """
    emulator = UnicornEmulator(find_board(request.board), find_image(request.image))
    steps = read_script(request.uart_script) if request.uart_script is not None else []
    device, recording = None, None
    if request.frames is not None:
        recording = read_recording(request.frames)
        device = Amg8833(recording, sheet=load_grid_eye(), address=0x69)
        emulator.attach_i2c("I2C1", device)
    if request.uart_in is not None:
        emulator.send_uart(request.uart_in)
    answers = _Answers(device)
    emulator.on_uart_line(answers.hear)
    missed = _play_script(emulator, steps)
    outcome = missed.outcome if missed else _run(emulator, request, device, recording, progress)
    answer = _answer(emulator, outcome)
    if missed:
        answer["detail"] = f"expected text {missed.text!r} did not come within {SCRIPT_WAIT_S:g} s"
    if request.network is not None:
        answer |= _compare(request, recording, answers)
    until_missed = request.until is not None and outcome.end != "until"
    return answer, not (missed or until_missed or outcome.end == "fault" or answer.get("mismatches"))


def read_script(path: Path) -> list[tuple[str, str]]:
    """Return the (verb, text) lines of a UART script.

    Raises:
        BadInputError: The file cannot be read, or a line is neither "expect TEXT" nor "send TEXT".
    """
    try:
        if path.stat().st_size > MAX_SCRIPT_BYTES:
            raise BadInputError(path, "size", path.stat().st_size, f"at most {MAX_SCRIPT_BYTES} bytes")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(path, "", None, f"cannot be read as text: {error}") from error
    return [_script_line(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _script_line(path: Path, number: int, line: str) -> tuple[str, str]:
    verb, _, text = line.strip().partition(" ")
    if verb not in ("expect", "send") or not text:
        raise BadInputError(path, f"line {number}", line, 'must be "expect TEXT" or "send TEXT"')
    return verb, text


@dataclass(frozen=True)
class _Missed:
    """An expected text that did not come."""

    text: str
    outcome: RunOutcome


def _play_script(emulator: UnicornEmulator, steps: list[tuple[str, str]]) -> _Missed | None:
    """Play the script; return the first step that failed."""
    for verb, text in steps:
        if verb == "send":
            emulator.send_uart(text + "\n")
            continue
        outcome = emulator.run(until_s=emulator.now_s + SCRIPT_WAIT_S, until_text=text)
        if outcome.end != "until":
            return _Missed(text, outcome)
    return None


def _run(
    emulator: UnicornEmulator,
    request: EmulationRequest,
    device: Amg8833 | None,
    recording: Recording | None,
    progress: Progress,
) -> RunOutcome:
    if device is None or recording is None or request.seconds is not None:
        seconds = DEFAULT_S if request.seconds is None else request.seconds
        return emulator.run(until_s=seconds, until_text=request.until)
    return _play_frames(emulator, request, device, len(recording.frames), progress)


def _play_frames(
    emulator: UnicornEmulator, request: EmulationRequest, device: Amg8833, frames: int, progress: Progress
) -> RunOutcome:
    period_s = 1.0 / load_grid_eye().fast_frame_rate_hz.value
    limit_s = FIRST_LOOK_LIMIT_S + frames * period_s
    while True:
        first_s = device.first_frame_s
        end_s = limit_s if first_s is None else first_s + frames * period_s
        outcome = emulator.run(until_s=min(emulator.now_s + STEP_S, end_s), until_text=request.until)
        progress(min(device.latched_frame + 1, frames), frames)
        if outcome.end != "seconds" or emulator.now_s >= end_s:
            return outcome


class _Answers:
    """Books the people counter's answers to frames."""

    def __init__(self, device: Amg8833 | None) -> None:
        self._device = device
        self.by_frame: dict[int, int] = {}

    def hear(self, line: Any) -> None:
        match = ANSWER.match(line.text)
        if match is not None and self._device is not None:
            self.by_frame.setdefault(self._device.latched_frame, int(match[2]))


def _answer(emulator: UnicornEmulator, outcome: RunOutcome) -> dict[str, Any]:
    return {
        "board": emulator.board.name,
        "backend": "unicorn",
        "end": outcome.end,
        "instructions": outcome.instructions,
        "cycles": outcome.cycles,
        "virtual_s": outcome.virtual_s,
        "sleep_s": outcome.sleep_s,
        "uart": [line.text for line in emulator.uart_lines()],
        "detail": outcome.detail,
        "problems": list(emulator.problems),
    }


def _compare(request: EmulationRequest, recording: Recording | None, answers: _Answers) -> dict[str, Any]:
    """Compare the firmware's answers with the network on the host, frame by frame."""
    if recording is None:
        raise BadInputError("command line", "--network", request.network, "needs --frames to compare answers on")
    expected = host_count(find_network(request.network or ""), recording.frames)
    got = np.array([answers.by_frame.get(frame, -1) for frame in range(len(expected))])
    return {"frames": len(expected), "mismatches": int((got != expected).sum())}
