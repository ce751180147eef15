"""Mask networks: their sizes, how they become int8, and that the firmware's compiler takes them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="needs TensorFlow: pip install -e .[train]")

from mcu_models.networks.library import find_network, read_library
from training import mask_door, mask_study
from training.mask_augmentation import Augmentation
from training.mask_conversion import converted
from training.mask_data import MASK, ZONE, Pictures, coverings
from training.mask_fitting import MaskCourse, MaskEffort, fit_mask, representative_pictures, scores
from training.mask_judging import arriving, int8_probability, judged_masks
from training.mask_networks import CNN_PARAMETERS, NETWORKS, build_mask_network, fold
from training.mask_report import PUBLISHED_BYTES
from training.mask_views import AREA, VIEWS
from training.mcu_support import refusal

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

quiet = pytest.mark.filterwarnings("ignore")
"""The converter warns of its own ways."""

QUICK = MaskEffort(epochs=3, batch=32)


def bright_or_dark(number: int, seed: int) -> Pictures:
    """Return pictures that any network can tell: those of masks are bright below."""
    rng = np.random.default_rng(seed)
    covering = coverings(number)
    seen = rng.integers(40, 90, (number, VIEWS, 32, 32, 3))
    seen[covering == MASK, :, 16:] += 120
    near, situation = np.full(number, 0.45, np.float32), np.full(number, ZONE, np.int8)
    return Pictures(seen.astype(np.uint8), covering == MASK, covering, situation, near, np.zeros(number, np.int32))


@pytest.fixture(scope="module")
def data() -> dict[str, Pictures]:
    return {name: bright_or_dark(128, seed) for seed, name in enumerate(("train", "validation", "test"))}


def test_the_cnn_has_the_published_parameters() -> None:
    model = build_mask_network("mask_cnn")
    assert model.count_params() == CNN_PARAMETERS == 128_193
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds.count("Dropout") == 5
    assert model.output_shape == (None, 1)


def test_the_modified_squeezenet_has_two_fire_modules_less() -> None:
    fires = [
        sum(type(layer).__name__ == "Concatenate" for layer in build_mask_network(name).layers) for name in NETWORKS[1:]
    ]
    assert fires == [8, 6]


@quiet
def test_files_have_the_published_sizes_and_the_compiler_takes_them() -> None:
    """The CNN within 1 % of 141,760 bytes, SqueezeNet near 780 KB; int8 in and out, an input's code its level - 128."""
    rng = np.random.default_rng(0)
    ends = np.stack([np.zeros((32, 32, 3)), np.ones((32, 32, 3))])
    pictures = np.concatenate([ends, rng.random((6, 32, 32, 3))]).astype(np.float32)
    files = {name: converted(build_mask_network(name), pictures) for name in NETWORKS}
    assert abs(len(files["mask_cnn"]) / PUBLISHED_BYTES - 1) < 0.01
    assert abs(len(files["squeezenet"]) / (780 * 1024) - 1) < 0.03
    assert len(files["squeezenet_modified"]) < len(files["squeezenet"]) / 2
    assert [refusal(content) for content in files.values()] == [None] * 3


@quiet
def test_a_network_learns_the_same_bytes_from_the_same_seed(data: dict[str, Pictures]) -> None:
    """What can be told is told, by float32 and int8 alike; another seed gives another network."""
    course = MaskCourse(effort=QUICK, augmentation=Augmentation(is_varied=False))
    files = []
    for seed in (1, 1, 2):
        own = MaskCourse(effort=QUICK, augmentation=course.augmentation, seed=seed)
        model = fit_mask(own, data["train"], data["validation"])
        files.append(converted(model, representative_pictures(own, data["train"])))
    assert files[0] == files[1] != files[2]
    seen = data["test"].views[:, AREA]
    real, coded = scores(model, seen), int8_probability(files[2], seen)
    assert judged_masks(real, data["test"])["accuracy"] > 0.95
    assert np.abs(real - coded).max() < 0.1


def test_judging_counts_who_is_let_in_and_who_is_refused() -> None:
    """Coverings go mask, none, mask, below_nose, mask, on_chin, mask, in_hand."""
    pictures = bright_or_dark(8, 0)
    found = judged_masks(np.array([0.9, 0.5, 0.1, 0.2, 0.9, 0.3, 0.5, 0.0]), pictures)
    assert found["confusion"] == [[3, 1], [1, 3]]
    assert (found["let_in"], found["refused"], found["accuracy"]) == (0.25, 0.25, 0.75)
    assert found["by_covering"] == {"none": 0.0, "mask": 0.75, "below_nose": 1.0, "on_chin": 1.0, "in_hand": 1.0}
    assert found["by_distance"] == {"0.45 to 0.5 m": 0.75}
    assert found["by_situation"] == {"zone": 0.5}
    assert found["arrivals"] == {}


