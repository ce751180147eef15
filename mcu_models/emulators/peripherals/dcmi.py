"""The digital camera interface of STM32F7 and H7: rows of bytes from a camera become words for the core or the DMA.

Source: RM0433, chapter "Digital camera interface". Modelled: hardware synchronisation with the polarities of VSYNC and
HSYNC, snapshot and continuous capture, the window of CWSTRT and CWSIZE, every second or fourth frame only, the FIFO of
four words with its overrun, the flags and interrupts of frame, VSYNC, line and overrun, words by DMA or read from DR. A
frame is taken from the camera when it begins and appears in memory as its bytes come; with a DMA stream of words set
up, a block is moved as a whole at its end, and NDTR counts down meanwhile. Not modelled, and reported when asked for:
embedded synchronisation, JPEG, more than eight bits, selection of bytes and lines. Lines raise their flag during a
captured frame only, and only while their interrupt is enabled when it begins.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral

if TYPE_CHECKING:
    from mcu_models.boards.board import PeripheralSheet
    from mcu_models.emulators.frame_source import Frame
    from mcu_models.emulators.peripherals.dma import Block

_CR, _SR, _RIS, _IER, _MIS, _ICR, _CWSTRT, _CWSIZE, _DR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x20, 0x24, 0x28
_CAPTURE, _SNAPSHOT, _CROP, _HSPOL, _VSPOL, _ENABLE = 1, 1 << 1, 1 << 2, 1 << 6, 1 << 7, 1 << 14
_UNMODELLED = {
    1 << 3: "JPEG", 1 << 4: "embedded synchronisation", 3 << 10: "more than eight bits", 0xF << 16: "selected bytes",
}  # fmt: skip
_HSYNC, _VSYNC, _FNE = 1, 1 << 1, 1 << 2
_FRAME, _OVR, _VSYNC_EVENT, _LINE, _EVENTS = 1, 1 << 1, 1 << 3, 1 << 4, 0x1F
_WORD = 4
FIFO_WORDS = 4
"""As in the DCMI of the STM32F4 (RM0090): an assumption for the H7."""
IDLE_LOOK_S = 1e-3
"""How often it is looked whether a camera that sends nothing has begun to."""
_ROUNDING_S = 1e-6
"""Less than any pause between frames; the core comes to an event up to a cycle late."""


class Dcmi(Peripheral):
    """Takes frames of the camera that is attached to it. Interrupt line: all events."""

    status_registers = frozenset({_RIS, _MIS})
    consumed_registers = frozenset({_DR})

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        self._start_afresh()

    def _start_afresh(self) -> None:
        self._frame: Frame | None = None
        self._data = b""
        self._row_bytes = 1
        self._first_byte_s = 0.0
        self._taken = 0
        self._is_capturing = False
        self._frames_seen = 0
        self._fifo: deque[int] = deque()

    def reset(self) -> None:
        """Go back to the state after reset."""
        super().reset()
        self._stop()

    def before_stop(self) -> None:
        """Stop modes end the clock that it takes words with."""
        if self.registers.get(_CR, 0) & _ENABLE:
            self.chip.report(f"{self.name}: still enabled in a Stop mode")

    # -- registers -----------------------------------------------------------------------------------------

    def read_register(self, offset: int) -> int:
        """Return a register; reading DR takes a word from the FIFO."""
        if offset == _DR:
            return self._fifo.popleft() if self._fifo else 0
        if offset == _SR:
            return self._status()
        if offset == _MIS:
            return self.registers.get(_RIS, 0) & self.registers.get(_IER, 0)
        return 0 if offset == _ICR else super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        """Take a register."""
        if offset == _CR:
            self._control(value)
        elif offset == _ICR:
            self.registers[_RIS] = self.registers.get(_RIS, 0) & ~value
        elif offset not in (_SR, _RIS, _MIS, _DR):
            self.registers[offset] = value
        self._update_interrupt()

    def _status(self) -> int:
        """Return the levels of the synchronisation signals, 1 in the pauses, and whether there is a word."""
        return (_FNE if self._fifo else 0) | self._pauses()

    def _pauses(self) -> int:
        frame = self._frame
        if frame is None:
            return _HSYNC | _VSYNC
        since_s = self.chip.clock.now_s - frame.begin_s - frame.first_row_s
        row, within_s = divmod(since_s, frame.row_s)
        if not 0 <= row < frame.rows:
            return _HSYNC | _VSYNC
        return 0 if within_s < frame.row_bytes * frame.byte_s else _HSYNC

    def _control(self, value: int) -> None:
        before, self.registers[_CR] = self.registers.get(_CR, 0), value
        for bits, what in _UNMODELLED.items():
            if value & bits & ~before:
                self.chip.report(f"{self.name}: {what} asked for, not modelled")
        if before & _ENABLE and not value & _ENABLE:
            self._stop()
        elif value & _ENABLE and not before & _ENABLE:
            self._await_frame()

    def _stop(self) -> None:
        for slot in ("frame", "data", "line"):
            self.cancel(slot)
        self._start_afresh()

    # -- frames --------------------------------------------------------------------------------------------

    def _await_frame(self) -> None:
        """Plan the beginning of the next frame."""
        source = self.chip.connections.cameras.get(self.name)
        frame = None if source is None else source.next_frame(self.chip.clock.now_s)
        if frame is None:
            self.after(IDLE_LOOK_S, self._await_frame, "frame")
        else:
            self.at(frame.begin_s, self._begin, "frame")

    def _begin(self) -> None:
        """Begin a frame, unless the camera has been set up otherwise since it was planned."""
        now_s = self.chip.clock.now_s
        frame: Frame | None = self.chip.connections.cameras[self.name].next_frame(now_s - _ROUNDING_S)
        if frame is None or frame.begin_s > now_s + _ROUNDING_S:
            self._await_frame()
            return
        self._frame = frame
        self._frames_seen += 1
        self._set(_VSYNC_EVENT)
        self.at(frame.begin_s + frame.first_row_s + frame.rows * frame.row_s, self._await_frame, "frame")
        if self.registers[_CR] & _CAPTURE and self._is_wanted() and self._is_synchronised(frame):
            self._capture(frame)

    def _is_wanted(self) -> bool:
        """Tell whether FCRC wants this frame: all, every second or every fourth."""
        rate = self.registers[_CR] >> 8 & 3
        return (self._frames_seen - 1) % (1, 2, 4, 1)[rate] == 0

    def _is_synchronised(self, frame: Frame) -> bool:
        """Tell whether the polarities suit the camera: VSPOL and HSPOL are the levels without valid data."""
        control = self.registers[_CR]
        suits = bool(control & _VSPOL) == frame.vsync_is_high and bool(control & _HSPOL) != frame.href_is_high
        if not suits:
            self.chip.report(f"{self.name}: polarities of VSYNC or HSYNC do not suit the camera; nothing is captured")
        return suits

    def _capture(self, frame: Frame) -> None:
        data = self.chip.connections.cameras[self.name].data(frame)
        first_row, first_byte, rows, length = self._window(frame)
        row_starts = (frame.row_bytes * row + first_byte for row in range(first_row, first_row + rows))
        self._data = b"".join(data[start : start + length] for start in row_starts)
        self._data = self._data[: len(self._data) // _WORD * _WORD]
        self._row_bytes = max(length, 1)
        self._first_byte_s = frame.begin_s + frame.first_row_s + first_row * frame.row_s + first_byte * frame.byte_s
        self._taken = 0
        self._is_capturing = True
        if self.registers.get(_IER, 0) & _LINE:
            self.at(self._first_byte_s, partial(self._line, 1, rows), "line")
        self._go_on()

    def _window(self, frame: Frame) -> tuple[int, int, int, int]:
        """Return first row, first byte of a row, rows, bytes of a row."""
        if not self.registers[_CR] & _CROP:
            return 0, 0, frame.rows, frame.row_bytes
        start, size = self.registers.get(_CWSTRT, 0), self.registers.get(_CWSIZE, 0)
        row, byte = min(start >> 16 & 0x1FFF, frame.rows), min(start & 0x3FFF, frame.row_bytes)
        rows, length = (size >> 16 & 0x3FFF) + 1, (size & 0x3FFF) + 1
        return row, byte, min(rows, frame.rows - row), min(length, frame.row_bytes - byte)

    def _line(self, row: int, rows: int) -> None:
        self._set(_LINE)
        if row < rows and self._frame is not None:
            self.at(self._first_byte_s + row * self._frame.row_s, partial(self._line, row + 1, rows), "line")

    def _arrival_s(self, count: int) -> float:
        """Return when the first `count` bytes of the captured ones have come."""
        assert self._frame is not None  # noqa: S101 - a frame is under way
        row, within = divmod(count - 1, self._row_bytes)
        return self._first_byte_s + row * self._frame.row_s + (within + 1) * self._frame.byte_s

    # -- words ---------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Plan the arrival of a block or of a word, or end the frame."""
        left = (len(self._data) - self._taken) // _WORD
        if left == 0:
            self._end_frame()
            return
        block = None if self._fifo else self.chip.dma(self.name, _WORD)
        if block is None:
            self.at(self._arrival_s(self._taken + _WORD), self._word, "data")
            return
        count = min(left, block.count)
        end_s = self._arrival_s(self._taken + count * _WORD)
        begin_s = self._arrival_s(self._taken + 1) if self._taken else self._first_byte_s
        block.pace(begin_s, (end_s - begin_s) / count)
        self.at(end_s, partial(self._block, block, count), "data")

    def _block(self, block: Block, count: int) -> None:
        end = self._taken + count * _WORD
        data, self._taken = self._data[self._taken : end], end
        block.give(data)
        self._go_on()

    def _word(self) -> None:
        word = int.from_bytes(self._data[self._taken : self._taken + _WORD], "little")
        self._taken += _WORD
        if len(self._fifo) == FIFO_WORDS:
            self._set(_OVR)
        else:
            self._fifo.append(word)
            self.dma_ready()
        self._go_on()

    def dma_ready(self) -> None:
        """Hand the words of the FIFO to a stream that is set up for them."""
        while self._fifo and self.chip.request_dma(self.name):
            pass

    def _end_frame(self) -> None:
        self._is_capturing = False
        if self.registers[_CR] & _SNAPSHOT:
            self.registers[_CR] &= ~_CAPTURE
        self._set(_FRAME)

    # -- flags ---------------------------------------------------------------------------------------------

    def _set(self, flags: int) -> None:
        self.registers[_RIS] = self.registers.get(_RIS, 0) | flags
        self._update_interrupt()

    def _update_interrupt(self) -> None:
        self.set_interrupt(high=bool(self.registers.get(_RIS, 0) & self.registers.get(_IER, 0) & _EVENTS))
