"""What a firmware under test is shown: frames of a thermal array or of a camera, from a scenario or a recording."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from datasheet.bad_input import BadInputError
from datasheet.config import library_names
from datasheet.regular_file import is_file
from mcu_models.emulators.faulty_device import FaultyDevice
from scenarios.guarded_door import load_guarded_door
from scenarios.room import load_scenario
from scenarios.simulation import simulate
from sensors.amg8833 import Amg8833
from sensors.camera.camera_sheet import load_camera
from sensors.camera.ov7725_registers import Ov7725, Playback
from sensors.grid_eye_sheet import load_grid_eye
from sensors.recording import PIXEL_RANGE_DEGC, Recording, read_recording
from sensors.sensing import sense
from twin.door.world import DoorWorld
from twin.node import scenario_mount

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from numpy.typing import NDArray

    from mcu_models.emulators.renode_backend import RenodeEmulator
    from mcu_models.emulators.unicorn_backend import UnicornEmulator

    AnyEmulator: TypeAlias = UnicornEmulator | RenodeEmulator
    Played: TypeAlias = "str | Path | Recording | NDArray[np.generic] | Sequence[Played]"

DEFAULT_SECONDS: Final = 20.0
"""How long a scenario is played when nothing else is asked for."""
FIRST_LOOK_LIMIT_S: Final = 60.0
"""Virtual time after which firmware that has not looked at a frame is waited for no longer."""
MOST_SECONDS: Final = 864_000.0
"""Ten days; their frames are made before the first is shown."""
GUARDED_DOORS: Final = "scenarios.guarded_doors"
RECORDINGS: Final = (".npz", ".csv")
NOT_YET: Final = -1
"""Number of the frame before the firmware has looked at one."""


class Stimulus(Protocol):
    """Frames that firmware is shown.

    Attributes:
        frames: (N, rows, columns) of what is shown; rows of degC or RGB565 words. Empty where frames are made as they
            are looked at.
        truth: (N,) int64, people in view of each; empty where nobody knows.
    """

    frames: NDArray[np.generic]
    truth: NDArray[np.int64]

    @property
    def end_s(self) -> float:
        """Virtual time at which the last frame has been shown, or at which looking is given up if none was."""

    @property
    def frame_now(self) -> int:
        """Number of the frame that the firmware took last; -1 before the first."""

    def frame_s(self, number: int) -> float:
        """Virtual time at which a frame is measured; infinity while that is not known."""

    def attach(self, emulator: AnyEmulator) -> None:
        """Put the sensor on its bus."""


class ThermalStimulus:
    """A Grid-EYE on an I2C bus; frame 0 is measured half a frame before the firmware first reads pixels.

    Args:
        recording: What it sees.
        bus: Its bus.
        address: 0x68 or 0x69, as its pin AD_SELECT is wired.

    Raises:
        BadInputError: The recording is no Grid-EYE's.
    """

    def __init__(self, recording: Recording, *, bus: str = "I2C1", address: int = 0x69) -> None:
        sheet = load_grid_eye()
        self.frames: NDArray[np.generic] = recording.frames
        self.truth = recording.count
        self._bus = bus
        self._first_device = Amg8833(recording, sheet=sheet, address=address)
        self._period_s = 1.0 / sheet.fast_frame_rate_hz.value
        self._emulator: AnyEmulator | None = None

    @property
    def end_s(self) -> float:
        """Virtual time at which the last frame has been shown for its tenth of a second."""
        first_s = self._device.first_frame_s
        return (FIRST_LOOK_LIMIT_S if first_s is None else first_s) + len(self.frames) * self._period_s

    @property
    def frame_now(self) -> int:
        """Number of the frame in the registers when they were read last."""
        return NOT_YET if self._device.first_frame_s is None else self._device.latched_frame

    def frame_s(self, number: int) -> float:
        """Virtual time at which a frame is measured; infinity while that is not known."""
        first_s = self._device.first_frame_s
        return math.inf if first_s is None else first_s + number * self._period_s

    def attach(self, emulator: AnyEmulator) -> None:
        """Put the sensor on its bus."""
        self._emulator = emulator
        emulator.attach_i2c(self._bus, self._first_device)

    @property
    def _device(self) -> Amg8833:
        """The sensor as it is now: a copy, once a snapshot has been restored."""
        if self._emulator is None:
            return self._first_device
        device = self._emulator.connections.devices_on(self._bus)[self._first_device.address]
        device = device.device if isinstance(device, FaultyDevice) else device
        assert isinstance(device, Amg8833)  # noqa: S101 - nothing else has been attached there
        return device


class _Pictures:
    """What the camera sees, and which frame was taken last."""

    def __init__(self, source: Playback | DoorWorld) -> None:
        self._source = source
        self._index: int | None = None
        self._latest = np.empty((0, 0), np.uint16)
        self.taken = NOT_YET
        self.times_s: list[float] = []

    def __deepcopy__(self, memo: dict[int, object]) -> _Pictures:
        if isinstance(self._source, DoorWorld):
            raise BadInputError(
                "snapshot", "", None, "people before a guarded door cannot go back; play frames instead"
            )
        other = copy.copy(self)
        vars(other).update(_source=copy.copy(self._source), times_s=list(self.times_s))
        memo[id(self)] = other
        return other

    def picture(self, index: int, time_s: float) -> NDArray[np.uint16]:
        """Return what the camera sees; asked again for the same frame, the same."""
        if self._index != index:
            self._index = index
            self.taken += 1
            self.times_s.append(time_s)
            if isinstance(self._source, DoorWorld):
                self._latest = self._source.frame(max(time_s, self._source.now_s))
            else:
                self._latest = self._source.picture(index, time_s)
        return self._latest


class CameraStimulus:
    """An OV7725: registers over SCCB, frames over the parallel port.

    Args:
        source: (N, 200, 200) RGB565 words that are shown one after the other, or a door with people before it, whose
            frames are made as the firmware takes them.
        seconds: How long, from the first frame taken.
        bus: I2C bus of its registers.
        port: The camera interface.

    Raises:
        BadInputError: The frames are no RGB565 words.
    """

    def __init__(
        self, source: NDArray[np.uint16] | DoorWorld, *, seconds: float, bus: str = "I2C1", port: str = "DCMI"
    ) -> None:
        is_world = isinstance(source, DoorWorld)
        self.frames: NDArray[np.generic] = np.empty((0, 0, 0), np.uint16) if is_world else np.asarray(source)
        self.truth = np.empty(0, np.int64)
        self._first = _Pictures(source if isinstance(source, DoorWorld) else Playback(source))
        self._seconds = seconds
        self._bus, self._port = bus, port
        self._emulator: AnyEmulator | None = None

    @property
    def end_s(self) -> float:
        """Virtual time that is so many seconds behind the first frame taken."""
        times_s = self._shown.times_s
        return (times_s[0] if times_s else FIRST_LOOK_LIMIT_S) + self._seconds

    @property
    def frame_now(self) -> int:
        """Number of the frame taken last."""
        return self._shown.taken

    def frame_s(self, number: int) -> float:
        """Virtual time at which the readout of a frame began; infinity when it has not been taken."""
        times_s = self._shown.times_s
        return times_s[number] if 0 <= number < len(times_s) else math.inf

    def attach(self, emulator: AnyEmulator) -> None:
        """Put the camera on its bus and on its port."""
        self._emulator = emulator
        camera = Ov7725(self._first)
        emulator.attach_i2c(self._bus, camera)
        emulator.attach_camera(self._port, camera)

    @property
    def _shown(self) -> _Pictures:
        """The pictures as they are now: copies, once a snapshot has been restored."""
        camera = None if self._emulator is None else self._emulator.connections.cameras.get(self._port)
        pictures = camera.pictures if isinstance(camera, Ov7725) else self._first
        assert isinstance(pictures, _Pictures)  # noqa: S101 - what this class has made
        return pictures


def stimulus_of(
    what: Played,
    *,
    seconds: float | None = None,
    seed: int = 1,
    profile: str = "field",
    bus: str = "I2C1",
    address: int = 0x69,
) -> Stimulus:
    """Return what is played.

    Args:
        what: Name or path of a scenario, or of a guarded door; path of a recording (.npz, .csv); a recording; (N, 8, 8)
            degrees Celsius; (N, 200, 200) uint16 RGB565 words of the camera; or several for the thermal array, played
            one behind the other.
        seconds: How much of it; None: 20 s of a scenario, all of a recording.
        seed: Everything random about a scenario follows from it.
        profile: Noise profile of the thermal array.
        bus: I2C bus of the sensor.
        address: 7-bit address of a thermal array.

    Raises:
        BadInputError: There is no such thing, or it cannot be used.
    """
    if seconds is not None and not 0 < seconds <= MOST_SECONDS:
        raise BadInputError("play", "seconds", seconds, f"must be above 0 and at most {MOST_SECONDS:,.0f}")
    if not isinstance(seed, int) or seed < 0:
        raise BadInputError("play", "seed", seed, "must be a whole number of 0 or more")
    if isinstance(what, np.ndarray) and what.dtype == np.uint16:
        period_s = 1.0 / load_camera("ov7725").frame_rate_hz.value
        return CameraStimulus(
            np.asarray(what, np.uint16), seconds=len(what) * period_s if seconds is None else seconds, bus=bus
        )
    if isinstance(what, str | Path) and _is_guarded_door(what):
        world = DoorWorld(load_guarded_door(str(what)), load_camera("ov7725"), seed)
        return CameraStimulus(world, seconds=DEFAULT_SECONDS if seconds is None else seconds, bus=bus)
    recording = _thermal_recording(what, seconds, seed, profile)
    return ThermalStimulus(recording, bus=bus, address=address)


def check_playable(what: str) -> None:
    """Refuse what `stimulus_of` does not find; what a recording holds is seen when it is played.

    Raises:
        BadInputError: There is no such scenario, guarded door or recording.
    """
    if _is_guarded_door(what):
        return
    if Path(what).suffix.lower() not in RECORDINGS:
        load_scenario(what)
    elif not is_file(Path(what)):
        raise BadInputError("play", "", what, "no such file")


def _is_guarded_door(what: str | Path) -> bool:
    return str(what) in library_names(GUARDED_DOORS)


def _thermal_recording(what: Played, seconds: float | None, seed: int, profile: str) -> Recording:
    if isinstance(what, Recording):
        return _beginning(what, seconds)
    if isinstance(what, np.ndarray):
        return _beginning(_of_frames(what), seconds)
    if isinstance(what, str | Path):
        if Path(what).suffix.lower() in RECORDINGS:
            return _beginning(read_recording(Path(what)), seconds)
        return _sensed(str(what), DEFAULT_SECONDS if seconds is None else seconds, seed, profile)
    if not isinstance(what, list | tuple):
        raise BadInputError("play", "", what, "must be a scenario, a recording, frames, or a list of these")
    parts = [_thermal_recording(part, seconds, seed, profile) for part in what]
    if not parts:
        raise BadInputError("play", "", None, "must be a scenario, a recording or frames; got an empty list")
    return _joined(parts)


def _of_frames(frames: NDArray[np.generic]) -> Recording:
    """Return degrees Celsius as a recording at ten frames a second, of nobody knows how many people."""
    low_degc, high_degc = PIXEL_RANGE_DEGC
    if frames.ndim != 3 or frames.shape[1:] != (8, 8) or not np.issubdtype(frames.dtype, np.number):
        found = f"{frames.dtype} {frames.shape}"
        raise BadInputError("play", "frames", found, "must be (N, 8, 8) degC, or (N, 200, 200) uint16 RGB565")
    degc = np.asarray(frames, np.float32)
    if not len(degc) or not np.isfinite(degc).all() or degc.min() < low_degc or degc.max() > high_degc:
        raise BadInputError("play", "frames", None, f"must be at least one frame within {PIXEL_RANGE_DEGC} degC")
    period_s = 1.0 / load_grid_eye().fast_frame_rate_hz.value
    return Recording(np.asarray(np.arange(len(degc)) * period_s, np.float64), degc, np.zeros(len(degc), np.int64))


def _beginning(recording: Recording, seconds: float | None) -> Recording:
    if seconds is None:
        return recording
    count = max(1, round(seconds * load_grid_eye().fast_frame_rate_hz.value))
    first = slice(0, count)
    thermistor = recording.thermistor_degc
    return Recording(
        recording.time_s[first],
        recording.frames[first],
        recording.count[first],
        thermistor_degc=None if thermistor is None else thermistor[first],
    )


def _sensed(scenario: str, seconds: float, seed: int, profile: str) -> Recording:
    sheet, room = load_grid_eye(), load_scenario(scenario)
    rate_hz = sheet.fast_frame_rate_hz.value
    timeline = simulate(room, seconds=seconds, seed=seed, frame_rate_hz=rate_hz)
    return sense(timeline, scenario_mount(room), sheet, profile=profile, seed=seed)


def _joined(parts: Sequence[Recording]) -> Recording:
    frames = np.concatenate([part.frames for part in parts])
    whole = _of_frames(frames)
    return replace(whole, count=np.concatenate([part.count for part in parts]))
