"""The core of a board and its memories in a Renode platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators.protection_unit import MPU_REGIONS
from mcu_models.emulators.renode.platform_entry import Entry, Wire, bus, hexadecimal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcu_models.boards.board import BoardSheet, MemorySheet

_BIT_BANDS = {"Peripherals": 0x40000000, "Sram": 0x20000000}
_TO_ALIAS, _ALIAS_BYTES = 0x02000000, 0x02000000
"""ARM Cortex-M4 TRM (100166_0001), section 3.7: where the alias of a region stands, and its size."""
_DWT = 0xE0001000
_MPU_REGIONS_F7 = 8
"""PM0253: the Cortex-M7 of STM32F7 has 8, that of STM32H7 16."""


def core_entries(sheet: BoardSheet) -> list[Entry]:
    """Return the core, its interrupt controller, and its clock with the cycle counter."""
    reset_hz = str(round(sheet.clocks.reset_hz.value))
    return [
        _cpu(sheet),
        Entry(
            "nvic",
            "IRQControllers.NVIC",
            bus(0xE000E000),
            {"priorityMask": f"0x{0xFF << (8 - sheet.priority_bits) & 0xFF:X}", "systickFrequency": reset_hz},
            (Wire("IRQ", target="cpu@0"),),
            comment="The clock of SysTick is that after reset, until the control of the clocks sets another.",
        ),
        Entry(
            "core",
            "EdgeSensorTwin.CoreClock",
            bus(_DWT),
            {
                "cpu": "cpu",
                "nvic": "nvic",
                "resetHz": reset_hz,
                "stopWakeupNs": str(round(sheet.power.stop_wakeup_s.value * 1e9)),
            },
            comment="Its registers are those of the cycle counter (DWT).",
        ),
    ]


def _cpu(sheet: BoardSheet) -> Entry:
    """Return the core; Renode's "cortex-m4" has its floating-point unit, its "cortex-m4f" is a Cortex-M7."""
    regions = _MPU_REGIONS_F7 if _has(sheet, "rcc_f7") else MPU_REGIONS[sheet.core]
    arguments = {"cpuType": f'"{sheet.core}"', "numberOfMPURegions": str(regions), "nvic": "nvic"}
    return Entry("cpu", "CPU.CortexM", "sysbus", arguments, fill=_boot(sheet))


def _boot(sheet: BoardSheet) -> tuple[str, ...]:
    """Return what lets the core start in its flash where that is not at address 0, as the boot address does."""
    flash = next(memory for memory in sheet.memories.values() if memory.kind == "flash")
    return () if flash.holds(0, 4) else (f"VectorTableOffset {hexadecimal(flash.base)}",)


def memory_entries(sheet: BoardSheet) -> Iterator[Entry]:
    """Yield the memories, and the bit-band regions of a Cortex-M4."""
    halved = _has(sheet, "rcc_h743")
    for name, memory in sheet.memories.items():
        if halved and memory.kind == "flash":
            yield from _banks(name, memory)
        else:
            yield Entry(
                name, "Memory.MappedMemory", _places(memory), {"size": f"0x{memory.size:X}"}, fill=_words(memory)
            )
    if sheet.core == "cortex-m4":
        yield from (_bit_band(name, region) for name, region in _BIT_BANDS.items())


def _has(sheet: BoardSheet, peripheral_type: str) -> bool:
    return any(peripheral.type == peripheral_type for peripheral in sheet.peripherals.values())


def _places(memory: MemorySheet, offset: int = 0) -> str:
    return "; ".join(bus(base + offset) for base in (memory.base, *memory.aliases))


def _words(memory: MemorySheet) -> tuple[str, ...]:
    return tuple(f"WriteDoubleWord 0x{offset:X} 0x{word:08X}" for offset, word in memory.contents.items())


def _banks(name: str, memory: MemorySheet) -> Iterator[Entry]:
    """Yield the two banks of the flash of an STM32H743, which Renode's controller erases and programs by bank."""
    half = memory.size // 2
    arguments = {"size": f"0x{half:X}"}
    yield Entry(name, "Memory.MappedMemory", _places(memory), arguments, comment="Bank 1.")
    yield Entry(f"{name}_bank2", "Memory.MappedMemory", _places(memory, half), arguments, comment="Bank 2.")


def _bit_band(name: str, region: int) -> Entry:
    arguments = {"peripheralBase": f"0x{region:08X}"}
    return Entry(f"bitband{name}", "Miscellaneous.BitBanding", bus(region + _TO_ALIAS, _ALIAS_BYTES), arguments)
