"""Takes out of a .tflite what nothing in it refers to.

The converter leaves the start of an LSTM's states behind: bytes that it never set, so that the same network would
have another digest each time it is converted.
"""

from __future__ import annotations

from typing import Any

from ai_edge_litert import schema_py_generated as schema

from training.model_file import packed


def without_leftovers(content: bytes) -> bytes:
    """Return the file, each of its buffers that neither a tensor nor metadata refer to emptied; itself if none is."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    left = [buffer for number, buffer in enumerate(model.buffers) if number not in _used(model) and _is_full(buffer)]
    if not left:
        return content
    for buffer in left:
        buffer.data = None
    return packed(model)


def _used(model: Any) -> set[int]:
    tensors = {int(tensor.buffer) for graph in model.subgraphs for tensor in graph.tensors}
    return tensors | {int(one.buffer) for one in model.metadata or ()}


def _is_full(buffer: Any) -> bool:
    return buffer.data is not None and len(buffer.data) > 0
