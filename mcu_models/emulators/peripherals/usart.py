"""USART, UART and LPUART of STM32L4, L4+, F7 and H7: characters in and out, by polling, interrupts or DMA.

Source: RM0351, chapters 40 and 41; RM0432 and RM0433 for the FIFOs and the prescaler. Modelled: frames of 7, 8 and 9
bits with parity and stop bits as far as their time goes, double-buffered transmitter or FIFO with its thresholds,
overrun, idle line, receiver timeout, character match, waking from Stop modes by any character, DMA in both directions,
the idle frame that goes out first when the transmitter has been switched on, and that switching off drops what is being
sent. Not modelled: flow control, synchronous and smartcard modes, break, mute mode, baud rate detection; received
characters are always error-free.
"""

from __future__ import annotations

import math
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from mcu_models.emulators.connections import uart_bytes
from mcu_models.emulators.peripherals.base import Chip, Peripheral

if TYPE_CHECKING:
    from mcu_models.boards.board import PeripheralSheet
    from mcu_models.emulators.peripherals.dma import Block

_CR1, _CR2, _CR3, _BRR, _RTOR, _RQR = 0x00, 0x04, 0x08, 0x0C, 0x14, 0x18
_ISR, _ICR, _RDR, _TDR, _PRESC = 0x1C, 0x20, 0x24, 0x28, 0x2C
_ORE, _IDLE, _RXNE, _TC, _TXE, _RTOF, _BUSY, _CMF = 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 11, 1 << 16, 1 << 17
_WUF, _WUFIE = 1 << 20, 1 << 22
_TEACK, _REACK, _TXFE, _RXFF, _RXFT, _TXFT = 1 << 21, 1 << 22, 1 << 23, 1 << 24, 1 << 26, 1 << 27
_UE, _UESM, _RE, _TE, _PCE, _OVER8, _FIFOEN = 1, 1 << 1, 1 << 2, 1 << 3, 1 << 10, 1 << 15, 1 << 29
_RTOEN = 1 << 23
_EIE, _DMAR, _DMAT, _OVRDIS = 1, 1 << 6, 1 << 7, 1 << 12
_CLEARABLE = 0x1F | _TC | _RTOF | _CMF | _WUF
_RXFRQ, _TXFRQ = 1 << 3, 1 << 4
_INTERRUPTS_CR1 = {
    1 << 4: _IDLE, 1 << 5: _RXNE | _ORE, 1 << 6: _TC, 1 << 7: _TXE, 1 << 14: _CMF, 1 << 26: _RTOF, 1 << 30: _TXFE,
    1 << 31: _RXFF,
}  # fmt: skip
_INTERRUPTS_CR3 = {_EIE: _ORE, _WUFIE: _WUF, 1 << 23: _TXFT, 1 << 28: _RXFT}
"""Flags by the bit that enables their interrupt."""
_PRESCALERS = (1, 2, 4, 6, 8, 10, 12, 16, 32, 64, 128, 256, 256, 256, 256, 256)
_EIGHTHS = (1, 2, 4, 6, 7, 8, 8, 8)
"""FIFO thresholds in eighths of its depth (RM0432, USART_CR3)."""


