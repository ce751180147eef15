"""Runs any firmware image on an emulated board, with text at its UART, frames at its sensor, and faults if asked."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from datasheet.bad_input import BadInputError
from datasheet.regular_file import is_file
from mcu_models.boards.board import find_board
from mcu_models.emulators.cycle_profile import cycle_profile, speedscope_json
from mcu_models.emulators.debug_lines import SourceLines
from mcu_models.emulators.fault_injection import inject
from mcu_models.emulators.fault_plan import read_fault_plan
from mcu_models.emulators.gdb_server import LOOPBACK, GdbServer
from mcu_models.emulators.image import read_image_for
from mcu_models.emulators.port import GAVE_UP
from mcu_models.emulators.renode.installation import find_renode
from mcu_models.emulators.renode.instruction_rates import instruction_rates
from mcu_models.emulators.renode_backend import RenodeEmulator
from mcu_models.emulators.trace_events import TraceEvent
from mcu_models.emulators.trace_file import trace_file
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from mcu_models.firmware.library import find_image, image_names
from mcu_models.networks.library import find_network
from mcu_models.timing.validated_error import validated_error
from sensors.amg8833 import Amg8833
from sensors.grid_eye_sheet import load_grid_eye
from sensors.recording import Recording, read_recording
from sensors.whole_file import output_target
from twin.emulated_node import ANSWER, FIRST_LOOK_LIMIT_S, STEP_S, no_progress
from twin.host_node import host_count
from twin.post_mortem import PostMortem, post_mortem
from twin.result_files import output_folder, write_files
from twin.uart_script import LAST_HEARD_CHARACTERS, never, play_script, read_script

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.boards.board import Board
    from mcu_models.emulators.backends import BackendName
    from mcu_models.emulators.connections import Disturbance
    from mcu_models.emulators.cycle_profile import CycleProfile
    from mcu_models.emulators.image import FirmwareImage
    from mcu_models.emulators.port import RunOutcome
    from mcu_models.emulators.trace_file import TraceWriter
    from twin.emulated_node import Progress
    from twin.uart_script import MissedText, ScriptStep

AnyEmulator = UnicornEmulator | RenodeEmulator
DEFAULT_S = 10.0
DEFAULT_HOST_S = 600.0
_UART_TYPES = ("usart", "uart", "lpuart")


@dataclass(frozen=True)
class EmulationRequest:
    """What `twin emulate` was asked for; see its options."""

    image: str
    board: str
    backend: BackendName = "unicorn"
    until: str | None = None
    seconds: float | None = None
    uart_in: str | None = None
    uart_script: Path | None = None
    frames: Path | None = None
    network: str | None = None
    load_address: int | None = None
    trace: Path | None = None
    profile: bool = False
    profile_out: Path | None = None
    strict: bool = False
    faults: Path | None = None
    host_seconds: float = DEFAULT_HOST_S
    exact_memory: bool = False
    gdb_port: int | None = None


@dataclass(frozen=True)
class Emulation:
    """What came of a run.

    Attributes:
        answer: What `--json` prints, without the host's time.
        as_expected: Whether it did what was asked of it.
        profile: Where the cycles went, when that was asked for.
        post_mortem: What is known of the fault that ended it, if one did.
    """

    answer: dict[str, Any]
    as_expected: bool
    profile: CycleProfile | None = None
    post_mortem: PostMortem | None = None


def _silent(_text: str) -> None:
    """Announce nothing."""


def emulate_image(
    request: EmulationRequest,
    progress: Progress,
    *,
    give_up: Callable[[], bool] = never,
    announce: Callable[[str], None] = _silent,
) -> Emulation:
    """Run an image.

    Frames are shown by an AMG8833 at address 0x69 of I2C1; the run then lasts until the last of them has been read,
    unless a time is given.

    Args:
        request: What to run, and how.
        progress: Hears how many frames have been read.
        give_up: Asked now and then; True ends the run, as `request.host_seconds` have passed on the host.
        announce: Hears where GDB may connect.

    Raises:
        BadInputError: Something named does not exist or cannot be used.
        RenodeError: Renode does not start, ended or hangs.
    """
    if request.backend == "renode":
        return _emulate_in_renode(request, progress, give_up)
    board = find_board(request.board)
    emulator = UnicornEmulator(board, _find_image(request, board), exact_memory=request.exact_memory)
    setup = _surround(emulator, request)
    if request.faults is not None:
        inject(emulator, read_fault_plan(request.faults), source=request.faults)
    with ExitStack() as files:
        profile_target, trace_target = _target(request.profile_out, files), _target(request.trace, files)
        _must_differ(profile_target, trace_target)
        trace = _open_trace(trace_target, emulator, files)
        debugged = None if request.gdb_port is None else _debug(emulator, request, announce)
        missed, outcome = (None, debugged) if debugged else _play_and_run(setup, request, progress, give_up)
        notes = {} if trace is None else _close_trace(trace, emulator)
        profile = _profile(emulator, request)
        if profile is not None and profile_target is not None:
            write_files(profile_target.parent, {profile_target.name: speedscope_json(profile, emulator.image.name)})
    death = post_mortem(emulator, outcome)
    answer = _answer(setup, request, outcome, missed) | notes
    if death is not None:
        answer["post_mortem"] = death.as_dict()
    if profile is not None:
        answer["profile"] = profile.as_dict()
    return Emulation(answer, _as_expected(request, answer, missed) and _ended_well(request, outcome), profile, death)


def _emulate_in_renode(request: EmulationRequest, progress: Progress, give_up: Callable[[], bool]) -> Emulation:
    """Run an image in Renode, at the pace that the cycle model has for the same run."""
    for option, wanted in _only_of_unicorn(request).items():
        if wanted:
            raise BadInputError("command line", option, None, "only with --backend unicorn")
    renode = find_renode()
    board = find_board(request.board)
    image = _find_image(request, board)
    rates = _learnt_rates(request, board, image, give_up)
    with RenodeEmulator(board, image, rates=rates, renode=renode) as emulator:
        setup = _surround(emulator, request)
        missed, outcome = _play_and_run(setup, request, progress, give_up)
        answer = _answer(setup, request, outcome, missed) | {"quantum_s": emulator.quantum_s}
        # Cycles at a mean rate are not what was held against measurements.
        del answer["cycles_error"]
    ended_well = outcome.end != "fault" and _ended_well(request, outcome)
    return Emulation(answer, _as_expected(request, answer, missed) and ended_well)


def _only_of_unicorn(request: EmulationRequest) -> dict[str, bool]:
    return {
        "--trace": request.trace is not None,
        "--profile": request.profile,
        "--profile-out": request.profile_out is not None,
        "--faults": request.faults is not None,
        "--exact-memory": request.exact_memory,
        "--gdb": request.gdb_port is not None,
    }


def _learnt_rates(
    request: EmulationRequest, board: Board, image: FirmwareImage, give_up: Callable[[], bool]
) -> dict[int, float]:
    """Return instructions a second by core clock, from the same run under the cycle model, as far as it gets there."""
    emulator = UnicornEmulator(board, image)
    _play_and_run(_surround(emulator, request), request, no_progress, give_up)
    return instruction_rates(emulator.executed())


@dataclass(frozen=True)
class _Setup:
    """An emulator with everything around it, before its first instruction."""

    emulator: AnyEmulator
    steps: list[ScriptStep]
    recording: Recording | None
    device: Amg8833 | None
    answers: _Answers


def _surround(emulator: AnyEmulator, request: EmulationRequest) -> _Setup:
    """Put everything around an emulator, before its first instruction."""
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
    return _Setup(emulator, steps, recording, device, answers)


def _find_image(request: EmulationRequest, board: Board) -> FirmwareImage:
    path = Path(request.image)
    if request.image in image_names() or not is_file(path):
        image = find_image(request.image)
        if request.load_address is not None:
            raise BadInputError("command line", "--load-address", hex(request.load_address), "only of a raw binary")
        return image
    return read_image_for(board, path, load_address=request.load_address)


def _debug(emulator: UnicornEmulator, request: EmulationRequest, announce: Callable[[str], None]) -> RunOutcome | None:
    """Let GDB lead; None when it has let go of the firmware, which then runs on by itself."""
    server = GdbServer(emulator.debug_target(request.seconds or math.inf), request.gdb_port or 0)
    announce(f"waiting for GDB: target remote {LOOPBACK}:{server.port}")
    if server.serve() == "detached":
        return None
    return emulator.run(until_s=emulator.now_s)


def _play_and_run(
    setup: _Setup, request: EmulationRequest, progress: Progress, give_up: Callable[[], bool]
) -> tuple[MissedText | None, RunOutcome]:
    sheets = setup.emulator.board.sheet.peripherals.items()
    ports = [name for name, sheet in sheets if sheet.type.startswith(_UART_TYPES)]
    missed = play_script(setup.emulator, setup.steps, ports=ports, give_up=give_up)
    return missed, missed.outcome if missed else _run(setup, request, progress, give_up)


def _as_expected(request: EmulationRequest, answer: dict[str, Any], missed: MissedText | None) -> bool:
    until_missed = request.until is not None and answer["end"] != "until"
    problems = request.strict and answer["problems"]
    return not (missed or until_missed or "post_mortem" in answer or answer.get("mismatches") or problems)


def _ended_well(request: EmulationRequest, outcome: RunOutcome) -> bool:
    """Tell whether it was neither given up nor stopped at a breakpoint that no debugger is there for."""
    at_breakpoint = outcome.end == "halt" and outcome.detail.startswith("breakpoint")
    return not outcome.gave_up and not (at_breakpoint and request.gdb_port is None)


def _heard(emulator: AnyEmulator) -> list[str]:
    """Return the lines that were sent, and at last those that have no end yet."""
    unfinished = (transcript.unfinished for transcript in emulator.connections.transcripts.values())
    return [*(line.text for line in emulator.uart_lines()), *(text for text in unfinished if text)]


def _injected(emulator: AnyEmulator) -> dict[str, Any]:
    log = emulator.connections.disturbances
    listed = sorted(log.listed, key=lambda one: one.time_s)
    injected = [{"time_s": one.time_s, "fault": one.cause, "what": one.what} for one in listed]
    return {"injected": injected, "injected_count": log.count}


def _target(path: Path | None, files: ExitStack) -> Path | None:
    """Return the file to write, and make sure before the run that it can be written."""
    if path is None:
        return None
    target = output_target(path)
    files.enter_context(output_folder(target.parent))
    return target


def _must_differ(profile: Path | None, trace: Path | None) -> None:
    if profile is not None and trace is not None and profile.resolve() == trace.resolve():
        raise BadInputError("command line", "--profile-out", str(profile), "must be another file than --trace")


def _open_trace(target: Path | None, emulator: UnicornEmulator, files: ExitStack) -> TraceWriter | None:
    """Let what happens go to a file from now on."""
    if target is None:
        return None
    writer = files.enter_context(trace_file(target, f"{emulator.image.name} on {emulator.board.name}"))
    emulator.trace_events(writer.write)
    emulator.connections.listeners.on_disturbance.append(_DisturbanceTrace(writer).hear)
    return writer


def _close_trace(writer: TraceWriter, emulator: UnicornEmulator) -> dict[str, Any]:
    summary = writer.finish(emulator.now_s)
    return {"trace": {"events": summary.events, "dropped": summary.dropped}}


class _DisturbanceTrace:
    """Writes what is done on purpose to a trace."""

    def __init__(self, writer: TraceWriter) -> None:
        self._writer = writer

    def hear(self, disturbance: Disturbance) -> None:
        self._writer.write(TraceEvent(disturbance.time_s, "fault", f"{disturbance.cause}: {disturbance.what}"))


def _profile(emulator: UnicornEmulator, request: EmulationRequest) -> CycleProfile | None:
    if not request.profile and request.profile_out is None:
        return None
    image = emulator.image
    return cycle_profile(emulator.block_profile(), image, SourceLines(image), total_cycles=emulator.cycles)


def _run(setup: _Setup, request: EmulationRequest, progress: Progress, give_up: Callable[[], bool]) -> RunOutcome:
    if setup.device is None or setup.recording is None or request.seconds is not None:
        seconds = DEFAULT_S if request.seconds is None else request.seconds
        return setup.emulator.run(until_s=seconds, until_text=request.until, give_up=give_up)
    step = partial(setup.emulator.run, until_text=request.until, give_up=give_up)
    return _play_frames(setup.emulator, setup.device, len(setup.recording.frames), step, progress)


def _play_frames(
    emulator: AnyEmulator, device: Amg8833, frames: int, step: Callable[..., RunOutcome], progress: Progress
) -> RunOutcome:
    period_s = 1.0 / load_grid_eye().fast_frame_rate_hz.value
    limit_s = FIRST_LOOK_LIMIT_S + frames * period_s
    while True:
        first_s = device.first_frame_s
        end_s = limit_s if first_s is None else first_s + frames * period_s
        outcome = step(until_s=min(emulator.now_s + STEP_S, end_s))
        progress(min(device.latched_frame + 1, frames), frames)
        if outcome.end != "seconds" or emulator.now_s >= end_s or outcome.gave_up:
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


def _answer(setup: _Setup, request: EmulationRequest, outcome: RunOutcome, missed: MissedText | None) -> dict[str, Any]:
    emulator = setup.emulator
    detail = str(missed) if missed else _detail(emulator, outcome, request.until)
    answer = {
        "board": emulator.board.name,
        "backend": request.backend,
        "end": outcome.end,
        "instructions": outcome.instructions,
        "cycles": outcome.cycles,
        "cycles_error": validated_error(emulator.board.core).as_dict(),
        "virtual_s": outcome.virtual_s,
        "sleep_s": outcome.sleep_s,
        "uart": _heard(emulator),
        "detail": f"{request.host_seconds:g} s on the host are up: {detail}" if outcome.gave_up else detail,
        "problems": list(emulator.problems),
    }
    if request.faults is not None:
        answer |= _injected(emulator)
    if request.network is not None:
        answer |= _compare(request, setup.recording, setup.answers)
    return answer


def _detail(emulator: AnyEmulator, outcome: RunOutcome, until: str | None) -> str:
    """Return what to say of an end: of a time that is up, where it was and what was heard, unless all is well."""
    if outcome.end != "seconds":
        return outcome.detail
    heard = emulator.uart_text()[-LAST_HEARD_CHARACTERS:]
    if heard and until is None and not outcome.gave_up:
        return outcome.detail
    missed = "" if until is None else f"{until!r} did not come; "
    where = emulator.image.function_at(emulator.pc)
    last = f"last heard was {heard!r}" if heard else "nothing was heard"
    return f"{GAVE_UP + '; ' if outcome.gave_up else ''}{missed}it was in {where}; {last}"


def _compare(request: EmulationRequest, recording: Recording | None, answers: _Answers) -> dict[str, Any]:
    """Compare the firmware's answers with the network on the host, frame by frame."""
    if recording is None:
        raise BadInputError("command line", "--network", request.network, "needs --frames to compare answers on")
    expected = host_count(find_network(request.network or ""), recording.frames)
    got = np.array([answers.by_frame.get(frame, -1) for frame in range(len(expected))])
    return {"frames": len(expected), "mismatches": int((got != expected).sum())}
