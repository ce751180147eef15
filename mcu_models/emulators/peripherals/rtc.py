"""RTC of STM32L4, L4+, F7 and H743: calendar, wake-up timer, alarms A and B, backup registers.

Source: RM0351, chapter 38; the same registers in RM0385 and RM0433. Modelled: write protection, initialisation mode,
24- and 12-hour format, both prescalers, subseconds, the wake-up timer with all its clocks, alarms with their masks,
backup registers. The RTC belongs to the backup domain: a reset of the system leaves it alone. Not modelled: time
stamps, tamper detection, calibration, shifts, daylight-saving buttons, alarm subseconds, the later RTC (H7A3, L4P5).
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral

if TYPE_CHECKING:
    from mcu_models.boards.board import PeripheralSheet

_TR, _DR, _CR, _ISR, _PRER, _WUTR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14
_ALRMAR, _ALRMBR, _WPR, _SSR, _TAMPCR, _BACKUP = 0x1C, 0x20, 0x24, 0x28, 0x40, 0x50
_WUTWF, _INITS, _RSF, _INITF, _INIT = 1 << 2, 1 << 4, 1 << 5, 1 << 6, 1 << 7
_ALRAF, _ALRBF, _WUTF = 1 << 8, 1 << 9, 1 << 10
_FMT, _WUTE, _PM = 1 << 6, 1 << 10, 1 << 22
_KEYS = (0xCA, 0x53)
_ALARMS = {"A": (_ALRMAR, 1 << 8, _ALRAF, 1), "B": (_ALRMBR, 1 << 9, _ALRBF, 2)}
"""Register, enable bit in CR (its interrupt enable stands four bits above), flag, flag that it may be written."""
SYNC_CLOCKS = 2
"""RTC clocks until initialisation mode is entered or the shadow registers are synchronised: RM0351, 38.3.7, 38.3.8."""
_DAY_S = 86400


class Rtc(Peripheral):
    """The real-time clock. Options: `wakeup_line` and `alarm_line` of the EXTI through which it interrupts and wakes.

    Without these options the interrupt lines are wake-up timer and alarm.
    """

    reset_values = {_DR: 0x2101, _ISR: 0x7, _PRER: 0x7F00FF, _WUTR: 0xFFFF}  # noqa: RUF012 - a constant
    status_registers = frozenset({_ISR})

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        retained = chip.retained.registers(name)
        if not retained:
            retained.update(self.registers)
        self.registers = retained
        self._epochs = chip.retained.epochs(name)
        self._keys_seen = 0
        self._levels: dict[str, bool] = {}
        self._clock_hz = self._epochs.get("clock_hz", 0.0)
        self._plan_all()

    def reset(self) -> None:
        """Leave everything as it is: the reset bits of the RCC reset the interface alone."""

    def reset_backup(self) -> None:
        """Forget calendar, settings and backup registers."""
        self.registers.clear()
        self.registers.update({**self.reset_values, **self.sheet.reset_values})
        self._epochs.clear()
        for slot in ("wakeup", "alarm A", "alarm B", "init", "rsf", "write"):
            self.cancel(slot)
        self._keys_seen, self._clock_hz = 0, 0.0
        self.clock_changed()
        self._update_lines()

    # -- registers -----------------------------------------------------------------------------------------

    def read_register(self, offset: int) -> int:
        """Return a register; the calendar is worked out from the time."""
        if offset in (_TR, _DR):
            return self._calendar()[offset == _DR]
        if offset == _SSR:
            return self._subseconds()
        if offset == _ISR:
            return self.registers[_ISR]
        return 0 if offset == _WPR else super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        """Take a register; most are write-protected until the two keys have come."""
        if offset == _WPR:
            self._take_key(value & 0xFF)
        elif not self.chip.backup_writable():
            self._refuse(offset, "while PWR_CR1.DBP protects it")
        elif offset == _ISR:
            self._set_status(value)
        elif offset >= _BACKUP or offset == _TAMPCR:
            self.registers[offset] = value
        elif self._keys_seen < len(_KEYS):
            self._refuse(offset, "while it is write-protected")
        else:
            self._set_up(offset, value)

    def _refuse(self, offset: int, why: str) -> None:
        self.chip.report(f"{self.name}: register {offset:#x} written {why}; hardware ignores it")

    def _take_key(self, key: int) -> None:
        right = self._keys_seen < len(_KEYS) and key == _KEYS[self._keys_seen]
        self._keys_seen = self._keys_seen + 1 if right else int(key == _KEYS[0])

    def _set_up(self, offset: int, value: int) -> None:
        if offset in (_TR, _DR, _PRER) and not self.registers[_ISR] & _INITF:
            self._refuse(offset, "outside initialisation mode")
            return
        if offset == _WUTR and not self.registers[_ISR] & _WUTWF:
            self._refuse(offset, "while the wake-up timer is on")
            return
        before = self.registers.get(offset, 0)
        self.registers[offset] = value & 0xFFFF if offset == _WUTR else value
        if offset == _CR:
            self._set_control(before, value)
        elif offset in (_ALRMAR, _ALRMBR):
            self._plan_alarms()

    def _set_status(self, value: int) -> None:
        """Take ISR: a zero clears a flag, INIT enters and leaves initialisation mode."""
        status = self.registers[_ISR]
        cleared = ~value & (0x3F00 | _RSF)
        if self._keys_seen == len(_KEYS):
            if value & _INIT and not status & _INIT:
                status = self._freeze() | _INIT
                self.after(self._sync_s, partial(self._raise, _INITF), "init")
            elif status & _INIT and not value & _INIT:
                status = self._unfreeze()
        self.registers[_ISR] = status & ~cleared
        if not value & _RSF or status & _INIT != self.registers[_ISR] & _INIT:
            self.after(self._sync_s, partial(self._raise, _RSF), "rsf")
        self._update_lines()

    def _raise(self, flags: int) -> None:
        self.registers[_ISR] |= flags
        self._update_lines()

    @property
    def _sync_s(self) -> float:
        hz = self._clock_hz or self.kernel_hz
        if hz <= 0:
            self.chip.report(f"{self.name}: used while it has no clock")
            return 1.0
        return SYNC_CLOCKS / hz

    # -- calendar ------------------------------------------------------------------------------------------

    @property
    def _tick_s(self) -> float:
        """Of ck_spre, a second when the prescalers suit the clock; infinity without a clock."""
        prescaler = self.registers[_PRER]
        counts = ((prescaler >> 16 & 0x7F) + 1) * ((prescaler & 0x7FFF) + 1)
        return counts / self._clock_hz if self._clock_hz > 0 else math.inf

    @property
    def _elapsed_ticks(self) -> float:
        if self.registers[_ISR] & _INITF or "calendar" not in self._epochs:
            return 0.0
        return (self.chip.clock.now_s - self._epochs["calendar"]) / self._tick_s + 1e-9

    def _calendar(self) -> tuple[int, int]:
        """Return TR and DR of now."""
        ticks = math.floor(self._elapsed_ticks)
        time, date = self.registers.get(_TR, 0), self.registers[_DR]
        if not ticks:
            return time, date
        twelve = bool(self.registers.get(_CR, 0) & _FMT)
        return _registers(_moment(time, date, twelve=twelve) + timedelta(seconds=ticks), twelve=twelve)

    def _subseconds(self) -> int:
        highest = self.registers[_PRER] & 0x7FFF
        elapsed = self._elapsed_ticks
        return highest - math.floor((elapsed - math.floor(elapsed)) * (highest + 1))

    def _freeze(self) -> int:
        """Stop the calendar where it is; return the status."""
        self.registers[_TR], self.registers[_DR] = self._calendar()
        self._epochs.pop("calendar", None)
        return self.registers[_ISR]

    def _unfreeze(self) -> int:
        """Let the calendar go on from what stands in TR and DR; return the status."""
        self.cancel("init")
        self._epochs["calendar"] = self.chip.clock.now_s
        year = _INITS if self.registers[_DR] >> 16 & 0xFF else 0
        self.registers[_ISR] = self.registers[_ISR] & ~(_INIT | _INITF | _INITS | _RSF) | year
        self._plan_alarms()
        return self.registers[_ISR]

    def clock_changed(self) -> None:
        """Count on at the new clock, whole seconds only."""
        if self.kernel_hz == self._clock_hz:
            return
        running = not self.registers[_ISR] & _INITF
        if running:
            self._freeze()
        self._clock_hz = self._epochs["clock_hz"] = self.kernel_hz
        if running:
            self._epochs["calendar"] = self.chip.clock.now_s
        self._epochs.pop("wakeup", None)
        self._plan_all()

    # -- wake-up timer and alarms --------------------------------------------------------------------------

    def _set_control(self, before: int, value: int) -> None:
        if value & _WUTE and not before & _WUTE:
            self.registers[_ISR] &= ~_WUTWF
            self._epochs["wakeup"] = self.chip.clock.now_s + self._wakeup_s
            self._plan_wakeup()
        elif before & _WUTE and not value & _WUTE:
            self.cancel("wakeup")
            self._epochs.pop("wakeup", None)
            self.after(self._sync_s, partial(self._raise, _WUTWF), "write")
        self._plan_alarms()
        self._update_lines()

    @property
    def _wakeup_s(self) -> float:
        """Period of the wake-up timer."""
        choice, reload = self.registers.get(_CR, 0) & 7, self.registers[_WUTR] + 1
        if self._clock_hz <= 0:
            self.chip.report(f"{self.name}: wake-up timer started while the RTC has no clock")
            return math.inf
        if choice < 4:
            return reload * (16 >> choice) / self._clock_hz
        return (reload + (1 << 16 if choice & 2 else 0)) * self._tick_s

    def _plan_all(self) -> None:
        if self.registers.get(_CR, 0) & _WUTE:
            self._epochs.setdefault("wakeup", self.chip.clock.now_s + self._wakeup_s)
            self._plan_wakeup()
        self._plan_alarms()

    def _plan_wakeup(self) -> None:
        if not math.isinf(self._epochs["wakeup"]):
            self.at(self._epochs["wakeup"], self._wake, "wakeup")

    def _wake(self) -> None:
        self._epochs["wakeup"] += self._wakeup_s
        self._plan_wakeup()
        self.chip.wake_from_standby()
        self._raise(_WUTF)

    def _plan_alarms(self) -> None:
        """Come back at the next second at which an alarm matches."""
        for name, (register, enable, _, writable) in _ALARMS.items():
            on = self.registers.get(_CR, 0) & enable
            status = self.registers[_ISR]
            self.registers[_ISR] = status & ~writable if on else status | writable
            ticks = self._ticks_to_alarm(self.registers.get(register, 0)) if on else None
            if ticks is None:
                self.cancel(f"alarm {name}")
            else:
                self.at(self._epochs["calendar"] + ticks * self._tick_s, partial(self._alarm, name), f"alarm {name}")

    def _ticks_to_alarm(self, alarm: int) -> int | None:
        """Return the ticks since the calendar's epoch at the next match; None when there is none within a month."""
        if math.isinf(self._tick_s) or "calendar" not in self._epochs:
            return None
        twelve = bool(self.registers.get(_CR, 0) & _FMT)
        epoch = _moment(self.registers.get(_TR, 0), self.registers[_DR], twelve=twelve)
        first = math.floor(self._elapsed_ticks) + 1
        return _next_match(alarm, epoch, first, twelve=twelve)

    def _alarm(self, name: str) -> None:
        self.chip.wake_from_standby()
        self._raise(_ALARMS[name][2])
        self._plan_alarms()

    def _update_lines(self) -> None:
        status, control = self.registers[_ISR], self.registers.get(_CR, 0)
        # The interrupt enables of alarms and wake-up timer stand four bits above their flags.
        raised = status & control >> 4
        levels = {"wakeup_line": bool(raised & _WUTF), "alarm_line": bool(raised & (_ALRAF | _ALRBF))}
        for number, (option, high) in enumerate(levels.items()):
            line = self.sheet.options.get(option)
            if line is None:
                self.set_interrupt(high=high, line=number)
            elif self.chip.edges is not None and high != self._levels.get(option, False):
                self.chip.edges.line_changed(int(line), high=high)
            self._levels[option] = high


