"""What a frame costs the firmware, read from its pins as a logic analyser would: steps, rate, delay of the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mcu_models.emulators.port import PinEdge
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from sensors.camera.ov7725_registers import Ov7725, Playback
from twin.emulated_node import NodeFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcu_models.boards.board import Board
    from mcu_models.emulators.image import FirmwareImage
    from mcu_models.emulators.virtual_clock import Executed, PowerState

PORT: Final = "GPIOB"
DOOR_PIN: Final = 15
STEP_PINS: Final = {"capture": 14, "scale": 13, "inference": 12, "decision": 11}
"""Pins of port B that are high while a step runs (`mcu_models/firmware/drivers/stm32h7/door_pins.h`)."""
SAMPLE_FRAMES: Final = 10
_WARMING: Final = 3
"""Frames whose caches were cold."""
BOOT_LIMIT_S: Final = 3.0
"""A camera door that has not taken a frame by then is given up: it waits 0.3 s for exposure and white balance."""
_STEP_S: Final = 0.005


@dataclass(frozen=True)
class DoorTiming:
    """How the firmware spends its time.

    Attributes:
        first_frame_s: From power-on to the beginning of the first frame that is looked at.
        period_s: From frame to frame.
        answer_s: From the beginning of a frame to the door's pin.
        steps_s: How long each step of a frame lasts; capture goes on beside the others.
        residency: Shares of the time by power state, frame by frame.
        executed: Instructions and cycles by core clock, of the whole sample.
    """

    first_frame_s: float
    period_s: float
    answer_s: float
    steps_s: Mapping[str, float]
    residency: Mapping[PowerState, float]
    executed: Mapping[int, Executed]

    @property
    def frame_rate_hz(self) -> float:
        """Frames a second."""
        return 1.0 / self.period_s

    @property
    def serial_s(self) -> float:
        """What a frame would take if its steps followed one another."""
        return sum(self.steps_s.values())

    def as_dict(self) -> dict[str, Any]:
        """Return what `result.json` says of it."""
        return {
            "rate_hz": self.frame_rate_hz,
            "serial_rate_hz": 1.0 / self.serial_s,
            "first_frame_s": self.first_frame_s,
            "answer_s": self.answer_s,
            "steps": {
                name: {"seconds": step_s, "share_of_frame": step_s / self.period_s, "share": step_s / self.serial_s}
                for name, step_s in self.steps_s.items()
            },
        }


def pulses_s(edges: Sequence[PinEdge], pin: int) -> list[tuple[float, float]]:
    """Return when a pin was high: begin and length of each time that is over."""
    own = [edge for edge in edges if (edge.port, edge.pin) == (PORT, pin)]
    return [(rise.time_s, fall.time_s - rise.time_s) for rise, fall in zip(own[::2], own[1::2], strict=False)]


def measure_timing(board: Board, image: FirmwareImage, *, bus: str, port: str) -> DoorTiming:
    """Run a few frames of patches through the firmware in the emulator, and time them.

    What a frame shows changes its times by less than a thousandth.

    Raises:
        NodeFailedError: The firmware does not look at frames.
    """
    patches = np.random.default_rng(1).integers(0, 65536, (SAMPLE_FRAMES, 8, 8)).astype(np.uint16)
    camera = Ov7725(Playback(np.repeat(np.repeat(patches, 25, axis=1), 25, axis=2)))
    emulator, edges = UnicornEmulator(board, image), list[PinEdge]()
    emulator.attach_i2c(bus, camera)
    emulator.attach_camera(port, camera)
    emulator.on_pin_edge(edges.append)
    while not camera.frames_taken and emulator.now_s < BOOT_LIMIT_S:
        emulator.run(until_s=emulator.now_s + _STEP_S)
    boot = dict(emulator.residency_s())
    decided = pulses_s(edges, STEP_PINS["decision"])
    while len(decided) < SAMPLE_FRAMES and emulator.now_s < 2 * BOOT_LIMIT_S:
        emulator.run(until_s=emulator.now_s + _STEP_S)
        decided = pulses_s(edges, STEP_PINS["decision"])
    if len(decided) < SAMPLE_FRAMES:
        said = [*(line.text for line in emulator.uart_lines()), *emulator.problems]
        raise NodeFailedError(f"the firmware looked at {len(decided)} of {SAMPLE_FRAMES} frames; it said {said[-3:]}")
    begins_s = [begin_s for begin_s, _ in decided[_WARMING:]]
    period_s = float(np.diff(begins_s).mean())
    capture_s = [begin_s for begin_s, _ in pulses_s(edges, STEP_PINS["capture"])]
    residency = emulator.residency_s()
    frames_s = {state: seconds - boot.get(state, 0.0) for state, seconds in residency.items()}
    whole_s = sum(frames_s.values())
    # A network that takes longer than a frame leaves frames out.
    frame_s = camera.mode.frame_s
    taken_s = max(round(period_s / frame_s), 1) * frame_s
    first_s = _begin_of_frame(camera, capture_s[0])
    ends_s = [begin_s + length_s for begin_s, length_s in decided]
    return DoorTiming(
        first_frame_s=first_s,
        period_s=taken_s,
        answer_s=float(np.mean([end_s - first_s - k * taken_s for k, end_s in enumerate(ends_s)][_WARMING:])),
        steps_s={name: _mean_s(edges, pin) for name, pin in STEP_PINS.items()},
        residency={state: seconds / whole_s for state, seconds in frames_s.items() if seconds > 0},
        executed=emulator.executed(),
    )


def _mean_s(edges: Sequence[PinEdge], pin: int) -> float:
    return float(np.mean([length_s for _, length_s in pulses_s(edges, pin)[_WARMING:]]))


def _begin_of_frame(camera: Ov7725, capture_s: float) -> float:
    frame = camera.next_frame(capture_s)
    if frame is None:
        raise NodeFailedError("the camera sends no frames")
    return float(frame.begin_s)
