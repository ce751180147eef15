"""Core registers of a Unicorn engine, several at a time: the binding's own access to one takes microseconds."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from unicorn.unicorn_py3.unicorn import uclib

if TYPE_CHECKING:
    from collections.abc import Sequence

_read_batch = uclib.uc_reg_read_batch
_write_batch = uclib.uc_reg_write_batch


class RegisterGroup:
    """Some 32-bit registers that are read and written together.

    Args:
        engine: The engine.
        registers: Its numbers of the registers, in the order of the values.
    """

    def __init__(self, engine: Any, registers: Sequence[int]) -> None:
        count = len(registers)
        self._handle = engine._uch  # noqa: SLF001 - the binding offers no quick way
        self._engine = engine
        self._count = count
        self._values = (ctypes.c_uint64 * count)()
        self._ids = (ctypes.c_int * count)(*registers)
        size = ctypes.sizeof(ctypes.c_uint64)
        begin = ctypes.addressof(self._values)
        self._places = (ctypes.c_void_p * count)(*(begin + size * index for index in range(count)))

    def __deepcopy__(self, _memo: object) -> RegisterGroup:
        return self

    def read(self) -> list[int]:
        """Return the values; the engine fills the lower halves of words that begin as zero."""
        _check(_read_batch(self._handle, self._ids, self._places, self._count))
        return list(self._values)

    def write(self, values: Sequence[int]) -> None:
        """Set the values, in order."""
        self._values[:] = list(values)
        _check(_write_batch(self._handle, self._ids, self._places, self._count))


def _check(status: int) -> None:
    if status != 0:
        raise RuntimeError(f"the emulator refused an access to its registers (status {status})")
