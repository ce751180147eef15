"""Networks: read, compiled to C (which nothing compiles further), and computed once on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcu_models.compiler.codegen import generate
from mcu_models.compiler.reader import read_network
from mcu_models.compiler.reference import ReferenceNetwork

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _compiled(path: Path) -> None:
    generate(read_network(path), None)


TARGETS: Final[dict[str, Callable[[Path], object]]] = {"tflite": _compiled, "tflite_host": ReferenceNetwork}
