"""Which model of Renode's or of ours stands behind the `type` of a peripheral in board.toml.

Renode's models were judged by reading those of Renode 1.16.1 beside the reference manuals. Where one has the registers
and flags of the family, it is taken, with a comment that says what it lacks. Where none has, the registers are kept in
plain memory if firmware only sets them up, and otherwise the addresses become a tag, so that every access is logged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators.peripherals.exti import PORTS
from mcu_models.emulators.peripherals.registry import PERIPHERALS
from mcu_models.emulators.renode.platform_entry import Entry, Tag, Wire
from mcu_models.emulators.renode.platform_scripts import SCRIPTED_CLOCKS, bank_script

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcu_models.emulators.renode.platform_part import Part

_STARTUPS = ("hsi", "hse", "lse", "lsi", "msi", "pll")
_PIN_MODES = {"GPIOA": 0xABFFFFFF, "GPIOB": 0xFFFFFEBF}
_PIN_SPEEDS = {"GPIOA": 0x0C000000}
_PIN_PULLS = {"GPIOA": 0x64000000, "GPIOB": 0x00000100}
"""RM0351, 8.4: pins are analogue after reset, but for those of the debugger."""
_MODER, _OSPEEDR, _PUPDR = 0x00, 0x08, 0x0C
_EXTI_LINES: Mapping[str, tuple[tuple[int, ...], ...]] = {
    "exti_l4": ((16,), (18,), (19,), (20,), (21, 22)),
    "exti_f7": ((16,), (17,), (21,), (22,)),
    "exti_h7": ((16,), (17,), (18,), (19,), (20, 21)),
}
"""Lines of PVD, RTC_ALARM, TAMP_STAMP, RTC_WKUP and COMP: RM0351, RM0385 and RM0433, chapters EXTI."""
_PIN_LINES = ((0,), (1,), (2,), (3,), (4,), tuple(range(5, 10)), tuple(range(10, 16)))
_TIMER_OUTPUTS = (
    ("BreakInterrupt",),
    ("UpdateInterrupt",),
    ("TriggerInterrupt", "CommutationInterrupt"),
    ("CaptureCompareInterrupt",),
)
_DMAMUX_OUTPUTS = 16

_UNMODELLED = "Known by name and place only."
_NO_WWDG = (
    "Renode's window watchdog has the prescaler of the STM32H7; here it stands at bits 7 and 8 of CFR. Such a watchdog"
    " never bites."
)
_NO_RTC = "Renode's RTC has the registers of the second version; this is the third."
_NO_HSEM = "Renode's semaphores take every Cortex-M7 for core 3, as on the STM32H743; here it is core 1."
_DCMI_REQUEST = 75
"""RM0433, table 121."""
_NO_DMA = (
    "Renode's controller behind a DMAMUX moves a whole block at once and knows no requests of our UARTs and I2C"
    " controllers."
)


def _rcc_l4(part: Part) -> Entry:
    clocks = part.board.sheet.clocks
    oscillators = {"hsi": clocks.hsi_hz, "hse": clocks.hse_hz, "lse": clocks.lse_hz, "lsi": clocks.lsi_hz}
    if clocks.hsi48_hz is not None:
        oscillators["hsi48"] = clocks.hsi48_hz
    arguments = {"core": "core", **{f"{name}Hz": str(round(hz.value)) for name, hz in oscillators.items()}}
    for name in _STARTUPS:
        startup_s = getattr(clocks, f"{name}_startup_s")
        if startup_s is not None:
            arguments[f"{name}StartupNs"] = str(round(startup_s.value * 1e9))
    if part.sheet.options.get("own_dividers"):
        arguments["ownDividers"] = "true"
    return Entry(part.label, "EdgeSensorTwin.L4Rcc", part.place, arguments)


def _ours(model: str) -> Callable[[Part], Entry]:
    """Return a maker of entries of a model of ours that needs the core's clock and numbers its interrupts."""

    def make(part: Part) -> Entry:
        wires = part.irqs if model == "L4Dma" else ()
        return Entry(part.label, f"EdgeSensorTwin.{model}", part.place, {"core": "core"}, wires)

    return make


