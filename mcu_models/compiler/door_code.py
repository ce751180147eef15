"""Writes what the mask door's firmware knows of its network and its policy as C."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from mcu_models.compiler import ctext

if TYPE_CHECKING:
    from mcu_models.compiler.door_decision import DoorPolicy
    from mcu_models.compiler.image_input import ImageInput


def door_sources(taken: ImageInput, policy: DoorPolicy) -> dict[str, str]:
    """Return `picture.h`, `picture.c` and `door_policy.h` by name."""
    return {"picture.h": _picture_header(taken), "picture.c": _picture(taken), "door_policy.h": _policy(taken, policy)}


def _picture_header(taken: ImageInput) -> str:
    table = "/* The network's code of each level of a picture. */\nextern const int8_t picture_codes[256];\n"
    text = f"#include <stdint.h>\n\n#define PICTURE_SIDE {taken.side}\n\n{ctext.c_linkage(table)}"
    return ctext.guarded("PICTURE_H", text)


def _picture(taken: ImageInput) -> str:
    items = [str(code) for code in taken.codes.tolist()]
    return '#include "picture.h"\n\n' + ctext.braced("const int8_t picture_codes[256]", items)


def _policy(taken: ImageInput, policy: DoorPolicy) -> str:
    numbers = {field.name.upper(): getattr(policy, field.name) for field in fields(policy)}
    del numbers["LEAST_PERCENT"]
    numbers["LEAST_CODE"] = taken.code_of(policy.least_share)
    return ctext.guarded(
        "DOOR_POLICY_H", "".join(f"#define DOOR_{name} ({value})\n" for name, value in numbers.items())
    )