def test_arrivals_weigh_what_people_wear() -> None:
    """Each share counts as often as it comes to the door: of 0.38 without a mask, 0.02 are scarves, told wrong."""
    shares = dict.fromkeys(("none", "mask", "below_nose", "on_chin", "in_hand", "scarf", "hand"), 1.0)
    assert arriving(shares) == pytest.approx({"accuracy": 1.0, "let_in": 0.0})
    assert arriving({**shares, "scarf": 0.0}) == pytest.approx({"accuracy": 0.98, "let_in": 0.02 / 0.38})
    assert arriving({"mask": 1.0}) == {}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_folded_network_computes_what_the_normed_one_does(name: str) -> None:
    """With factors, shifts, means and variances that are all another for each channel."""
    rng = np.random.default_rng(3)
    normed = build_mask_network(name, normed=True)
    for layer in normed.layers:
        if layer.name.endswith("_normed"):
            layer.set_weights([rng.uniform(0.6, 1.4, weight.shape) for weight in layer.get_weights()])
    plain = build_mask_network(name)
    fold(normed, plain)
    pictures = rng.random((4, 32, 32, 3)).astype(np.float32)
    assert plain.count_params() < normed.count_params()
    assert np.ptp(normed.predict_on_batch(pictures)) > 0
    assert plain.predict_on_batch(pictures) == pytest.approx(normed.predict_on_batch(pictures), rel=1e-3)


@pytest.mark.parametrize("order", [np.arange(128), np.argsort(bright_or_dark(128, 0).covering)])
def test_short_comparisons_learn_from_both_classes(data: dict[str, Pictures], order: NDArray[np.intp]) -> None:
    """Half of the pictures hold masks and none about as often as all do, in whatever order they lie."""
    part = mask_study._part(data["train"].some(order), 1)
    assert len(part) == 64
    assert 0.35 < part.masked.mean() < 0.65


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch, data: dict[str, Pictures]) -> None:
    monkeypatch.setattr(mask_door, "simulated_pictures", lambda split, *_, **__: data.get(split, data["test"]))


@quiet
@pytest.mark.usefixtures("simulated")
def test_the_entry_point_writes_tables_and_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    some = ("dropout off", "all, lanczos4 alone", "no batch normalisation")
    every = mask_study.short_settings
    monkeypatch.setattr(mask_door, "short_settings", lambda course: [one for one in every(course) if one.name in some])
    words = ["--data", "simulated", "--out", str(tmp_path), "--networks", "mask_cnn", "--epochs", "2", "--jobs", "1"]
    mask_door.main(words)
    report = (tmp_path / "report.md").read_text()
    studies = [f"## Study of {name}" for name in mask_study.SHORT_STUDIES]
    for text in ("## Size", "## Accuracy", "Confusion, int8", *studies, *some):
        assert text in report
    assert report in capsys.readouterr().out
    monkeypatch.setattr("training.mask_fitting.fit_mask", lambda *_: pytest.fail("trained again"))
    mask_door.main(words)
    assert (tmp_path / "report.md").read_text() == report


@quiet
def test_a_folder_is_learnt_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: dict[str, Pictures]) -> None:
    monkeypatch.setattr(mask_door, "folder_pictures", lambda *_, **__: data)
    words = ["--data", str(tmp_path), "--out", str(tmp_path / "out"), "--networks", "mask_cnn", "--epochs", "2"]
    mask_door.main([*words, "--no-studies", "--jobs", "1"])
    (found,) = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert found["test"]["int8"]["pictures"] == 128
    assert "stress" not in found


@pytest.mark.parametrize(
    "words",
    [
        ["--data", "no_such_folder"],
        ["--data", "no_such_folder", "--write"],
        ["--data", "simulated", "--write", "--networks", "squeezenet"],
    ],
)
def test_bad_input_is_one_line(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        mask_door.main([*words, "--out", str(tmp_path)])
    assert capsys.readouterr().err.count("\n") == 1


def test_a_written_network_joins_those_that_are_there(tmp_path: Path) -> None:
    """Its row is added, or replaced; the other rows and the head stay."""
    content = b"a network"
    (tmp_path / "cnn.tflite").write_bytes(content)
    (tmp_path / "other.tflite").write_bytes(b"other")
    other = f'name = "other"\nfile = "other.tflite"\nsha256 = "{hashlib.sha256(b"other").hexdigest()}"\n'
    (tmp_path / "manifest.toml").write_text(f'# Head.\n\n[[network]]\n{other}frontend = "raw"\n')
    digest = hashlib.sha256(content).hexdigest()
    score = {"accuracy": 0.5, "pictures": 4}
    result: dict[str, Any] = {
        "seed": 1, "parameters": 3, "files": {"int8": {"file": "cnn.tflite", "sha256": digest}},
        "test": {"int8": score, "float32": score}, "pictures": {"train": 400},
    }  # fmt: skip
    for _ in range(2):
        mask_door.write_member(result, tmp_path, tmp_path)
        entries = read_library(tmp_path)
        assert list(entries) == ["other", "mask_cnn"]
        assert entries["mask_cnn"].is_for_images
        assert not entries["other"].is_for_images
        assert (tmp_path / "manifest.toml").read_text().startswith("# Head.\n\n[[network]]")


def test_the_mask_network_of_the_twin_is_what_its_row_says() -> None:
    row = find_network("mask_cnn").row
    size = len(find_network("mask_cnn").path.read_bytes())
    assert row["parameters"] == CNN_PARAMETERS
    assert abs(size / PUBLISHED_BYTES - 1) < 0.01
    assert abs(row["accuracy"] - row["accuracy_float32"]) <= 0.003