def _clocked(part: Part) -> dict[str, str]:
    """Return the arguments that connect a model of ours to clocks and DMA."""
    if not part.follows_clocks:
        return {"core": "core", "kernelHz": str(part.kernel_hz)}
    controllers = dict(zip(("dma", "secondDma"), part.all_of("dma_l4"), strict=False))
    return {"core": "core", "clocks": str(part.first_of("rcc_l4")), **controllers}


def _uart(part: Part) -> Entry:
    low_power = part.sheet.type == "lpuart"
    if part.follows_clocks:
        arguments = {**_clocked(part), **({"lowPower": "true"} if low_power else {})}
        return Entry(part.label, "EdgeSensorTwin.Usart", part.place, arguments, part.irq)
    arguments = {"frequency": str(part.kernel_hz), **({"lowPowerMode": "true"} if low_power else {})}
    comment = "Sends and receives without taking time; no FIFO, no DMA of what is received, no errors."
    return Entry(part.label, "UART.STM32F7_USART", part.place, arguments, part.irq, comment=comment)


def _i2c(part: Part) -> Entry:
    wires = part.named_irqs(("EventInterrupt", "ErrorInterrupt"))
    return Entry(part.label, "EdgeSensorTwin.I2cV2", part.place, _clocked(part), wires)


def _lptim(part: Part) -> Entry:
    if part.follows_clocks:
        arguments = {"core": "core", "clocks": str(part.first_of("rcc_l4"))}
        return Entry(part.label, "EdgeSensorTwin.LpTim", part.place, arguments, part.irq)
    arguments = {"frequency": str(part.kernel_hz)}
    comment = "Runs on its bus at the highest clock, whatever RCC chooses; no outputs, no external clock."
    return Entry(part.label, "Timers.STM32L0_LpTimer", part.place, arguments, part.irq, comment=comment)


def _timer(part: Part) -> Entry:
    bits = int(part.sheet.options.get("bits", 16))
    arguments = {"frequency": str(part.timer_hz), "initialLimit": f"0x{(1 << bits) - 1:X}"}
    pace = "Its compare channels run" if part.clock_control in SCRIPTED_CLOCKS else "Runs"
    comment = f"{pace} at the highest clock of the bus, whatever RCC says; UIF rises only with UIE."
    return Entry(part.label, "Timers.STM32_Timer", part.place, arguments, _timer_wires(part), comment=comment)


def _timer_wires(part: Part) -> tuple[Wire, ...]:
    if len(part.sheet.irqs) <= 1:
        return part.irq
    lines = zip(_TIMER_OUTPUTS, part.sheet.irqs, strict=False)
    return tuple(Wire(pin, irq) for pins, irq in lines for pin in pins)


def _gpio(part: Part) -> Entry:
    reset = part.sheet.reset_values
    arguments = {
        "modeReset": reset.get(_MODER, _PIN_MODES.get(part.name, 0xFFFFFFFF)),
        "speedReset": reset.get(_OSPEEDR, _PIN_SPEEDS.get(part.name, 0)),
        "pullReset": reset.get(_PUPDR, _PIN_PULLS.get(part.name, 0)),
    }
    wires = (Wire("[0-15]", target=f"syscfg#{PORTS.index(part.name[-1])}@[0-15]"),) if _has_edges(part) else ()
    words = {name: f"0x{word:08X}" for name, word in arguments.items()}
    return Entry(part.label, "EdgeSensorTwin.Gpio", part.place, words, wires)


def _has_edges(part: Part) -> bool:
    """Tell whether the board's pins reach an edge detector through a SYSCFG."""
    return "SYSCFG" in part.board.sheet.peripherals and part.first_of(*_EXTI_LINES) is not None


def _syscfg(part: Part) -> Entry:
    wires = (Wire("[0-15]", target=f"{part.first_of(*_EXTI_LINES)}@[0-15]"),) if _has_edges(part) else ()
    comment = "Has the choice of a port for each line of EXTI, and nothing else: other registers read zero."
    return Entry(part.label, "Miscellaneous.STM32_SYSCFG", part.place, wires=wires, comment=comment)


