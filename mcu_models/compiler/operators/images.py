"""Batches of images: a kernel that computes one is called for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcu_models.compiler.model import Operator


def for_each_image(operator: Operator, body: str, batch: int | None = None) -> str:
    """Return a body that computes one image from `input` to `output`, repeated for each image of the batch.

    Args:
        operator: The operator.
        body: C that computes one image.
        batch: How many images there are; the input's first length when None.
    """
    batch = operator.input.shape[0] if batch is None else batch
    if batch == 1:
        return body
    inside = "".join(f"    {line}\n" if line else "\n" for line in body.splitlines())
    steps = (operator.input.size // batch, operator.output.size // batch)
    return (
        f"    for (int32_t image = 0; image < {batch}; ++image) {{\n{inside}"
        f"        input += {steps[0]};\n        output += {steps[1]};\n    }}\n"
    )
