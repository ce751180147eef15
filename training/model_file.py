"""A .tflite from the objects that it was read into."""

from __future__ import annotations

from typing import Any

import flatbuffers


def packed(model: Any) -> bytes:
    """Return the file of a `ModelT` of LiteRT's schema."""
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
