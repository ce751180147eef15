"""DMAMUX: connects requests to the channels of the DMA controllers by number; and the controllers behind it.

Source: RM0432, chapter 12 (L4+), RM0433 and RM0455, chapter 17 (H7). Modelled: the request number of each output.
Not modelled: synchronisation, request generators, overrun.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.base import Chip, Peripheral
from mcu_models.emulators.peripherals.dma_channels import DmaChannels

if TYPE_CHECKING:
    from mcu_models.boards.board import PeripheralSheet

_L4PLUS = (5, """
    ADC1 DAC1_CH1 DAC1_CH2 TIM6_UP TIM7_UP SPI1_RX SPI1_TX SPI2_RX SPI2_TX SPI3_RX SPI3_TX I2C1_RX I2C1_TX I2C2_RX
    I2C2_TX I2C3_RX I2C3_TX I2C4_RX I2C4_TX USART1_RX USART1_TX USART2_RX USART2_TX USART3_RX USART3_TX UART4_RX
    UART4_TX UART5_RX UART5_TX LPUART1_RX LPUART1_TX SAI1_A SAI1_B SAI2_A SAI2_B OCTOSPI1 OCTOSPI2 TIM1_CH1 TIM1_CH2
    TIM1_CH3 TIM1_CH4 TIM1_UP TIM1_TRIG TIM1_COM TIM8_CH1 TIM8_CH2 TIM8_CH3 TIM8_CH4 TIM8_UP TIM8_TRIG TIM8_COM
    TIM2_CH1 TIM2_CH2 TIM2_CH3 TIM2_CH4 TIM2_UP TIM3_CH1 TIM3_CH2 TIM3_CH3 TIM3_CH4 TIM3_UP TIM3_TRIG TIM4_CH1
    TIM4_CH2 TIM4_CH3 TIM4_CH4 TIM4_UP TIM5_CH1 TIM5_CH2 TIM5_CH3 TIM5_CH4 TIM5_UP TIM5_TRIG TIM15_CH1 TIM15_UP
    TIM15_TRIG TIM15_COM TIM16_CH1 TIM16_UP TIM17_CH1 TIM17_UP DFSDM1_FLT0 DFSDM1_FLT1 DFSDM1_FLT2 DFSDM1_FLT3 DCMI
    AES_IN AES_OUT HASH_IN
""")  # fmt: skip
_H7 = (9, """
    ADC1 ADC2 TIM1_CH1 TIM1_CH2 TIM1_CH3 TIM1_CH4 TIM1_UP TIM1_TRIG TIM1_COM TIM2_CH1 TIM2_CH2 TIM2_CH3 TIM2_CH4
    TIM2_UP TIM3_CH1 TIM3_CH2 TIM3_CH3 TIM3_CH4 TIM3_UP TIM3_TRIG TIM4_CH1 TIM4_CH2 TIM4_CH3 TIM4_UP I2C1_RX I2C1_TX
    I2C2_RX I2C2_TX SPI1_RX SPI1_TX SPI2_RX SPI2_TX USART1_RX USART1_TX USART2_RX USART2_TX USART3_RX USART3_TX
    TIM8_CH1 TIM8_CH2 TIM8_CH3 TIM8_CH4 TIM8_UP TIM8_TRIG TIM8_COM - TIM5_CH1 TIM5_CH2 TIM5_CH3 TIM5_CH4 TIM5_UP
    TIM5_TRIG SPI3_RX SPI3_TX UART4_RX UART4_TX UART5_RX UART5_TX DAC1_CH1 DAC1_CH2 TIM6_UP TIM7_UP USART6_RX
    USART6_TX I2C3_RX I2C3_TX DCMI CRYP_IN CRYP_OUT HASH_IN UART7_RX UART7_TX UART8_RX UART8_TX SPI4_RX SPI4_TX
    SPI5_RX SPI5_TX SAI1_A SAI1_B SAI2_A SAI2_B SWPMI_RX SWPMI_TX SPDIF_RX_DT SPDIF_RX_CS HRTIM_MASTER HRTIM_TIMER_A
    HRTIM_TIMER_B HRTIM_TIMER_C HRTIM_TIMER_D HRTIM_TIMER_E DFSDM1_FLT0 DFSDM1_FLT1 DFSDM1_FLT2 DFSDM1_FLT3
    TIM15_CH1 TIM15_UP TIM15_TRIG TIM15_COM TIM16_CH1 TIM16_UP TIM17_CH1 TIM17_UP SAI3_A SAI3_B ADC3 UART9_RX
    UART9_TX USART10_RX USART10_TX
""")  # fmt: skip
"""Number of the first request, and the names that follow: RM0432 table 50, RM0433 table 121, RM0455 table 107."""


def _numbered(first: int, names: str) -> dict[int, str]:
    return dict(enumerate(names.split(), start=first))


_REQUESTS = {"l4plus": _numbered(*_L4PLUS), "h7": _numbered(*_H7)}


class Dmamux(Peripheral):
    """Which request each output carries. Options: `family`, "l4plus" or "h7"."""

    def __init__(self, name: str, chip: Chip, sheet: PeripheralSheet) -> None:
        super().__init__(name, chip, sheet)
        self._requests = _REQUESTS[str(sheet.options.get("family", "l4plus"))]

    def request_of(self, output: int) -> str | None:
        """Return the request that an output carries; None when it carries none that is known."""
        return self._requests.get(self.registers.get(4 * output, 0) & 0x7F)


def request_behind(chip: Chip, name: str, output: int) -> tuple[str, ...]:
    """Return the request that an output of the multiplexer of that name carries, if there is one."""
    mux = chip.peripherals.get(name)
    request = mux.request_of(output) if isinstance(mux, Dmamux) else None
    return () if request is None else (request,)


class DmaBehindMux(DmaChannels):
    """Channels behind a multiplexer. Options: `mux`, its name (DMAMUX1), and `mux_first`, the output of channel 1."""

    def requests_of(self, channel: int) -> tuple[str, ...]:
        """Return the request of a channel, as the multiplexer connects it."""
        options = self.sheet.options
        output = int(options.get("mux_first", 0)) + channel - 1
        return request_behind(self.chip, str(options.get("mux", "DMAMUX1")), output)
