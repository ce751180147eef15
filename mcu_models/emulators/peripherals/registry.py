"""Which model stands behind the `type` of a peripheral in `board.toml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.dma_l4 import DmaL4
from mcu_models.emulators.peripherals.i2c_v2 import I2cV2
from mcu_models.emulators.peripherals.lptim import Lptim
from mcu_models.emulators.peripherals.plain import ExtiL4, Gpio, RegisterBank, Unmodelled
from mcu_models.emulators.peripherals.stm32l4_clocks import FlashL4, PwrL4, RccL4
from mcu_models.emulators.peripherals.usart import Lpuart, Usart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcu_models.emulators.peripherals.base import Peripheral

PERIPHERALS: Mapping[str, type[Peripheral]] = {
    "register_bank": RegisterBank,
    "unmodelled": Unmodelled,
    "exti_l4": ExtiL4,
    "gpio": Gpio,
    "i2c_v2": I2cV2,
    "usart": Usart,
    "lpuart": Lpuart,
    "lptim": Lptim,
    "dma_l4": DmaL4,
    "rcc_l4": RccL4,
    "pwr_l4": PwrL4,
    "flash_l4": FlashL4,
}
