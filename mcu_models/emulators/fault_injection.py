"""Lets a fault plan happen to an emulated microcontroller.

What acts hangs on the emulator's connections, as wires do: it outlives resets of the chip, and snapshots hold it with
the state of its generators. What it has done is listed in `emulator.connections.disturbances`.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, TypeVar

from datasheet.bad_input import BadInputError, nearest_name
from mcu_models.emulators.fault_plan import I2cBrownOut, I2cData, I2cNack, I2cStuck, UartLoss, pin_of
from mcu_models.emulators.fault_sheets import ClockDrift, RamBitFlip, RamUpsets, RegisterBitFlip
from mcu_models.emulators.faulty_chip import BitFlip, Drift, Upsets, mean_interval_s
from mcu_models.emulators.faulty_core import RegisterFlip, WatchdogBite
from mcu_models.emulators.faulty_device import BrownOut, FaultyDevice, Lie, Refusal
from mcu_models.emulators.faulty_wires import LossyWire, StuckBus
from mcu_models.emulators.peripherals.base import Peripheral
from mcu_models.emulators.peripherals.gpio import Gpio
from mcu_models.emulators.peripherals.i2c_v2 import I2cV2
from mcu_models.emulators.peripherals.usart import Usart

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.boards.board import MemorySheet
    from mcu_models.emulators.fault_plan import Fault, FaultPlan
    from mcu_models.emulators.port import I2cDevice
    from mcu_models.emulators.unicorn_backend import UnicornEmulator

PartT = TypeVar("PartT", bound=Peripheral)
RAM_KINDS = ("ram", "tcm")
SHORTEST_INTERVAL_S = 1e-3
"""Mean time between upsets below which an emulation would do nothing else."""


def inject(emulator: UnicornEmulator, plan: FaultPlan, *, source: str | Path = "fault plan") -> None:
    """Let a plan happen, from now on; devices that it concerns have to be attached before.

    Args:
        emulator: The microcontroller.
        plan: What shall go wrong.
        source: Where the plan comes from, for messages.

    Raises:
        BadInputError: It names a bus, a device, a UART, a pin, a memory, a symbol or an oscillator that there is not.
    """
    injection = _Injection(emulator, plan, source)
    # Of several drifts of an oscillator the last that has begun holds, also behind a reset.
    for key, fault in sorted(plan.faults(), key=lambda pair: getattr(pair[1], "from_s", 0.0)):
        injection.add(key, fault)


class _Injection:
    def __init__(self, emulator: UnicornEmulator, plan: FaultPlan, source: str | Path) -> None:
        self._emulator = emulator
        self._connections = emulator.connections
        self._plan = plan
        self._source = source

    def add(self, key: str, fault: Fault) -> None:
        """Let one fault happen."""
        if isinstance(fault, I2cNack | I2cData | I2cBrownOut):
            self._disturb_devices(key, fault)
        elif isinstance(fault, I2cStuck):
            self._hold_bus(key, fault)
        elif isinstance(fault, RamBitFlip):
            self._flip_bit(key, fault)
        elif isinstance(fault, RamUpsets):
            self._upset(key, fault)
        elif isinstance(fault, RegisterBitFlip):
            self._connections.attach(RegisterFlip(key, fault, self._emulator.flip_register))
        elif isinstance(fault, ClockDrift):
            self._detune(key, fault)
        elif isinstance(fault, UartLoss):
            self._lose_characters(key, fault)
        else:
            self._connections.attach(WatchdogBite(key, fault.at_s))

    def _disturb_devices(self, key: str, fault: I2cNack | I2cData | I2cBrownOut) -> None:
        devices = self._devices(key, fault.bus, fault.address)
        if isinstance(fault, I2cBrownOut):
            self._connections.attach(BrownOut(key, fault, devices))
        elif isinstance(fault, I2cNack):
            refusal = Refusal(key, fault)
            for device in devices:
                device.refusals.append(refusal)
        else:
            lie = Lie(key, fault, self._plan.generator(key))
            for device in devices:
                device.lies.append(lie)

    def _devices(self, key: str, bus: str, address: int | None) -> list[FaultyDevice]:
        self._part(f"{key}.bus", bus, I2cV2)
        devices = self._connections.devices_on(bus)
        if not devices:
            raise BadInputError(self._source, f"{key}.bus", bus, "has no device; attach what shall be disturbed before")
        if address is not None and address not in devices:
            found = ", ".join(f"{one:#04x}" for one in sorted(devices))
            raise BadInputError(
                self._source, f"{key}.address", f"{address:#04x}", f"must be a device on {bus}: {found}"
            )
        return [self._wrapped(devices, one) for one in (sorted(devices) if address is None else (address,))]

    def _wrapped(self, devices: dict[int, I2cDevice], address: int) -> FaultyDevice:
        device = devices[address]
        if not isinstance(device, FaultyDevice):
            device = devices[address] = FaultyDevice(device, self._connections)
        return device

    def _hold_bus(self, key: str, fault: I2cStuck) -> None:
        self._part(f"{key}.bus", fault.bus, I2cV2)
        for name, pin in (("scl", fault.scl), ("sda", fault.sda)):
            if pin is not None:
                self._part(f"{key}.{name}", pin_of(pin)[0], Gpio)
        self._connections.attach(StuckBus(key, fault))

    def _flip_bit(self, key: str, fault: RamBitFlip) -> None:
        symbols = self._emulator.image.symbols
        if fault.symbol is not None and fault.symbol not in symbols:
            near = difflib.get_close_matches(fault.symbol, symbols, n=3)
            allowed = f"must be a symbol of {self._emulator.image.name}; near it: {', '.join(near) or 'none'}"
            raise BadInputError(self._source, f"{key}.symbol", fault.symbol, allowed)
        base = symbols[fault.symbol] if fault.symbol is not None else fault.address or 0
        address = base + fault.offset + fault.bit // 8
        if not any(memory.holds(address, 1) for memory in self._ram().values()):
            where = f"must lie in RAM: {', '.join(self._ram())}"
            raise BadInputError(self._source, key, f"{address:#010x}", where)
        self._connections.attach(BitFlip(key, fault.at_s, address, fault.bit % 8))

    def _upset(self, key: str, fault: RamUpsets) -> None:
        ram = self._ram()
        if fault.memory is not None and fault.memory not in ram:
            raise BadInputError(self._source, f"{key}.memory", fault.memory, nearest_name(fault.memory, ram))
        meant = [ram[fault.memory]] if fault.memory is not None else list(ram.values())
        spans = [(memory.base, memory.size) for memory in meant]
        if mean_interval_s(fault, sum(size for _, size in spans)) < SHORTEST_INTERVAL_S:
            allowed = f"gives upsets less than {SHORTEST_INTERVAL_S:g} s apart"
            raise BadInputError(self._source, f"{key}.per_bit_hour", fault.per_bit_hour, allowed)
        self._connections.attach(Upsets(key, fault, spans, self._plan.generator(key)))

    def _ram(self) -> dict[str, MemorySheet]:
        memories = self._emulator.board.sheet.memories.items()
        return {name: memory for name, memory in memories if memory.kind in RAM_KINDS}

    def _detune(self, key: str, fault: ClockDrift) -> None:
        tree = self._emulator.peripheral(next(iter(self._emulator.board.sheet.peripherals))).chip.tree
        known = () if tree is None else tree.oscillator_names
        if fault.oscillator not in known:
            allowed = nearest_name(fault.oscillator, known)
            raise BadInputError(self._source, f"{key}.oscillator", fault.oscillator, allowed)
        self._connections.attach(Drift(key, fault))

    def _lose_characters(self, key: str, fault: UartLoss) -> None:
        self._part(f"{key}.port", fault.port, Usart)
        wires = self._connections.sending if fault.direction == "sent" else self._connections.receiving
        wire = LossyWire(key, fault, self._plan.generator(key), self._connections)
        wires.setdefault(fault.port, []).append(wire)

    def _part(self, key: str, name: str, kind: type[PartT]) -> PartT:
        """Return a peripheral of one kind by its name."""
        names = self._emulator.board.sheet.peripherals
        parts = {one: part for one in names if isinstance(part := self._emulator.peripheral(one), kind)}
        if name not in parts:
            raise BadInputError(self._source, key, name, nearest_name(name, parts))
        return parts[name]
