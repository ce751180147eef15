"""Pictures that mask networks learn from: how they are scaled, labelled, kept and varied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from datasheet.bad_input import BadInputError
from sensors.camera.look import COVERINGS
from sensors.camera.place import SITUATIONS, ZONE_M
from training import mask_augmentation, mask_data
from training.mask_augmentation import AS_SEEN, Augmentation, varied
from training.mask_data import (
    MASK,
    PLACES,
    SPLITS,
    UNKNOWN,
    ZONE,
    Pictures,
    coverings,
    folder_pictures,
    harder_coverings,
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
    seen = np.random.default_rng(1).integers(0, 256, (number, VIEWS, 32, 32, 3), dtype=np.uint8)
    covering, situation = coverings(number), np.full(number, ZONE, np.int8)
    near, place = np.full(number, 0.5, np.float32), np.zeros(number, np.int32)
    return Pictures(seen, covering == MASK, covering, situation, near, place)


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


def test_hard_ones_are_learnt_from_more_often() -> None:
    found = harder_coverings(6000, np.random.default_rng(0))
    number = {name: int((found == index).sum()) for index, name in enumerate(COVERINGS)}
    assert number["mask"] == 3000
    assert number["below_nose"] > number["scarf"] > number["none"] > number["in_hand"] > 250


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
    """Only those asked about can be told to wear a mask, whatever the others wear."""
    assert set(SPLITS) == set(PLACES)
    found = {split: simulated_pictures(split, 1, seed=1, cache=None, jobs=1) for split in SPLITS}
    for split in ("test", "stress"):
        assert set(found[split].situation) == {ZONE}
        assert ZONE_M[0] <= found[split].distance_m.min() <= found[split].distance_m.max() <= ZONE_M[1]
    assert 0.5 <= found["beyond"].distance_m.min() <= found["beyond"].distance_m.max() <= 0.8
    assert np.array_equal(found["beyond"].masked, found["beyond"].covering == MASK)
    assert not found["nobody"].masked.any()
    assert {SITUATIONS[one] for one in found["nobody"].situation} <= {"far", "empty", "away"}


def test_what_is_learnt_from_has_everybody_and_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mask_data, "PER_PLACE", 60)
    found = simulated_pictures("train", 1, seed=2, cache=None, jobs=1)
    assert set(found.situation) == set(range(len(SITUATIONS)))
    asked = np.isin(found.situation, [ZONE, SITUATIONS.index("beyond")])
    assert np.array_equal(found.masked, asked & (found.covering == MASK))
    empty = found.situation == SITUATIONS.index("empty")
    assert np.array_equal(np.isnan(found.distance_m), empty)


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


@pytest.mark.parametrize(("change", "share"), [("_coarse", 0.1), ("_packed", 0.1), ("_framed", 0.05)])
def test_some_are_as_photographs_of_folders_are(change: str, share: float) -> None:
    """From fewer pixels, packed by JPEG, or with bars at two sides: about as many as said, the others stay."""
    seen = np.repeat(of_noise(40).views[:, AREA], 20, axis=0).astype(np.float32) / np.float32(255)
    found = getattr(mask_augmentation, change)(seen.copy(), np.random.default_rng(5))
    changed = np.any(found != seen, axis=(1, 2, 3))
    assert (found.dtype, found.shape) == (np.float32, seen.shape)
    assert 0.6 * share < changed.mean() < 1.5 * share


def test_bars_are_of_one_level() -> None:
    seen = of_noise(200).views[:, AREA].astype(np.float32) / np.float32(255)
    found = mask_augmentation._framed(seen.copy(), np.random.default_rng(5))
    for picture in found[np.any(found != seen, axis=(1, 2, 3))]:
        upright = picture if np.ptp(picture[0]) == 0 else picture.transpose(1, 0, 2)
        assert np.ptp(np.concatenate([upright[:1], upright[-1:]])) == 0
        assert np.ptp(upright[5:-5]) > 0.5


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
    assert np.array_equal(found["train"].masked, found["train"].covering == MASK)
    whole = np.concatenate([one.views[:, AREA] for one in found.values()])
    assert len(np.unique(whole.reshape(50, -1), axis=0)) == 50


def test_a_folder_of_few_images_is_refused(tmp_path: Path) -> None:
    for name in ("with_mask", "without_mask"):
        (tmp_path / name).mkdir()
    with pytest.raises(BadInputError, match="at least 10 are needed"):
        folder_pictures(tmp_path, seed=1)
