"""Whether a network runs on a microcontroller is what the firmware's compiler says."""

from __future__ import annotations

from importlib import resources

from training.mcu_support import refusal

CONTENT = resources.files("mcu_models.networks").joinpath("people_c8_p_fc.tflite").read_bytes()


def test_a_network_of_the_library_is_compiled() -> None:
    assert refusal(CONTENT) is None


def test_a_refusal_is_one_line_that_names_no_file_of_a_moment() -> None:
    said = refusal(CONTENT[:4] + b"TFL9" + CONTENT[8:])
    assert said is not None
    assert said.startswith("network: identifier is b'TFL9'; expected a .tflite file")
    assert "\n" not in said
    assert "/" not in said
