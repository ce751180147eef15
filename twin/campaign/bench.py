"""A board with its firmware and with frames before its sensor, from power-on, and what it answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from datasheet.bad_input import BadInputError
from mcu_models.boards.board import find_board
from mcu_models.emulators.image import read_image_for
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from mcu_models.firmware.library import find_image, image_names
from sensors.camera.ov7725_registers import ADDRESS as CAMERA_ADDRESS
from twin.campaign.replay import Replay
from twin.campaign.verdict import Answer, Judge
from twin.door.guard import ANSWER as DOOR_ANSWER
from twin.emulated_node import ANSWER as COUNTER_ANSWER
from twin.emulated_node import NodeFailedError
from twin.testing.stimuli import FIRST_LOOK_LIMIT_S, stimulus_of

if TYPE_CHECKING:
    from mcu_models.emulators.frame_source import FrameSource
    from mcu_models.emulators.image import FirmwareImage
    from mcu_models.emulators.port import UartLine
    from twin.campaign.campaign_file import Campaign
    from twin.emulated_node import Progress

GRID_S: Final = 0.1
"""The emulator is left at these times in every run, so that all runs are the same until their fault begins."""
BEHIND_START_S: Final = 1.0
"""Faults begin so long behind the first answer, unless the campaign says when."""


@dataclass(frozen=True)
class Setup:
    """What a bench is put up from, in any process.

    Attributes:
        image: Name of a reference image, or path.
        board: Name or folder of the board.
        campaign: What the firmware is shown, and what is an answer.
        source: File of the campaign, for messages.
    """

    image: str
    board: str
    campaign: Campaign
    source: str


class Bench:
    """A board with its firmware and its sensor.

    Args:
        setup: What it is put up from.

    Raises:
        BadInputError: Something named does not exist or cannot be used.

    Attributes:
        emulator: The board.
        answers: Answers so far.
        lines: Lines of text so far that are no answers.
        port: UART of the first answer; empty before.
        replay: What the network in the firmware says of the same frames; None where the campaign names none.
    """

    def __init__(self, setup: Setup) -> None:
        campaign = setup.campaign
        board = find_board(setup.board)
        self.emulator = UnicornEmulator(board, _image(setup, board))
        self.answers: list[Answer] = []
        self.lines: list[UartLine] = []
        self.port = ""
        self._address = campaign.address
        self._stimulus = stimulus_of(
            campaign.play,
            seconds=campaign.seconds,
            seed=campaign.play_seed,
            bus=campaign.bus,
            address=campaign.address,
        )
        self._stimulus.attach(self.emulator)
        self.replay = self._replay(setup)
        self._camera = _seen(self.emulator.connections.cameras)
        pattern = DOOR_ANSWER if self._camera else COUNTER_ANSWER
        self._answer = re.compile(campaign.answer) if campaign.answer else pattern
        self.emulator.on_uart_line(self._hear)

    @property
    def address(self) -> int:
        """Address of the sensor on its bus."""
        return CAMERA_ADDRESS if self._camera else self._address

    @property
    def is_camera(self) -> bool:
        """Whether the sensor is a camera."""
        return self._camera is not None

    @property
    def end_s(self) -> float:
        """Virtual time at which everything has been shown, as far as that is known."""
        return self._stimulus.end_s

    def _replay(self, setup: Setup) -> Replay | None:
        network = setup.campaign.network
        return None if network is None else Replay(network, self._stimulus.frames, setup.source)

    def _hear(self, line: UartLine) -> None:
        found = self._answer.match(line.text)
        if found is None:
            self.lines.append(line)
            return
        if not self.port:
            self.port = self._port_of(line)
        *before, value = found.groups()
        number = int(before[0]) if before and before[0] and before[0].isdecimal() else None
        self.answers.append(Answer(self._frame(), line.time_s, value or "", number))

    def _frame(self) -> int:
        return self._stimulus.frame_now if self._camera is None else self._camera.frame

    def _port_of(self, line: UartLine) -> str:
        transcripts = self.emulator.connections.transcripts.items()
        return next(name for name, transcript in transcripts if transcript.lines and transcript.lines[-1] == line)


def _seen(cameras: dict[str, FrameSource]) -> _Seen | None:
    """Watch the frames of the camera, if there is one."""
    for port, source in cameras.items():
        cameras[port] = seen = _Seen(source)
        return seen
    return None


class _Seen:
    """A camera whose frames are numbered by the time at which they begin: a frame that is left out is still counted."""

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        self._first_s: float | None = None
        self._period_s = 0.0
        self.frame = -1

    def next_frame(self, time_s: float) -> Any:
        """Return the first frame that begins at `time_s` or later."""
        return self._source.next_frame(time_s)

    def data(self, frame: Any) -> bytes:
        """Return the bytes of a frame, and note which it is."""
        if self._first_s is None:
            self._first_s, self._period_s = frame.begin_s, frame.period_s
        self.frame = round((frame.begin_s - self._first_s) / self._period_s)
        return self._source.data(frame)


def _image(setup: Setup, board: Any) -> FirmwareImage:
    path = Path(setup.image)
    if setup.image in image_names() or not path.is_file():
        return find_image(setup.image)
    return read_image_for(board, path, load_address=None)


@dataclass(frozen=True)
class Golden:
    """The run without faults.

    Attributes:
        answers: All answers.
        end_s: How long it was.
        from_s: When faults may begin.
        until_s: And until when.
        awake: Stretches of that time in which the core runs: begin and end, in order.
        near_frames: So many frames before or behind count as the same.
        port: UART on which answers come.
        sha256: Digest of the image.
    """

    answers: tuple[Answer, ...]
    end_s: float
    from_s: float
    until_s: float
    awake: tuple[tuple[float, float], ...]
    near_frames: int
    port: str
    sha256: str

    def judge(self, campaign: Campaign) -> Judge:
        """Return who holds runs beside this one."""
        return Judge(self.answers, recover_s=campaign.recover_s, near_frames=self.near_frames)


def play_golden(bench: Bench, setup: Setup, progress: Progress) -> Golden:
    """Play everything without a fault.

    Args:
        bench: As it is at power-on.
        setup: What it was put up from.
        progress: Hears how many tenths of a second are over.

    Raises:
        NodeFailedError: The firmware stopped, or gave fewer than two answers.
        BadInputError: The campaign leaves no time in which faults could begin, or names another network.
    """
    tick, awake = 0, list[tuple[float, float]]()
    while bench.emulator.now_s < bench.end_s and (bench.answers or bench.emulator.now_s < FIRST_LOOK_LIMIT_S):
        tick += 1
        walk_to(bench, tick)
        awake += _awake(bench, tick)
        progress(tick, round(bench.end_s / GRID_S) if bench.answers else tick)
    if len(bench.answers) < 2:
        said = [line.text for line in bench.lines[-1:]]
        raise NodeFailedError(f"without any fault the firmware gave {len(bench.answers)} answers; it said {said}")
    if bench.replay is not None:
        bench.replay.check(bench.answers)
    from_s, until_s = _window(setup, bench)
    near = setup.campaign.near_frames
    return Golden(
        answers=tuple(bench.answers),
        end_s=bench.emulator.now_s,
        from_s=from_s,
        until_s=until_s,
        awake=tuple(span for span in awake if from_s <= span[0] and span[1] <= until_s),
        near_frames=int(bench.is_camera) if near is None else near,
        port=bench.port,
        sha256=bench.emulator.image.sha256,
    )


def walk_to(bench: Bench, tick: int) -> None:
    """Let virtual time go on to a point of the grid.

    Raises:
        NodeFailedError: The firmware stopped.
    """
    outcome = bench.emulator.run(until_s=tick * GRID_S)
    if outcome.end in ("fault", "halt"):
        raise NodeFailedError(
            f"without any fault the firmware stopped after {outcome.virtual_s:.3f} s: {outcome.detail}"
        )


def _awake(bench: Bench, tick: int) -> list[tuple[float, float]]:
    """Return the stretches up to a point of the grid, from the last one on, in which the core ran."""
    spans = bench.emulator.recent_spans()
    recent = [(max(one.begin_s, (tick - 1) * GRID_S), one.end_s) for one in spans if one.state.mode == "run"]
    return [(begin_s, end_s) for begin_s, end_s in recent if begin_s < end_s]


def _window(setup: Setup, bench: Bench) -> tuple[float, float]:
    campaign, first_s = setup.campaign, bench.answers[0].time_s
    from_s = first_s + BEHIND_START_S if campaign.from_s is None else campaign.from_s
    watched_s = campaign.longest_s + campaign.recover_s + campaign.watch_s
    latest_s = bench.emulator.now_s - watched_s
    until_s = latest_s if campaign.until_s is None else campaign.until_s
    if from_s >= until_s or until_s > latest_s:
        said = (
            f"is too short: faults begin from {from_s:.1f} to {until_s:.1f} s, "
            f"the longest is watched for {watched_s:.1f} s, and frames end at {bench.emulator.now_s:.1f} s"
        )
        raise BadInputError(setup.source, "seconds", campaign.seconds, said)
    return from_s, until_s
