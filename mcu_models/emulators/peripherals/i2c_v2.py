"""The I2C controller of STM32L4, F7 and H7 ("I2C v2") as bus master, byte by byte in virtual time.

Source: RM0351, chapter 39. Modelled: 7-bit master transfers with AUTOEND, software STOP, repeated START and
RELOAD, by polling, interrupts or DMA in both directions, a bus on which a device holds SDA low, and arbitration lost to
another master on demand. Not modelled: slave mode, 10-bit addresses, SMBus. Interrupt lines: events, errors.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral

if TYPE_CHECKING:
    from mcu_models.boards.board import PeripheralSheet
    from mcu_models.emulators.peripherals.dma import Block
    from mcu_models.emulators.port import I2cDevice

_CR1, _CR2, _TIMINGR, _ISR, _ICR, _RXDR, _TXDR = 0x00, 0x04, 0x10, 0x18, 0x1C, 0x24, 0x28
_TXE, _TXIS, _RXNE, _NACKF, _STOPF, _TC, _TCR, _BUSY = (
    1,
    1 << 1,
    1 << 2,
    1 << 4,
    1 << 5,
    1 << 6,
    1 << 7,
    1 << 15,
)
_START, _STOP, _RELOAD, _AUTOEND = 1 << 13, 1 << 14, 1 << 24, 1 << 25
_CLEARABLE = 0x3F38
_BERR, _ARLO, _ERRORS, _ERRIE = 1 << 8, 1 << 9, 0x3F00, 1 << 7
_PE, _TXDMAEN, _RXDMAEN, _WUPEN = 1, 1 << 14, 1 << 15, 1 << 18
SYNC_S = 750e-9
"""Rise, fall and synchronisation of SCL in a bit: RM0351 table "Examples of timing settings" (16 MHz, 400 kHz)."""
_BITS_PER_BYTE = 9


class I2cV2(Peripheral):
    """Bus master with the devices attached to it."""

    reset_values = {_ISR: _TXE}  # noqa: RUF012 - a class constant by design
    data_registers = frozenset({_TXDR})
    status_registers = frozenset({_ISR})
    consumed_registers = frozenset({_RXDR})

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        self._devices = chip.connections.devices_on(name)
        self._device: I2cDevice | None = None
        self._reading = False
        self._left = 0
        self._stretched = False
        self._bit_s = 0.0
        self._byte_s = 0.0
        self._held_clocks = 0

    def attach(self, device: I2cDevice) -> None:
        """Put a device on the bus."""
        self._devices[device.address] = device

    def hold_sda(self, clocks: int) -> None:
        """Let a device hold SDA low until it has seen `clocks` pulses of SCL; 0 lets go.

        No START is possible meanwhile: it stays pending, without a flag, until the controller is switched off.
        """
        self._held_clocks = clocks

    def clock_by_hand(self) -> None:
        """Take a pulse of SCL that firmware makes with the pin as an output."""
        self._held_clocks = max(0, self._held_clocks - 1)

    def lose_arbitration(self) -> None:
        """Let another master win the bus: the transfer under way ends, without a STOP of ours."""
        self._end_with(_ARLO)

    def bus_error(self) -> None:
        """Let a misplaced START or STOP be seen on the bus."""
        self._end_with(_BERR)

    def _end_with(self, flag: int) -> None:
        if self.registers[_ISR] & _BUSY:
            self.cancel()
            self._device = None
            self._stretched = False
            self.registers[_CR2] &= ~(_START | _STOP)
            self.registers[_ISR] &= ~(_BUSY | _TXIS | _TC | _TCR)
            self._set(flag | _TXE)

    def reset(self) -> None:
        """Go back to the state after reset."""
        super().reset()
        self._reset()

    def dma_ready(self) -> None:
        """Serve a DMA channel that has been enabled while a byte waits for it."""
        control, flags = self.registers.get(_CR1, 0), self.registers[_ISR]
        if flags & _TXIS and control & _TXDMAEN:
            self.chip.request_dma(f"{self.name}_TX")
        if flags & _RXNE and control & _RXDMAEN:
            self.chip.request_dma(f"{self.name}_RX")

    def before_stop(self) -> None:
        """Stop modes want the controller off, unless it is to wake the core (RM0351, 5.3.8; ES0335)."""
        control = self.registers.get(_CR1, 0)
        if control & _PE and not control & _WUPEN:
            self.chip.report(f"{self.name}: still enabled (PE) in a Stop mode")

    def _set_pace(self) -> None:
        """Work out how long a bit takes, as TIMINGR and the kernel clock stand at the START."""
        timing = self.registers.get(_TIMINGR, 0)
        hz = self.kernel_hz
        if hz <= 0:
            self.chip.report(f"{self.name}: transfer started while its kernel clock is off")
            hz = 1.0
        prescaled_s = ((timing >> 28) + 1) / hz
        low_high = (timing & 0xFF) + 1 + ((timing >> 8) & 0xFF) + 1
        self._bit_s = low_high * prescaled_s + SYNC_S
        self._byte_s = _BITS_PER_BYTE * self._bit_s

    def read_register(self, offset: int) -> int:
        """Return a register; reading RXDR frees it for the next byte."""
        if offset == _RXDR:
            value = self.registers.get(_RXDR, 0)
            self._clear(_RXNE)
            if self._stretched:
                self._stretched = False
                self._receive()
            return value
        return super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        """Take a register."""
        if offset == _ICR:
            self._clear(value & _CLEARABLE)
        elif offset == _TXDR:
            self._transmit(value & 0xFF)
        elif offset == _CR2:
            self._control(value)
        elif offset == _ISR:
            self._set(value & _TXE)  # flushes TXDR
        else:
            if offset == _TIMINGR and self.registers.get(_CR1, 0) & _PE:
                self.chip.report(f"{self.name}: TIMINGR written while the controller is enabled")
            self.registers[offset] = value
            if offset == _CR1 and not value & 1:
                self._reset()
            self._update_interrupt()
            if offset == _CR1:
                self.dma_ready()

    def _reset(self) -> None:
        """Let go of the lines; a device in the middle of a transfer sees no STOP."""
        self._device = None
        self._stretched = False
        self.cancel()
        self.registers[_ISR] = _TXE
        self.registers[_CR2] = self.registers.get(_CR2, 0) & ~(_START | _STOP)

    def _control(self, value: int) -> None:
        self.registers[_CR2] = value & ~_STOP
        if not self.registers.get(_CR1, 0) & 1:
            self.registers[_CR2] &= ~_START
        elif value & _START:
            self._begin(value)
        elif value & _STOP:
            self._stop_soon()
        elif self.registers[_ISR] & _TCR:
            self._reload(value)

    def _begin(self, value: int) -> None:
        self._clear(_TC | _TCR)
        self._set(_BUSY)
        self._left = value >> 16 & 0xFF
        self._reading = bool(value >> 10 & 1)
        self._set_pace()
        if not self._held_clocks:
            self.after(self._bit_s + self._byte_s, self._address)

    def _reload(self, value: int) -> None:
        self._left = value >> 16 & 0xFF
        self._clear(_TCR)
        self._continue()

    def _address(self) -> None:
        self.registers[_CR2] &= ~_START
        device = self._devices.get(self.registers[_CR2] >> 1 & 0x7F)
        if device is None or not device.begin(self.chip.clock.now_s, read=self._reading):
            self._refuse()
            return
        self._device = device
        self._continue()

    def _continue(self) -> None:
        """Go on with the next byte, or end the transfer."""
        if self._left == 0:
            self._complete()
        elif self._reading:
            self._receive_next()
        elif not self.registers[_ISR] & _TXE:
            self.after(self._byte_s, self._sent)  # written before the address was out
        else:
            self._set(_TXIS)
            self.dma_ready()

    def _receive_next(self) -> None:
        block = self.chip.dma(f"{self.name}_RX") if self.registers.get(_CR1, 0) & _RXDMAEN else None
        if block is None or block.count < self._left:
            self.after(self._byte_s, self._receive)
            return
        begin_s = self.chip.clock.now_s
        block.pace(begin_s, self._byte_s)
        self.after(self._left * self._byte_s, partial(self._receive_block, block, begin_s))

    def _receive_block(self, block: Block, begin_s: float) -> None:
        """Give every byte to the DMA channel, each read from the device at its own time."""
        if self._device is None:
            return
        device, byte_s = self._device, self._byte_s
        data = bytes(device.read(begin_s + (i + 1) * byte_s) for i in range(self._left))
        self._left = 0
        block.give(data)
        self._complete()

    def _receive(self) -> None:
        if self._device is None:
            return
        if self.registers[_ISR] & _RXNE:
            self._stretched = True
            return
        self.registers[_RXDR] = self._device.read(self.chip.clock.now_s)
        self._left -= 1
        self._set(_RXNE)
        self.dma_ready()
        self._continue()

    def _transmit(self, byte: int) -> None:
        self.registers[_TXDR] = byte
        self._clear(_TXIS | _TXE)
        if self._device is not None:
            self.after(self._byte_s, self._sent)

    def _sent(self) -> None:
        if self._device is None:
            return
        self._left -= 1
        if not self._device.write(self.chip.clock.now_s, self.registers[_TXDR]):
            self._refuse()
            return
        self.registers[_ISR] |= _TXE
        self._continue()

    def _refuse(self) -> None:
        self._set(_NACKF | _TXE)
        self._stop_soon()

    def _complete(self) -> None:
        control = self.registers[_CR2]
        if control & _RELOAD:
            self._set(_TCR)
        elif control & _AUTOEND:
            self._stop_soon()
        else:
            self._set(_TC)

    def _stop_soon(self) -> None:
        self._clear(_TC | _TCR)
        self._set_pace()
        self.after(self._bit_s, self._stopped)

    def _stopped(self) -> None:
        if self._device is not None:
            self._device.end(self.chip.clock.now_s)
        self._device = None
        self.registers[_ISR] &= ~(_BUSY | _TXIS)
        self._set(_STOPF | _TXE)

    def _set(self, flags: int) -> None:
        self.registers[_ISR] |= flags
        self._update_interrupt()

    def _clear(self, flags: int) -> None:
        self.registers[_ISR] &= ~flags
        self._update_interrupt()

    def _update_interrupt(self) -> None:
        enable, flags = self.registers.get(_CR1, 0), self.registers[_ISR]
        # Enable bits 1, 2, 4, 5, 6 gate TXIS, RXNE, NACKF, STOPF and TC or TCR.
        gated = enable & flags & (_TXIS | _RXNE | _NACKF | _STOPF)
        complete = enable & _TC and flags & (_TC | _TCR)
        self.set_interrupt(high=bool(gated or complete))
        self.set_interrupt(high=bool(enable & _ERRIE and flags & _ERRORS), line=1)
