"""Pictures that mask networks learn from: how they are scaled, labelled, kept and varied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from sensors.camera.look import COVERINGS
from training import mask_data
from training.mask_augmentation import AS_SEEN, Augmentation, varied
from training.mask_data import (
    MASK,
    PLACES,
    SPLITS,
    UNKNOWN,
    Pictures,
    coverings,
    folder_pictures,
    simulated_pictures,
)
from training.mask_views import AREA, CROPS, FIRST_CROP, METHODS, VIEWS, cut, scaled, views

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.fixture
def image() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mask_data, "PER_PLACE", 4)


def of_noise(number: int) -> Pictures:
    rng = np.random.default_rng(1)
    return Pictures(
        rng.integers(0, 256, (number, VIEWS, 32, 32, 3), dtype=np.uint8),
        coverings(number),
        np.full(number, 0.5, np.float32),
        np.zeros(number, np.int32),
    )


def test_the_five_ways_are_opencv_s(image: NDArray[np.uint8]) -> None:
    """Each of the first five views is what OpenCV makes of the whole frame; the first cut is another picture."""
    found = views(image, (99.5, 99.5, 60.0), np.random.default_rng(0))
    assert found.shape == (VIEWS, 32, 32, 3)
    assert len(METHODS) == FIRST_CROP == VIEWS - CROPS == 5
    for number, method in enumerate(METHODS.values()):
        assert np.array_equal(found[number], cv2.resize(image, (32, 32), interpolation=method))
    assert len({one.tobytes() for one in found}) == VIEWS
    assert np.array_equal(scaled(image), found[AREA])


@pytest.mark.parametrize(
    "face_px", [(0.0, 0.0, 50.0), (199.0, 199.0, 3.0), (-80.0, 300.0, 20.0), (100.0, 100.0, 900.0)]
)
def test_a_cut_lies_in_the_image(image: NDArray[np.uint8], face_px: tuple[float, float, float]) -> None:
    for seed in range(30):
        rows, columns, colours = cut(image, face_px, np.random.default_rng(seed)).shape
        assert 8 <= rows <= 200
        assert 8 <= columns <= 200
        assert colours == 3


def test_half_wear_a_mask_and_the_others_are_alike_in_number() -> None:
    found = coverings(120)
    assert (found == MASK).sum() == 60
    assert [int((found == number).sum()) for number in range(len(COVERINGS)) if number != MASK] == [10] * 6


@pytest.mark.usefixtures("few")
def test_pictures_follow_from_their_seed_and_are_kept(tmp_path: Path) -> None:
    """The same from the disk and made anew, damaged files too; other splits and seeds are other pictures."""
    first = simulated_pictures("validation", 1, seed=3, cache=tmp_path, jobs=1)
    (file,) = tmp_path.iterdir()
    again = simulated_pictures("validation", 1, seed=3, cache=tmp_path, jobs=1)
    file.write_bytes(file.read_bytes()[:1000])
    mended = simulated_pictures("validation", 1, seed=3, cache=tmp_path, jobs=1)
    assert first.digest == again.digest == mended.digest
    assert len(list(tmp_path.iterdir())) == 1
    others = [("test", 3), ("train", 3), ("validation", 4)]
    assert first.digest not in {
        simulated_pictures(split, 1, seed=seed, cache=None, jobs=1).digest for split, seed in others
    }


@pytest.mark.usefixtures("few")
def test_splits_come_from_their_places_and_distances() -> None:
    assert set(SPLITS) == set(PLACES)
    near, far = (simulated_pictures(split, 1, seed=1, cache=None, jobs=1).distance_m for split in ("test", "far"))
    assert near.max() <= 0.6 <= far.min()


def test_as_seen_is_what_the_firmware_sees() -> None:
    pictures = of_noise(6)
    found = AS_SEEN.batch(pictures.views, np.array([4, 2]), np.random.default_rng(0))
    assert np.array_equal(np.round(found * 255), pictures.views[[4, 2], AREA])


@pytest.mark.parametrize("method", range(FIRST_CROP))
def test_one_way_of_scaling_is_taken_alone(method: int) -> None:
    pictures = of_noise(8)
    alone = Augmentation(methods=(method,), is_varied=False, has_crops=False)
    found = alone.batch(pictures.views, np.arange(8), np.random.default_rng(0))
    assert np.array_equal(np.round(found * 255), pictures.views[:, method])


def test_every_view_is_met() -> None:
    pictures = of_noise(1)
    found = Augmentation(is_varied=False).batch(pictures.views, np.zeros(400, np.intp), np.random.default_rng(0))
    assert len(np.unique(found.reshape(400, -1), axis=0)) == VIEWS


def test_varied_pictures_are_pictures_of_eight_bits() -> None:
    """From 0 to 1 in steps of 1/255, each picture another, most of them not as they were."""
    seen = of_noise(60).views[:, AREA].astype(np.float32) / np.float32(255)
    found = varied(seen.copy(), np.random.default_rng(2))
    assert (found.dtype, found.shape) == (np.float32, seen.shape)
    assert 0 <= found.min() <= found.max() <= 1
    assert np.abs(found * 255 - np.round(found * 255)).max() < 1e-3
    assert np.mean(np.any(found != seen, axis=(1, 2, 3))) > 0.9
    assert np.array_equal(found, varied(seen.copy(), np.random.default_rng(2)))


def test_a_folder_is_split_class_by_class(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, number in (("with_mask", 20), ("without_mask", 30)):
        (tmp_path / name).mkdir()
        for index in range(number):
            picture = rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)
            (tmp_path / name / f"{index} å.png").write_bytes(bytes(cv2.imencode(".png", picture)[1]))
    found = folder_pictures(tmp_path, seed=1)
    assert {name: (int(one.masked.sum()), len(one)) for name, one in found.items()} == {
        "train": (14, 35), "validation": (2, 5), "test": (4, 10),
    }  # fmt: skip
    assert set(found["train"].covering) == {MASK, UNKNOWN}
    whole = np.concatenate([one.views[:, AREA] for one in found.values()])
    assert len(np.unique(whole.reshape(50, -1), axis=0)) == 50


def test_a_folder_of_few_images_is_refused(tmp_path: Path) -> None:
    for name in ("with_mask", "without_mask"):
        (tmp_path / name).mkdir()
    with pytest.raises(BadInputError, match="at least 10 are needed"):
        folder_pictures(tmp_path, seed=1)
