"""The AMG88xx as an I2C device: its registers, power modes and frames, in virtual time.

Register map after Panasonic, Reference Specifications AMG88**, 4 February 2016, sections 4-10 and 4-11.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

from datasheet.bad_input import BadInputError
from sensors.frame_registers import FrameRegisters
from sensors.interrupts import InterruptUnit
from sensors.register_words import byte_of, signed_12

if TYPE_CHECKING:
    from collections.abc import Callable

    from sensors.grid_eye_sheet import GridEyeSheet
    from sensors.recording import Recording

PowerState = Literal["startup", "normal", "standby", "sleep", "off"]

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
"""0x08 to 0x0D, RW, reset 0: upper level, lower level, hysteresis; low byte first, 12 bits, two's complement."""
TTHL: Final = 0x0E
"""0x0E and 0x0F, R: thermistor, low byte first, 12 bits sign and magnitude, 0.0625 degC."""
INT0: Final = 0x10
"""0x10 to 0x17, R: one bit for each pixel beyond a level, bit 0 the lowest pixel."""
AVE_UNLOCK: Final = 0x1F
"""W; 0x50, 0x45, 0x57 in this order make AVE writable, 0x00 locks it."""
T01L: Final = 0x80
"""0x80 to 0xFF, R: pixels 1 to 64, low byte first, 12 bits two's complement, 0.25 degC."""

NORMAL, SLEEP, STANDBY_60S, STANDBY_10S = 0x00, 0x10, 0x20, 0x21
FLAG_RESET, INITIAL_RESET = 0x30, 0x3F

WAKE_S: Final = 0.050
"""Between PCTL = 0x00 and the initial reset; section 4-11-1."""
INITIAL_RESET_S: Final = 0.002
"""Between the initial reset and the flag reset; section 4-11-1."""
SETTLE_FRAMES: Final = 2
"""Between the initial reset and the first read of temperatures or flags; sections 4-11-2 and 4-11-5."""

_ADAFRUIT_SLEEP: Final = 0x01
"""What the Adafruit C++ driver writes to PCTL for sleep; no command of the specification."""

_MODES: Final[dict[int, PowerState]] = {
    NORMAL: "normal",
    SLEEP: "sleep",
    STANDBY_60S: "standby",
    STANDBY_10S: "standby",
}
_SPECIFIED_BITS: Final = {
    FPSC: 0x01,
    INTC: 0x03,
    SCLR: 0x06,
    AVE: 0x20,
    INTHL + 1: 0x0F,
    INTHL + 3: 0x0F,
    INTHL + 5: 0x0F,
}
_MEASURED: Final = {STAT, *range(TTHL, INT0 + 8), *range(T01L, 0x100)}
_UNLOCK_SEQUENCE: Final = (0x50, 0x45, 0x57)
_ROUNDING_S: Final = 1e-9
_SETTLED_REPEATS: Final = 4
"""So often shown, the recording's last frame changes nothing more: averages hold nothing else."""


@dataclass(frozen=True)
class RejectedWrite:
    """A write the sensor ignored: reserved or read-only register, forbidden value, locked, or asleep."""

    time_s: float
    register: int
    value: int


