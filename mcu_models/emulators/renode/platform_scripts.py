"""Register banks of RCC and PWR, in the Python that Renode runs, as text for a platform description.

Renode's own clock controls of the STM32F4 and H7 drop the dividers of the PLLs and buses, so firmware that works its
clock out from registers is misled, and they set no clock. These banks keep every register, let the flags of the
hardware follow at once, and let the core, its SysTick and the timers run at the clocks that the registers describe.
Kernel clocks of other peripherals do not follow.

Sources: RM0433, RM0455 and RM0385, chapters "Reset and clock control" and "Power control".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.registry import PERIPHERALS
from mcu_models.emulators.peripherals.stm32h7_clocks import CSI_HZ
from mcu_models.emulators.renode.platform_part import APB1

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcu_models.boards.board import BoardSheet, PeripheralSheet

_BANK = """\
if request.IsInit:
    words = {words}
    copied = {copied}
    fixed = {fixed}
    def word(offset):
        value = words.get(offset, 0) | fixed.get(offset, 0)
        for source, bits, shift in copied.get(offset, ()):
            value = value & ~(bits << shift) | (words.get(source, 0) & bits) << shift
        return value
{clock}    changed()
elif request.IsRead:
    request.Value = word(request.Offset & ~3) >> 8 * (request.Offset & 3) & (1 << 8 * request.Length) - 1
elif request.IsWrite:
    register, low = request.Offset & ~3, 8 * (request.Offset & 3)
    mask = (1 << 8 * request.Length) - 1 << low
    words[register] = word(register) & ~mask | request.Value << low & mask
    changed()
"""
_NO_PACE = """\
    def changed():
        pass
"""
_PACE = """\
    def divided(code):
        return ((1,) * 8 + (2, 4, 8, 16, 64, 128, 256, 512))[code & 15]
    def timer_hz(bus_hz, quick, code):
        return int(bus_hz * min(1.0, (4.0 if quick & 1 else 2.0) / (1, 1, 1, 1, 2, 4, 8, 16)[code & 7]))
    def changed():
        machine = emulationManager.CurrentEmulation.TryGetMachineForPeripheral(self)[1]
        clock_hz = int(core_hz() + 0.5)
        if clock_hz > 0:
            machine["sysbus.core"].SetClock(clock_hz)
            machine["sysbus.nvic"].Frequency = clock_hz
            for names, timers_hz in zip(({first}, {second}), timers()):
                for name in names:
                    machine["sysbus." + name].Frequency = timers_hz
"""
_H7_CLOCK = """\
    def core_hz():
        sources = ({hsi_hz} >> (word(0x00) >> 3 & 3), {csi_hz}, {hse_hz}, 0)
        fraction = (word(0x34) >> 3 & 0x1FFF) / 8192.0 if word(0x2C) & 1 else 0.0
        vco_hz = sources[word(0x28) & 3] * ((word(0x30) & 0x1FF) + 1 + fraction) / max(1.0, word(0x28) >> 4 & 0x3F)
        pll_hz = vco_hz / ((word(0x30) >> 9 & 0x7F) + 1)
        return (sources[:3] + (pll_hz,))[word(0x10) & 3] / divided(word(0x18) >> 8)
    def timers():
        bus_hz = core_hz() / divided(word(0x18))
        return [timer_hz(bus_hz, word(0x10) >> 15, word(0x1C) >> shift) for shift in (4, 8)]
"""
_F7_CLOCK = """\
    def core_hz():
        setup = word(0x04)
        source_hz = {hse_hz} if setup >> 22 & 1 else {hsi_hz}
        pll_hz = source_hz * (setup >> 6 & 0x1FF) / max(1.0, setup & 0x3F) / (2 * ((setup >> 16 & 3) + 1))
        return ({hsi_hz}, {hse_hz}, pll_hz, 0)[word(0x08) & 3] / divided(word(0x08) >> 4)
    def timers():
        return [timer_hz(core_hz(), word(0x8C) >> 24, word(0x08) >> shift) for shift in (10, 13)]
