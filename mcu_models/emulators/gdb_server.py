"""Lets GDB look into an emulated microcontroller and stop it: a server of GDB's Remote Serial Protocol.

GDB manual, appendix E. The emulator stays the owner of its run loop and of virtual time, which stands still while GDB
has stopped it: nothing here runs beside it, and `resume` comes back by itself when it is asked to. The server listens
on 127.0.0.1 only and takes one debugger; whoever can log in to this machine could be that one.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final, Literal, Protocol

from datasheet.bad_input import BadInputError
from mcu_models.emulators.gdb_packets import MAX_PACKET_BYTES, ConnectionLostError, PacketStream
from mcu_models.emulators.gdb_registers import BY_NUMBER, REGISTERS, GdbRegister, target_description

if TYPE_CHECKING:
    from collections.abc import Callable

LOOPBACK = "127.0.0.1"
Stop = Literal["step", "breakpoint", "interrupt", "fault", "end"]
Ending = Literal["detached", "killed", "lost"]

_STOP_REPLIES: Final[dict[Stop, bytes]] = {
    "step": b"T05thread:1;", "breakpoint": b"T05thread:1;", "interrupt": b"T02thread:1;", "fault": b"T0bthread:1;",
    "end": b"W00",
}  # fmt: skip
"""Signals SIGTRAP, SIGINT, SIGSEGV; a firmware that cannot go on has exited."""
_MALFORMED, _REFUSED = b"E16", b"E0e"
"""EINVAL and EFAULT, in hexadecimal."""
_INTERRUPT: Final = b"\x03"
_BREAKPOINTS: Final = (b"0", b"1")
_ADDRESS_SPACE = 1 << 32
_MAX_MEMORY_BYTES = MAX_PACKET_BYTES // 2 - 16
_FEATURES: Final = (
    b"PacketSize=%x;qXfer:features:read+;vContSupported+;QStartNoAckMode+;swbreak-;hwbreak-" % MAX_PACKET_BYTES
)


class TargetRefusedError(Exception):
    """The target cannot do that: no memory at an address, no such register."""


class DebugTarget(Protocol):
    """What GDB needs of an emulator. Each method may raise `TargetRefusedError`."""

    def read_register(self, name: str) -> int:
        """Return a register by its name in `gdb_registers`, such as "r0", "xpsr", "d3"."""

    def write_register(self, name: str, value: int) -> None:
        """Set a register; `value` fits its size."""

    def read_memory(self, address: int, length: int) -> bytes:
        """Return memory as the core sees it, without the side effects of a read where there are any."""

    def write_memory(self, address: int, data: bytes) -> None:
        """Set memory, flash included; code that has been translated already is translated anew."""

    def insert_breakpoint(self, address: int) -> None:
        """Stop before the instruction at `address` from now on."""

    def remove_breakpoint(self, address: int) -> None:
        """Run over `address` again; nothing happens when there is no breakpoint."""

    def step(self) -> Stop:
        """Execute one instruction, whether there is a breakpoint on it or not."""

    def resume(self, interrupted: Callable[[], bool]) -> Stop:
        """Run to the next breakpoint, fault or end; come back with "interrupt" soon after `interrupted` says so.

        A breakpoint on the first instruction does not count: GDB has just stopped there. `interrupted` looks at a
        socket, which takes some microseconds: once in a millisecond or so is enough.
        """


class GdbServer:
    """Waits for a debugger and serves it.

    Args:
        target: What to debug.
        port: TCP port on loopback; 0 takes any that is free.

    Raises:
        BadInputError: The port is taken or not allowed.
    """

    def __init__(self, target: DebugTarget, port: int) -> None:
        self._target = target
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listener.bind((LOOPBACK, port))
            self._listener.listen(1)
        except (OSError, OverflowError) as error:
            self._listener.close()
            reason = error.strerror if isinstance(error, OSError) else "must be 0 to 65535"
            raise BadInputError("command line", "--gdb", port, f"cannot be listened on: {reason}") from error

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        port: int = self._listener.getsockname()[1]
        return port

    def serve(self) -> Ending:
        """Wait for a debugger and do what it asks, until it leaves; tell how it left. Can be called once."""
        connection, _ = self._listener.accept()
        # A second debugger would be kept waiting; so it is turned away.
        self._listener.close()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _Session(self._target, PacketStream(connection)).serve()

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()


class _Session:
    """One debugger, from its first packet to its last."""

    def __init__(self, target: DebugTarget, stream: PacketStream) -> None:
        self._target = target
        self._stream = stream
        self._stop: Stop = "breakpoint"
        self._ending: Ending | None = None
        self._description = target_description()
        self._commands: dict[bytes, Callable[[bytes], bytes]] = {
            b"?": lambda _: _STOP_REPLIES[self._stop],
            b"g": lambda _: b"".join(self._read(register) for register in REGISTERS),
            b"G": self._write_all,
            b"p": self._read_one,
            b"P": self._write_one,
            b"m": self._read_memory,
            b"M": self._write_memory,
            b"c": self._go_on,
            b"s": self._step_on,
            b"C": lambda rest: self._go_on(rest.partition(b";")[2]),
            b"S": lambda rest: self._step_on(rest.partition(b";")[2]),
            b"Z": self._insert,
            b"z": self._remove,
            b"v": self._verbose,
            b"q": self._query,
            b"Q": self._set,
            b"H": lambda _: b"OK",
            b"T": lambda _: b"OK",
            b"D": self._detach,
        }

    def serve(self) -> Ending:
        try:
            while self._ending is None:
                self._answer(self._stream.receive())
        except ConnectionLostError:
            return "lost"
        return self._ending

    def _answer(self, packet: bytes) -> None:
        if packet == b"k":
            self._ending = "killed"
            return
        if packet == _INTERRUPT:
            self._stream.send(_STOP_REPLIES["interrupt"])
            return
        self._stream.send(self._reply(packet))
        if packet == b"QStartNoAckMode":
            self._stream.acknowledges = False

    def _reply(self, packet: bytes) -> bytes:
        command = self._commands.get(packet[:1])
        if command is None:
            return b""
        try:
            return command(packet[1:])
        except (ValueError, KeyError):
            return _MALFORMED
        except TargetRefusedError:
            return _REFUSED

    # -- registers and memory ------------------------------------------------------------------------------

    def _read(self, register: GdbRegister) -> bytes:
        mask = (1 << register.bits) - 1
        value = self._target.read_register(register.name) & mask
        return value.to_bytes(register.bits // 8, "little").hex().encode()

    def _write(self, register: GdbRegister, digits: bytes) -> None:
        if len(digits) != register.hex_digits:
            raise ValueError("wrong size")
        self._target.write_register(register.name, int.from_bytes(_bytes(digits), "little"))

    def _read_one(self, rest: bytes) -> bytes:
        return self._read(BY_NUMBER[_number(rest)])

    def _write_one(self, rest: bytes) -> bytes:
        number, _, digits = rest.partition(b"=")
        self._write(BY_NUMBER[_number(number)], digits)
        return b"OK"

    def _write_all(self, rest: bytes) -> bytes:
        if len(rest) != sum(register.hex_digits for register in REGISTERS):
            raise ValueError("wrong size")
        place = 0
        for register in REGISTERS:
            self._write(register, rest[place : place + register.hex_digits])
            place += register.hex_digits
        return b"OK"

    def _read_memory(self, rest: bytes) -> bytes:
        address, length = _range(rest)
        return self._target.read_memory(address, min(length, _MAX_MEMORY_BYTES)).hex().encode()

    def _write_memory(self, rest: bytes) -> bytes:
        place, _, digits = rest.partition(b":")
        address, length = _range(place)
        data = _bytes(digits)
        if len(data) != length:
            raise ValueError("wrong size")
        self._target.write_memory(address, data)
        return b"OK"

    # -- running -------------------------------------------------------------------------------------------

    def _go_on(self, rest: bytes) -> bytes:
        self._jump(rest)
        self._stop = self._target.resume(self._stream.interrupted)
        return _STOP_REPLIES[self._stop]

    def _step_on(self, rest: bytes) -> bytes:
        self._jump(rest)
        self._stop = self._target.step()
        return _STOP_REPLIES[self._stop]

    def _jump(self, rest: bytes) -> None:
        if rest:
            self._target.write_register("pc", _address(rest))

    def _insert(self, rest: bytes) -> bytes:
        return self._breakpoint(rest, self._target.insert_breakpoint)

    def _remove(self, rest: bytes) -> bytes:
        return self._breakpoint(rest, self._target.remove_breakpoint)

    def _breakpoint(self, rest: bytes, change: Callable[[int], None]) -> bytes:
        kind, _, place = rest.partition(b",")
        if kind not in _BREAKPOINTS:
            return b""
        change(_address(place.partition(b",")[0]) & ~1)
        return b"OK"

    def _verbose(self, rest: bytes) -> bytes:
        if rest == b"Cont?":
            return b"vCont;c;C;s;S"
        if rest.startswith(b"Cont;"):
            # There is one thread, so the first action that applies is its action.
            action = rest[len(b"Cont;") :][:1]
            return {b"c": self._go_on, b"C": self._go_on, b"s": self._step_on, b"S": self._step_on}[action](b"")
        if rest.startswith(b"Kill"):
            self._ending = "killed"
            return b"OK"
        return b""

    def _detach(self, _rest: bytes) -> bytes:
        self._ending = "detached"
        return b"OK"

    # -- queries -------------------------------------------------------------------------------------------

    def _query(self, rest: bytes) -> bytes:
        fixed = {b"C": b"QC1", b"fThreadInfo": b"m1", b"sThreadInfo": b"l", b"Attached": b"1", b"Symbol::": b"OK"}
        if rest in fixed:
            return fixed[rest]
        if rest.partition(b":")[0] == b"Supported":
            return _FEATURES
        if rest.startswith(b"Xfer:features:read:"):
            return self._transfer(rest[len(b"Xfer:features:read:") :])
        return b""

    def _transfer(self, rest: bytes) -> bytes:
        name, _, place = rest.partition(b":")
        if name != b"target.xml":
            return b"E00"
        offset, length = _range(place)
        part = self._description[offset : offset + min(length, _MAX_MEMORY_BYTES)]
        return (b"m" if offset + len(part) < len(self._description) else b"l") + part

    def _set(self, rest: bytes) -> bytes:
        return b"OK" if rest == b"StartNoAckMode" else b""


_HEX: Final = frozenset(b"0123456789abcdefABCDEF")


def _number(digits: bytes) -> int:
    """Read a hexadecimal number; unlike `int`, no signs, spaces or underscores."""
    if not digits or not _HEX.issuperset(digits) or len(digits) > 16:
        raise ValueError("no hexadecimal number")
    return int(digits, 16)


def _address(digits: bytes) -> int:
    address = _number(digits)
    if address >= _ADDRESS_SPACE:
        raise ValueError("outside 32 bits")
    return address


def _range(text: bytes) -> tuple[int, int]:
    start, _, size = text.partition(b",")
    address, length = _address(start), _number(size)
    if address + length > _ADDRESS_SPACE:
        raise ValueError("outside 32 bits")
    return address, length


def _bytes(digits: bytes) -> bytes:
    if not _HEX.issuperset(digits):
        raise ValueError("no hexadecimal digits")
    return bytes.fromhex(digits.decode())
