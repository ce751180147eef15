"""Who called whom, out of registers and stack: as the call frame information says, else by guess.

A word on the stack is taken for a return address when it is odd and the instruction before the place it names is a call
(BL or BLX, DDI 0403E, A7.7.18 and A7.7.19). A guess may show a call that has long returned, and one that inlined or
tail-called is missed. Exceptions are followed through their stack frames (DDI 0403E, B1.5.6 to B1.5.8).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcu_models.emulators.frame_rules import FrameRule
    from mcu_models.emulators.image_model import FirmwareImage

MAX_FRAMES = 32
MAX_STACK_WORDS = 4096
"""So far up the stack a return address is looked for."""
How = Literal["here", "frame information", "link register", "exception frame", "guess"]
_SP, _LR, _PC = 13, 14, 15
_WORD = 0xFFFFFFFF
_EXCEPTION_RETURN = 0xFFFFFFE0
_BASIC_FRAME, _FLOAT_FRAME = 0x20, 0x68
_STACKED = (0, 1, 2, 3, 12, _LR, _PC)
_ALIGNED = 1 << 9


class Rules(Protocol):
    """What `frame_rules.FrameRules` offers."""

    def at(self, address: int) -> FrameRule | None:
        """Return the rule that holds at an instruction."""


@dataclass(frozen=True)
class Frame:
    """One function that has not returned.

    Attributes:
        pc: Address of the instruction it is at; behind a call, of the call's last halfword.
        how: How the frame was found.
    """

    pc: int
    how: How


def backtrace(
    image: FirmwareImage,
    rules: Rules,
    registers: Mapping[int, int],
    read: Callable[[int, int], bytes | None],
    *,
    process_stack: int | None = None,
) -> list[Frame]:
    """Return the functions that have not returned, innermost first, as far as they can be made out.

    Args:
        image: Whose functions they are.
        rules: Its call frame information.
        registers: r0 to r15 by number.
        read: Returns bytes of memory, address and length given; None where there is none.
        process_stack: PSP, for exceptions out of threads that use it; None: not known.
    """
    return _Walk(image, rules, registers, read, process_stack).frames()


class _Walk:
    def __init__(
        self,
        image: FirmwareImage,
        rules: Rules,
        registers: Mapping[int, int],
        read: Callable[[int, int], bytes | None],
        process_stack: int | None,
    ) -> None:
        self._image = image
        self._rules = rules
        self._registers = {number: registers.get(number, 0) & _WORD for number in range(16)}
        self._read = read
        self._process_stack = process_stack
        self._lr_is_fresh = True
        """Whether LR still holds what the innermost function was called with, or a later call."""

    def frames(self) -> list[Frame]:
        found = [Frame(self._registers[_PC] & ~1, "here")]
        seen = set()
        while len(found) < MAX_FRAMES:
            state = (self._registers[_PC], self._registers[_SP])
            how = None if state in seen else self._leave(found[-1].pc)
            if how is None:
                break
            seen.add(state)
            behind_call = 0 if how == "exception frame" else 2
            found.append(Frame((self._registers[_PC] & ~1) - behind_call, how))
        return found

    def _leave(self, pc: int) -> How | None:
        """Go to the caller; return how, or None when it cannot be made out."""
        how = self._by_rule(pc) or self._by_link_register(pc)
        if how is None and not (self._lr_is_fresh and self._registers[_LR] >= _EXCEPTION_RETURN):
            # What lies above a handler's frame on its own stack is none of the thread that it interrupted.
            how = self._by_guess()
        self._lr_is_fresh = how == "exception frame"
        return how

    def _by_rule(self, pc: int) -> How | None:
        rule = self._rules.at(pc)
        if rule is None or not 0 <= rule.base < 16:
            return None
        frame = self._registers[rule.base] + rule.offset & _WORD
        if frame < self._registers[_SP] or (_LR not in rule.saved and not self._lr_is_fresh):
            return None
        restored = {number: self._word(frame + at) for number, at in rule.saved.items()}
        target = restored.get(_LR, self._registers[_LR])
        if target is None or not self._is_way_back(target):
            return None
        self._registers |= {number: word for number, word in restored.items() if word is not None} | {_SP: frame}
        return self._go(target, "frame information")

    def _by_link_register(self, pc: int) -> How | None:
        """Take LR, as long as nothing has been called since: then it does not lead into the same function."""
        target = self._registers[_LR]
        if not self._lr_is_fresh or not self._is_way_back(target):
            return None
        if target < _EXCEPTION_RETURN and self._image.function_at(pc) == self._image.function_at((target & ~1) - 2):
            return None
        return self._go(target, "link register")

    def _by_guess(self) -> How | None:
        begin = self._registers[_SP] & ~3
        for address in range(begin, begin + 4 * MAX_STACK_WORDS, 4):
            word = self._word(address)
            if word is None:
                return None
            if self._is_way_back(word):
                self._registers[_SP] = address + 4
                return self._go(word, "guess")
        return None

    def _go(self, target: int, how: How) -> How | None:
        if target >= _EXCEPTION_RETURN:
            return self._by_exception_frame(target)
        self._registers[_PC] = target
        return how

    def _by_exception_frame(self, code: int) -> How | None:
        """Take back what the core has stacked at an exception."""
        stack = self._process_stack if code & 4 else self._registers[_SP]
        if stack is None:
            return None
        words = [self._word(stack + 4 * index) for index in range(8)]
        if None in words:
            return None
        known = [word or 0 for word in words]
        self._registers |= dict(zip(_STACKED, known, strict=False))
        size = _BASIC_FRAME if code & 0x10 else _FLOAT_FRAME
        self._registers[_SP] = stack + size + (4 if known[7] & _ALIGNED else 0)
        return "exception frame"

    def _is_way_back(self, word: int) -> bool:
        if word >= _EXCEPTION_RETURN:
            return word & 0xF in (1, 9, 0xD)
        return bool(word & 1) and self._follows_call(word & ~1)

    def _follows_call(self, address: int) -> bool:
        code = self._read(address - 4, 4)
        if code is None or len(code) < 4 or not self._is_code(address):
            return False
        first, second = int.from_bytes(code[:2], "little"), int.from_bytes(code[2:], "little")
        is_bl = first & 0xF800 == 0xF000 and second & 0xD000 == 0xD000
        return is_bl or second & 0xFF87 == 0x4780

    def _is_code(self, address: int) -> bool:
        """Tell whether an address lies in what the image loads, where it runs."""
        places = ((segment.address, segment.run_address, len(segment.data)) for segment in self._image.segments)
        return any(
            base is not None and base <= address < base + length
            for loaded, run, length in places
            for base in (loaded, run)
        )

    def _word(self, address: int) -> int | None:
        data = self._read(address & _WORD, 4)
        return int.from_bytes(data, "little") if data is not None and len(data) == 4 else None
