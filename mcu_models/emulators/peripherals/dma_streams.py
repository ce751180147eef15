"""The DMA controller with streams of STM32F7 and H7: eight streams, each with one request.

Source: RM0385, chapter 8 and tables 27-28 (F7: eight requests for each stream, chosen by CHSEL), RM0433, chapter 15
(H7: requests from DMAMUX1). Modelled: items of 8, 16 and 32 bits with the packing that the FIFO does, increments,
circular and double-buffer mode, memory-to-memory (DMA2, and DMA1 of the H7), the flags and interrupts of half and
complete transfers and of transfer errors. The FIFO is passed at once: thresholds and bursts change nothing. Not
modelled: direct mode and FIFO errors, priorities, the peripheral as flow controller.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral
from mcu_models.emulators.peripherals.dma import Block, ChipBus, End, Progress, Transfer, TransferError
from mcu_models.emulators.peripherals.dmamux import request_behind

if TYPE_CHECKING:
    from mcu_models.boards.board import PeripheralSheet

STREAMS = 8
_LISR, _HISR, _LIFCR, _HIFCR, _FIRST, _STRIDE = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x18
_BEHIND = _FIRST + STREAMS * _STRIDE
_SCR, _NDTR, _PAR, _M0AR, _M1AR, _FCR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14
_SETUP = {_NDTR: "NDTR", _PAR: "PAR"}
_EN, _HTIE, _TCIE, _CIRC, _PINC, _MINC, _DBM, _CT = 1, 1 << 3, 1 << 4, 1 << 8, 1 << 9, 1 << 10, 1 << 18, 1 << 19
_DMDIS = 1 << 2
_TEIF, _HTIF, _TCIF, _ALL = 1 << 3, 1 << 4, 1 << 5, 0x3D
_SHIFTS = (0, 6, 16, 22)
_TO_MEMORY, _TO_PERIPHERAL, _COPY = 0, 1, 2
ITEM_CYCLES = 5
"""Bus clocks of an item from memory to memory, as of the controllers with channels: AN4031, section 2."""

_F7_DMA1 = """
    SPI3_RX SPDIFRX_DT SPI3_RX SPI2_RX SPI2_TX SPI3_TX SPDIFRX_CS SPI3_TX
    I2C1_RX I2C3_RX TIM7_UP - TIM7_UP I2C1_RX I2C1_TX I2C1_TX
    TIM4_CH1 - I2C4_RX TIM4_CH2 - I2C4_TX TIM4_UP TIM4_CH3
    - TIM2_UP/TIM2_CH3 I2C3_RX - I2C3_TX TIM2_CH1 TIM2_CH2/TIM2_CH4 TIM2_UP/TIM2_CH4
    UART5_RX USART3_RX UART4_RX USART3_TX UART4_TX USART2_RX USART2_TX UART5_TX
    UART8_TX UART7_TX TIM3_CH4/TIM3_UP UART7_RX TIM3_CH1/TIM3_TRIG TIM3_CH2 UART8_RX TIM3_CH3
    TIM5_CH3/TIM5_UP TIM5_CH4/TIM5_TRIG TIM5_CH1 TIM5_CH4/TIM5_TRIG TIM5_CH2 - TIM5_UP -
    - TIM6_UP I2C2_RX I2C2_RX USART3_TX DAC1_CH1 DAC1_CH2 I2C2_TX
"""
_F7_DMA2 = """
    ADC1 SAI1_A TIM8_CH1/TIM8_CH2/TIM8_CH3 SAI1_A ADC1 SAI1_B TIM1_CH1/TIM1_CH2/TIM1_CH3 SAI2_B
    - DCMI ADC2 ADC2 SAI1_B SPI6_TX SPI6_RX DCMI
    ADC3 ADC3 - SPI5_RX SPI5_TX CRYP_OUT CRYP_IN HASH_IN
    SPI1_RX - SPI1_RX SPI1_TX SAI2_A SPI1_TX SAI2_B QUADSPI
    SPI4_RX SPI4_TX USART1_RX SDMMC1 - USART1_RX SDMMC1 USART1_TX
    - USART6_RX USART6_RX SPI4_RX SPI4_TX - USART6_TX USART6_TX
    TIM1_TRIG TIM1_CH1 TIM1_CH2 TIM1_CH1 TIM1_CH4/TIM1_TRIG/TIM1_COM TIM1_UP TIM1_CH3 -
    - TIM8_UP TIM8_CH1 TIM8_CH2 TIM8_CH3 SPI5_RX SPI5_TX TIM8_CH4/TIM8_TRIG/TIM8_COM
