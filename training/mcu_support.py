"""Whether a network runs on a microcontroller: the firmware's compiler is asked."""

from __future__ import annotations

import tempfile
from pathlib import Path

from datasheet.bad_input import BadInputError
from mcu_models.compiler.codegen import generate
from mcu_models.compiler.reader import read_network


def refusal(content: bytes) -> str | None:
    """Return why the firmware's compiler refuses a .tflite, in one line; None if it makes C of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.tflite"
        path.write_bytes(content)
        try:
            generate(read_network(path), None)
        except BadInputError as error:
            # The error names the file, which is not there for long.
            return str(BadInputError("network", error.key, error.value, error.allowed))
    return None
