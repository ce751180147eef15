"""The GDB server, over a socket: by hand, with noise, and with GDB itself."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
import xml.etree.ElementTree as ET
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasheet.bad_input import BadInputError
from mcu_models.emulators.gdb_packets import MAX_PACKET_BYTES, PacketStream
from mcu_models.emulators.gdb_registers import REGISTERS, target_description
from mcu_models.emulators.gdb_server import Ending, GdbServer, Stop, TargetRefusedError, _Session

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

BASE = 0x08000000
NOP = b"\x00\xbf"


@dataclass
class Core:
    """A core that knows one instruction, NOP, in 256 bytes of memory; it goes round in them."""

    registers: dict[str, int] = field(default_factory=lambda: {r.name: 0 for r in REGISTERS} | {"pc": BASE})
    memory: bytearray = field(default_factory=lambda: bytearray(NOP * 128))
    breakpoints: set[int] = field(default_factory=set)
    dies: bool = False

    def read_register(self, name: str) -> int:
        return self.registers[name]

    def write_register(self, name: str, value: int) -> None:
        self.registers[name] = value

    def read_memory(self, address: int, length: int) -> bytes:
        if not BASE <= address <= address + length <= BASE + len(self.memory):
            raise TargetRefusedError
        return bytes(self.memory[address - BASE : address - BASE + length])

    def write_memory(self, address: int, data: bytes) -> None:
        self.read_memory(address, len(data))
        self.memory[address - BASE : address - BASE + len(data)] = data

    def insert_breakpoint(self, address: int) -> None:
        self.breakpoints.add(address)

    def remove_breakpoint(self, address: int) -> None:
        self.breakpoints.discard(address)

    def step(self) -> Stop:
        self.registers["pc"] = BASE + (self.registers["pc"] - BASE + 2) % len(self.memory)
        self.registers["r0"] = (self.registers["r0"] + 1) & 0xFFFFFFFF
        return "step"

    def resume(self, interrupted: Callable[[], bool]) -> Stop:
        while not interrupted():
            self.step()
            if self.dies:
                return "end"
            if self.registers["pc"] in self.breakpoints:
                return "breakpoint"
        return "interrupt"


class Debugger:
    """The other side of the protocol, as plain as can be."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._received = b""

    def ask(self, packet: bytes) -> bytes:
        self.socket.sendall(b"$%b#%02x" % (packet, sum(packet) & 0xFF))
        return self.answer()

    def answer(self) -> bytes:
        """Return the next packet; acknowledgements are passed over."""
        while (match := re.search(rb"\$([^#]*)#(..)", self._received, re.DOTALL)) is None:
            data = self.socket.recv(4096)
            assert data, "the server has hung up"
            self._received += data
        self._received = self._received[match.end() :]
        assert int(match[2], 16) == sum(match[1]) & 0xFF
        return match[1]


@contextmanager
def served(core: Core) -> Generator[tuple[int, list[Ending]]]:
    """Serve a core in another thread; the list tells afterwards how the debugger left."""
    server = GdbServer(core, 0)
    endings: list[Ending] = []
    thread = threading.Thread(target=lambda: endings.append(server.serve()))
    thread.start()
    try:
        yield server.port, endings
    finally:
        thread.join(timeout=20)
        assert not thread.is_alive()


@contextmanager
def debugging(core: Core) -> Generator[Debugger]:
    with served(core) as (port, _):
        debugger = Debugger(port)
        with debugger.socket:
            yield debugger


def test_it_listens_on_loopback_only() -> None:
    server = GdbServer(Core(), 0)
    assert server._listener.getsockname() == ("127.0.0.1", server.port)
    server.close()


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_bad_input(port: int) -> None:
    with pytest.raises(BadInputError, match="--gdb"):
        GdbServer(Core(), port)


def test_a_port_that_is_taken_is_bad_input() -> None:
    first = GdbServer(Core(), 0)
    with pytest.raises(BadInputError, match="cannot be listened on"):
        GdbServer(Core(), first.port)
    first.close()


def test_a_second_debugger_is_turned_away() -> None:
    with served(Core()) as (port, _):
        first = Debugger(port)
        with first.socket:
            assert first.ask(b"?") == b"T05thread:1;"
            with pytest.raises(ConnectionError):
                Debugger(port)


