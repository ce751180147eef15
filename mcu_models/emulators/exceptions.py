"""Exception entry and return of ARMv7-M, done by the host on a Unicorn engine.

Source: ARMv7-M Architecture Reference Manual (Arm DDI 0403E), sections B1.5.6-B1.5.8. The floating-point frame is
written at entry (no lazy stacking). Entry and return cost 12 and 10 cycles without wait states
(Cortex-M4 TRM, 100166_0001, section 3.9: latency 12; return 10).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from unicorn import arm_const as reg

from mcu_models.emulators.interrupt_controller import NMI

if TYPE_CHECKING:
    from mcu_models.emulators.block_hook import BlockHook
    from mcu_models.emulators.interrupt_controller import InterruptController
    from mcu_models.emulators.system_control import SystemControl

ENTRY_CYCLES = 12
RETURN_CYCLES = 10
FP_FRAME_CYCLES = 17
"""Stacking S0-S15 and FPSCR, a word a cycle."""

_CORE_REGISTERS = (
    reg.UC_ARM_REG_R0,
    reg.UC_ARM_REG_R1,
    reg.UC_ARM_REG_R2,
    reg.UC_ARM_REG_R3,
    reg.UC_ARM_REG_R12,
    reg.UC_ARM_REG_LR,
)
_FP_REGISTERS = tuple(reg.UC_ARM_REG_S0 + i for i in range(16))
_BASIC_FRAME, _FP_FRAME = 0x20, 0x68
_THUMB = 1 << 24
_ALIGNED = 1 << 9
_FPCA, _SPSEL = 4, 2


class ExceptionUnit:
    """Stacks and unstacks; keeps the engine's cached flags in step with what it wrote."""

    def __init__(self, engine: Any, hook: BlockHook, nvic: InterruptController, system: SystemControl) -> None:
        self._engine = engine
        self._hook = hook
        self._nvic = nvic
        self._system = system
        self.taken = 0

    def execution_priority(self) -> int:
        """Return the priority the core runs at, from its mask registers."""
        read = self._engine.reg_read
        return self._nvic.execution_priority(
            primask=bool(read(reg.UC_ARM_REG_PRIMASK) & 1),
            faultmask=bool(read(reg.UC_ARM_REG_FAULTMASK) & 1),
            basepri=int(read(reg.UC_ARM_REG_BASEPRI)) & 0xFF,
        )

    @property
    def basepri(self) -> int:
        """BASEPRI as it stands."""
        return int(self._engine.reg_read(reg.UC_ARM_REG_BASEPRI)) & 0xFF

    def take_next(self, pc: int) -> int:
        """Enter the exception that pre-empts the code at `pc`, if one does; return where the core goes on."""
        if self._nvic.candidate() is None:
            return pc
        number = self._nvic.next_exception(self.execution_priority())
        return pc if number is None else self.enter(number, pc)

    def enter(self, number: int, pc: int) -> int:
        """Stack the frame, enter handler `number`; return the handler's address without the Thumb bit."""
        engine = self._engine
        control = engine.reg_read(reg.UC_ARM_REG_CONTROL)
        xpsr = engine.reg_read(reg.UC_ARM_REG_XPSR) | _THUMB
        in_handler = bool(self._nvic.active)
        with_fp = bool(control & _FPCA)
        self._push_frame(pc, xpsr, with_fp=with_fp)
        engine.reg_write(reg.UC_ARM_REG_XPSR_NZCVQG, (xpsr & 0xF80F0000) | _THUMB | number)
        engine.reg_write(reg.UC_ARM_REG_CONTROL, control & 1)
        on_process_stack = bool(control & _SPSEL) and not in_handler
        engine.reg_write(reg.UC_ARM_REG_LR, _return_code(in_handler, on_process_stack, with_fp))
        self._nvic.enter(number)
        self._refresh_flags()
        self._account(ENTRY_CYCLES + (FP_FRAME_CYCLES if with_fp else 0))
        self.taken += 1
        return self._vector(number)

    def leave(self, return_code: int) -> int:
        """Unstack after an exception return; return where the core goes on, without the Thumb bit."""
        engine = self._engine
        if self._nvic.leave() != NMI:  # DDI 0403E, B1.4.3: FAULTMASK goes with every return but that from NMI
            engine.reg_write(reg.UC_ARM_REG_FAULTMASK, 0)
        to_thread = bool(return_code & 8)
        from_process = to_thread and bool(return_code & 4)
        with_fp = not return_code & 0x10
        stack = reg.UC_ARM_REG_PSP if from_process else reg.UC_ARM_REG_MSP
        frame = engine.reg_read(stack)
        words = struct.unpack("<8I", engine.mem_read(frame, _BASIC_FRAME))
        if with_fp:
            self._pop_fp(frame + _BASIC_FRAME)
        self._restore(words, stack, frame, to_thread=to_thread, with_fp=with_fp)
        self._account(RETURN_CYCLES + (FP_FRAME_CYCLES if with_fp else 0))
        return int(words[6]) & ~1

    def _push_frame(self, pc: int, xpsr: int, *, with_fp: bool) -> None:
        engine = self._engine
        stack = engine.reg_read(reg.UC_ARM_REG_SP)
        length = _FP_FRAME if with_fp else _BASIC_FRAME
        padded = (stack >> 2) & 1
        frame = (stack - length) & ~7
        core = [engine.reg_read(r) for r in _CORE_REGISTERS]
        saved = (xpsr & ~_ALIGNED) | (_ALIGNED if padded else 0)
        data = struct.pack("<8I", *core, pc & ~1, saved & 0xFFFFFFFF)
        if with_fp:
            floats = [engine.reg_read(r) for r in _FP_REGISTERS]
            data += struct.pack("<18I", *floats, engine.reg_read(reg.UC_ARM_REG_FPSCR), 0)
        engine.mem_write(frame, data)
        engine.reg_write(reg.UC_ARM_REG_SP, frame)

    def _pop_fp(self, address: int) -> None:
        words = struct.unpack("<17I", self._engine.mem_read(address, 68))
        for register, word in zip(_FP_REGISTERS, words, strict=False):
            self._engine.reg_write(register, word)
        self._engine.reg_write(reg.UC_ARM_REG_FPSCR, words[16])

    def _restore(self, words: tuple[int, ...], stack: int, frame: int, *, to_thread: bool, with_fp: bool) -> None:
        engine = self._engine
        xpsr = words[7]
        length = _FP_FRAME if with_fp else _BASIC_FRAME
        # The banked pointer is written while still in handler mode, where both are reachable.
        engine.reg_write(stack, (frame + length) | (4 if xpsr & _ALIGNED else 0))
        number = 0 if to_thread else self._nvic.active[-1] if self._nvic.active else 0
        engine.reg_write(reg.UC_ARM_REG_XPSR_NZCVQG, (xpsr & 0xFF0FFC00 & ~_ALIGNED) | number)
        control = engine.reg_read(reg.UC_ARM_REG_CONTROL) & 1
        control |= _SPSEL if stack == reg.UC_ARM_REG_PSP else 0
        engine.reg_write(reg.UC_ARM_REG_CONTROL, control | (_FPCA if with_fp else 0))
        for register, word in zip(_CORE_REGISTERS, words, strict=False):
            engine.reg_write(register, word)
        self._refresh_flags()

    def _refresh_flags(self) -> None:
        """Make the engine rebuild the state it caches from IPSR and CONTROL; only this write does."""
        flags = self._engine.reg_read(reg.UC_ARM_REG_APSR_NZCV)
        self._engine.reg_write(reg.UC_ARM_REG_APSR_NZCV, flags)

    def _account(self, cycles: int) -> None:
        self._hook.charge(cycles)
        self._hook.break_sequence()

    def _vector(self, number: int) -> int:
        address = self._system.vector_table + 4 * number
        return int(struct.unpack("<I", self._engine.mem_read(address, 4))[0]) & ~1


def _return_code(in_handler: bool, on_process_stack: bool, with_fp: bool) -> int:  # noqa: FBT001
    code = 0xFFFFFFF1 if in_handler else 0xFFFFFFFD if on_process_stack else 0xFFFFFFF9
    return code & ~0x10 if with_fp else code