def _exti(part: Part) -> Entry:
    lines = zip((*_PIN_LINES, *_EXTI_LINES[part.sheet.type]), part.sheet.irqs, strict=False)
    wires = tuple(Wire(str(line), irq) for group, irq in lines for line in group)
    if part.sheet.type == "exti_h7":
        return Entry(part.label, "IRQControllers.STM32H7_EXTI", part.place, wires=wires)
    comment = "The first bank of lines; a software event raises its interrupt without a pending bit."
    arguments = {"numberOfOutputLines": "24"}
    return Entry(part.label, "IRQControllers.STM32F4_EXTI", part.place, arguments, wires, comment=comment)


def _rtc(part: Part) -> Entry:
    arguments = {"wakeupTimerFrequency": str(round(part.board.sheet.clocks.lse_hz.value))}
    exti, options = part.first_of(*_EXTI_LINES), part.sheet.options
    lines = (("AlarmIRQ", options.get("alarm_line")), ("WakeupIRQ", options.get("wakeup_line")))
    wires = tuple(Wire(pin, target=f"{exti}@{line}") for pin, line in lines if exti and line is not None)
    comment = "Runs on the LSE from power-on, whatever RCC says; the calendar begins in 2020."
    return Entry(part.label, "Timers.STM32F4_RTC", part.place, arguments, wires, comment=comment)


def _iwdg(part: Part) -> Entry:
    lsi_hz = str(round(part.board.sheet.clocks.lsi_hz.value))
    if part.follows_clocks:
        arguments = {"core": "core", "clocks": str(part.first_of("rcc_l4")), "lsiHz": lsi_hz}
        return Entry(part.label, "EdgeSensorTwin.Iwdg", part.place, arguments)
    comment = "A refresh counts from the beginning of its quantum; RCC does not say that it has reset the chip."
    return Entry(part.label, "Timers.STM32_IndependentWatchdog", part.place, {"frequency": lsi_hz}, comment=comment)


def _wwdg(part: Part) -> Entry | Tag:
    if part.sheet.options.get("prescaler_bit") != 11:  # the STM32H7's place
        return _tag(part, _NO_WWDG)
    arguments = {"apbFrequency": str(part.kernel_hz)}
    return Entry(part.label, "Timers.STM32H7_SystemWindowWatchdog", part.place, arguments, part.irq)


def _crc(part: Part) -> Entry:
    arguments = {"series": "STM32Series.F0", "configurablePoly": "true"}
    return Entry(part.label, "CRC.STM32_CRC", part.place, arguments, comment="IDR is not kept.")


def _rng(part: Part) -> Entry:
    return Entry(part.label, "Miscellaneous.STM32F4_RNG", part.place, wires=part.irq)


def _dma_streams(part: Part) -> Entry:
    comment = "A block to a peripheral or to memory moves at once; no half-transfer, circular or double-buffer mode."
    return Entry(part.label, "DMA.STM32DMA", part.place, wires=part.irqs, comment=comment)


def _dmamux(part: Part) -> Entry | Tag:
    controllers = part.all_of("dma_h7")
    if not controllers:
        return _tag(part, _NO_DMA)
    arguments = {"numberOfOutputRequestChannels": str(_DMAMUX_OUTPUTS), "numberOfRequestGeneratorChannels": "8"}
    outputs = (("[0-7]", "[0-7]"), ("[8-15]", "[0-7]"))
    wires = tuple(
        Wire(pins, target=f"{name}@{inputs}") for name, (pins, inputs) in zip(controllers, outputs, strict=False)
    )
    comment = "No request of a peripheral is connected; its interrupt is not modelled."
    return Entry(part.label, "Miscellaneous.STM32_DMAMUX", part.place, arguments, wires, comment=comment)


def _dcmi(part: Part) -> Entry:
    mux = part.first_of("dmamux")
    request = (Wire("DMARequest", target=f"{mux}@{_DCMI_REQUEST}"),) if mux else ()
    return Entry(part.label, "EdgeSensorTwin.Dcmi", part.place, {"core": "core"}, (*part.irq, *request))


def _hsem(part: Part) -> Entry | Tag:
    if part.sheet.options.get("core") != 3:  # what Renode answers on a Cortex-M7
        return _tag(part, _NO_HSEM)
    comment = "No interrupt when a semaphore is freed."
    return Entry(part.label, "Miscellaneous.STM32H7_HardwareSemaphore", part.place, comment=comment)