@dataclass(frozen=True)
class BrokenRule:
    """Something the specification forbids and the sensor nevertheless did; noted once, the first time."""

    time_s: float
    rule: str


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
    row-major order. All pixels change together, and never while a transaction is open: one burst does not mix
    two frames, 64 transactions may. Range and steps are those of the sheet, so that the class serves the whole
    family.

    **Waking up.** The specification asks for PCTL = 0x00, 50 ms, RST = 0x3F, 2 ms, RST = 0x30, two frames. The
    sensor obeys sooner too, because drivers do not wait, and notes it in `broken_rules`. After the
    initial reset the temperatures read zero until the next frame; frame rate, interrupt control, average,
    levels and thermistor are held. Without sleep before it, an initial reset is a flag reset.

    **Strict and lenient.** The specification forbids values and bits it does not name. `strict` ignores such
    writes, an AVE that was not unlocked, and all but PCTL = 0x00 while asleep, and lists them in
    `rejected_writes`; asleep, every register reads 0xFF, and after sleep no frame comes before the initial reset.
    Otherwise the sensor is as forgiving as common drivers need it: PCTL = 0x01 is sleep, AVE needs no unlock, unnamed
    bits are dropped, PCTL is readable while asleep, and frames come after PCTL = 0x00 alone. What silicon does with
    these is not known; both are assumptions.

    **Silent in the specification, and assumed:** a sleeping sensor acknowledges; MAMOD is the mean of the last two
    frames, at whatever rate; stand-by measures at the end of each period. Warm-up errors in the first 15 s, the
    noise of other frame rates than those of the recording, and the trouble the Linux driver tells of when the
    sensor is woken at once after falling asleep are not modelled.

    Args:
        recording: What the sensor sees, 8 x 8 pixels.
        sheet: Its datasheet.
        address: 7-bit address, 0x68 or 0x69.
        power_on_s: When its supply comes up; it does not acknowledge during the next 50 ms.
        first_frame_s: When frame 0 of the recording is measured; None starts the recording half a frame
            before the pixels are first read, so that node and recording begin together. Firmware that waits
            for the INT pin before it reads needs a time here.
        strict: Whether writes that the specification does not provide for are ignored.

    Raises:
        BadInputError: The recording has no frames or not 8 x 8 pixels, the sheet is of another array, or the
            address is not one of the part's.
    """

    def __init__(
        self,
        recording: Recording,
        *,
        sheet: GridEyeSheet,
        address: int = 0x69,
        power_on_s: float = 0.0,
        first_frame_s: float | None = None,
        strict: bool = True,
    ) -> None:
        _check(recording, sheet, address)
        self.address = address
        self._sheet = sheet
        self._strict = strict
        self._frames_per_slow_frame = round(sheet.fast_frame_rate_hz.value / sheet.slow_frame_rate_hz.value)
        self._first_frame_s = first_frame_s
        self._frames = FrameRegisters(recording, sheet)
        self._registers = _Registers()
        self._interrupts = InterruptUnit(
            low_limit=round(sheet.object_low_degc.value / sheet.pixel_lsb_k.value),
            high_limit=round(sheet.object_high_degc.value / sheet.pixel_lsb_k.value),
        )
        self._updates = 0
        self._mode_since_s = power_on_s
        self._woken_s: float | None = None
        self._reset_s: float | None = None
        self._is_open = False
        self._pointer = 0
        self._expects_pointer = False
        self._latched = 0
        self._rejected: list[RejectedWrite] = []
        self._broken: dict[str, float] = {}
        self._is_on = True
        self._states: list[tuple[float, PowerState]] = []
        self._listeners: list[Callable[[float, PowerState], None]] = []
        self._answers_from_s = self._start_up(power_on_s)

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
        """Whether the INT pin was driven low when the registers were last updated."""
        return self._is_on and self._registers.power != SLEEP and self._interrupts.pin_is_low

    @property
    def rejected_writes(self) -> tuple[RejectedWrite, ...]:
        """Writes that had no effect, in order of time."""
        return tuple(self._rejected)

    @property
    def broken_rules(self) -> tuple[BrokenRule, ...]:
        """Rules of the specification that were broken without being punished, in order of their first time."""
        return tuple(BrokenRule(time_s, rule) for rule, time_s in self._broken.items())

    def int_pin_is_low(self, time_s: float) -> bool:
        """Return whether the INT pin is asserted at `time_s`, also while nobody uses the bus."""
        if self._is_on and not self._is_open:
            self._update(time_s)
        return self.interrupt_is_asserted

    def state_residency_s(self, until_s: float) -> dict[PowerState, float]:
        """Return the seconds spent in each power state from power-on until `until_s`.

        The states are "startup", "normal", "standby" and "sleep", and "off" if the supply was ever cut.
        """
        residency: dict[PowerState, float] = {"startup": 0.0, "normal": 0.0, "standby": 0.0, "sleep": 0.0}
        marks = [*self._states, (math.inf, self._states[-1][1])]
        for (start_s, state), (end_s, _) in pairwise(marks):
            residency[state] = residency.get(state, 0.0) + max(min(end_s, until_s) - start_s, 0.0)
        return residency

    def on_power_state(self, listener: Callable[[float, PowerState], None]) -> None:
        """Call `listener` with time and state when the sensor is switched on ("startup") or off or changes its mode."""
        self._listeners.append(listener)

    def begin_recording(self, time_s: float) -> None:
        """Measure frame 0 of the recording at `time_s`, unless it has begun already."""
        if self._first_frame_s is None:
            self._first_frame_s = time_s

    def power_off(self, time_s: float) -> None:
        """Cut the supply: the sensor leaves the bus and forgets its registers. Off already, it stays off."""
        if not self._is_on:
            return
        start_s = self._states[0][0]
        self._is_on = self._is_open = False
        self._states = [mark for mark in self._states if mark[0] < time_s]
        self._states.append((max(time_s, start_s), "off"))
        self._tell(time_s, "off")

    def power_on(self, time_s: float) -> None:
        """Restore the supply: the sensor answers after 50 ms, every register at its initial value, awake.

        Temperatures read zero until the next frame. The recording goes on meanwhile. On already, nothing happens.
        """
        if self._is_on:
            return
        self._is_on = True
        self._registers = _Registers()
        self._interrupts.power_cycle()
        self._pointer = 0
        self._woken_s = self._reset_s = None
        self._answers_from_s = self._start_up(time_s)
        self._frames.thermistor_word = 0
        self._forget_temperatures(self._answers_from_s)
        self._tell(time_s, "startup")

    def begin(self, time_s: float, *, read: bool) -> bool:
        """Take the address phase; True acknowledges. A begin within a transaction is a repeated start."""
        if not self._is_on or time_s < self._answers_from_s:
            return False
        if not self._is_open:
            self._update(time_s)
            self._is_open = True
        self._expects_pointer = not read
        if read:
            self._note_early_read(time_s)
            self._start_recording(time_s)
        return True

    def write(self, time_s: float, byte: int) -> bool:
        """Take a byte: the register's address first, then values for it and its successors."""
        if not self._is_on:
            return False
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
        if not self._is_on:
            return 0xFF
        register = self._pointer
        self._pointer = (register + 1) & 0xFF
        return self._read_register(register)

    def end(self, time_s: float) -> None:  # noqa: ARG002 - registers are next updated when someone looks
        """Take the STOP; the pixel registers may be updated again."""
        self._is_open = False

    def _start_up(self, time_s: float) -> float:
        """Note the start-up and return when the sensor answers."""
        answers_from_s = time_s + self._sheet.startup_communication_s.value
        self._states += [(time_s, "startup"), (answers_from_s, "normal")]
        return answers_from_s

    def _tell(self, time_s: float, state: PowerState) -> None:
        for listener in self._listeners:
            listener(time_s, state)

    def _start_recording(self, time_s: float) -> None:
        """Begin the recording when valid pixels are first read."""
        is_valid = self._registers.power != SLEEP and not self._awaits_reset
        if self._first_frame_s is not None or self._pointer < T01L or not is_valid:
            return
        self._first_frame_s = time_s - 0.5 / self._sheet.fast_frame_rate_hz.value
        if self._registers.power == NORMAL:
            self._show(0)
            self._updates = 1

    def _read_register(self, register: int) -> int:
        if self._registers.power == SLEEP and (self._strict or register != PCTL):
            return 0xFF
        if register >= T01L:
            self._latched = self._frames.frame
            return self._frames.pixel_byte(register - T01L)
        return self._read_low_register(register)

    def _read_low_register(self, register: int) -> int:
        """Return a register below the pixels; reserved and write-only ones read zero."""
        registers, interrupts = self._registers, self._interrupts
        if register in (TTHL, TTHL + 1):
            return byte_of(self._frames.thermistor_word, register)
        if INT0 <= register < INT0 + 8:
            return interrupts.table_byte(register - INT0)
        if INTHL <= register < TTHL:
            return registers.levels[register - INTHL]
        plain = {
            PCTL: registers.power,
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
        if value & ~_SPECIFIED_BITS.get(register, 0xFF):
            if self._strict:
                return False
            self._note(time_s, "bits that are not specified must not be written")
            value &= _SPECIFIED_BITS[register]
        return self._write_specified(time_s, register, value)

    def _write_specified(self, time_s: float, register: int, value: int) -> bool:
        if INTHL <= register < TTHL:
            return self._write_level(register - INTHL, value)
        writers = {
            PCTL: lambda: self._write_power(time_s, value),
            RST: lambda: self._reset(time_s, value),
            FPSC: lambda: self._write_rate(value),
            INTC: lambda: self._write_interrupt_control(value),
            SCLR: lambda: self._clear_flags(value),
            AVE: lambda: self._write_average(time_s, value),
            AVE_UNLOCK: lambda: self._unlock(value),
        }
        return register in writers and writers[register]()

    def _write_power(self, time_s: float, value: int) -> bool:
        if value == _ADAFRUIT_SLEEP and not self._strict:
            self._note(time_s, "0x01 is no power mode; taken for sleep")
            value = SLEEP
        if value not in _MODES:
            return False
        if self._registers.power == SLEEP:
            self._woken_s = time_s
        self._registers.power = value
        self._restart_frames(time_s)
        self._states.append((time_s, _MODES[value]))
        self._tell(time_s, _MODES[value])
        return True

    def _reset(self, time_s: float, value: int) -> bool:
        if value not in (FLAG_RESET, INITIAL_RESET):
            return False
        if value == INITIAL_RESET:
            self._initial_reset(time_s)
        elif self._reset_s is not None and time_s < self._reset_s + INITIAL_RESET_S - _ROUNDING_S:
            self._note(time_s, "flag reset less than 2 ms after the initial reset")
        self._interrupts.reset_flags()
        return True

    def _initial_reset(self, time_s: float) -> None:
        if self._woken_s is None:
            self._note(time_s, "initial reset without sleep before it")
            return
        if time_s < self._woken_s + WAKE_S - _ROUNDING_S:
            self._note(time_s, "initial reset less than 50 ms after waking")
        self._woken_s, self._reset_s = None, time_s
        self._forget_temperatures(time_s)

    def _write_rate(self, value: int) -> bool:
        self._registers.rate = value
        return True

    def _write_interrupt_control(self, value: int) -> bool:
        self._interrupts.control = value
        return True

    def _clear_flags(self, mask: int) -> bool:
        self._interrupts.clear(mask)
        return True

    def _write_average(self, time_s: float, value: int) -> bool:
        if self._registers.unlock != _UNLOCK_SEQUENCE:
            if self._strict:
                return False
            self._note(time_s, "average register written without its unlock sequence")
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
        levels[offset] = value
        upper, lower, hysteresis = (signed_12(levels[index] | levels[index + 1] << 8) for index in range(0, 6, 2))
        self._interrupts.set_levels(upper, lower, hysteresis)
        return True

    def _note(self, time_s: float, rule: str) -> None:
        self._broken.setdefault(rule, time_s)

    def _note_early_read(self, time_s: float) -> None:
        if self._registers.power == SLEEP:
            self._note(time_s, "read while asleep")
        elif self._woken_s is not None and self._pointer != PCTL:
            self._note(time_s, "read after sleep before the initial reset")
        elif self._reset_s is not None and self._pointer in _MEASURED:
            settled_s = self._reset_s + SETTLE_FRAMES * self._frame_period_s
            if time_s < settled_s - _ROUNDING_S:
                self._note(time_s, "temperatures or flags read less than two frames after the initial reset")

    @property
    def _frame_period_s(self) -> float:
        slowness = self._frames_per_slow_frame if self._registers.rate else 1
        return slowness / self._sheet.fast_frame_rate_hz.value

    @property
    def _awaits_reset(self) -> bool:
        """Whether the sensor has been woken and shows no frames before the initial reset."""
        return self._strict and self._woken_s is not None

    def _forget_temperatures(self, time_s: float) -> None:
        """Zero the pixel registers until the next frame after `time_s`."""
        self._frames.forget_temperatures(next_frame=self._measured_by(time_s) + 1)
        self._restart_frames(time_s)

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
        """Return the number of the last frame measured by `time_s`, -1 before the first."""
        if self._first_frame_s is None:
            return -1
        rate_hz = self._sheet.fast_frame_rate_hz.value
        return max(math.floor((time_s - self._first_frame_s) * rate_hz + 1e-6), -1)

    def _update(self, time_s: float) -> None:
        """Bring the pixel registers up to date, through every update that was missed."""
        due = self._updates_until(time_s)
        if not self._awaits_reset:
            if self._registers.power == NORMAL:
                self._show_missed(due)
            else:
                self._show_missed_in_standby(due)
        self._updates = max(due, self._updates)

    def _show_missed(self, due: int) -> None:
        # Past the recording's end the last frame repeats; once averages hold nothing else, nothing changes.
        changes_until = max(len(self._frames), self._updates) + _SETTLED_REPEATS * self._frames_per_slow_frame
        for number in range(self._updates, min(due, changes_until)):
            self._show(number)

    def _show_missed_in_standby(self, due: int) -> None:
        repeats = 0
        for number in range(self._updates, due):
            measured = self._measured_by(self._mode_since_s + (number + 1) * self._standby_period_s)
            self._show(max(measured, 0))
            repeats += measured > len(self._frames)
            if repeats == _SETTLED_REPEATS:
                break

    def _show(self, number: int) -> None:
        """Put a frame into the pixel registers, if this frame ends one at the chosen rate."""
        is_slow = self._registers.rate == 1 and self._registers.power == NORMAL
        length = self._frames_per_slow_frame if is_slow else 1
        if (number + 1) % length:
            return
        image, previous = self._frames.show(number, 2 * length if self._registers.average else length)
        self._interrupts.look(image, previous)


def _check(recording: Recording, sheet: GridEyeSheet, address: int) -> None:
    addresses = [int(number) for number in sheet.i2c_address.values[0]]
    if address not in addresses:
        allowed = f"must be {' or '.join(hex(known) for known in addresses)}"
        raise BadInputError(sheet.part, "address", hex(address), allowed)
    if (sheet.rows, sheet.columns) != (8, 8):
        allowed = "rows and columns must be 8; these registers are those of a Grid-EYE"
        raise BadInputError(sheet.part, "rows, columns", (sheet.rows, sheet.columns), allowed)
    if not len(recording.frames):
        raise BadInputError("recording", "frames", 0, "must hold at least one frame")
    if recording.frames.shape[1:] != (8, 8):
        raise BadInputError("recording", "frames", recording.frames.shape, "shape must be (N, 8, 8)")
