"""Packets of GDB's Remote Serial Protocol on a socket: framing, checksums, acknowledgements, Ctrl-C.

GDB manual, appendix E, "Overview" and "Interrupts". What comes from the other side is bounded and may be anything:
noise between packets is passed over, a damaged packet is asked for again.
"""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

MAX_PACKET_BYTES = 0x4000
_INTERRUPT, _BEGIN, _END = 0x03, ord("$"), ord("#")
_ACKNOWLEDGE, _REPEAT = b"+", b"-"
_ESCAPE, _ESCAPE_BIT = ord("}"), 0x20
_RECEIVE_BYTES = 4096
_SPECIAL = frozenset(b"$#}*")


class ConnectionLostError(ConnectionError):
    """The debugger is gone."""


class PacketStream:
    """One connection to a debugger."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = bytearray()
        self._last_sent = b""
        self.acknowledges = True

    def receive(self) -> bytes:
        """Return the contents of the next packet whose checksum is right; for Ctrl-C the byte 3 alone.

        Raises:
            ConnectionLostError: The other side has closed the connection.
        """
        while True:
            packet = self._next()
            if packet is not None:
                return packet
            self._fill()

    def send(self, content: bytes) -> None:
        """Send a packet.

        Raises:
            ConnectionLostError: The other side has closed the connection.
        """
        body = bytearray()
        for byte in content:
            body += bytes((_ESCAPE, byte ^ _ESCAPE_BIT)) if byte in _SPECIAL else bytes((byte,))
        self._last_sent = b"$%b#%02x" % (bytes(body), sum(body) & 0xFF)
        self._write(self._last_sent)

    def interrupted(self) -> bool:
        """Tell, without waiting, whether Ctrl-C has come or the debugger is gone."""
        try:
            while select.select([self._connection], [], [], 0)[0]:
                self._fill()
        except ConnectionLostError:
            return True
        if _INTERRUPT not in self._received:
            return False
        self._received.remove(_INTERRUPT)
        return True

    def _next(self) -> bytes | None:
        """Take one packet or Ctrl-C from what has been received; None when there is no whole one."""
        while self._received:
            first = self._received[0]
            if first == _BEGIN:
                end = self._received.find(_END)
                if end < 0 or len(self._received) < end + 3:
                    return None
                packet = self._take_packet(end)
                if packet is not None:
                    return packet
                continue
            del self._received[0]
            if first == _INTERRUPT:
                return bytes((_INTERRUPT,))
            if first == _REPEAT[0] and self._last_sent:
                self._write(self._last_sent)
        return None

    def _take_packet(self, end: int) -> bytes | None:
        """Take the packet at the front; None when its checksum is wrong."""
        # Another $ within is a packet that was cut off.
        begin = self._received.rfind(_BEGIN, 0, end) + 1
        body = bytes(self._received[begin:end])
        checksum = bytes(self._received[end + 1 : end + 3])
        del self._received[: end + 3]
        right = checksum.lower() == b"%02x" % (sum(body) & 0xFF)
        if self.acknowledges:
            self._write(_ACKNOWLEDGE if right else _REPEAT)
        return _unescaped(body) if right else None

    def _fill(self) -> None:
        try:
            data = self._connection.recv(_RECEIVE_BYTES)
        except OSError as error:
            raise ConnectionLostError from error
        if not data:
            raise ConnectionLostError
        self._received += data
        # Framing of the longest packet, escapes included, takes less; so this is none.
        if len(self._received) > 2 * MAX_PACKET_BYTES + 8:
            self._received.clear()

    def _write(self, data: bytes) -> None:
        try:
            self._connection.sendall(data)
        except OSError as error:
            raise ConnectionLostError from error


def _unescaped(body: bytes) -> bytes:
    plain, escaped = bytearray(), False
    for byte in body:
        if escaped:
            plain.append(byte ^ _ESCAPE_BIT)
        elif byte != _ESCAPE:
            plain.append(byte)
        escaped = byte == _ESCAPE and not escaped
    return bytes(plain)
