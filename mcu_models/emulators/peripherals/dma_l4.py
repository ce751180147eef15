"""DMA1 and DMA2 of STM32L4x6: each channel chooses one of eight requests in CSELR.

Source: RM0351, tables 44 and 45. What the controller does with a request: see `dma_channels`.
"""

from __future__ import annotations

from mcu_models.emulators.peripherals.dma_channels import DmaChannels

_CSELR = 0xA8
_DMA1 = """
    ADC1 ADC2 ADC3 DFSDM1_FLT0 DFSDM1_FLT1 DFSDM1_FLT2 DFSDM1_FLT3
    - SPI1_RX SPI1_TX SPI2_RX SPI2_TX SAI2_A SAI2_B
    - USART3_TX USART3_RX USART1_TX USART1_RX USART2_RX USART2_TX
    - I2C3_TX I2C3_RX I2C2_TX I2C2_RX I2C1_TX I2C1_RX
    TIM2_CH3 TIM2_UP TIM16_CH1/TIM16_UP - TIM2_CH1 TIM16_CH1/TIM16_UP TIM2_CH2/TIM2_CH4
    TIM17_CH1/TIM17_UP TIM3_CH3 TIM3_CH4/TIM3_UP TIM7_UP/DAC1_CH2 QUADSPI TIM3_CH1/TIM3_TRIG TIM17_CH1/TIM17_UP
    TIM4_CH1 - TIM6_UP/DAC1_CH1 TIM4_CH2 TIM4_CH3 - TIM4_UP
    - TIM1_CH1 TIM1_CH2 TIM1_CH4/TIM1_TRIG/TIM1_COM TIM15_CH1/TIM15_UP/TIM15_TRIG/TIM15_COM TIM1_UP TIM1_CH3
"""
_DMA2 = """
    I2C4_RX I2C4_TX ADC1 ADC2 ADC3 DCMI -
    SAI1_A SAI1_B SAI2_A SAI2_B - SAI1_A SAI1_B
    UART5_TX UART5_RX UART4_TX - UART4_RX USART1_TX USART1_RX
    SPI3_RX SPI3_TX - TIM6_UP/DAC1_CH1 TIM7_UP/DAC1_CH2 - QUADSPI
    SWPMI1_RX SWPMI1_TX SPI1_RX SPI1_TX DCMI LPUART1_TX LPUART1_RX
    TIM5_CH4/TIM5_TRIG TIM5_CH3/TIM5_UP - TIM5_CH2 TIM5_CH1 I2C1_RX I2C1_TX
    AES_IN AES_OUT AES_OUT - AES_IN - HASH_IN
    TIM8_CH3/TIM8_UP TIM8_CH4/TIM8_TRIG/TIM8_COM - SDMMC1 SDMMC1 TIM8_CH1 TIM8_CH2
"""
"""A line for each selection, a column for each channel."""


def _table(text: str) -> dict[tuple[int, int], tuple[str, ...]]:
    """Return the requests by channel and selection."""
    lines = [line.split() for line in text.strip().splitlines()]
    return {
        (channel, selection): tuple(cell.split("/"))
        for selection, cells in enumerate(lines)
        for channel, cell in enumerate(cells, start=1)
        if cell != "-"
    }


_REQUESTS = {"DMA1": _table(_DMA1), "DMA2": _table(_DMA2)}


class DmaL4(DmaChannels):
    """A controller named DMA1 or DMA2 with the requests of STM32L4x6."""

    def requests_of(self, channel: int) -> tuple[str, ...]:
        """Return the requests of a channel, as CSELR chooses them."""
        selection = self.registers.get(_CSELR, 0) >> (4 * channel - 4) & 0xF
        return _REQUESTS[self.name].get((channel, selection), ())
