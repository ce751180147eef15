"""The DMA controller of STM32L4 for transfers between memory and the data register of a peripheral.

Source: RM0351, chapter 11 and table 43 (requests of DMA1). A peripheral that serves a request moves the whole block
at once, at the virtual time at which its last item would have moved: memory and CNDTR change then, not item by item.
Not modelled: memory-to-memory, circular mode, half-transfer interrupts, bus contention with the core.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.boards.board import PeripheralSheet

CHANNELS = 7
_ISR, _IFCR, _FIRST, _STRIDE, _CSELR = 0x00, 0x04, 0x08, 0x14, 0xA8
_CCR, _CNDTR, _CPAR, _CMAR = 0x0, 0x4, 0x8, 0xC
_SETUP = {_CNDTR: "CNDTR", _CPAR: "CPAR", _CMAR: "CMAR"}
_EN, _TCIE, _DIR, _CIRC, _MINC, _MEM2MEM = 1, 1 << 1, 1 << 4, 1 << 5, 1 << 7, 1 << 14
_REQUESTS = {
    (7, 3): "I2C1_RX", (6, 3): "I2C1_TX", (5, 3): "I2C2_RX", (4, 3): "I2C2_TX", (3, 3): "I2C3_RX", (2, 3): "I2C3_TX",
    (7, 2): "USART2_TX", (6, 2): "USART2_RX", (4, 2): "USART1_TX", (5, 2): "USART1_RX", (2, 2): "USART3_TX",
    (3, 2): "USART3_RX",
}  # fmt: skip
"""Request by channel and selection."""


@dataclass
class Block:
    """What a channel has been set up to move, a byte an item.

    Attributes:
        count: Items left.
        take: For memory to peripheral: returns the items and completes the transfer.
        give: For peripheral to memory: stores the items and completes the transfer.
    """

    count: int
    take: Callable[[], bytes]
    give: Callable[[bytes], None]


class DmaL4(Peripheral):
    """Seven channels; peripherals ask for the block of their request."""

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        chip.dma_controllers.append(self)

    def block(self, request: str) -> Block | None:
        """Return what the enabled channel with `request` is to move; None when there is no such channel."""
        for channel in range(1, CHANNELS + 1):
            control = self._channel(channel, _CCR)
            count = self._channel(channel, _CNDTR) & 0xFFFF
            if control & _EN and count and self._request(channel) == request:
                return Block(count, partial(self._take, channel), partial(self._give, channel))
        return None

    def write_register(self, offset: int, value: int) -> None:
        """Take a register; enabling a channel wakes the peripheral whose request it serves."""
        if offset == _IFCR:
            self._clear(value)
        elif offset != _ISR:
            channel, register = divmod(offset - _FIRST, _STRIDE)
            if offset < _CSELR and register in _SETUP and self._channel(channel + 1, _CCR) & _EN:
                self.chip.report(f"{self.name}: {_SETUP[register]} written while channel {channel + 1} is enabled")
            self.registers[offset] = value
            if register == _CCR and offset < _CSELR:
                self._enabled(channel + 1, value)

    def _enabled(self, channel: int, control: int) -> None:
        self._update_interrupt(channel)
        if not control & _EN:
            return
        if control & (_CIRC | _MEM2MEM) or not control & _MINC or control >> 8 & 0xF:
            self.chip.report(f"{self.name}: channel {channel} asks for a kind of transfer that is not modelled")
        request = self._request(channel)
        if request is not None:
            self.chip.wake_for_dma(request)

    def _clear(self, value: int) -> None:
        flags = self.registers.get(_ISR, 0) & ~value
        for channel in range(1, CHANNELS + 1):
            if value >> (4 * channel - 4) & 1:  # CGIF clears all flags of its channel
                flags &= ~(0xF << (4 * channel - 4))
        self.registers[_ISR] = flags
        for channel in range(1, CHANNELS + 1):
            self._update_interrupt(channel)

    def _channel(self, channel: int, register: int) -> int:
        return self.registers.get(_FIRST + _STRIDE * (channel - 1) + register, 0)

    def _request(self, channel: int) -> str | None:
        return _REQUESTS.get((channel, self.registers.get(_CSELR, 0) >> (4 * channel - 4) & 0xF))

    def _take(self, channel: int) -> bytes:
        assert self.chip.memory is not None  # noqa: S101 - set when the chip is put together
        count = self._channel(channel, _CNDTR) & 0xFFFF
        data = self.chip.memory.read(self._channel(channel, _CMAR), count)
        return data if self._channel(channel, _CCR) & _DIR else b""

    def _give(self, channel: int, data: bytes) -> None:
        assert self.chip.memory is not None  # noqa: S101
        base = _FIRST + _STRIDE * (channel - 1)
        if data:
            self.chip.memory.write(self._channel(channel, _CMAR), data)
        self.registers[base + _CNDTR] = 0
        self.registers[_ISR] = self.registers.get(_ISR, 0) | 3 << (4 * channel - 4)
        self._update_interrupt(channel)

    def _update_interrupt(self, channel: int) -> None:
        complete = self.registers.get(_ISR, 0) >> (4 * channel - 3) & 1
        enabled = self._channel(channel, _CCR) & _TCIE
        self.set_interrupt(high=bool(complete and enabled), line=channel - 1)