def test_registers_are_little_endian_and_as_wide_as_described() -> None:
    core = Core()
    core.registers |= {"r1": 0x12345678, "d1": 0x0123456789ABCDEF, "xpsr": 0x01000000}
    with debugging(core) as debugger:
        everything = debugger.ask(b"g")
        assert len(everything) == sum(r.bits // 4 for r in REGISTERS)
        assert everything[8:16] == b"78563412"
        assert debugger.ask(b"p21") == b"efcdab8967452301"
        assert debugger.ask(b"p19") == b"00000001"
        assert debugger.ask(b"P2=efbeadde") == b"OK"
        assert core.registers["r2"] == 0xDEADBEEF
        assert debugger.ask(b"G" + everything) == b"OK"
        assert core.registers["r2"] == 0
        assert debugger.ask(b"p10") == debugger.ask(b"P0=00") == debugger.ask(b"G00") == b"E16"


def test_memory_is_read_and_written() -> None:
    core = Core()
    with debugging(core) as debugger:
        assert debugger.ask(b"M8000002,3:a1b2c3") == b"OK"
        assert debugger.ask(b"m8000000,6") == b"00bfa1b2c3bf"
        assert debugger.ask(b"m0,4") == b"E0e"
        assert debugger.ask(b"mfffffffe,4") == debugger.ask(b"M8000000,2:00") == debugger.ask(b"m-1,4") == b"E16"


def test_it_stops_at_breakpoints_and_runs_over_removed_ones() -> None:
    core = Core()
    with debugging(core) as debugger:
        assert debugger.ask(b"Z0,8000010,2") == debugger.ask(b"Z1,8000020,2") == b"OK"
        assert debugger.ask(b"c") == b"T05thread:1;"
        assert core.registers["pc"] == BASE + 0x10
        assert debugger.ask(b"z0,8000010,2") == b"OK"
        assert debugger.ask(b"vCont;c:1") == b"T05thread:1;"
        assert core.registers["pc"] == BASE + 0x20
        assert debugger.ask(b"Z2,20000000,4") == b""


def test_it_steps_and_jumps() -> None:
    core = Core()
    with debugging(core) as debugger:
        assert debugger.ask(b"s") == debugger.ask(b"vCont;s:1;c") == b"T05thread:1;"
        assert core.registers["pc"] == BASE + 4
        assert debugger.ask(b"s8000040") == b"T05thread:1;"
        assert core.registers["pc"] == BASE + 0x42


def test_ctrl_c_stops_a_core_that_runs() -> None:
    with debugging(Core()) as debugger:
        debugger.socket.sendall(b"$c#63")
        debugger.socket.sendall(b"\x03")
        assert debugger.answer() == b"T02thread:1;"
        assert debugger.ask(b"?") == b"T02thread:1;"


def test_an_end_of_the_firmware_is_an_exit() -> None:
    with debugging(Core(dies=True)) as debugger:
        assert debugger.ask(b"c") == b"W00"


def test_the_description_is_well_formed_and_comes_in_pieces() -> None:
    with debugging(Core()) as debugger:
        assert b"qXfer:features:read+" in debugger.ask(b"qSupported:swbreak+")
        whole, more = b"", True
        while more:
            part = debugger.ask(b"qXfer:features:read:target.xml:%x,100" % len(whole))
            whole, more = whole + part[1:], part[:1] == b"m"
        assert whole == target_description()
        assert debugger.ask(b"qXfer:features:read:other.xml:0,100") == b"E00"
    features = ET.fromstring(whole.decode().partition('.dtd">')[2]).findall("feature")  # noqa: S314 - our own text
    assert [feature.get("name") for feature in features] == [
        "org.gnu.gdb.arm.m-profile", "org.gnu.gdb.arm.m-system", "org.gnu.gdb.arm.vfp"
    ]  # fmt: skip


@pytest.mark.parametrize(("packet", "ending"), [(b"D", "detached"), (b"vKill;1", "killed")])
def test_a_debugger_that_leaves_says_how(packet: bytes, ending: str) -> None:
    with served(Core()) as (port, endings):
        debugger = Debugger(port)
        with debugger.socket:
            assert debugger.ask(packet) == b"OK"
    assert endings == [ending]


def test_a_debugger_that_vanishes_while_the_core_runs_ends_the_session() -> None:
    with served(Core()) as (port, endings):
        debugger = Debugger(port)
        debugger.socket.sendall(b"$c#63")
        debugger.socket.close()
    assert endings == ["lost"]


def test_a_wrong_checksum_is_asked_for_again_and_an_answer_is_repeated() -> None:
    with debugging(Core()) as debugger:
        debugger.socket.sendall(b"$?#00")
        assert debugger.socket.recv(1) == b"-"
        assert debugger.ask(b"?") == b"T05thread:1;"
        debugger.socket.sendall(b"-")
        assert debugger.answer() == b"T05thread:1;"


def test_without_acknowledgements_none_are_sent() -> None:
    with debugging(Core()) as debugger:
        assert debugger.ask(b"QStartNoAckMode") == b"OK"
        debugger.socket.sendall(b"$?#3f")
        assert debugger.socket.recv(100) == b"$T05thread:1;#d7"


def test_what_is_not_known_is_answered_with_nothing() -> None:
    with debugging(Core()) as debugger:
        assert debugger.ask(b"vMustReplyEmpty") == debugger.ask(b"X0,0:") == debugger.ask(b"") == b""
        assert debugger.ask(b"qC") == b"QC1"
        assert debugger.ask(b"Hg0") == debugger.ask(b"T1") == b"OK"


def exchange(noise: bytes) -> Ending:
    """Play noise to a server, then hang up."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        writer = threading.Thread(target=lambda: (ours.sendall(noise), ours.shutdown(socket.SHUT_WR)))
        # What the server answers must not fill a pipe that nobody reads.
        reader = threading.Thread(target=lambda: [None for _ in iter(lambda: ours.recv(65536), b"")])
        writer.start()
        reader.start()
        ending = _Session(Core(dies=True), PacketStream(theirs)).serve()
        theirs.shutdown(socket.SHUT_RDWR)
        writer.join()
        reader.join()
    return ending


COMMANDS = st.sampled_from([b"m", b"M", b"P", b"p", b"G", b"Z0,", b"vCont;", b"qXfer:features:read:", b"s", b""])
ARGUMENTS = st.one_of(st.binary(max_size=30), st.text("0123456789abcdef,:=;", max_size=30).map(str.encode))
PACKETS = st.tuples(COMMANDS, ARGUMENTS).map(b"".join).map(lambda body: b"$%b#%02x" % (body, sum(body) & 0xFF))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=40), PACKETS)))
def test_noise_ends_a_session_and_nothing_else(pieces: list[bytes]) -> None:
    assert exchange(b"".join(pieces)) in ("lost", "killed", "detached")


@pytest.mark.parametrize("noise", [b"$#00" * 5000, b"$" * 100_000, b"$" + b"a" * (4 * MAX_PACKET_BYTES), b"}" * 50_000])
def test_floods_are_passed_over(noise: bytes) -> None:
    assert exchange(noise) == "lost"


def test_gdb_itself_reads_steps_and_breaks() -> None:
    gdb = shutil.which("gdb-multiarch") or shutil.which("arm-none-eabi-gdb")
    if gdb is None:
        pytest.skip("needs GDB: apt install gdb-multiarch")
    core = Core()
    core.registers |= {"msp": 0x20001234, "control": 2, "d2": 0x3FF8000000000000}
    with served(core) as (port, endings):
        commands = [
            "set architecture armv7e-m", f"target remote 127.0.0.1:{port}", "print/x $msp", "print $control",
            "print $d2", "x/2xh 0x08000000", "stepi", "print/x $pc", "break *0x08000020", "continue", "print/x $pc",
            "set var $r5 = 77", "set var *(short*)0x08000040 = 0x4770", "x/xh 0x08000040", "x/xw 0", "detach",
        ]  # fmt: skip
        arguments = [part for command in commands for part in ("-ex", command)]
        line = [gdb, "-nx", "-batch", *arguments]
        ran = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    told = ("0x20001234", "= 2", "= 1.5", "0xbf00\t0xbf00", "0x8000002", "Breakpoint 1", "0x8000020", "0x4770")
    for expected in told:
        assert expected in ran.stdout, (expected, ran.stdout, ran.stderr)
    assert "Cannot access memory at address 0x0" in ran.stderr
    assert core.registers["r5"] == 77
    assert endings == ["detached"]