"""
"""A line for each selection, a column for each stream."""


def _table(text: str) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """Return the requests by selection and stream."""
    lines = text.strip().splitlines()
    return tuple(tuple(() if cell == "-" else tuple(cell.split("/")) for cell in line.split()) for line in lines)


_F7_REQUESTS = {"DMA1": _table(_F7_DMA1), "DMA2": _table(_F7_DMA2)}


class DmaStreams(Peripheral):
    """Eight streams; a family says which request each of them serves. Interrupt lines: streams 0 to 7."""

    status_registers = frozenset({_LISR, _HISR})

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        self._bus = ChipBus(chip)
        self._start_afresh()
        chip.dma_controllers.append(self)

    def _start_afresh(self) -> None:
        self._progress = [Progress() for _ in range(STREAMS)]
        for stream in range(STREAMS):
            self.registers.setdefault(_FIRST + _STRIDE * stream + _FCR, 0x21)

    def requests_of(self, stream: int) -> tuple[str, ...]:
        """Return the names of the requests that a stream is connected to now."""
        raise NotImplementedError

    def reset(self) -> None:
        """Switch all streams off."""
        for stream in range(STREAMS):
            self._control(stream, 0)
        super().reset()
        self._start_afresh()

    # -- what peripherals ask for --------------------------------------------------------------------------

    def block(self, request: str, item_bytes: int = 1) -> Block | None:
        """Return what the enabled stream with `request` is to move; None when it has to go item by item.

        In circular and double-buffer mode this is what is left of a round; only words go so.
        """
        stream = self._stream_of(request)
        if stream is None:
            return None
        control, progress = self._word(stream, _SCR), self._progress[stream]
        sizes = (control >> 11 & 3, control >> 13 & 3) if self._packs(stream) else (control >> 11 & 3,)
        barred = _PINC if item_bytes > 1 else _CIRC | _PINC | _DBM
        if not control & _MINC or control & barred or progress.begin_s is not None:
            return None
        if any(1 << size != item_bytes for size in sizes):
            return None
        to_memory = self._direction(stream) == _TO_MEMORY
        if not self._bus.is_memory(self._left_at(stream), progress.left * item_bytes, writable=to_memory):
            return None
        give, pace = partial(self._give, stream), partial(self._pace, stream)
        return Block(progress.left, partial(self._take, stream), give, pace)

    def serve(self, request: str) -> bool:
        """Let the enabled stream with `request` move one item; tell whether there is such a stream."""
        stream = self._stream_of(request)
        if stream is None or self._progress[stream].begin_s is not None:
            return False
        self._move(stream)
        return True

    def _stream_of(self, request: str) -> int | None:
        for stream, progress in enumerate(self._progress):
            asks = progress.transfer and progress.left and self._direction(stream) != _COPY
            if asks and request in self.requests_of(stream):
                return stream
        return None

    # -- registers -----------------------------------------------------------------------------------------

    def read_register(self, offset: int) -> int:
        """Return a register; NDTR tells the items left."""
        stream, register = divmod(offset - _FIRST, _STRIDE)
        if _FIRST <= offset < _BEHIND and register == _NDTR and self._progress[stream].transfer:
            return self._progress[stream].left_at(self.chip.clock.now_s)
        return 0 if offset in (_LIFCR, _HIFCR) else super().read_register(offset)

    def write_register(self, offset: int, value: int) -> None:
        """Take a register; enabling a stream wakes the peripheral whose request it serves."""
        stream, register = divmod(offset - _FIRST, _STRIDE)
        if offset in (_LIFCR, _HIFCR):
            self._clear(offset, value)
        elif _FIRST <= offset < _BEHIND and register == _SCR:
            self._control(stream, value)
        elif _FIRST <= offset < _BEHIND:
            self._set_up(stream, register, value)

    def _set_up(self, stream: int, register: int, value: int) -> None:
        control = self._word(stream, _SCR)
        in_use = _M1AR if control & _CT else _M0AR
        if control & _EN and (register in _SETUP or (register == in_use and control & _DBM) or register == _FCR):
            name = _SETUP.get(register, "MAR or FCR")
            self.chip.report(f"{self.name}: {name} written while stream {stream} is enabled")
            return
        self.registers[_FIRST + _STRIDE * stream + register] = value & 0xFFFF if register == _NDTR else value

    def _word(self, stream: int, register: int) -> int:
        return self.registers.get(_FIRST + _STRIDE * stream + register, 0)

    def _direction(self, stream: int) -> int:
        return self._word(stream, _SCR) >> 6 & 3

    def _packs(self, stream: int) -> bool:
        """Tell whether the FIFO is on, so that the memory's width may differ from the peripheral's."""
        return bool(self._word(stream, _FCR) & _DMDIS) or self._direction(stream) == _COPY

    # -- running -------------------------------------------------------------------------------------------

    def _control(self, stream: int, value: int) -> None:
        was_on = self._word(stream, _SCR) & _EN
        self.registers[_FIRST + _STRIDE * stream + _SCR] = value
        if was_on and not value & _EN:
            self._switch_off(stream, complete=False)
            self._set(stream, _TCIF)  # RM0385, 8.3.14: a stream disabled by software says that it is done
        elif value & _EN and not was_on:
            self._switch_on(stream)
        self._update_interrupt(stream)

    def _switch_off(self, stream: int, *, complete: bool) -> None:
        """Stop; NDTR keeps what is left."""
        progress, base = self._progress[stream], _FIRST + _STRIDE * stream
        self.registers[base + _NDTR] = 0 if complete else progress.left_at(self.chip.clock.now_s)
        self.registers[base + _SCR] &= ~_EN
        self._progress[stream] = Progress()
        self.cancel(f"half {stream}")
        self.cancel(f"memory {stream}")

    def _switch_on(self, stream: int) -> None:
        count = self._word(stream, _NDTR)
        self._progress[stream] = Progress(self._transfer(stream, count), count)
        if self._direction(stream) == _COPY:
            self._begin_copy(stream, count)
            return
        for request in self.requests_of(stream):
            self.chip.wake_for_dma(request)

    def _transfer(self, stream: int, count: int) -> Transfer:
        """Return what a stream is set up to do; NDTR counts items of the peripheral's width."""
        control = self._word(stream, _SCR)
        width = 1 << (control >> 11 & 3)
        memory_address = self._word(stream, _M1AR if control & _DBM and control & _CT else _M0AR)
        memory = End(memory_address, width, bool(control & _MINC))
        peripheral = End(self._word(stream, _PAR), width, bool(control & _PINC))
        to_peripheral = self._direction(stream) == _TO_PERIPHERAL
        source, target = (memory, peripheral) if to_peripheral else (peripheral, memory)
        return Transfer(source, target, count, circular=bool(control & (_CIRC | _DBM)))

    def _begin_copy(self, stream: int, count: int) -> None:
        item_s = ITEM_CYCLES / self.chip.clock.clock_hz
        self._pace(stream, self.chip.clock.now_s, item_s)
        if count:
            self.after(count * item_s, partial(self._copied, stream), f"memory {stream}")

    def _copied(self, stream: int) -> None:
        progress = self._progress[stream]
        progress.begin_s = None
        if progress.transfer is not None:
            progress.transfer = replace(progress.transfer, circular=False)
        try:
            while progress.left:
                progress.move_one(self._bus)
        except TransferError as error:
            self._fail(stream, error)
        else:
            self._complete(stream, self._flags_at_end(stream))

    def _fail(self, stream: int, error: TransferError) -> None:
        """End with an error: the hardware switches the stream off."""
        self.chip.report(f"{self.name}: transfer error of stream {stream}: {error}")
        self._switch_off(stream, complete=False)
        self._set(stream, _TEIF)

    def _move(self, stream: int) -> None:
        try:
            half, complete = self._progress[stream].move_one(self._bus)
        except TransferError as error:
            self._fail(stream, error)
            return
        if half:
            self._set(stream, _HTIF)
        if complete:
            self._complete(stream, _TCIF)

    def _complete(self, stream: int, flags: int) -> None:
        control = self._word(stream, _SCR)
        if not control & (_CIRC | _DBM) or self._direction(stream) == _COPY:
            self._switch_off(stream, complete=True)
        elif control & _DBM:
            self.registers[_FIRST + _STRIDE * stream + _SCR] ^= _CT
            self._progress[stream].transfer = self._transfer(stream, self._progress[stream].left)
        self._set(stream, flags)

    def _flags_at_end(self, stream: int) -> int:
        """Return the flags of a block's end; its half has been told already if someone wanted to know."""
        return _TCIF if self._word(stream, _SCR) & _HTIE else _TCIF | _HTIF

    def _pace(self, stream: int, begin_s: float, item_s: float) -> None:
        """Count down by the time from now on; say when half is done if someone wants to know."""
        progress = self._progress[stream]
        progress.begin_s, progress.item_s = begin_s, item_s
        if self._word(stream, _SCR) & _HTIE:
            self.at(begin_s + progress.left // 2 * item_s, partial(self._set, stream, _HTIF), f"half {stream}")

    def _take(self, stream: int) -> bytes:
        assert self.chip.memory is not None  # noqa: S101 - set when the chip is put together
        progress = self._progress[stream]
        return self.chip.memory.read(self._left_at(stream), progress.left * self._item_bytes(stream))

    def _give(self, stream: int, data: bytes) -> None:
        assert self.chip.memory is not None  # noqa: S101
        progress = self._progress[stream]
        if progress.transfer is None:
            return  # switched off meanwhile
        if data:
            self.chip.memory.write(self._left_at(stream), data)
        moved = len(data) // self._item_bytes(stream) or progress.left
        progress.left, progress.begin_s = progress.left - moved, None
        if progress.left == 0:
            progress.left = progress.transfer.count if progress.transfer.circular else 0
            self._complete(stream, self._flags_at_end(stream))

    def _item_bytes(self, stream: int) -> int:
        return 1 << (self._word(stream, _SCR) >> 11 & 3)

    def _left_at(self, stream: int) -> int:
        """Return the address in memory of the first item left."""
        transfer, left = self._progress[stream].transfer, self._progress[stream].left
        assert transfer is not None  # noqa: S101 - asked of enabled streams only
        memory = transfer.target if self._direction(stream) == _TO_MEMORY else transfer.source
        return memory.at(transfer.count - left)

    # -- flags ---------------------------------------------------------------------------------------------

    def _set(self, stream: int, flags: int) -> None:
        register = _HISR if stream >= 4 else _LISR
        self.registers[register] = self.registers.get(register, 0) | flags << _SHIFTS[stream % 4]
        self._update_interrupt(stream)

    def _clear(self, offset: int, value: int) -> None:
        register = offset - _LIFCR + _LISR
        self.registers[register] = self.registers.get(register, 0) & ~value
        for stream in range(STREAMS):
            self._update_interrupt(stream)

    def _update_interrupt(self, stream: int) -> None:
        register = _HISR if stream >= 4 else _LISR
        flags = self.registers.get(register, 0) >> _SHIFTS[stream % 4] & _ALL
        # The enable bits of TCIF, HTIF, TEIF and DMEIF stand one place below their flags.
        self.set_interrupt(high=bool(flags >> 1 & self._word(stream, _SCR) & 0x1E), line=stream)


class DmaF7(DmaStreams):
    """A controller named DMA1 or DMA2 with the requests of STM32F7."""

    def requests_of(self, stream: int) -> tuple[str, ...]:
        """Return the requests of a stream, as CHSEL chooses them."""
        selection = self._word(stream, _SCR) >> 25 & 0xF
        table = _F7_REQUESTS[self.name]
        return table[selection][stream] if selection < len(table) else ()


class DmaH7(DmaStreams):
    """Streams behind DMAMUX1. Options: `mux`, its name (DMAMUX1), and `mux_first`, the output of stream 0."""

    def requests_of(self, stream: int) -> tuple[str, ...]:
        """Return the request of a stream, as the multiplexer connects it."""
        options = self.sheet.options
        return request_behind(self.chip, str(options.get("mux", "DMAMUX1")), int(options.get("mux_first", 0)) + stream)