def _decimal(word: int, shift: int, bits: int) -> int:
    """Return the number that stands in binary-coded decimal at `shift`, its tens in `bits` bits."""
    digits = word >> shift
    return (digits & 0xF) + 10 * (digits >> 4 & ((1 << bits) - 1))


def _coded(number: int) -> int:
    return number // 10 << 4 | number % 10


def _moment(time: int, date: int, *, twelve: bool) -> datetime:
    """Return what TR and DR say; what is no date counts as the first of its month."""
    hour = _decimal(time, 16, 2)
    if twelve:
        hour = hour % 12 + (12 if time & _PM else 0)
    year, month, day = 2000 + _decimal(date, 16, 4), _decimal(date, 8, 1), _decimal(date, 0, 2)
    parts = min(hour, 23), min(_decimal(time, 8, 3), 59), min(_decimal(time, 0, 3), 59)
    try:
        return datetime(year, month, day, *parts)  # noqa: DTZ001 - the calendar knows no time zone
    except ValueError:
        return datetime(year, min(max(month, 1), 12), 1, *parts)  # noqa: DTZ001


def _registers(moment: datetime, *, twelve: bool) -> tuple[int, int]:
    """Return TR and DR of a moment."""
    hour, afternoon = moment.hour, 0
    if twelve:
        hour, afternoon = moment.hour % 12 or 12, _PM if moment.hour >= 12 else 0
    time = afternoon | _coded(hour) << 16 | _coded(moment.minute) << 8 | _coded(moment.second)
    date = _coded(moment.year % 100) << 16 | moment.isoweekday() << 13 | _coded(moment.month) << 8 | _coded(moment.day)
    return time, date