"""

Copies = tuple[tuple[int, int, int], ...]
"""Where flags come from: register, bits there, and how far to the left they stand in the register that shows them."""


@dataclass(frozen=True)
class _Bank:
    """What a bank does beyond keeping what is written.

    Attributes:
        copied: Flags that follow other bits, by the offset of their register.
        fixed: Bits that are always set, by offset.
        clock: Source of `core_hz`, for the control of the clocks.
    """

    copied: Mapping[int, Copies]
    fixed: Mapping[int, int] = field(default_factory=dict)
    clock: str = ""


_READY_NEXT = 1
"""Ready flags stand one bit above the bits that switch on, but for the HSI of the STM32H7."""
_RCC_H7 = _Bank(
    {
        0x00: ((0x00, 1, 2), (0x00, 1 << 7 | 1 << 12 | 1 << 16 | 1 << 24 | 1 << 26 | 1 << 28, _READY_NEXT)),
        0x10: ((0x10, 7, 3),),
        0x70: ((0x70, 1, _READY_NEXT),),
        0x74: ((0x74, 1, _READY_NEXT),),
    },
    {0x00: 1 << 5 | 1 << 14 | 1 << 15},
    _H7_CLOCK,
)
_PWR_H7 = _Bank(
    {0x04: ((0x18, 3 << 14, 0),), 0x08: ((0x08, 1, 16),), 0x0C: ((0x0C, 1 << 24, 2),)}, {0x04: 1 << 13, 0x18: 1 << 13}
)
"""ACTVOS follows VOS, backup regulator and USB supply are ready at once, and so is every voltage."""
_BANKS: Mapping[str, _Bank] = {
    "rcc_h743": _RCC_H7,
    "rcc_h7a3": _RCC_H7,
    "rcc_f7": _Bank(
        {
            0x00: ((0x00, 1 | 1 << 16 | 1 << 24 | 1 << 26 | 1 << 28, _READY_NEXT),),
            0x08: ((0x08, 3, 2),),
            0x70: ((0x70, 1, _READY_NEXT),),
            0x74: ((0x74, 1, _READY_NEXT),),
        },
        clock=_F7_CLOCK,
    ),
    "pwr_h743": _PWR_H7,
    "pwr_h7a3": _PWR_H7,
}


SCRIPTED_CLOCKS = frozenset(name for name, bank in _BANKS.items() if bank.clock)
"""Types of RCC whose bank sets clocks."""


def bank_script(sheet: PeripheralSheet, board: BoardSheet) -> str:
    """Return the script of an RCC or a PWR of the STM32H7, or of an RCC of the STM32F7."""
    bank = _BANKS[sheet.type]
    words = {**PERIPHERALS[sheet.type].reset_values, **sheet.reset_values}
    return _BANK.format(
        words=_table({offset: f"0x{word:X}" for offset, word in words.items()}),
        copied=_table({offset: repr(copies) for offset, copies in bank.copied.items()}),
        fixed=_table({offset: f"0x{bits:X}" for offset, bits in bank.fixed.items()}),
        clock=_clock(bank.clock, board) if bank.clock else _NO_PACE,
    )


def _clock(source: str, board: BoardSheet) -> str:
    """Return the part that sets clocks: of core and SysTick, and of the timers on APB1 and on the other bus."""
    timers = {name.lower(): sheet.base for name, sheet in board.peripherals.items() if sheet.type == "tim"}
    pace = _PACE.format(
        first=[name for name, base in timers.items() if base in APB1],
        second=[name for name, base in timers.items() if base not in APB1],
    )
    hsi_hz, hse_hz = round(board.clocks.hsi_hz.value), round(board.clocks.hse_hz.value)
    return pace + source.format(hsi_hz=hsi_hz, hse_hz=hse_hz, csi_hz=CSI_HZ)


def _table(values: Mapping[int, str]) -> str:
    return "{" + ", ".join(f"0x{offset:X}: {value}" for offset, value in sorted(values.items())) + "}"
