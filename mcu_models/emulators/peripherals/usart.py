"""USART and LPUART of STM32L4, F7 and H7: characters in and out, by polling or interrupts.

Source: RM0351, chapters 40 and 41. Modelled: 8N1 frames, double-buffered transmitter, overrun, the flags TXE, TC,
RXNE, ORE and their interrupts, transmission by DMA, the idle frame that goes out first when the transmitter has been
switched on, and that switching off drops what is being sent. Not modelled: other frames, flow control, reception by
DMA, FIFO.
"""

from __future__ import annotations

import math
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral

if TYPE_CHECKING:
    from mcu_models.boards.board import PeripheralSheet
    from mcu_models.emulators.peripherals.dma_l4 import Block

_CR1, _CR3, _BRR, _ISR, _ICR, _RDR, _TDR = 0x00, 0x08, 0x0C, 0x1C, 0x20, 0x24, 0x28
_ORE, _RXNE, _TC, _TXE, _TEACK, _REACK = 1 << 3, 1 << 5, 1 << 6, 1 << 7, 1 << 21, 1 << 22
_UE, _UESM, _RE, _TE, _OVER8 = 1, 1 << 1, 1 << 2, 1 << 3, 1 << 15
_DMAT = 1 << 7
_BITS_PER_CHARACTER = 10


class Usart(Peripheral):
    """A transmitter that collects lines and a receiver that is fed characters."""

    reset_values = {_ISR: _TC | _TXE}  # noqa: RUF012 - a class constant by design
    data_registers = frozenset({_TDR})
    status_registers = frozenset({_ISR})
    divisor = 1

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        self._shift: int | None = None
        self._incoming: deque[int] = deque()
        self._enabled_s = -math.inf

    @property
    def _character_s(self) -> float:
        divider = self.registers.get(_BRR, 0)
        if self.registers.get(_CR1, 0) & _OVER8:
            divider = ((divider & 0xFFF0) | (divider & 7) << 1) // 2
        if divider == 0 or self.kernel_hz <= 0:
            self.chip.report(f"{self.name}: character sent without baud rate or kernel clock")
            return 1.0
        return _BITS_PER_CHARACTER * divider / (self.kernel_hz * self.divisor)

    @property
    def _begin_s(self) -> float:
        """When a character given to the idle transmitter begins: an idle frame comes first after switching on."""
        return max(self.chip.clock.now_s, self._enabled_s + self._character_s)

    def receive(self, text: str) -> None:
        """Let the characters of `text` arrive one after the other."""
        idle = not self._incoming
        self._incoming.extend(text.encode("ascii", errors="replace"))
        if idle and self._incoming:
            self.after(self._character_s, self._arrive, "rx")

    def read_register(self, offset: int) -> int:
        """Return a register; reading RDR clears RXNE."""
        if offset == _RDR:
            self._change(clear=_RXNE)
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        """Take a register."""
        if offset == _TDR:
            self._transmit(value & 0xFF)
        elif offset == _ICR:
            self._change(clear=value & (_ORE | _TC | 0x1F))
        elif offset != _ISR:
            self._set_up(offset, value)
            self._change()
            if offset == _CR3:
                self.dma_ready()

    def _set_up(self, offset: int, value: int) -> None:
        before = self.registers.get(_CR1, 0)
        if offset == _BRR and before & _UE:
            self.chip.report(f"{self.name}: BRR written while the USART is enabled")
        self.registers[offset] = value
        if offset == _CR1:
            self._acknowledge(value)
            if _can_send(value) and not _can_send(before):
                self._enabled_s = self.chip.clock.now_s
            elif before & _UE and not value & _UE:
                self._switch_off()

    def _switch_off(self) -> None:
        if self._shift is not None:
            self.chip.report(f"{self.name}: switched off in the middle of a character")
        self._shift = None
        self.cancel("tx")
        self._change(set_=_TC | _TXE, clear=_RXNE | _ORE)

    def before_stop(self) -> None:
        """Stop modes want the USART off (RM0351, 5.3.8), unless it is to wake the core."""
        control = self.registers.get(_CR1, 0)
        if self._shift is not None:
            self.chip.report(f"{self.name}: Stop mode entered in the middle of a character")
        elif control & _UE and not control & _UESM:
            self.chip.report(f"{self.name}: still enabled (UE) in a Stop mode")

    def dma_ready(self) -> None:
        """Send the block of the DMA channel that has been enabled, as soon as the transmitter is free."""
        block = self.chip.dma(f"{self.name}_TX") if self.registers.get(_CR3, 0) & _DMAT else None
        if block is None or self._shift is not None:
            return
        text = block.take()
        begin_s, character_s = self._begin_s, self._character_s
        self._shift = 0
        self._change(clear=_TXE | _TC)
        self.at(begin_s + len(text) * character_s, partial(self._sent_block, block, text, begin_s), "tx")

    def _sent_block(self, block: Block, text: bytes, begin_s: float) -> None:
        character_s = self._character_s
        for index, byte in enumerate(text):
            self.chip.connections.uart_byte(self.name, byte, begin_s + (index + 1) * character_s)
        self._shift = None
        block.give(b"")
        self._change(set_=_TXE | _TC)

    def _acknowledge(self, control: int) -> None:
        enabled = control & _UE
        self._change(
            set_=(_TEACK if enabled and control & _TE else 0) | (_REACK if enabled and control & _RE else 0),
            clear=_TEACK | _REACK,
        )

    def _transmit(self, byte: int) -> None:
        if self.registers.get(_CR1, 0) & (_UE | _TE) != (_UE | _TE):
            self.chip.report(f"{self.name}: character written while the transmitter is off")
            return
        if self._shift is None:
            self._load(byte)
        else:
            self.registers[_TDR] = byte
            self._change(clear=_TXE | _TC)

    def _load(self, byte: int) -> None:
        self._shift = byte
        self._change(set_=_TXE, clear=_TC)
        self.at(self._begin_s + self._character_s, self._sent, "tx")

    def _sent(self) -> None:
        byte, self._shift = self._shift, None
        self.chip.connections.uart_byte(self.name, byte or 0, self.chip.clock.now_s)
        if self.registers[_ISR] & _TXE:
            self._change(set_=_TC)
        else:
            self._load(self.registers[_TDR])

    def _arrive(self) -> None:
        byte = self._incoming.popleft()
        control = self.registers.get(_CR1, 0)
        if control & (_UE | _RE) == (_UE | _RE):
            if self.registers[_ISR] & _RXNE:
                self._change(set_=_ORE)
            else:
                self.registers[_RDR] = byte
                self._change(set_=_RXNE)
        if self._incoming:
            self.after(self._character_s, self._arrive, "rx")

    def _change(self, *, set_: int = 0, clear: int = 0) -> None:
        self.registers[_ISR] = (self.registers[_ISR] & ~clear) | set_
        enable, flags = self.registers.get(_CR1, 0), self.registers[_ISR]
        # The enable bits RXNEIE, TCIE and TXEIE stand at the places of their flags.
        overrun = enable & _RXNE and flags & _ORE
        self.set_interrupt(high=bool(enable & flags & (_RXNE | _TC | _TXE) or overrun))


def _can_send(control: int) -> bool:
    return control & (_UE | _TE) == (_UE | _TE)


class Lpuart(Usart):
    """LPUART: the same registers, with 256 baud-rate steps to a kernel clock cycle (RM0351, section 41.5.4)."""

    divisor = 256
