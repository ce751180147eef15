"""Exception entry and return of ARMv7-M, done by the host on a Unicorn engine.

Source: ARMv7-M Architecture Reference Manual (Arm DDI 0403E), sections B1.5.6-B1.5.8. Entry and return cost 12 and 10
cycles without wait states, a handler that follows another without a return between them 6 (Cortex-M4 TRM, 100166_0001,
section 3.9). The floating-point frame is written at entry; with lazy stacking its cycles are charged only when the
handler's first floating-point instruction comes, as the core does.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Literal

from unicorn import arm_const as reg

from mcu_models.emulators.core_registers import RegisterGroup
from mcu_models.emulators.interrupt_controller import NMI

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcu_models.emulators.block_hook import BlockHook
    from mcu_models.emulators.interrupt_controller import InterruptController
    from mcu_models.emulators.system_control import SystemControl

Moment = Literal["enter", "leave"]

ENTRY_CYCLES = 12
RETURN_CYCLES = 10
TAIL_CHAIN_CYCLES = 6
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
_STATE = (reg.UC_ARM_REG_CONTROL, reg.UC_ARM_REG_XPSR, reg.UC_ARM_REG_SP)
_MASKS = (reg.UC_ARM_REG_PRIMASK, reg.UC_ARM_REG_FAULTMASK, reg.UC_ARM_REG_BASEPRI)
_AT_ENTRY = (
    reg.UC_ARM_REG_SP,
    reg.UC_ARM_REG_XPSR_NZCVQG,
    reg.UC_ARM_REG_CONTROL,
    reg.UC_ARM_REG_LR,
    reg.UC_ARM_REG_APSR_NZCV,
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
        self._masks = RegisterGroup(engine, _MASKS)
        self._basepri = RegisterGroup(engine, (reg.UC_ARM_REG_BASEPRI,))
        self._frame = RegisterGroup(engine, (*_CORE_REGISTERS, *_STATE))
        self._core = RegisterGroup(engine, _CORE_REGISTERS)
        self._floats = RegisterGroup(engine, (*_FP_REGISTERS, reg.UC_ARM_REG_FPSCR))
        self._entry = RegisterGroup(engine, _AT_ENTRY)
        self._flags = RegisterGroup(engine, (reg.UC_ARM_REG_APSR_NZCV,))
        self._hook = hook
        self._nvic = nvic
        self._system = system
        self.taken = 0
        self.has_bad_vector = False
        """Whether the handler entered last has a vector without the Thumb bit, so that its first fetch faults."""
        self.on_exception: Callable[[int, Moment], None] | None = None
        """Hears the number of every exception as its handler begins and ends."""

    def execution_priority(self) -> int:
        """Return the priority the core runs at, from its mask registers."""
        primask, faultmask, basepri = self._masks.read()
        return self._nvic.execution_priority(
            primask=bool(primask & 1), faultmask=bool(faultmask & 1), basepri=basepri & 0xFF
        )

    @property
    def basepri(self) -> int:
        """BASEPRI as it stands."""
        return self._basepri.read()[0] & 0xFF

    def take_next(self, pc: int) -> int:
        """Enter the exception that pre-empts the code at `pc`, if one does; return where the core goes on."""
        if self._nvic.candidate() is None:
            return pc
        number = self._nvic.next_exception(self.execution_priority())
        return pc if number is None else self.enter(number, pc)

    def enter(self, number: int, pc: int) -> int:
        """Stack the frame, enter handler `number`; return the handler's address without the Thumb bit."""
        *core, control, xpsr, stack = self._frame.read()
        in_handler = bool(self._nvic.active)
        with_fp = bool(control & _FPCA) and self._system.stacks_floats
        frame = self._push_frame(pc, core, xpsr | _THUMB, stack, with_fp=with_fp)
        on_process_stack = bool(control & _SPSEL) and not in_handler
        code = _return_code(in_handler, on_process_stack, with_fp)
        # The flags come last: only their write makes the engine rebuild the state it caches from IPSR and CONTROL.
        self._entry.write((frame, xpsr & 0xF80F0000 | _THUMB | number, control & 1, code, xpsr & 0xF0000000))
        self._nvic.enter(number)
        late = with_fp and self._system.stacks_floats_late
        if late:
            self._hook.defer_float_frame(FP_FRAME_CYCLES)
        self._account(ENTRY_CYCLES + (FP_FRAME_CYCLES if with_fp and not late else 0))
        self._note_entry(number)
        return self._vector(number)

    def leave(self, return_code: int) -> int:
        """Return from a handler, or go on to the next that waits; return where the core goes on, without Thumb bit."""
        self._hook.end_handler(return_code)
        ended = self._nvic.leave()
        if self.on_exception is not None:
            self.on_exception(ended, "leave")
        if ended != NMI:  # DDI 0403E, B1.4.3: FAULTMASK goes with every return but that from NMI
            self._engine.reg_write(reg.UC_ARM_REG_FAULTMASK, 0)
        following = self._nvic.next_exception(self.execution_priority())
        return self._unstack(return_code) if following is None else self._chain(following, return_code)

    def _chain(self, number: int, return_code: int) -> int:
        """Enter a handler on the frame of the one before (DDI 0403E, B1.5.12)."""
        *_, control, xpsr, stack = self._frame.read()
        self._entry.write((stack, xpsr & 0xF80F0000 | _THUMB | number, control & 1, return_code, xpsr & 0xF0000000))
        self._nvic.enter(number)
        self._account(TAIL_CHAIN_CYCLES)
        self._note_entry(number)
        return self._vector(number)

    def _note_entry(self, number: int) -> None:
        self.taken += 1
        if self.on_exception is not None:
            self.on_exception(number, "enter")

    def _unstack(self, return_code: int) -> int:
        engine = self._engine
        to_thread = bool(return_code & 8)
        from_process = to_thread and bool(return_code & 4)
        with_fp = not return_code & 0x10
        stack = reg.UC_ARM_REG_PSP if from_process else reg.UC_ARM_REG_MSP
        frame = engine.reg_read(stack)
        words = struct.unpack("<8I", engine.mem_read(frame, _BASIC_FRAME))
        if with_fp:
            self._pop_fp(frame + _BASIC_FRAME)
        self._restore(words, stack, frame, to_thread=to_thread, with_fp=with_fp)
        never_stacked = with_fp and self._hook.float_frame_deferred
        if with_fp:
            self._hook.defer_float_frame(0)
        self._account(RETURN_CYCLES + (FP_FRAME_CYCLES if with_fp and not never_stacked else 0))
        return int(words[6]) & ~1

    def _push_frame(self, pc: int, core: Sequence[int], xpsr: int, stack: int, *, with_fp: bool) -> int:
        length = _FP_FRAME if with_fp else _BASIC_FRAME
        padded = (stack >> 2) & 1
        frame = (stack - length) & ~7
        saved = (xpsr & ~_ALIGNED) | (_ALIGNED if padded else 0)
        data = struct.pack("<8I", *core, pc & ~1, saved & 0xFFFFFFFF)
        if with_fp:
            data += struct.pack("<18I", *self._floats.read(), 0)
        self._engine.mem_write(frame, data)
        return frame

    def _pop_fp(self, address: int) -> None:
        self._floats.write(struct.unpack("<17I", self._engine.mem_read(address, 68)))

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
        self._core.write(words[:6])
        self._refresh_flags()

    def _refresh_flags(self) -> None:
        """Make the engine rebuild the state it caches from IPSR and CONTROL; only this write does."""
        self._flags.write(self._flags.read())

    def _account(self, cycles: int) -> None:
        self._hook.charge(cycles)
        self._hook.break_sequence()

    def _vector(self, number: int) -> int:
        address = self._system.vector_table + 4 * number
        entry = int(struct.unpack("<I", self._engine.mem_read(address, 4))[0])
        self.has_bad_vector = not entry & 1
        return entry & ~1


def _return_code(in_handler: bool, on_process_stack: bool, with_fp: bool) -> int:  # noqa: FBT001
    code = 0xFFFFFFF1 if in_handler else 0xFFFFFFFD if on_process_stack else 0xFFFFFFF9
    return code & ~0x10 if with_fp else code
