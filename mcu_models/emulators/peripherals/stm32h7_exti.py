"""EXTI of the STM32H7 and F7: the lines of each, and the registers of the H7 at their places.

Source: RM0433 and RM0455, chapters EXTI (H7): edges and software events in three banks, masks and pending
bits of the core in windows of their own from 0x80 on. RM0385, chapter EXTI (F7): one bank, with the registers in the
order of the STM32L4. Direct lines of the H7 have no pending bit: their peripherals drive the NVIC themselves.
"""

from __future__ import annotations

from mcu_models.emulators.peripherals.exti import ExtiL4

_BANK, _BANKS = 0x20, 3
_CORE_WINDOWS = 0x80
_ELSEWHERE = 0x400
_PLACES = {0x00: 0x08, 0x04: 0x0C, 0x08: 0x10}
"""RTSR, FTSR and SWIER: where they stand in a bank, and where the STM32L4 has them."""
_CORE_PLACES = {0x0: 0x00, 0x4: 0x04, 0x8: 0x14}
"""IMR, EMR and PR, likewise."""


class ExtiF7(ExtiL4):
    """EXTI with the lines of STM32F7.

    Interrupt lines, as far as the board gives them: EXTI0, 1, 2, 3, 4, 9_5, 15_10, PVD, RTC_ALARM, TAMP_STAMP,
    RTC_WKUP.
    """

    reset_values = {}  # noqa: RUF012 - a class constant by design
    _GROUPS: tuple[tuple[int, ...], ...] = (
        (0,), (1,), (2,), (3,), (4,), tuple(range(5, 10)), tuple(range(10, 16)), (16,), (17,), (21,), (22,), (),
    )  # fmt: skip


class ExtiH7(ExtiL4):
    """EXTI with the registers and lines of STM32H7.

    Interrupt lines, as far as the board gives them: EXTI0, 1, 2, 3, 4, 9_5, 15_10, PVD_AVD, RTC_ALARM, TAMP_STAMP,
    RTC_WKUP, COMP.
    """

    reset_values = {0x00: 0xFFC00000, 0x20: 0xFFF5FFFF, 0x40: 0x008BFFFF}  # noqa: RUF012 - a class constant
    _GROUPS: tuple[tuple[int, ...], ...] = (
        (0,), (1,), (2,), (3,), (4,), tuple(range(5, 10)), tuple(range(10, 16)), (16,), (17,), (18,), (19,), (20, 21),
    )  # fmt: skip

    def read_register(self, offset: int) -> int:
        """Return a register."""
        return super().read_register(_home(offset))

    def write_register(self, offset: int, value: int) -> None:
        """Take a register; those for the autonomous mode of the third domain are kept and do nothing."""
        home = _home(offset)
        if home < _ELSEWHERE:
            super().write_register(home, value)
        else:
            self.registers[home] = value


def _home(offset: int) -> int:
    """Return where the STM32L4 would have a register in the same bank; elsewhere, when it has none."""
    if _CORE_WINDOWS <= offset < _CORE_WINDOWS + 0x10 * _BANKS:
        bank, register = divmod(offset - _CORE_WINDOWS, 0x10)
        place = _CORE_PLACES.get(register)
    else:
        bank, register = divmod(offset, _BANK)
        place = _PLACES.get(register) if bank < _BANKS else None
    return _ELSEWHERE + offset if place is None else bank * _BANK + place
