"""The parts of a Renode platform description and how they are written down.

Source: Renode's documentation, "Describing platforms": an entry names an object, its model, where it is registered, its
arguments, its outputs and the commands that fill it; a tag names addresses behind which nothing stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NOWHERE = "none"
"""Registration of an object that has no address."""
_WIDTH = 118


@dataclass(frozen=True)
class Wire:
    """An output of a peripheral and what it drives.

    Attributes:
        pin: Name or number of the output, such as "IRQ" or "3".
        irq: Interrupt line of the core that it drives; None when it drives `target`.
        target: Input of another object, such as "exti@18".
    """

    pin: str
    irq: int | None = None
    target: str = ""


@dataclass(frozen=True)
class Entry:
    """One object of the platform.

    Attributes:
        name: How scripts call it.
        model: Its class in Renode, or of ours.
        place: Where it is registered: NOWHERE, or "sysbus 0x40000000"; several places are separated by "; ".
        arguments: Of the constructor, by name, as they are written.
        wires: Its outputs.
        fill: Commands that put contents into it.
        comment: Why this model and not another, and what it lacks.
    """

    name: str
    model: str
    place: str = NOWHERE
    arguments: Mapping[str, str] | None = None
    wires: tuple[Wire, ...] = ()
    fill: tuple[str, ...] = ()
    comment: str = ""


@dataclass(frozen=True)
class Tag:
    """Addresses that are known by name only: Renode logs every access and reads zero.

    Attributes:
        name: Of the peripheral.
        base: First address.
        size: In bytes.
        reason: Why no model stands there.
    """

    name: str
    base: int
    size: int
    reason: str


def hexadecimal(number: int) -> str:
    """Return a number as addresses are written."""
    return f"0x{number:08X}"


def bus(base: int, size: int | None = None) -> str:
    """Return the registration at an address of the system bus; with a size, of that many bytes."""
    return f"sysbus {hexadecimal(base)}" if size is None else f"sysbus <{hexadecimal(base)}, +0x{size:X}>"


def entry_text(entry: Entry) -> str:
    """Return an entry as it stands in a .repl file; every wire must have its target by now."""
    place = entry.place if "; " not in entry.place else f"{{ {entry.place} }}"
    lines = [f"// {line}" for line in _wrapped(entry.comment)]
    lines.append(f"{entry.name}: {entry.model} @ {place}")
    lines += [f"    {name}: {value}" for name, value in (entry.arguments or {}).items()]
    lines += [f"    {wire.pin} -> {wire.target}" for wire in entry.wires]
    if entry.fill:
        lines += ["    init:", *(f"        {command}" for command in entry.fill)]
    return "\n".join(lines) + "\n"


def tags_text(tags: Iterable[Tag]) -> str:
    """Return the tags, those with the same reason together."""
    by_reason: dict[str, list[Tag]] = {}
    for tag in tags:
        by_reason.setdefault(tag.reason, []).append(tag)
    lines = ["sysbus:", "    init:"]
    for reason, group in by_reason.items():
        lines += [f"        // {line}" for line in _wrapped(reason)]
        lines += [_tag_line(tag) for tag in sorted(group, key=lambda tag: tag.base)]
    return "\n".join(lines) + "\n" if by_reason else ""


def _tag_line(tag: Tag) -> str:
    last = tag.base + tag.size - 1
    return f'        Tag <{hexadecimal(tag.base)}, {hexadecimal(last)}> "{tag.name}"'


def _wrapped(text: str) -> list[str]:
    """Return a comment in lines that fit."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= _WIDTH - 8:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
