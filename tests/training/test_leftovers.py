"""What nothing refers to is taken out of a .tflite; all else stays."""

from __future__ import annotations

from importlib import resources

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from training.int8_inference import Int8Inference
from training.leftovers import without_leftovers
from training.model_file import packed

CONTENT = resources.files("mcu_models.networks").joinpath("people_c8_p_fc.tflite").read_bytes()


def with_leftover(data: bytes) -> bytes:
    model = schema.ModelT.InitFromPackedBuf(CONTENT, 0)
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(data, np.uint8)
    model.buffers.append(buffer)
    return packed(model)


def test_a_file_without_leftovers_stays_as_it_is() -> None:
    assert without_leftovers(CONTENT) is CONTENT


def test_files_that_differ_in_leftovers_only_become_one_that_computes_the_same() -> None:
    one, other = (without_leftovers(with_leftover(data)) for data in (b"left over", b"something"))
    assert with_leftover(b"left over") != with_leftover(b"something")
    assert one == other
    assert b"left over" not in one
    codes = np.random.default_rng(4).integers(-128, 128, (20, 8, 8, 1)).astype(np.int8)
    expected = Int8Inference(CONTENT).counts_of_codes(codes)
    assert len(set(expected.tolist())) > 1
    np.testing.assert_array_equal(Int8Inference(one).counts_of_codes(codes), expected)
