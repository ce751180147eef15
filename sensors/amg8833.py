"""The AMG8833 as an I2C device: its registers, power modes and frames, in virtual time.

Register map after Panasonic, Reference Specifications AMG88**, 4 February 2016, sections 4-10 and 4-11.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from datasheet.bad_input import BadInputError
from sensors.interrupts import InterruptUnit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.grid_eye_sheet import GridEyeSheet
    from sensors.recording import Recording

PowerState = Literal["startup", "normal", "standby", "sleep"]

PCTL: Final = 0x00
"""Power control, RW, reset 0x00; 0x00 normal, 0x10 sleep, 0x20 and 0x21 stand-by of 60 and 10 s."""
RST: Final = 0x01
"""Reset, W; 0x30 flag reset (STAT, INT0-7), 0x3F initial reset (flag reset, adjustment reloaded)."""
FPSC: Final = 0x02
"""Frame rate, RW, reset 0x00; bit 0: 0 is 10 frames/s, 1 is 1 frame/s, each the mean of ten."""
INTC: Final = 0x03
"""Interrupt control, RW, reset 0x00; bit 0 INTEN, bit 1 INTMOD: 1 absolute, 0 difference."""
STAT: Final = 0x04
"""Status, R; bit 1 INTF, bit 2 OVF_IRS."""
SCLR: Final = 0x05
"""Status clear, W, clears itself; bits 1 and 2 as in STAT."""
AVE: Final = 0x07
"""Average, RW, reset 0x00; bit 5 MAMOD, the mean of two frames. Writable only when unlocked."""
INTHL: Final = 0x08
"""0x08 to 0x0D, RW, reset 0: upper level, lower level, hysteresis; low byte first, 12 bits, 0.25 degC."""
TTHL: Final = 0x0E
"""0x0E and 0x0F, R: thermistor, low byte first, 12 bits sign and magnitude, 0.0625 degC."""
INT0: Final = 0x10
"""0x10 to 0x17, R: one bit for each pixel beyond a level, bit 0 the lowest pixel."""
AVE_UNLOCK: Final = 0x1F
"""W; 0x50, 0x45, 0x57 in this order make AVE writable, 0x00 locks it."""
T01L: Final = 0x80
"""0x80 to 0xFF, R: pixels 1 to 64, low byte first, 12 bits two's complement, 0.25 degC."""

NORMAL, SLEEP, STANDBY_60S, STANDBY_10S = 0x00, 0x10, 0x20, 0x21

_MODES: Final[dict[int, PowerState]] = {
    NORMAL: "normal",
    SLEEP: "sleep",
    STANDBY_60S: "standby",
    STANDBY_10S: "standby",
}
_UNLOCK_SEQUENCE: Final = (0x50, 0x45, 0x57)
_FRAMES_PER_SLOW_FRAME: Final = 10


@dataclass(frozen=True)
class RejectedWrite:
    """A write the sensor ignored: reserved or read-only register, forbidden value, locked, or asleep."""

    time_s: float
    register: int
    value: int


@dataclass
class _Registers:
    """Registers that keep what is written; a power cycle makes them zero."""

    power: int = NORMAL
    rate: int = 0
    average: int = 0
    unlock: tuple[int, ...] = ()
    levels: bytearray = field(default_factory=lambda: bytearray(6))