def _pwr_f7(part: Part) -> Entry:
    return Entry(part.label, "Miscellaneous.STM32_PWR", part.place, comment="No wake-up pins, no low-power modes.")


def _flash_h7(part: Part) -> Entry:
    if part.clock_control != "rcc_h743":
        return _bank(
            part, "Renode's controller has the sectors of 128 KB of the STM32H743. Erases and programs nothing."
        )
    flash = next(name for name, memory in part.board.sheet.memories.items() if memory.kind == "flash")
    arguments = {"flash1": flash, "flash2": f"{flash}_bank2"}
    return Entry(part.label, "MTD.STM32H7_FlashController", part.place, arguments, part.irq)


def _flash_f7(part: Part) -> Entry:
    return _bank(part, "Renode's controller has the sectors of the STM32F4. Erases and programs nothing.")


def _register_bank(part: Part) -> Entry:
    return _syscfg(part) if part.name == "SYSCFG" else _bank(part)


def _fmc(part: Part) -> Entry:
    return _bank(part, "Nothing is connected to the controller of external memories.")


def _bank(part: Part, reason: str = "") -> Entry:
    """Return plain memory in place of registers, with the words that stand there after power-on."""
    words = {**PERIPHERALS[part.sheet.type].reset_values, **part.sheet.reset_values}
    fill = tuple(f"WriteDoubleWord 0x{offset:X} 0x{word:08X}" for offset, word in sorted(words.items()) if word)
    comment = f"{reason} Registers are kept, also over a reset.".strip()
    return Entry(part.label, "Memory.ArrayMemory", part.place, {"size": f"0x{part.sheet.size:X}"}, (), fill, comment)


def _scripted(part: Part) -> Entry:
    script = bank_script(part.sheet, part.board.sheet)
    arguments = {"size": f"0x{part.sheet.size:X}", "initable": "true", "script": f"'''\n{script}'''"}
    comment = "Keeps its registers; flags follow at once."
    if part.sheet.type in SCRIPTED_CLOCKS:
        comment += " Core, SysTick and timers run at the clocks they describe; other peripherals do not."
    return Entry(part.label, "Python.PythonPeripheral", part.place, arguments, comment=comment)


def _tag(part: Part, reason: str) -> Tag:
    return Tag(part.name, part.sheet.base, part.sheet.size, reason)


def _tagged(reason: str) -> Callable[[Part], Tag]:
    def make(part: Part) -> Tag:
        return _tag(part, reason)

    return make


MODELS: Mapping[str, Callable[[Part], Entry | Tag]] = {
    "unmodelled": _tagged(_UNMODELLED),
    "rcc_l4": _rcc_l4,
    "pwr_l4": _ours("L4Pwr"),
    "flash_l4": _ours("L4Flash"),
    "dcmi": _dcmi,
    "dma_l4": _ours("L4Dma"),
    "usart": _uart,
    "lpuart": _uart,
    "i2c_v2": _i2c,
    "lptim": _lptim,
    "tim": _timer,
    "gpio": _gpio,
    "syscfg_h7": _syscfg,
    "exti_l4": _exti,
    "exti_f7": _exti,
    "exti_h7": _exti,
    "rtc": _rtc,
    "rtc_v3": _tagged(_NO_RTC),
    "tamp": _tagged(_NO_RTC),
    "iwdg": _iwdg,
    "wwdg": _wwdg,
    "crc": _crc,
    "rng": _rng,
    "dma_f7": _dma_streams,
    "dma_h7": _dma_streams,
    "dma_behind_mux": _tagged(_NO_DMA),
    "dmamux": _dmamux,
    "hsem": _hsem,
    "rcc_h743": _scripted,
    "rcc_h7a3": _scripted,
    "rcc_f7": _scripted,
    "pwr_h743": _scripted,
    "pwr_h7a3": _scripted,
    "pwr_f7": _pwr_f7,
    "flash_h7": _flash_h7,
    "flash_f7": _flash_f7,
    "fmc": _fmc,
    "register_bank": _register_bank,
}
"""By the `type` of a peripheral: what stands for it."""
