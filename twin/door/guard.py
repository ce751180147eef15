"""The closed loop: frames of the world go to whoever guards the door, and its pin moves the door, in virtual time.

At the emulated level the firmware looks at every frame in the emulator, camera, DMA and pins included. At the host
level the same integers are computed on the host, and the pin moves as late as it did in an emulated sample.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from mcu_models.compiler.door_decision import DoorDecision
from mcu_models.compiler.image_input import image_input, score_frames
from mcu_models.compiler.reference import ReferenceNetwork
from mcu_models.emulators.backends import open_emulator
from sensors.camera.ov7725_registers import Ov7725
from twin.door.timing import DOOR_PIN, PORT
from twin.emulated_node import NodeFailedError, no_progress
from twin.host_node import LevelsDisagreeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mcu_models.compiler.door_decision import DoorPolicy
    from mcu_models.emulators.backends import BackendName
    from mcu_models.emulators.image import FirmwareImage
    from mcu_models.emulators.port import Emulator, PinEdge
    from mcu_models.networks.library import NetworkEntry
    from twin.door.node import DoorNode
    from twin.door.timing import DoorTiming
    from twin.door.world import DoorWorld, Sight, Standing
    from twin.emulated_node import Progress

ANSWER: Final = re.compile(r"^(\d+) (\d+) ([01])$")
"""A line of the firmware: frames before, score, whether the door is to be open."""
KEPT_EVERY: Final = 15
"""Of so many frames one is kept to be looked at, five a second."""
IDLE_S: Final = 1.0
"""At the host level, frames are left out when nobody has been in sight for so long ..."""
IDLE_LOOK_S: Final = 1.0
"""... but for one in so long."""
_SCORE_ZERO: Final = 128
_SLICE_S: Final = 0.05
"""The emulator is left so often: to see whether anybody is in sight, and to tell how far the run has come."""
_RENODE_SLICE_S: Final = np.inf
"""Renode is never left: 1.16.1 on Mono has been seen to wait for itself for ever when a run ended between frames and
another one began."""
_TIMES_EQUAL_S: Final = 1e-9
_UNDER_WAY: Final = 3
"""So many frames may be taken and not yet answered when time is up."""
_FIRST_LOOK_LIMIT_S: Final = 0.5
"""A camera door takes its first frame after 0.3 s."""


@dataclass(frozen=True)
class Look:
    """One frame as it was answered.

    Attributes:
        sight: What was there.
        score: The network's answer, 0 to 255.
        is_near: Whether somebody looked near.
        opens: Whether the door was to be open.
    """

    sight: Sight
    score: int
    is_near: bool
    opens: bool


@dataclass(frozen=True)
class Kept:
    """A frame to be looked at later.

    Attributes:
        number: Of its look.
        frame: (200, 200) RGB565.
        picture: (32, 32, 3) uint8, what the network saw of it.
        queue: Everybody in sight, the nearest first.
    """

    number: int
    frame: NDArray[np.uint16]
    picture: NDArray[np.uint8]
    queue: tuple[Standing, ...]


@dataclass
class GuardLog:
    """What a guard saw and answered.

    Attributes:
        looks: Frame by frame, those that were looked at.
        kept: Some of the frames.
        on_s: How long the board was powered.
        problems: What the firmware did that the hardware would not honour.
    """

    looks: list[Look] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    on_s: float = 0.0
    problems: tuple[str, ...] = ()


class Judge:
    """Answers frames with the firmware's integers, from power-on; of many it knows the network but once.

    Args:
        network: The network and its policy.
    """

    def __init__(self, network: NetworkEntry) -> None:
        self._reference = ReferenceNetwork(network.path)
        self._taken = image_input(self._reference.network)
        self._policy: DoorPolicy = network.door_policy
        self.power_on()

    def power_on(self) -> None:
        """Forget all frames."""
        self._decision = DoorDecision(self._policy, self._taken.code_of(self._policy.least_share))

    def look(self, sight: Sight, frame: NDArray[np.uint16]) -> tuple[Look, NDArray[np.uint8]]:
        """Return the answer to the next frame, and the small picture of it."""
        pictures, codes = score_frames(self._reference, self._taken, frame[np.newaxis])
        opens = self._decision.next(pictures[0], int(codes[0]))
        return Look(sight, int(codes[0]) + _SCORE_ZERO, self._decision.is_near, opens), pictures[0]


class _Watcher:
    """Takes frames of the world, has them judged on the host and writes both down."""

    def __init__(self, world: DoorWorld, judge: Judge) -> None:
        self.world, self.judge, self.log = world, judge, GuardLog()

    def take(self, time_s: float) -> tuple[NDArray[np.uint16], Look]:
        frame = self.world.frame(time_s)
        sight = self.world.sight()
        look, picture = self.judge.look(sight, frame)
        if len(self.log.looks) % KEPT_EVERY == 0:
            self.log.kept.append(Kept(len(self.log.looks), frame, picture, self.world.queue()))
        self.log.looks.append(look)
        return frame, look


def guard_on_host(
    world: DoorWorld,
    judge: Judge,
    node: DoorNode,
    timing: DoorTiming,
    *,
    seconds: float,
    skips_idle: bool = True,
    progress: Progress = no_progress,
) -> GuardLog:
    """Let the host guard the door.

    Args:
        world: The world, from its beginning.
        judge: The network.
        node: The node, for its presence table.
        timing: When the firmware takes frames and answers, as measured in the emulator.
        seconds: How long; the board is powered at the beginning, or as somebody comes into sight.
        skips_idle: Whether frames are left out while nobody is in sight, but for one a second. Exposure and the
            usual picture then follow more slowly than on the board.
        progress: Hears how many seconds are over.
    """
    watcher = _Watcher(world, judge)
    while (on_s := _power_on_s(world, node, seconds)) < seconds:
        judge.power_on()
        off_s = _guard_until_off(watcher, node, timing, on_s, seconds, skips_idle=skips_idle, progress=progress)
        watcher.log.on_s += off_s - on_s
        _settle(world, off_s)
    world.run_until(seconds)
    return watcher.log


def _guard_until_off(
    watcher: _Watcher,
    node: DoorNode,
    timing: DoorTiming,
    on_s: float,
    seconds: float,
    *,
    skips_idle: bool,
    progress: Progress,
) -> float:
    """Guard from power-on; return when the board is powered off."""
    world, pending, is_high = watcher.world, deque[tuple[float, bool]](), False
    looked_s, number = -np.inf, 0
    while True:
        time_s = on_s + timing.first_frame_s + number * timing.period_s
        number += 1
        while pending and pending[0][0] <= time_s and _stays_powered(world, node, pending[0][0], seconds):
            moved_s, high = pending.popleft()
            world.pin(moved_s, high=high)
        if not _stays_powered(world, node, time_s, seconds):
            return world.now_s
        is_idle = skips_idle and time_s - max(world.last_present_s, on_s) > IDLE_S and not is_high
        if is_idle and time_s - looked_s < IDLE_LOOK_S:
            continue
        looked_s = time_s
        _, look = watcher.take(time_s)
        if look.opens != is_high:
            is_high = look.opens
            pending.append((time_s + timing.answer_s, is_high))
        progress(int(time_s), int(seconds))


def guard_in_emulator(
    world: DoorWorld,
    judge: Judge,
    node: DoorNode,
    image: FirmwareImage,
    *,
    seconds: float,
    backend: BackendName = "unicorn",
    rates: Mapping[int, float] | None = None,
    progress: Progress = no_progress,
) -> GuardLog:
    """Let the firmware guard the door in the emulator; each answer is held beside the host's.

    Args:
        world: The world, from its beginning.
        judge: The same network on the host.
        node: Board, buses, presence.
        image: The firmware.
        seconds: How long.
        backend: What emulates.
        rates: Instructions a second by core clock, for a backend that only counts instructions.
        progress: Hears how many seconds are over.

    Raises:
        NodeFailedError: The firmware crashed or looked at no frame.
        LevelsDisagreeError: Firmware and host answered a frame differently.
    """
    watcher, problems = _Watcher(world, judge), dict[str, None]()
    while (on_s := _power_on_s(world, node, seconds)) < seconds:
        judge.power_on()
        with open_emulator(backend, node.board, image, rates=rates) as emulator:
            board = _PoweredBoard(watcher, node, emulator, on_s, _RENODE_SLICE_S if backend == "renode" else _SLICE_S)
            off_s = board.run(seconds, progress)
            board.check()
            problems.update(dict.fromkeys(emulator.problems))
        watcher.log.on_s += off_s - on_s
        _settle(world, off_s)
    world.run_until(seconds)
    watcher.log.problems = tuple(problems)
    return watcher.log


class _PoweredBoard:
    """A board from power-on to power-off, with the world before its camera."""

    def __init__(self, watcher: _Watcher, node: DoorNode, emulator: Emulator, on_s: float, slice_s: float) -> None:
        self._watcher, self._node, self._emulator, self._on_s = watcher, node, emulator, on_s
        self._slice_s = slice_s
        self._first = len(watcher.log.looks)
        self._known: dict[int, NDArray[np.uint16]] = {}
        camera, wiring = Ov7725(self), node.config.camera
        emulator.attach_i2c(wiring.bus, camera)
        emulator.attach_camera(wiring.port, camera)
        emulator.on_pin_edge(self._edge)

    def picture(self, index: int, time_s: float) -> NDArray[np.uint16]:
        """Return what the camera sees; the firmware takes each frame once."""
        if index not in self._known:
            self._known = {index: self._watcher.take(self._on_s + time_s)[0]}
        return self._known[index]

    def _edge(self, edge: PinEdge) -> None:
        if (edge.port, edge.pin) == (PORT, DOOR_PIN):
            self._watcher.world.pin(self._on_s + edge.time_s, high=edge.high)

    def run(self, seconds: float, progress: Progress) -> float:
        """Run until the board is powered off; return when that is."""
        world = self._watcher.world
        while True:
            off_s = _power_off_s(world, self._node, seconds)
            if self._on_s + self._emulator.now_s >= off_s - _TIMES_EQUAL_S:
                # The world is behind: somebody may have come in the last moment.
                if not _stays_powered(world, self._node, off_s, seconds):
                    return off_s
                continue
            until_s = min(self._emulator.now_s + self._slice_s, off_s - self._on_s)
            outcome = self._emulator.run(until_s=until_s)
            if outcome.end in ("fault", "halt"):
                raise NodeFailedError(f"the firmware ended after {outcome.virtual_s:.3f} s: {outcome.detail}")
            progress(int(self._on_s + self._emulator.now_s), int(seconds))
            # Not all the way: a frame that has begun may not have been fetched.
            world.run_until(self._on_s + self._emulator.now_s - self._slice_s)

    def check(self) -> None:
        """Hold what the firmware said of each frame beside what the host computed of it."""
        said = [ANSWER.match(line.text) for line in self._emulator.uart_lines()]
        answers = [tuple(int(part) for part in found.groups()) for found in said if found]
        looks = self._watcher.log.looks[self._first :]
        expected = [(number, look.score, int(look.opens)) for number, look in enumerate(looks)][: len(answers)]
        for number, (answer, wanted) in enumerate(zip(answers, expected, strict=False)):
            if answer != wanted:
                raise LevelsDisagreeError(f"frame {number}: firmware {answer[1:]}, host {wanted[1:]}, score and door")
        if not looks and self._emulator.now_s > _FIRST_LOOK_LIMIT_S:
            lines = [line.text for line in self._emulator.uart_lines()]
            raise NodeFailedError(f"the firmware looked at no frame in {self._emulator.now_s:.2f} s; it said {lines}")
        if not 0 <= len(looks) - len(answers) <= _UNDER_WAY:
            raise NodeFailedError(f"the firmware took {len(looks)} frames and answered {len(answers)}")
        log, end = self._watcher.log, self._first + len(answers)
        del log.looks[end:]
        log.kept = [one for one in log.kept if one.number < end]


def _power_on_s(world: DoorWorld, node: DoorNode, seconds: float) -> float:
    """Return when the board is powered next: at once, or as somebody comes into sight."""
    if node.config.presence is None:
        return world.now_s if world.now_s == 0 else seconds
    while not world.sight().queue and world.now_s < seconds:
        world.run_until(min(world.now_s + _SLICE_S, seconds))
    return world.now_s


def _power_off_s(world: DoorWorld, node: DoorNode, seconds: float) -> float:
    """Return when the board is powered off, if nobody comes or goes any more."""
    presence = node.config.presence
    if presence is None or world.sight().queue:
        return seconds
    return min(world.last_present_s + presence.hold_s, seconds)


def _stays_powered(world: DoorWorld, node: DoorNode, until_s: float, seconds: float) -> bool:
    """Let the world go on to a moment; return False, with the world at that time, if the board is off before."""
    while (off_s := _power_off_s(world, node, seconds)) > world.now_s:
        if world.now_s >= until_s:
            return True
        world.run_until(min(off_s, until_s, world.now_s + _SLICE_S))
    return False


def _settle(world: DoorWorld, off_s: float) -> None:
    """Let the pin fall with the supply."""
    world.run_until(off_s)
    if world.moves and world.moves[-1].high:
        world.pin(off_s, high=False)