class Amg8833:
    """A Grid-EYE on an I2C bus that shows the frames of a recording one after the other.

    Frame k of the recording is in the pixel registers from `first_frame_s` + k / 10 s on; before that
    frame 0 is there, after the last the last stays. Pixel n (1 to 64) is element n - 1 of the frame in
    row-major order. The registers are not updated while a transaction is open, so one burst never mixes two
    frames.

    Where the specification is silent: a sleeping sensor acknowledges, answers 0xFF except for PCTL, and
    takes no write but PCTL = 0x00; after it has been woken, pixels are not updated until the initial reset;
    MAMOD is the mean of two frames; unknown values are ignored and noted in `rejected_writes`. Warm-up
    errors in the first 15 s and the noise of other frame rates than those of the recording are not
    modelled.

    Args:
        recording: What the sensor sees.
        sheet: Its datasheet.
        address: 7-bit address, 0x68 or 0x69.
        power_on_s: When its supply comes up; it does not acknowledge during the next 50 ms.
        first_frame_s: When frame 0 of the recording is measured; None starts the recording half a frame
            before the pixels are first read, so that node and recording begin together.

    Raises:
        BadInputError: The recording has no frames, or the address is not one of the part's.
    """

    def __init__(
        self,
        recording: Recording,
        *,
        sheet: GridEyeSheet,
        address: int = 0x69,
        power_on_s: float = 0.0,
        first_frame_s: float | None = None,
    ) -> None:
        addresses = [int(number) for number in sheet.i2c_address.values[0]]
        if address not in addresses:
            allowed = f"must be {' or '.join(hex(known) for known in addresses)}"
            raise BadInputError(sheet.part, "address", hex(address), allowed)
        if not len(recording.frames):
            raise BadInputError("recording", "frames", 0, "must hold at least one frame")
        self.address = address
        self._sheet = sheet
        self._first_frame_s = first_frame_s
        self._answers_from_s = power_on_s + sheet.startup_communication_s.value
        self._pixels = _pixel_steps(recording, sheet)
        self._thermistor = _thermistor_steps(recording, sheet)
        self._registers = _Registers()
        self._interrupts = InterruptUnit(
            low_limit=round(sheet.object_low_degc.value / sheet.pixel_lsb_k.value),
            high_limit=round(sheet.object_high_degc.value / sheet.pixel_lsb_k.value),
        )
        self._image = self._pixels[0]
        self._shown = 0
        self._updates = 0
        self._mode_since_s = power_on_s
        self._awaits_reset = False
        self._is_open = False
        self._pointer = 0
        self._expects_pointer = False
        self._latched = 0
        self._rejected: list[RejectedWrite] = []
        self._states: list[tuple[float, PowerState]] = [
            (power_on_s, "startup"),
            (self._answers_from_s, "normal"),
        ]

    @property
    def first_frame_s(self) -> float | None:
        """When frame 0 of the recording is measured; None until the pixels have been read."""
        return self._first_frame_s

    @property
    def latched_frame(self) -> int:
        """Index of the frame that pixel reads were last served from."""
        return self._latched

    @property
    def interrupt_is_asserted(self) -> bool:
        """Whether the INT pin is driven low."""
        return self._interrupts.pin_is_low

    @property
    def rejected_writes(self) -> tuple[RejectedWrite, ...]:
        """Writes that had no effect, in order of time."""
        return tuple(self._rejected)

    def state_residency_s(self, until_s: float) -> dict[PowerState, float]:
        """Return the seconds spent in each power state from power-on until `until_s`."""
        residency: dict[PowerState, float] = {"startup": 0.0, "normal": 0.0, "standby": 0.0, "sleep": 0.0}
        marks = [*self._states, (math.inf, "normal")]
        for (start_s, state), (end_s, _) in pairwise(marks):
            residency[state] += max(min(end_s, until_s) - start_s, 0.0)
        return residency

    def begin(self, time_s: float, *, read: bool) -> bool:
        """Take the address phase; True acknowledges. A begin within a transaction is a repeated start."""
        if time_s < self._answers_from_s:
            return False
        if not self._is_open:
            self._update(time_s)
            self._is_open = True
        self._expects_pointer = not read
        if read and self._first_frame_s is None and self._pointer >= T01L:
            self._first_frame_s = time_s - 0.5 / self._sheet.fast_frame_rate_hz.value
        return True

    def write(self, time_s: float, byte: int) -> bool:
        """Take a byte: the register's address first, then values for it and its successors."""
        if self._expects_pointer:
            self._pointer = byte
            self._expects_pointer = False
            return True
        if not self._write_register(time_s, self._pointer, byte):
            self._rejected.append(RejectedWrite(time_s, self._pointer, byte))
        self._pointer = (self._pointer + 1) & 0xFF
        return True

    def read(self, time_s: float) -> int:  # noqa: ARG002 - the bus gives the time; an open transaction is frozen
        """Return the next byte."""
        register = self._pointer
        self._pointer = (register + 1) & 0xFF
        return self._read_register(register)

    def end(self, time_s: float) -> None:  # noqa: ARG002 - registers are next updated when someone looks
        """Take the STOP; the pixel registers may be updated again."""
        self._is_open = False

    def _read_register(self, register: int) -> int:
        if register == PCTL:
            return self._registers.power
        if self._registers.power == SLEEP:
            return 0xFF
        if register >= T01L:
            self._latched = self._shown
            return _byte(int(self._image[(register - T01L) // 2]) & 0xFFF, register)
        return self._read_low_register(register)

    def _read_low_register(self, register: int) -> int:
        """Return a register below the pixels; reserved and write-only ones read zero."""
        registers, interrupts = self._registers, self._interrupts
        if register in (TTHL, TTHL + 1):
            return _byte(int(self._thermistor[self._shown]), register)
        if INT0 <= register < INT0 + 8:
            return interrupts.table_byte(register - INT0)
        if INTHL <= register < TTHL:
            return registers.levels[register - INTHL]
        plain = {
            FPSC: registers.rate,
            AVE: registers.average,
            INTC: interrupts.control,
            STAT: interrupts.status,
        }
        return plain.get(register, 0)

    def _write_register(self, time_s: float, register: int, value: int) -> bool:
        """Carry out a write; False when the sensor ignores it."""
        if self._registers.power == SLEEP and (register, value) != (PCTL, NORMAL):
            return False
        if register == PCTL:
            return self._write_power(time_s, value)
        if register == RST:
            return self._reset(time_s, value)
        if INTHL <= register < TTHL:
            return self._write_level(register - INTHL, value)
        writers = {
            FPSC: self._write_rate,
            INTC: self._interrupts.write_control,
            SCLR: self._interrupts.clear,
            AVE: self._write_average,
            AVE_UNLOCK: self._unlock,
        }
        return register in writers and writers[register](value)

    def _write_power(self, time_s: float, value: int) -> bool:
        if value not in _MODES:
            return False
        if self._registers.power == SLEEP:
            self._awaits_reset = True
        self._registers.power = value
        self._restart_frames(time_s)
        self._states.append((time_s, _MODES[value]))
        return True

    def _reset(self, time_s: float, value: int) -> bool:
        if value not in (0x30, 0x3F):
            return False
        self._interrupts.reset_flags()
        if value == 0x3F and self._awaits_reset:
            self._awaits_reset = False
            self._image = np.zeros_like(self._image)
            self._restart_frames(time_s)
        return True

    def _write_rate(self, value: int) -> bool:
        if value > 1:
            return False
        self._registers.rate = value
        return True

    def _write_average(self, value: int) -> bool:
        if self._registers.unlock != _UNLOCK_SEQUENCE or value not in (0x00, 0x20):
            return False
        self._registers.average = value
        return True

    def _unlock(self, value: int) -> bool:
        """Follow the unlock sequence; 0x00 and anything out of order lock."""
        so_far = (*self._registers.unlock, value)
        in_order = so_far == _UNLOCK_SEQUENCE[: len(so_far)]
        self._registers.unlock = so_far if in_order else ()
        return in_order or value == 0

    def _write_level(self, offset: int, value: int) -> bool:
        levels = self._registers.levels
        if offset % 2 and value > 0x0F:
            return False
        levels[offset] = value
        upper, lower, hysteresis = (_signed_12(levels[index] | levels[index + 1] << 8) for index in range(0, 6, 2))
        self._interrupts.set_levels(upper, lower, hysteresis)
        return True

    def _restart_frames(self, time_s: float) -> None:
        """Count updates from now on in the present mode."""
        self._mode_since_s = time_s
        self._updates = self._updates_until(time_s)

    def _updates_until(self, time_s: float) -> int:
        """Return how many updates of the pixel registers the present mode has had by `time_s`."""
        if self._registers.power == NORMAL:
            return self._measured_by(time_s) + 1
        if self._registers.power == SLEEP:
            return self._updates
        return math.floor((time_s - self._mode_since_s) / self._standby_period_s + 1e-9)

    @property
    def _standby_period_s(self) -> float:
        is_short = self._registers.power == STANDBY_10S
        return (self._sheet.standby_short_period_s if is_short else self._sheet.standby_long_period_s).value

    def _measured_by(self, time_s: float) -> int:
        """Return the index of the last frame measured by `time_s`, -1 before the first."""
        if self._first_frame_s is None:
            return -1
        rate_hz = self._sheet.fast_frame_rate_hz.value
        return max(math.floor((time_s - self._first_frame_s) * rate_hz + 1e-6), -1)

    def _update(self, time_s: float) -> None:
        """Bring the pixel registers up to date, through every update that was missed."""
        due = self._updates_until(time_s)
        if self._awaits_reset:
            self._updates = due
        last = len(self._pixels) - 1
        if self._registers.power == NORMAL:
            # Beyond the recording's end only one more update can change anything: differences become zero.
            for number in range(self._updates, min(due, last + 2)):
                self._show(min(number, last))
        elif due > self._updates:
            measured_s = self._mode_since_s + due * self._standby_period_s
            self._show(min(max(self._measured_by(measured_s), 0), last))
        self._updates = max(due, self._updates)

    def _show(self, frame: int) -> None:
        """Put a frame into the pixel registers, if this frame ends one at the chosen rate."""
        is_slow = self._registers.rate == 1 and self._registers.power == NORMAL
        if is_slow and frame % _FRAMES_PER_SLOW_FRAME != _FRAMES_PER_SLOW_FRAME - 1:
            return
        count = _FRAMES_PER_SLOW_FRAME if is_slow else 2 if self._registers.average else 1
        taken = self._pixels[max(frame - count + 1, 0) : frame + 1]
        image = taken[-1] if len(taken) == 1 else np.round(taken.mean(axis=0)).astype(np.int64)
        self._interrupts.look(image, self._image)
        self._image = image
        self._shown = frame


def _pixel_steps(recording: Recording, sheet: GridEyeSheet) -> NDArray[np.int64]:
    """Return (N, 64) int64 in steps of the pixel registers, limited to 12 bits."""
    steps = np.round(recording.frames.reshape(len(recording.frames), 64) / sheet.pixel_lsb_k.value)
    return np.clip(steps, -2048, 2047).astype(np.int64)


def _thermistor_steps(recording: Recording, sheet: GridEyeSheet) -> NDArray[np.int64]:
    """Return (N,) int64 as in the thermistor's registers, sign and magnitude.

    Where the recording has none, the usual self-heating is added to the frame's median.
    """
    degc = recording.thermistor_degc
    if degc is None:
        degc = np.median(recording.frames, axis=(1, 2)) + sheet.thermistor_offset_k.value
    steps = np.round(degc / sheet.thermistor_lsb_k.value).astype(np.int64)
    magnitude = np.minimum(np.abs(steps), 0x7FF)
    return np.where(steps < 0, magnitude | 0x800, magnitude)


def _byte(word: int, register: int) -> int:
    """Return the low byte of a word at an even register, the high byte at an odd one."""
    return word >> 8 if register & 1 else word & 0xFF


def _signed_12(word: int) -> int:
    return (word & 0x7FF) - (word & 0x800)
