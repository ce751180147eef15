"""What GDB sees of an emulated microcontroller: registers, memory, breakpoints, steps.

Virtual time stands still while GDB has stopped the core. A step costs what its instruction costs alone; behind a
breakpoint in the middle of a block, the cycles of that block are counted once more.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from unicorn import UcError, arm_const, unicorn_const

from mcu_models.emulators.core_registers import RegisterGroup
from mcu_models.emulators.gdb_server import TargetRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.emulators.gdb_server import Stop
    from mcu_models.emulators.unicorn_backend import UnicornEmulator

_SPECIAL = {"xpsr": "XPSR", "fpscr": "FPSCR"}
_FOREVER_S = math.inf


class UnicornDebugTarget:
    """An emulator as a debugger's target.

    Args:
        emulator: What is debugged.
        engine: Its Unicorn engine.
        until_s: Virtual time at which the firmware counts as ended.
    """

    def __init__(self, emulator: UnicornEmulator, engine: Any, until_s: float = _FOREVER_S) -> None:
        self._emulator = emulator
        self._engine = engine
        self._until_s = until_s
        self._breakpoints: dict[int, Any] = {}
        self._groups: dict[str, RegisterGroup] = {}
        self._skip = -1
        self._hit = False

    def read_register(self, name: str) -> int:
        """Return a register."""
        if name == "pc":
            return self._emulator.pc
        return self._group(name).read()[0]

    def write_register(self, name: str, value: int) -> None:
        """Set a register."""
        if name == "pc":
            self._emulator.pc = value & ~1
        else:
            self._group(name).write((value,))

    def _group(self, name: str) -> RegisterGroup:
        if name not in self._groups:
            number = getattr(arm_const, f"UC_ARM_REG_{_SPECIAL.get(name, name.upper())}", None)
            if number is None:
                raise TargetRefusedError(name)
            self._groups[name] = RegisterGroup(self._engine, (number,))
        return self._groups[name]

    def read_memory(self, address: int, length: int) -> bytes:
        """Return memory; registers of peripherals are refused, as reading them has effects."""
        self._require(address, length)
        return self._emulator.read_memory(address, length)

    def write_memory(self, address: int, data: bytes) -> None:
        """Set memory, flash included."""
        self._require(address, len(data))
        self._engine.mem_write(address, data)
        self._engine.ctl_flush_tb()

    def _require(self, address: int, length: int) -> None:
        if length and not self._emulator.board.holds(address, length):
            raise TargetRefusedError(hex(address))

    def insert_breakpoint(self, address: int) -> None:
        """Stop before the instruction at `address`."""
        address &= ~1
        if address not in self._breakpoints:
            hook = self._engine.hook_add(unicorn_const.UC_HOOK_CODE, self._on_breakpoint, begin=address, end=address)
            self._breakpoints[address] = hook
            self._engine.ctl_flush_tb()

    def remove_breakpoint(self, address: int) -> None:
        """Run over `address` again."""
        hook = self._breakpoints.pop(address & ~1, None)
        if hook is not None:
            self._engine.hook_del(hook)
            self._engine.ctl_flush_tb()

    def _on_breakpoint(self, _engine: object, address: int, _size: int, _data: object) -> None:
        if address == self._skip:
            self._skip = -1
        else:
            self._hit = True
            self._emulator.pause()

    def step(self) -> Stop:
        """Execute one instruction, or take an exception or pass a sleep that comes instead."""
        faults = len(self._emulator.faults)
        try:
            self._skip = self._emulator.pc
            self._emulator.step_instruction(self._until_s)
        except UcError as error:
            raise TargetRefusedError(str(error)) from error
        finally:
            self._skip = -1
        return "fault" if len(self._emulator.faults) > faults else "step"

    def resume(self, interrupted: Callable[[], bool]) -> Stop:
        """Run to the next breakpoint, fault or end."""
        self._hit = False
        self._skip = self._emulator.pc if self._emulator.pc in self._breakpoints else -1
        faults = len(self._emulator.faults)
        came: list[bool] = []

        def give_up() -> bool:
            if interrupted():
                came.append(True)
            return self._hit or bool(came) or len(self._emulator.faults) > faults

        outcome = self._emulator.run(until_s=self._until_s, give_up=give_up)
        if self._hit:
            return "breakpoint"
        if came:
            return "interrupt"
        if len(self._emulator.faults) > faults or outcome.end == "fault":
            return "fault"
        return "breakpoint" if outcome.end == "halt" and "breakpoint" in outcome.detail else "end"
