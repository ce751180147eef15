"""Which model stands behind the `type` of a peripheral in `board.toml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.crc import Crc
from mcu_models.emulators.peripherals.dcmi import Dcmi
from mcu_models.emulators.peripherals.dma_l4 import DmaL4
from mcu_models.emulators.peripherals.dma_streams import DmaF7, DmaH7
from mcu_models.emulators.peripherals.dmamux import DmaBehindMux, Dmamux
from mcu_models.emulators.peripherals.external_memory import Fmc
from mcu_models.emulators.peripherals.exti import ExtiL4
from mcu_models.emulators.peripherals.gpio import Gpio
from mcu_models.emulators.peripherals.i2c_v2 import I2cV2
from mcu_models.emulators.peripherals.lptim import Lptim
from mcu_models.emulators.peripherals.plain import RegisterBank, Unmodelled
from mcu_models.emulators.peripherals.rng import Rng
from mcu_models.emulators.peripherals.rtc import Rtc
from mcu_models.emulators.peripherals.rtc_v3 import RtcV3, Tamp
from mcu_models.emulators.peripherals.stm32f7_clocks import RccF7
from mcu_models.emulators.peripherals.stm32f7_flash import FlashF7
from mcu_models.emulators.peripherals.stm32f7_power import PwrF7
from mcu_models.emulators.peripherals.stm32h7_clocks import RccH7a3, RccH743
from mcu_models.emulators.peripherals.stm32h7_exti import ExtiF7, ExtiH7
from mcu_models.emulators.peripherals.stm32h7_flash import FlashH7
from mcu_models.emulators.peripherals.stm32h7_power import PwrH7a3, PwrH743
from mcu_models.emulators.peripherals.stm32h7_system import Hsem, SyscfgH7
from mcu_models.emulators.peripherals.stm32l4_clocks import RccL4
from mcu_models.emulators.peripherals.stm32l4_flash import FlashL4
from mcu_models.emulators.peripherals.stm32l4_power import PwrL4
from mcu_models.emulators.peripherals.tim import Timer
from mcu_models.emulators.peripherals.usart import Lpuart, Usart
from mcu_models.emulators.peripherals.watchdogs import Iwdg, Wwdg

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
    "crc": Crc,
    "rng": Rng,
    "tim": Timer,
    "iwdg": Iwdg,
    "rtc": Rtc,
    "wwdg": Wwdg,
    "dcmi": Dcmi,
    "dma_l4": DmaL4,
    "dma_f7": DmaF7,
    "dma_h7": DmaH7,
    "dma_behind_mux": DmaBehindMux,
    "dmamux": Dmamux,
    "rcc_l4": RccL4,
    "pwr_l4": PwrL4,
    "flash_l4": FlashL4,
    "rtc_v3": RtcV3,
    "tamp": Tamp,
    "rcc_h743": RccH743,
    "rcc_h7a3": RccH7a3,
    "pwr_h743": PwrH743,
    "pwr_h7a3": PwrH7a3,
    "flash_h7": FlashH7,
    "syscfg_h7": SyscfgH7,
    "hsem": Hsem,
    "exti_h7": ExtiH7,
    "exti_f7": ExtiF7,
    "rcc_f7": RccF7,
    "pwr_f7": PwrF7,
    "flash_f7": FlashF7,
    "fmc": Fmc,
}