class Usart(Peripheral):
    """A transmitter that collects lines and a receiver that is fed characters.

    Options: `fifo`, characters that a FIFO holds (8 on L4+, 16 on H7; none unless given).
    """

    reset_values = {_ISR: _TC | _TXE}  # noqa: RUF012 - a class constant by design
    data_registers = frozenset({_TDR})
    status_registers = frozenset({_ISR})
    consumed_registers = frozenset({_RDR})
    divisor = 1

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        self._depth = int(sheet.options.get("fifo", 0))
        self._incoming: deque[int] = deque()
        self._start_afresh()

    def _start_afresh(self) -> None:
        self._shift: int | None = None
        self._waiting: deque[int] = deque()
        self._received: deque[int] = deque()
        self._block_under_way = False
        self._line_was_busy = False
        self._enabled_s = -math.inf
        self._stopped_bit_s: float | None = None

    def reset(self) -> None:
        """Go back to the state after reset; what arrives from outside goes on arriving."""
        for slot in ("tx", "idle", "timeout"):
            self.cancel(slot)
        self._start_afresh()
        super().reset()

    # -- pace ----------------------------------------------------------------------------------------------

    @property
    def _bit_s(self) -> float:
        if self._stopped_bit_s is not None:
            return self._stopped_bit_s
        divider = self.registers.get(_BRR, 0)
        if self.registers.get(_CR1, 0) & _OVER8:
            divider = ((divider & 0xFFF0) | (divider & 7) << 1) // 2
        if divider == 0 or self.kernel_hz <= 0:
            self.chip.report(f"{self.name}: character sent without baud rate or kernel clock")
            return 0.1
        prescaler = _PRESCALERS[self.registers.get(_PRESC, 0) & 0xF]
        return divider * prescaler / (self.kernel_hz * self.divisor)

    @property
    def _data_bits(self) -> int:
        """Bits of a frame between start and stop, parity included."""
        control = self.registers.get(_CR1, 0)
        return (8, 9, 7, 7)[control >> 12 & 1 | control >> 27 & 2]

    @property
    def _character_mask(self) -> int:
        bits = self._data_bits - (1 if self.registers.get(_CR1, 0) & _PCE else 0)
        return (1 << bits) - 1

    @property
    def _character_s(self) -> float:
        stop = (1.0, 0.5, 2.0, 1.5)[self.registers.get(_CR2, 0) >> 12 & 3]
        return (1 + self._data_bits + stop) * self._bit_s

    @property
    def _begin_s(self) -> float:
        """When a character given to the idle transmitter begins: an idle frame comes first after switching on."""
        return max(self.chip.clock.now_s, self._enabled_s + self._character_s)

    # -- registers -----------------------------------------------------------------------------------------

    def read_register(self, offset: int) -> int:
        """Return a register; reading RDR takes a character."""
        if offset == _RDR:
            return self._take_received()
        if offset == _ISR:
            self._update_flags()
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        """Take a register."""
        if offset == _TDR:
            self._transmit(value & self._character_mask)
        elif offset == _ICR:
            self._change(clear=value & _CLEARABLE)
        elif offset == _RQR:
            self._request(value)
        elif offset != _ISR:
            self._set_up(offset, value)
            self._change()
            if offset == _CR3:
                self.dma_ready()

    def _set_up(self, offset: int, value: int) -> None:
        before = self.registers.get(_CR1, 0)
        if offset in (_BRR, _PRESC) and before & _UE:
            register = "BRR" if offset == _BRR else "PRESC"
            self.chip.report(f"{self.name}: {register} written while the USART is enabled")
        self.registers[offset] = value if offset != _CR1 or self._depth else value & ~_FIFOEN
        if offset == _CR1:
            self._acknowledge(value)
            if _can_send(value) and not _can_send(before):
                self._enabled_s = self.chip.clock.now_s
            elif before & _UE and not value & _UE:
                self._switch_off()

    def _acknowledge(self, control: int) -> None:
        enabled = control & _UE
        self._change(
            set_=(_TEACK if enabled and control & _TE else 0) | (_REACK if enabled and control & _RE else 0),
            clear=_TEACK | _REACK,
        )

    def _request(self, value: int) -> None:
        """Take RQR: throw away what has been received, or what waits to be sent."""
        if value & _RXFRQ:
            self._received.clear()
        if value & _TXFRQ:
            self._waiting.clear()
        self._change()

    def _switch_off(self) -> None:
        if self._shift is not None:
            self.chip.report(f"{self.name}: switched off in the middle of a character")
        self._shift = None
        self._waiting.clear()
        self._received.clear()
        for slot in ("tx", "idle", "timeout"):
            self.cancel(slot)
        self._change(set_=_TC, clear=_ORE | _IDLE | _RTOF | _CMF | _BUSY)

    def before_stop(self) -> None:
        """Stop modes want the USART off (RM0351, 5.3.8), unless it is to wake the core."""
        control = self.registers.get(_CR1, 0)
        if self._shift is not None:
            self.chip.report(f"{self.name}: Stop mode entered in the middle of a character")
        elif control & _UE and not control & _UESM:
            self.chip.report(f"{self.name}: still enabled (UE) in a Stop mode")
        elif control & _UE:
            self._stopped_bit_s = self._bit_s  # it calls for its clock when a character comes

    def after_stop(self) -> None:
        """Run at the clock of the RCC again."""
        self._stopped_bit_s = None

    # -- sending -------------------------------------------------------------------------------------------

    @property
    def _capacity(self) -> int:
        return self._depth if self.registers.get(_CR1, 0) & _FIFOEN else 1

    def dma_ready(self) -> None:
        """Serve the DMA channels that are enabled: send a block as a whole if it may go so, else item by item."""
        control = self.registers.get(_CR3, 0)
        if control & _DMAT and self._shift is None and not self._waiting:
            block = self.chip.dma(f"{self.name}_TX")
            if block is not None:
                self._send_block(block)
        self._fetch()
        self._hand_over()

    def _send_block(self, block: Block) -> None:
        text = block.take()
        begin_s, character_s = self._begin_s, self._character_s
        block.pace(begin_s, character_s)
        self._shift, self._block_under_way = 0, True
        self._change(clear=_TC)
        self.at(begin_s + len(text) * character_s, partial(self._sent_block, block, text, begin_s), "tx")

    def _sent_block(self, block: Block, text: bytes, begin_s: float) -> None:
        character_s = self._character_s
        for index, byte in enumerate(text):
            self.chip.connections.uart_byte(self.name, byte, begin_s + (index + 1) * character_s)
        self._shift, self._block_under_way = None, False
        self._change(set_=_TC)
        block.give(b"")

    def _fetch(self) -> None:
        """Let the DMA fill the transmitter."""
        if not self.registers.get(_CR3, 0) & _DMAT or not _can_send(self.registers.get(_CR1, 0)):
            return
        while self.registers[_ISR] & _TXE:
            held = self._held
            if not self.chip.request_dma(f"{self.name}_TX"):
                return
            if self._held == held:
                self.chip.report(f"{self.name}: its DMA channel writes elsewhere than to TDR")
                return

    @property
    def _held(self) -> int:
        """Characters given to the transmitter and not yet sent."""
        return len(self._waiting) + (self._shift is not None)

    def _transmit(self, character: int) -> None:
        if not _can_send(self.registers.get(_CR1, 0)):
            self.chip.report(f"{self.name}: character written while the transmitter is off")
        elif self._shift is None:
            self._load(character)
        elif len(self._waiting) < self._capacity:
            self._waiting.append(character)
            self._change(clear=_TC)
        else:
            self.chip.report(f"{self.name}: character written while the transmitter is full; it replaces the last")
            self._waiting[-1] = character

    def _load(self, character: int) -> None:
        self._shift = character
        self._change(clear=_TC)
        self.at(self._begin_s + self._character_s, self._sent, "tx")

    def _sent(self) -> None:
        character, self._shift = self._shift, None
        self.chip.connections.uart_byte(self.name, (character or 0) & 0xFF, self.chip.clock.now_s)
        if self._waiting:
            self._load(self._waiting.popleft())
        self._fetch()
        self._change(set_=_TC if self._shift is None else 0)

    # -- receiving -----------------------------------------------------------------------------------------

    def receive(self, text: str) -> None:
        """Let the bytes of `text` in UTF-8 arrive one after the other; a receiver that is off does not hear them."""
        if not _can_hear(self.registers.get(_CR1, 0)) and not self._incoming:
            return
        idle = not self._incoming
        self._incoming.extend(uart_bytes(text))
        if idle and self._incoming:
            self.after(self._character_s, self._arrive, "rx")
            self._change(set_=_BUSY)

    def _arrive(self) -> None:
        sent = self._incoming.popleft()
        character = self.chip.connections.arriving(self.name, sent, self.chip.clock.now_s)
        if character is not None and _can_hear(self.registers.get(_CR1, 0)):
            self._store(character & self._character_mask)
            self._hand_over()
        if self._incoming:
            self.after(self._character_s, self._arrive, "rx")
        else:
            self._fall_silent()

    def _store(self, character: int) -> None:
        if len(self._received) < self._capacity:
            self._received.append(character)
        elif self.registers.get(_CR3, 0) & _OVRDIS:
            self._received[-1] = character
        else:
            self._change(set_=_ORE)
            return
        self._line_was_busy = True
        matches = character == self.registers.get(_CR2, 0) >> 24
        wakes = self._stopped_bit_s is not None
        self._change(set_=(_CMF if matches else 0) | (_WUF if wakes else 0))

    def _hand_over(self) -> None:
        """Let the DMA take what has been received."""
        if self.registers.get(_CR3, 0) & _DMAR:
            while self._received:
                left = len(self._received)
                if not self.chip.request_dma(f"{self.name}_RX"):
                    return
                if len(self._received) == left:
                    self.chip.report(f"{self.name}: its DMA channel reads elsewhere than from RDR")
                    return

    def _take_received(self) -> int:
        if self._received:
            self.registers[_RDR] = self._received.popleft()
        self._change()
        return self.registers.get(_RDR, 0)

    def _fall_silent(self) -> None:
        """The line is idle from now on: an idle frame, and the timeout, end some time later."""
        self._change(clear=_BUSY)
        if not _can_hear(self.registers.get(_CR1, 0)):
            return
        self.after(self._character_s, self._idle, "idle")
        if self.registers.get(_CR2, 0) & _RTOEN:
            bits = self.registers.get(_RTOR, 0) & 0xFFFFFF
            self.after(bits * self._bit_s, partial(self._change, set_=_RTOF), "timeout")

    def _idle(self) -> None:
        """Raise IDLE, once until the next character (RM0351, description of IDLE)."""
        if self._line_was_busy and not self._incoming:
            self._line_was_busy = False
            self._change(set_=_IDLE)

    # -- flags ---------------------------------------------------------------------------------------------

    def _change(self, *, set_: int = 0, clear: int = 0) -> None:
        self.registers[_ISR] = (self.registers[_ISR] & ~clear) | set_
        self._update_flags()
        flags, enable, more = self.registers[_ISR], self.registers.get(_CR1, 0), self.registers.get(_CR3, 0)
        high = any(enable & bit and flags & wanted for bit, wanted in _INTERRUPTS_CR1.items())
        high = high or any(more & bit and flags & wanted for bit, wanted in _INTERRUPTS_CR3.items())
        self.set_interrupt(high=high)

    def _update_flags(self) -> None:
        """Work out the flags that say how full the buffers are."""
        waiting, received, capacity = len(self._waiting), len(self._received), self._capacity
        flags = {_TXE: waiting < capacity and not self._block_under_way, _RXNE: received > 0}
        if self.registers.get(_CR1, 0) & _FIFOEN:
            more = self.registers.get(_CR3, 0)
            flags[_TXFE], flags[_RXFF] = waiting == 0, received == capacity
            flags[_TXFT] = capacity - waiting >= capacity * _EIGHTHS[more >> 29 & 7] // 8
            flags[_RXFT] = received >= capacity * _EIGHTHS[more >> 25 & 7] // 8
        status = self.registers[_ISR] & ~(_TXE | _RXNE | _TXFE | _RXFF | _TXFT | _RXFT)
        self.registers[_ISR] = status | sum(flag for flag, is_set in flags.items() if is_set)


def _can_send(control: int) -> bool:
    return control & (_UE | _TE) == (_UE | _TE)


def _can_hear(control: int) -> bool:
    return control & (_UE | _RE) == (_UE | _RE)


class Lpuart(Usart):
    """LPUART: the same registers, with 256 baud-rate steps to a kernel clock cycle (RM0351, section 41.5.4)."""

    divisor = 256
