"""The DMA controller with channels of STM32L4 and L4+ (also L0, F0, G4): seven channels, one request each.

Source: RM0351 and RM0432, chapter 11. Modelled: items of 8, 16 and 32 bits, increments, circular mode,
memory-to-memory, the flags and interrupts of half and complete transfers and of errors. Not modelled: priorities
between channels and bus contention with the core: a channel that is asked moves its item at once.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral
from mcu_models.emulators.peripherals.dma import Block, ChipBus, End, Progress, Transfer, TransferError

if TYPE_CHECKING:
    from mcu_models.boards.board import PeripheralSheet

CHANNELS = 7
_ISR, _IFCR, _FIRST, _STRIDE, _BEHIND = 0x00, 0x04, 0x08, 0x14, 0x94
_CCR, _CNDTR, _CPAR, _CMAR = 0x0, 0x4, 0x8, 0xC
_SETUP = {_CNDTR: "CNDTR", _CPAR: "CPAR", _CMAR: "CMAR"}
_EN, _TCIE, _HTIE, _DIR, _CIRC, _PINC, _MINC, _MEM2MEM = (
    1, 1 << 1, 1 << 2, 1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 14,
)  # fmt: skip
_GIF, _TCIF, _HTIF, _TEIF = 1, 2, 4, 8
ITEM_CYCLES = 5
"""Bus clocks of an item from memory to memory: AN2548, section 2.3, a read and a write with their arbitration."""


class DmaChannels(Peripheral):
    """Seven channels; a family says which request each of them serves. Interrupt lines: channels 1 to 7."""

    status_registers = frozenset({_ISR})

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        self._bus = ChipBus(chip)
        self._progress = [Progress() for _ in range(CHANNELS + 1)]
        chip.dma_controllers.append(self)

    def requests_of(self, channel: int) -> tuple[str, ...]:
        """Return the names of the requests that a channel is connected to now."""
        raise NotImplementedError

    def block(self, request: str, item_bytes: int = 1) -> Block | None:
        """Return what the enabled channel with `request` is to move; None when it has to go item by item."""
        channel = self._channel_of(request)
        if channel is None or item_bytes != 1:
            return None
        control, progress = self._word(channel, _CCR), self._progress[channel]
        if not control & _MINC or control & (_CIRC | _PINC | 0xF00) or progress.begin_s is not None:
            return None
        if not self._bus.is_memory(self._left_at(channel), progress.left, writable=not control & _DIR):
            return None
        give, pace = partial(self._give, channel), partial(self._pace, channel)
        return Block(progress.left, partial(self._take, channel), give, pace)

    def serve(self, request: str) -> bool:
        """Let the enabled channel with `request` move one item; tell whether there is such a channel."""
        channel = self._channel_of(request)
        if channel is None or self._progress[channel].begin_s is not None:
            return False
        self._move(channel)
        return True

    def _channel_of(self, request: str) -> int | None:
        for channel in range(1, CHANNELS + 1):
            progress = self._progress[channel]
            if progress.transfer and progress.left and not self._word(channel, _CCR) & _MEM2MEM:  # noqa: SIM102
                if request in self.requests_of(channel):
                    return channel
        return None

    def read_register(self, offset: int) -> int:
        """Return a register; CNDTR tells the items left."""
        channel, register = self._place(offset)
        if channel and register == _CNDTR and self._progress[channel].transfer:
            return self._progress[channel].left_at(self.chip.clock.now_s)
        return 0 if offset == _IFCR else super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        """Take a register; enabling a channel wakes the peripheral whose request it serves."""
        channel, register = self._place(offset)
        if offset == _IFCR:
            self._clear(value)
        elif channel and register == _CCR:
            self._control(channel, value)
        elif channel and register in _SETUP and self._word(channel, _CCR) & _EN:
            self.chip.report(f"{self.name}: {_SETUP[register]} written while channel {channel} is enabled")
        elif offset != _ISR:
            self.registers[offset] = value & 0xFFFF if channel and register == _CNDTR else value

    def reset(self) -> None:
        """Switch all channels off."""
        for channel in range(1, CHANNELS + 1):
            self._control(channel, 0)
        super().reset()

    def _place(self, offset: int) -> tuple[int, int]:
        """Return channel and register of an offset; channel 0 for what belongs to no channel."""
        if not _FIRST <= offset < _BEHIND:
            return 0, 0
        channel, register = divmod(offset - _FIRST, _STRIDE)
        return channel + 1, register

    def _word(self, channel: int, register: int) -> int:
        return self.registers.get(_FIRST + _STRIDE * (channel - 1) + register, 0)

    def _control(self, channel: int, value: int) -> None:
        was_on = self._word(channel, _CCR) & _EN
        self.registers[_FIRST + _STRIDE * (channel - 1) + _CCR] = value
        self._update_interrupt(channel)
        if was_on and not value & _EN:
            self._switch_off(channel)
        elif value & _EN and not was_on:
            self._switch_on(channel, value)

    def _switch_off(self, channel: int) -> None:
        """Stop; CNDTR keeps what is left."""
        progress = self._progress[channel]
        offset = _FIRST + _STRIDE * (channel - 1) + _CNDTR
        self.registers[offset] = progress.left_at(self.chip.clock.now_s) if progress.transfer else 0
        self._progress[channel] = Progress()
        self.cancel(f"half {channel}")
        self.cancel(f"memory {channel}")

    def _switch_on(self, channel: int, control: int) -> None:
        count = self._word(channel, _CNDTR)
        memory = End(self._word(channel, _CMAR), 1 << (control >> 10 & 3), bool(control & _MINC))
        peripheral = End(self._word(channel, _CPAR), 1 << (control >> 8 & 3), bool(control & _PINC))
        source, target = (memory, peripheral) if control & _DIR else (peripheral, memory)
        circular = bool(control & _CIRC) and not control & _MEM2MEM
        self._progress[channel] = Progress(Transfer(source, target, count, circular), count)
        if control & _MEM2MEM:
            self._begin_copy(channel, count)
        else:
            for request in self.requests_of(channel):
                self.chip.wake_for_dma(request)

    def _begin_copy(self, channel: int, count: int) -> None:
        """Copy from memory to memory, all of it when its last item is due."""
        item_s = ITEM_CYCLES / self.chip.clock.clock_hz
        self._pace(channel, self.chip.clock.now_s, item_s)
        if count:
            self.after(count * item_s, partial(self._copied, channel), f"memory {channel}")

    def _copied(self, channel: int) -> None:
        progress = self._progress[channel]
        progress.begin_s = None
        try:
            while progress.left:
                progress.move_one(self._bus)
        except TransferError as error:
            self._fail(channel, error)
        else:
            self._set(channel, self._flags_at_end(channel))

    def _fail(self, channel: int, error: TransferError) -> None:
        """End with an error: the hardware switches the channel off."""
        self.chip.report(f"{self.name}: transfer error of channel {channel}: {error}")
        self._switch_off(channel)
        self.registers[_FIRST + _STRIDE * (channel - 1) + _CCR] &= ~_EN
        self._set(channel, _TEIF)

    def _move(self, channel: int) -> None:
        try:
            half, complete = self._progress[channel].move_one(self._bus)
        except TransferError as error:
            self._fail(channel, error)
            return
        if half or complete:
            self._set(channel, (_HTIF if half else 0) | (_TCIF if complete else 0))

    def _pace(self, channel: int, begin_s: float, item_s: float) -> None:
        """Count down by the time from now on; say when half is done if someone wants to know."""
        progress = self._progress[channel]
        progress.begin_s, progress.item_s = begin_s, item_s
        if self._word(channel, _CCR) & _HTIE:
            self.at(begin_s + progress.left // 2 * item_s, partial(self._set, channel, _HTIF), f"half {channel}")

    def _take(self, channel: int) -> bytes:
        assert self.chip.memory is not None  # noqa: S101 - set when the chip is put together
        if not self._word(channel, _CCR) & _DIR:
            return b""
        return self.chip.memory.read(self._left_at(channel), self._progress[channel].left)

    def _left_at(self, channel: int) -> int:
        """Return the address of the first item left of a block."""
        return self._word(channel, _CMAR) + self._word(channel, _CNDTR) - self._progress[channel].left

    def _give(self, channel: int, data: bytes) -> None:
        assert self.chip.memory is not None  # noqa: S101
        progress = self._progress[channel]
        if progress.transfer is None:
            return  # switched off meanwhile
        if data:
            self.chip.memory.write(self._left_at(channel), data)
        progress.left, progress.begin_s = 0, None
        self._set(channel, self._flags_at_end(channel))

    def _flags_at_end(self, channel: int) -> int:
        """Return the flags of a block's end; its half has been told already if someone wanted to know."""
        return _TCIF if self._word(channel, _CCR) & _HTIE else _TCIF | _HTIF

    def _set(self, channel: int, flags: int) -> None:
        self.registers[_ISR] = self.registers.get(_ISR, 0) | (flags | _GIF) << (4 * channel - 4)
        self._update_interrupt(channel)

    def _clear(self, value: int) -> None:
        for channel in range(1, CHANNELS + 1):
            shift = 4 * channel - 4
            # CGIF clears all flags of its channel; GIF goes with the last of them.
            flags = 0xF if value >> shift & _GIF else value >> shift & 0xE
            left = self.registers.get(_ISR, 0) >> shift & ~flags & 0xE
            word = self.registers.get(_ISR, 0) & ~(0xF << shift)
            self.registers[_ISR] = word | (left | (_GIF if left else 0)) << shift
            self._update_interrupt(channel)

    def _update_interrupt(self, channel: int) -> None:
        flags = self.registers.get(_ISR, 0) >> (4 * channel - 4)
        # The enable bits TCIE, HTIE and TEIE stand at the places of their flags.
        self.set_interrupt(high=bool(flags & self._word(channel, _CCR) & 0xE), line=channel - 1)
