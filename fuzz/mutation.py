"""Damages a file the way its format is likely to break: bytes, lines of text, members of an archive, records.

Everything follows from the generator that is passed in.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

LONGEST_BYTES: Final = 1 << 20
"""Damaged files stay shorter than this: what a size alone does is for the limits of the readers, which tests check."""
_MOST_CHANGES: Final = 6
_LONGEST_CHUNK: Final = 256
_EDGES: Final = (0, 1, 2, 3, 4, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**63)
_NUMBERS: Final = (
    "0", "-0.0", "-1", "1", "2", "1e308", "-1e308", "1e-308", "nan", "inf", "-inf", "9223372036854775807",
    "9223372036854775808", "1e19", "0.1", "256", "65536", "4294967296", "1_0", "0x10", "true", '""', "[]", "{}",
)  # fmt: skip
_WORDS: Final = (
    "\x00", "\u202e", "\ud7ff", "a" * 5000, '"', "'''", "[", "]]", "=", ",", "#", ":", "..", "../..", "\\x", "-",
    "9**9**9", "(", "[" * 3000, '{"a":' * 3000, "a." * 3000,
)  # fmt: skip
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_QUOTED: Final = re.compile(r'"[^"\n]*"')
_PNG_HEAD: Final = 8


def mutated(form: str, rng: random.Random, seeds: Sequence[bytes], base: bytes | None = None) -> bytes:
    """Return a damaged file.

    Args:
        form: How the format is built, a key of `FORMS`.
        rng: Decides what is damaged.
        seeds: Valid files, and ones that were found to be telling.
        base: Which file to damage; one of `seeds` when left out.
    """
    data = rng.choice(seeds) if base is None else base
    change = FORMS[form]
    for _ in range(1 + min(int(rng.expovariate(0.7)), _MOST_CHANGES)):
        data = change(data, rng, seeds)
    return data[:LONGEST_BYTES]


def _bytes_changed(data: bytes, rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    if not data:
        return bytes(rng.randrange(256) for _ in range(rng.randrange(1, 64)))
    return rng.choice(_BYTE_CHANGES)(data, rng, seeds)


def _place(data: bytes, rng: random.Random) -> int:
    """Return a place in a file, half of the time near one of its ends, where headers and tables are."""
    if rng.random() < 0.5:
        near = min(len(data), 128)
        return rng.randrange(near) if rng.random() < 0.7 else len(data) - 1 - rng.randrange(near)
    return rng.randrange(len(data))


def _one_bit(data: bytes, rng: random.Random, _seeds: Sequence[bytes]) -> bytes:
    at = _place(data, rng)
    return data[:at] + bytes((data[at] ^ 1 << rng.randrange(8),)) + data[at + 1 :]


def _one_byte(data: bytes, rng: random.Random, _seeds: Sequence[bytes]) -> bytes:
    at = _place(data, rng)
    return data[:at] + bytes((rng.randrange(256),)) + data[at + 1 :]


def _one_word(data: bytes, rng: random.Random, _seeds: Sequence[bytes]) -> bytes:
    """Put a telling number into a field of 1 to 8 bytes, or move the one that is there a little."""
    width = rng.choice((1, 2, 4, 4, 4, 8))
    at = _place(data, rng) // width * width
    old = int.from_bytes(data[at : at + width], "little")
    new = rng.choice((rng.choice(_EDGES), old + rng.randint(-16, 16), rng.getrandbits(8 * width), rng.randrange(4096)))
    return data[:at] + (new % (1 << 8 * width)).to_bytes(width, "little") + data[at + width :]


def _cut_short(data: bytes, rng: random.Random, _seeds: Sequence[bytes]) -> bytes:
    return data[: _place(data, rng)]


def _chunk_removed(data: bytes, rng: random.Random, _seeds: Sequence[bytes]) -> bytes:
    at = _place(data, rng)
    return data[:at] + data[at + rng.randrange(1, _LONGEST_CHUNK) :]


def _chunk_repeated(data: bytes, rng: random.Random, _seeds: Sequence[bytes]) -> bytes:
    at, length = _place(data, rng), rng.randrange(1, _LONGEST_CHUNK)
    return data[: at + length] + data[at : at + length] * rng.choice((1, 1, 2, 64)) + data[at + length :]


def _chunk_moved(data: bytes, rng: random.Random, _seeds: Sequence[bytes]) -> bytes:
    source, target, length = _place(data, rng), _place(data, rng), rng.choice((1, 2, 4, 8, 16, 64))
    chunk = data[source : source + length]
    return data[:target] + chunk + data[target + len(chunk) :]


def _spliced(data: bytes, rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    other = rng.choice(seeds) or data
    return data[: _place(data, rng)] + other[_place(other, rng) :]


_BYTE_CHANGES: Final = (
    _one_bit, _one_byte, _one_word, _one_word, _one_word, _cut_short, _chunk_removed, _chunk_repeated, _chunk_moved,
    _spliced,
)  # fmt: skip


def _text_changed(data: bytes, rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    if rng.random() < 0.15:
        return _bytes_changed(data, rng, seeds)
    text = data.decode("utf-8", errors="surrogateescape")
    change = rng.choice((_number_changed, _number_changed, _word_changed, _lines_changed, _lines_changed))
    return change(text, rng, seeds).encode("utf-8", errors="surrogateescape")


def _number_changed(text: str, rng: random.Random, _seeds: Sequence[bytes]) -> str:
    return _replaced(_NUMBER, text, rng, (*_NUMBERS, str(rng.randint(-100, 100)), f"{rng.uniform(-10, 10):.3f}"))


def _word_changed(text: str, rng: random.Random, _seeds: Sequence[bytes]) -> str:
    others = _QUOTED.findall(text) or ['""']
    if rng.random() < 0.5:
        return _replaced(_QUOTED, text, rng, (*others, '""', f'"{rng.choice(_WORDS)}"', "0"))
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(_WORDS) + text[at:]


def _replaced(pattern: re.Pattern[str], text: str, rng: random.Random, choices: Sequence[str]) -> str:
    places = [match.span() for match in pattern.finditer(text)]
    if not places:
        return text + rng.choice(choices)
    begin, end = rng.choice(places)
    return text[:begin] + rng.choice(choices) + text[end:]


def _lines_changed(text: str, rng: random.Random, seeds: Sequence[bytes]) -> str:
    lines = text.splitlines(keepends=True) or [""]
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    kind = rng.randrange(5)
    if kind == 0:
        del lines[at : at + rng.choice((1, 1, 1, 8))]
    elif kind == 1:
        lines.insert(at, lines[other])
    elif kind == 2:
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == 3:
        strange = rng.choice(seeds).decode("utf-8", errors="surrogateescape").splitlines(keepends=True) or [""]
        begin = rng.randrange(len(strange))
        lines[at:at] = strange[begin : begin + rng.choice((1, 1, 4, 16))]
    else:
        lines[at:at] = lines[at : at + rng.choice((1, 2, 8))] * rng.choice((1, 2, 40))
    return "".join(lines)


def _archive_changed(data: bytes, rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Change a member of a zip archive, or now and then the archive itself."""
    members = _members(data)
    if not members or rng.random() < 0.3:
        return _bytes_changed(data, rng, seeds)
    name = rng.choice(sorted(members))
    kind = rng.randrange(8)
    if kind == 0:
        del members[name]
    elif kind == 1:
        members[rng.choice(sorted(members))] = members[name]
    elif kind == 2:
        members[name] = _text_changed(members[name][:128], rng, [members[name]]) + members[name][128:]
    else:
        members[name] = _bytes_changed(members[name], rng, [members[name]])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for member, content in members.items():
            archive.writestr(zipfile.ZipInfo(member), content)
    return file.getvalue()


