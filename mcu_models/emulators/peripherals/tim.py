"""TIM of all STM32: basic, general-purpose and advanced timers, counting the timer clock of their bus.

Source: RM0351 and RM0432, chapters 30-33; the same registers in RM0385, RM0433 and RM0455. Modelled: up, down and
centre-aligned counting, prescaler and its preload, ARR and CCR with and without preload, update and compare flags,
interrupts and DMA requests, one-pulse mode, EGR, the repetition counter, UIF remap. Outputs are register state only.
Not modelled: input capture, external clocks, encoder and slave modes, triggers between timers, dead time, break.

The count is worked out from the time when it is read. Events are planned only where an interrupt, a DMA request or a
loop that polls SR waits for them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral

if TYPE_CHECKING:
    from mcu_models.boards.board import PeripheralSheet

_CR1, _SMCR, _DIER, _SR, _EGR, _CCMR1, _CCER = 0x00, 0x08, 0x0C, 0x10, 0x14, 0x18, 0x20
_CNT, _PSC, _ARR, _RCR, _CCR1 = 0x24, 0x28, 0x2C, 0x30, 0x34
_CEN, _UDIS, _URS, _OPM, _DIR, _ARPE, _UIFREMAP = 1, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 7, 1 << 11
_UIF, _UG, _SMS = 1, 1, 0x10007
_LINES = {1: (0xFFFF,), 4: (1 << 7, 1, 3 << 5, 0x1E)}
"""Flags of each interrupt line: one for all, or break, update, trigger and commutation, compare."""
_SLACK_TICKS = 1e-6


class Timer(Peripheral):
    """A counter, its prescaler, and up to four compare channels.

    Options: `bits` of the counter (16 unless given), `channels` (4 unless given; 0 for basic timers). Interrupt lines:
    the one of the timer, or of an advanced timer break, update, trigger and commutation, compare. The kernel clock is
    the timer clock of the bus: twice the bus clock where the bus is divided.
    """

    status_registers = frozenset({_SR})

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        self._top = (1 << int(sheet.options.get("bits", 16))) - 1
        self._channels = range(1, int(sheet.options.get("channels", 4)) + 1)
        self._start_afresh()

    def _start_afresh(self) -> None:
        self.registers.setdefault(_ARR, self._top)
        self._arr = self.registers[_ARR]
        self._psc = 0
        self._ccr = dict.fromkeys(self._channels, 0)
        self._repetitions_left = 0
        self._down = False
        self._tick_hz = 0.0
        self._base_s = 0.0
        self._begin_tick = 0
        """Tick since `_base_s` at which this run of the counter, from one end to the other, has begun."""
        self._seen = -1
        """Position up to which compare matches of this run have been noted."""
        self._idle_position = 0
        self._asked = False

    def reset(self) -> None:
        """Stop, and go back to the state after reset."""
        self.cancel()
        super().reset()
        self._start_afresh()

    # -- registers -----------------------------------------------------------------------------------------

    def read_register(self, offset: int) -> int:
        """Return a register; the count and the flags are those of now."""
        self._thaw()
        self._catch_up()
        if offset == _CNT:
            copied = self._control & _UIFREMAP and self.registers.get(_SR, 0) & _UIF
            return self._count | (1 << 31 if copied else 0)
        if offset == _SR and not self._asked:
            self._asked = True
            self._plan()
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        """Take a register."""
        self._thaw()
        self._catch_up()
        if offset == _CR1:
            self._set_control(value)
        elif offset == _SR:
            self.registers[_SR] = self.registers.get(_SR, 0) & value
        elif offset == _EGR:
            self._generate(value)
        elif offset == _CNT:
            self._go_to(value & self._top)
        else:
            self._set_up(offset, value)
        self._update_interrupt()
        self._plan()

    def _set_up(self, offset: int, value: int) -> None:
        channel = (offset - _CCR1) // 4 + 1
        self.registers[offset] = value & self._top if offset == _ARR or channel in self._ccr else value
        if offset == _ARR and not self._control & _ARPE:
            self._arr = self.registers[_ARR]
        elif channel in self._ccr and not self._mode(channel) & 1 << 3:
            self._ccr[channel] = self.registers[offset]
        elif offset == _SMCR and value & _SMS:
            self.chip.report(f"{self.name}: slave, encoder and external clock modes are not modelled")
        elif offset == _CCER and any(value >> 4 * n - 4 & 1 and self._mode(n) & 3 for n in self._ccr):
            self.chip.report(f"{self.name}: input capture is not modelled")

    def _set_control(self, value: int) -> None:
        before, position = self._control, self._position
        self.registers[_CR1] = value
        if not value & 3 << 5 and not before & 3 << 5:
            self._turn(down=bool(value & _DIR))
        if value & _CEN and not before & _CEN:
            self._start()
        elif before & _CEN and not value & _CEN:
            self._idle_position = position

    def _generate(self, value: int) -> None:
        """Take EGR: an update or compare event made by software."""
        if value & _UG:
            self._reload()
            self._down = bool(self._control & _DIR) and not self._centred
            self._rebase(self.chip.clock.now_s, 0)
            if not self._control & (_URS | _UDIS):
                self._note(_UIF)
        if value & 0x1E:
            self._note(value & 0x1E)

    # -- state ---------------------------------------------------------------------------------------------

    @property
    def _control(self) -> int:
        return self.registers.get(_CR1, 0)

    @property
    def _centred(self) -> bool:
        return bool(self._control & 3 << 5)

    def _mode(self, channel: int) -> int:
        """Return the eight bits of CCMR that belong to a channel."""
        return self.registers.get(_CCMR1 + 4 * ((channel - 1) // 2), 0) >> (8 * ((channel - 1) % 2)) & 0xFF

    @property
    def _length(self) -> int:
        """Ticks of a run of the counter; one that has passed a lowered ARR goes on to the top."""
        if self._centred:
            return self._arr
        return self._arr + 1 if self._seen <= self._arr else self._top + 1

    @property
    def _counts(self) -> bool:
        return bool(self._control & _CEN) and self._tick_hz > 0 and self._arr > 0

    @property
    def _position(self) -> int:
        """Ticks since this run began, which may be beyond its end."""
        if not self._counts:
            return self._idle_position
        ticks = math.floor((self.chip.clock.now_s - self._base_s) * self._tick_hz + _SLACK_TICKS)
        return ticks - self._begin_tick

    @property
    def _count(self) -> int:
        position = self._position
        return (self._arr - position if self._down else position) & self._top

    def _rebase(self, time_s: float, position: int) -> None:
        """Let the counter stand at `position` at `time_s`, at the clock and prescaler of now."""
        self._tick_hz = self.kernel_hz / (self._psc + 1)
        self._base_s, self._begin_tick = time_s, -position
        self._idle_position = position
        self._seen = position or -1

    def _start(self) -> None:
        self._rebase(self.chip.clock.now_s, self._idle_position)
        if self._tick_hz <= 0:
            self.chip.report(f"{self.name}: started while its clock is off")

    def _go_to(self, count: int) -> None:
        position = self._arr - count if self._down else count
        if self._counts:
            self._begin_tick += self._position - position
        self._idle_position = position
        self._seen = position - 1

    def _turn(self, *, down: bool) -> None:
        if down != self._down:
            count = self._count
            self._down = down
            self._go_to(count)

    def clock_changed(self) -> None:
        """Count on at the new clock."""
        if self.registers.get(_CR1, 0) & _CEN and self.kernel_hz / (self._psc + 1) != self._tick_hz:
            self._catch_up()
            self._rebase(self.chip.clock.now_s, self._position)
            self._plan()

    def before_stop(self) -> None:
        """Stand still: the bus clocks end in Stop modes."""
        self._catch_up()
        if self._counts:
            self._idle_position = self._position
            self._tick_hz = 0.0
            self.cancel()

    def after_stop(self) -> None:
        """Count on."""
        self._thaw()
        self._plan()

    def _thaw(self) -> None:
        if self._control & _CEN and self._tick_hz == 0.0:
            self._rebase(self.chip.clock.now_s, self._idle_position)

    # -- events --------------------------------------------------------------------------------------------

    def _catch_up(self) -> None:
        """Note everything that has happened until now."""
        while self._counts and self._position >= self._length:
            self._note_matches(self._length - 1)
            self._wrap()
            self._skip_whole_runs()
        if self._counts:
            self._note_matches(self._position)

    def _skip_whole_runs(self) -> None:
        """Pass runs in which nothing can happen but what the flags already show.

        Direction and repetition counter come round after a whole number of cycles.
        """
        flags, waited = self.registers.get(_SR, 0), self.registers.get(_DIER, 0) >> 8
        quiet = flags & _UIF or self._control & _UDIS
        matched = all(flags >> n & 1 or self._match(n) is None for n in self._ccr)
        if not self._counts or waited or not quiet or not matched:
            return
        cycle = ((self.registers.get(_RCR, 0) & 0xFFFF) + 1) * (2 if self._centred else 1)
        cycles = self._position // self._length // cycle - 1
        self._begin_tick += max(0, cycles) * cycle * self._length

    def _note_matches(self, position: int) -> None:
        for channel in self._ccr:
            match = self._match(channel)
            if match is not None and self._seen < match <= position:
                self._note(1 << channel)
        self._seen = max(self._seen, position)

    def _match(self, channel: int) -> int | None:
        """Return the position at which a channel matches in this run; None when it does not."""
        if self._mode(channel) & 3 or self._ccr[channel] > self._arr:
            return None
        directions = self._control >> 5 & 3
        if self._centred and not directions & (1 if self._down else 2):
            return None
        return self._arr - self._ccr[channel] if self._down else self._ccr[channel]

    def _wrap(self) -> None:
        """End a run: overflow or underflow."""
        end_tick = self._begin_tick + self._length
        self._begin_tick, self._seen = end_tick, -1
        if self._centred:
            self._down = not self._down
        if self._repetitions_left:
            self._repetitions_left -= 1
        elif not self._control & _UDIS:
            self._update(self._base_s + end_tick / self._tick_hz)

    def _update(self, time_s: float) -> None:
        prescaler = self._psc
        self._reload()
        if self._psc != prescaler:
            self._rebase(time_s, 0)
        if self._control & _OPM:
            self.registers[_CR1] &= ~_CEN
            self._idle_position = 0
        self._note(_UIF)

    def _reload(self) -> None:
        """Take what has been preloaded."""
        self._psc = self.registers.get(_PSC, 0) & 0xFFFF
        self._arr = self.registers[_ARR]
        self._repetitions_left = self.registers.get(_RCR, 0) & 0xFFFF
        for channel in self._ccr:
            self._ccr[channel] = self.registers.get(_CCR1 + 4 * (channel - 1), 0)

    def _note(self, flags: int) -> None:
        """Raise flags, interrupts and DMA requests."""
        self.registers[_SR] = self.registers.get(_SR, 0) | flags
        self._update_interrupt()
        wanted = flags & self.registers.get(_DIER, 0) >> 8
        for bit, request in enumerate(("UP", "CH1", "CH2", "CH3", "CH4")):
            if wanted >> bit & 1:
                self.chip.request_dma(f"{self.name}_{request}")

    def _event(self) -> None:
        self._catch_up()
        self._plan()

    def _plan(self) -> None:
        """Come back at the next event that someone waits for."""
        enable = self.registers.get(_DIER, 0)
        waited = enable | enable >> 8
        if self._asked:
            waited |= ~self.registers.get(_SR, 0)
            self._asked = bool(~self.registers.get(_SR, 0) & 0x1F)
        waited &= 1 | sum(1 << channel for channel in self._ccr)
        if not self._counts or not waited:
            self.cancel()
            return
        tick = self._begin_tick + self._next_position(waited)
        self.at(self._base_s + tick / self._tick_hz, self._event)

    def _next_position(self, waited: int) -> int:
        matches = (self._match(channel) for channel in self._ccr if waited >> channel & 1)
        coming = [match for match in matches if match is not None and match > self._seen]
        return min([*coming, self._length])

    def _update_interrupt(self) -> None:
        high = self.registers.get(_SR, 0) & self.registers.get(_DIER, 0) & 0xFF
        for line, flags in enumerate(_LINES.get(len(self.sheet.irqs), ())):
            self.set_interrupt(high=bool(high & flags), line=line)
