"""Every family becomes a .tflite in five ways, which the firmware's compiler takes or refuses."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from training.architectures import FAMILIES, default_names, read_architecture
from training.mcu_support import refusal
from training.quantisation import DEFAULT_PRECISIONS, PRECISIONS, inference, quantised, read_precisions
from training.windows import Frames, Mixture, Pool, inputs

if TYPE_CHECKING:
    from training.architectures import Architecture
    from training.fitting import Course

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="needs TensorFlow, which only training does"
)
# TensorFlow's own deprecations are not ours.
quiet = pytest.mark.filterwarnings("ignore")

FRAMES = 160


def smallest(family: str) -> Architecture:
    return read_architecture(family, default_names(family)[0], 1 if family == "single_frame_cnn" else 3)


def course(architecture: Architecture) -> Course:
    """Return a course of a few steps on people of one warm pixel each."""
    from training.fitting import Course, Effort  # noqa: PLC0415

    rng = np.random.default_rng(5)
    count = np.arange(FRAMES) % 4
    above = rng.normal(0, 60, (FRAMES, 8, 8))
    for people in (1, 2, 3):
        above[count >= people, 2 * people, people] += 700
    frames = Frames(above.astype(np.int16), count, np.ones(FRAMES, bool), np.zeros(FRAMES, int), np.zeros(FRAMES, int))
    pool = Pool(frames, np.arange(FRAMES), None)
    effort = Effort(epochs=2, steps=50, batch=32)
    return Course(architecture, Mixture((pool,), (1.0,)), frames, np.arange(FRAMES), effort, 1)


def test_precisions_are_taken_once_and_in_order() -> None:
    assert read_precisions(["int8", "float32", "int8"]) == DEFAULT_PRECISIONS == ("float32", "int8")
    assert read_precisions(reversed(PRECISIONS)) == PRECISIONS
    with pytest.raises(BadInputError, match="--precisions 'int16'; did you mean 'int8'"):
        read_precisions(["float32", "int16"])


@needs_tensorflow
@quiet
@pytest.mark.parametrize("family", [one for one in FAMILIES if one != "majority_voting"])
def test_five_files_of_a_family_count_alike_and_the_firmware_runs_float32_and_int8(family: str) -> None:
    from training.fitting import counts, fit  # noqa: PLC0415

    learned = course(smallest(family))
    model = fit(learned)
    index = np.arange(FRAMES)
    exact = counts(model, learned.validation, index, learned.architecture)
    images = inputs(learned.validation, index, learned.architecture)
    contents = {precision: quantised(precision, model, learned) for precision in PRECISIONS}
    agreed = {name: np.mean(inference(name, content).counts(images) == exact) for name, content in contents.items()}
    assert agreed["float32"] == 1
    assert agreed["float16"] >= 0.98
    assert agreed["dynamic_range"] >= 0.95
    assert agreed["int8"] >= 0.9
    assert len(contents["int8"]) < len(contents["float32"])
    assert all(refusal(contents[precision]) is None for precision in ("float32", "int8", "int8_qat"))
    assert refusal(contents["float16"]) is not None


@needs_tensorflow
@quiet
@pytest.mark.parametrize("family", ["cnn_lstm", "cnn_tcn"])
def test_what_is_simulated_in_training_is_what_the_int8_file_computes(family: str) -> None:
    from training.fake_quant import SimulatedLayers, trained_ranges  # noqa: PLC0415
    from training.families import build  # noqa: PLC0415
    from training.fitting import be_repeatable, counts, fixed_batch, improve  # noqa: PLC0415
    from training.int8_network import convert_to_int8_with_ranges  # noqa: PLC0415

    learned = course(smallest(family))
    architecture, index = learned.architecture, np.arange(FRAMES)
    be_repeatable(1)
    simulated = improve(build(architecture, layers=SimulatedLayers()), learned)
    ranges = trained_ranges(simulated)
    plain = build(architecture)
    plain.set_weights([variable.numpy() for variable in simulated.trainable_variables])
    images = inputs(learned.validation, index, architecture)
    content = convert_to_int8_with_ranges(fixed_batch(plain, architecture), images[:1], ranges)
    network = inference("int8_qat", content)
    assert np.mean(network.counts(images) == counts(simulated, learned.validation, index, architecture)) >= 0.97
    # The trained ranges are the file's: 256 levels of them.
    assert network.scale == pytest.approx(12 / 255)
    assert network.zero_point == -43
    low, high = ranges.activations[-1]
    assert network._output["quantization"][0] == pytest.approx((high - low) / 255)


SCRIPT = """
import hashlib
from tests_of_quantisation import course, smallest
from training.fitting import fit
from training.quantisation import quantised
learned = course(smallest("cnn_lstm"))
model = fit(learned)
for precision in ("int8_qat", "int8"):
    print(precision, hashlib.sha256(quantised(precision, model, learned)).hexdigest())
"""


@needs_tensorflow
@quiet
def test_an_lstm_has_the_same_bytes_in_another_process_whatever_was_built_before(tmp_path: Path) -> None:
    from training.fitting import fit  # noqa: PLC0415

    learned = course(smallest("cnn_lstm"))
    model = fit(learned)
    quantised("dynamic_range", model, learned)
    here = [
        f"{precision} {hashlib.sha256(quantised(precision, model, learned)).hexdigest()}"  # type: ignore[arg-type]
        for precision in ("int8", "int8_qat")
    ]
    (tmp_path / "tests_of_quantisation.py").write_text(Path(__file__).read_text())
    folders = f"import sys; sys.path[:0] = [{str(Path(__file__).parents[2])!r}, {str(tmp_path)!r}]\n"
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", folders + SCRIPT], capture_output=True, text=True, check=True
    )
    assert sorted(found.stdout.split("\n"))[-2:] == here