def _members(data: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {one.filename: archive.read(one)[:LONGEST_BYTES] for one in archive.infolist()}
    except Exception:  # noqa: BLE001 - whatever a damaged archive fails with, it has no members then
        return {}


def _records_changed(data: bytes, rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Change a record of Intel HEX or S-records, and mostly let its checksum be right again."""
    if rng.random() < 0.4:
        return _text_changed(data, rng, seeds)
    lines = data.splitlines() or [b""]
    at = rng.randrange(len(lines))
    lines[at] = _record_changed(lines[at], rng)
    return b"\n".join(lines) + b"\n"


def _record_changed(line: bytes, rng: random.Random) -> bytes:
    head = 2 if line.startswith(b"S") else 1
    try:
        body = bytes.fromhex(line[head:].decode("ascii"))[:-1]
    except (ValueError, UnicodeDecodeError):
        return line
    body = _bytes_changed(body, rng, [body])[:260]
    if body and rng.random() < 0.7:
        length = len(body) if head == 2 else len(body) - 4
        body = bytes((length % 256,)) + body[1:]
    total = sum(body)
    check = ~total & 0xFF if head == 2 else -total & 0xFF
    return line[:head] + (body + bytes((check,))).hex().upper().encode()


def _image_changed(data: bytes, rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Change a picture; chunks of a PNG get their checksums right again half of the time."""
    changed = _bytes_changed(data, rng, seeds)
    return _png_checked(changed) if changed.startswith(b"\x89PNG") and rng.random() < 0.5 else changed


def _png_checked(data: bytes) -> bytes:
    out, at = bytearray(data[:_PNG_HEAD]), _PNG_HEAD
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        body = data[at + 4 : at + 8 + length]
        if len(body) != length + 4:
            break
        out += data[at : at + 4] + body + zlib.crc32(body).to_bytes(4, "big")
        at += 12 + length
    return bytes(out) + data[at:]


FORMS: Final = {
    "bytes": _bytes_changed,
    "text": _text_changed,
    "archive": _archive_changed,
    "records": _records_changed,
    "image": _image_changed,
}