def _next_match(alarm: int, epoch: datetime, first: int, *, twelve: bool) -> int | None:
    """Return the first tick from `first` on at which an alarm matches, if there is one within 32 days.

    The mask bits 7, 15, 23 and 31 let seconds, minutes, hours and days be anything.
    """
    tick, last = first, first + 32 * _DAY_S
    while tick < last:
        time, date = _registers(epoch + timedelta(seconds=tick), twelve=twelve)
        if not alarm >> 31 & 1 and not _same_day(alarm, date):
            tick += _DAY_S - _second_of_day(epoch, tick)
        elif not alarm >> 23 & 1 and (alarm ^ time) & 0x7F0000:
            tick += 3600 - _second_of_day(epoch, tick) % 3600
        elif not alarm >> 15 & 1 and (alarm ^ time) & 0x7F00:
            tick += 60 - _second_of_day(epoch, tick) % 60
        elif not alarm >> 7 & 1 and (alarm ^ time) & 0x7F:
            tick += 1
        else:
            return tick
    return None


def _second_of_day(epoch: datetime, tick: int) -> int:
    moment = epoch + timedelta(seconds=tick)
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def _same_day(alarm: int, date: int) -> bool:
    """Tell whether an alarm's day, of the week or of the month, is that of a date."""
    if alarm >> 30 & 1:
        return alarm >> 24 & 0xF == date >> 13 & 7
    return alarm >> 24 & 0x3F == date & 0x3F
