"""Labelled pictures for mask networks: simulated ones from many places, kept on disk, or a user's own from a folder.

A picture depends on the study's seed, its split, its place and its number there, and on nothing else.
"""

from __future__ import annotations

import functools
import hashlib
import json
import zipfile
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from joblib import Parallel, delayed

from sensors.camera.camera_sheet import load_camera
from sensors.camera.image_folder import read_image_folder
from sensors.camera.image_sensor import rgb565, rgb888
from sensors.camera.look import COVERINGS
from sensors.camera.place import SITUATIONS, draw_place, held_out_place, take_shot
from sensors.whole_file import whole_file
from training.code_version import imported_modules, source_of
from training.mask_views import VIEWS, views

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sensors.camera.camera_sheet import CameraSheet
    from sensors.camera.place import Place, Situation

CAMERA: Final = "ov7725"
SPLITS: Final = {"train": 0, "validation": 1, "test": 2, "stress": 3, "beyond": 4, "nobody": 5}
"""Each has seeds of its own. The last four come from held-out places: in the decision zone, there with cameras worse
than any trained with, a little beyond it, and pictures that nobody stands in."""
PER_PLACE: Final = 200
PLACES: Final = {"train": 400, "validation": 15, "test": 20, "stress": 20, "beyond": 5, "nobody": 6}
MASK: Final = COVERINGS.index("mask")
ZONE: Final = SITUATIONS.index("zone")
UNKNOWN: Final = -1
"""Covering and situation of a picture without a mask from a folder, which says no more."""

_SITUATIONS: Final[dict[str, dict[Situation, float]]] = {
    "train": {"zone": 0.6, "beyond": 0.22, "far": 0.08, "empty": 0.05, "away": 0.05},
    "beyond": {"beyond": 1.0},
    "nobody": {"far": 0.5, "empty": 0.25, "away": 0.25},
}
"""What is in a split's pictures; those of the others are all taken in the zone. Shares are chosen, not counted."""
_BADLY: Final = tuple(number for number in range(len(COVERINGS)) if number != MASK)
_HARD: Final = {"below_nose": 1.6, "scarf": 1.4, "in_hand": 0.7}
"""How much more often than others these are learnt from."""
_ARRAYS: Final = ("views", "masked", "covering", "situation", "distance_m", "place")
_SHARES: Final = {"train": 0.7, "validation": 0.1, "test": 0.2}
_MIDDLE_OF_FOLDER: Final = (99.5, 99.5, 80.0)
"""Images of folders are of faces already; their cuts leave out a rim at most."""


@dataclass(frozen=True)
class Pictures:
    """N labelled pictures as networks see them.

    Attributes:
        views: (N, VIEWS, 32, 32, 3) uint8, as `training.mask_views.views` gives them.
        masked: (N,) whether somebody stands before the door and wears a mask correctly: what is to be told.
        covering: (N,) index into `COVERINGS`, or `UNKNOWN` for one without a mask that is not known closer.
        situation: (N,) index into `SITUATIONS`, or `UNKNOWN`.
        distance_m: (N,) of the face; nan where it is not known.
        place: (N,) number of the place.
    """

    views: NDArray[np.uint8]
    masked: NDArray[np.bool_]
    covering: NDArray[np.int8]
    situation: NDArray[np.int8]
    distance_m: NDArray[np.float32]
    place: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.covering)

    def some(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> Pictures:
        """Return those at these places."""
        return Pictures(*(getattr(self, name)[index] for name in _ARRAYS))

    @property
    def digest(self) -> str:
        """Of all of it."""
        found = hashlib.sha256()
        for name in _ARRAYS:
            found.update(np.ascontiguousarray(getattr(self, name)).data)
        return found.hexdigest()


def simulated_pictures(split: str, places: int, *, seed: int, cache: Path | None, jobs: int) -> Pictures:
    """Return the pictures of the first `places` places of a split, read from `cache` where they are already.

    Args:
        split: A key of `SPLITS`.
        places: How many, of `PER_PLACE` pictures each.
        seed: Of the whole study.
        cache: A folder; None keeps nothing.
        jobs: Processes.
    """
    wanted = [(split, number, seed) for number in range(places)]
    return joined(Parallel(n_jobs=jobs)(delayed(_kept)(*one, cache) for one in wanted))


def joined(parts: Sequence[Pictures]) -> Pictures:
    """Return all of them as one."""
    return Pictures(*(np.concatenate([getattr(one, name) for one in parts]) for name in _ARRAYS))


def coverings(number: int) -> NDArray[np.int8]:
    """Return (number,) coverings: a correctly worn mask every second time, the others in turn between."""
    others = np.resize(np.array(_BADLY, dtype=np.int8), number)
    return np.where(np.arange(number) % 2 == 0, np.int8(MASK), np.repeat(others, 2)[:number])


def harder_coverings(number: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """Return (number,) coverings to learn from: half correctly worn masks, and more of what is hard to tell."""
    weight = np.array([_HARD.get(COVERINGS[one], 1.0) for one in _BADLY])
    others = rng.choice(_BADLY, number, p=weight / weight.sum()).astype(np.int8)
    return np.where(np.arange(number) % 2 == 0, np.int8(MASK), others)


def pictures_at(place: Place, split: str, number: int, rng: np.random.Generator, name: int = 0) -> Pictures:
    """Return so many pictures taken at a place, of what a split shows."""
    camera = place.unit.camera()
    wanted = harder_coverings(number, rng) if split == "train" else coverings(number)
    shares = _SITUATIONS.get(split, {"zone": 1.0})
    situations = rng.choice([SITUATIONS.index(one) for one in shares], number, p=list(shares.values()))
    pairs = zip(wanted, situations, strict=True)
    shots = [take_shot(camera, place, rng, COVERINGS[one], SITUATIONS[there]) for one, there in pairs]
    return Pictures(
        views=np.stack([views(rgb888(shot.frame), shot.face_px, rng) for shot in shots]),
        masked=np.array([shot.is_masked for shot in shots]),
        covering=np.array([COVERINGS.index(shot.covering) for shot in shots], dtype=np.int8),
        situation=situations.astype(np.int8),
        distance_m=np.array([shot.distance_m for shot in shots], dtype=np.float32),
        place=np.full(number, name, dtype=np.int32),
    )


def folder_pictures(folder: Path, *, seed: int) -> dict[str, Pictures]:
    """Return a user's images as splits for training, validation and test, each with both classes.

    Raises:
        BadInputError: The folder cannot be used, as `read_image_folder` says it.
    """
    found = read_image_folder(folder, fewest=10)
    rng = np.random.default_rng(seed)
    # They pass through the camera's 16 bits, as everything does that the firmware sees.
    seen = [views(rgb888(rgb565(image)), _MIDDLE_OF_FOLDER, rng) for image in found.images]
    covering = np.where(found.masked, np.int8(MASK), np.int8(UNKNOWN))
    nowhere = np.full(len(seen), np.nan, dtype=np.float32)
    unknown, one_place = np.full(len(seen), UNKNOWN, dtype=np.int8), np.zeros(len(seen), dtype=np.int32)
    everything = Pictures(np.stack(seen), found.masked, covering, unknown, nowhere, one_place)
    return {name: everything.some(index) for name, index in _split(found.masked, rng).items()}


def _split(masked: NDArray[np.bool_], rng: np.random.Generator) -> dict[str, NDArray[np.intp]]:
    """Return what goes where, class by class."""
    found: dict[str, list[NDArray[np.intp]]] = {name: [] for name in _SHARES}
    ends = np.cumsum(list(_SHARES.values()))[:-1]
    for label in (True, False):
        index = rng.permutation(np.flatnonzero(masked == label))
        parts = np.split(index, np.round(ends * len(index)).astype(np.intp))
        for name, part in zip(_SHARES, parts, strict=True):
            found[name].append(part)
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _kept(split: str, number: int, seed: int, cache: Path | None) -> Pictures:
    if cache is None:
        return _made(split, number, seed)
    path = cache / f"masks-{split}-{number}-{_key(split, number, seed)}.npz"
    pictures = _read(path)
    if pictures is None:
        pictures = _made(split, number, seed)
        with whole_file(path) as file:
            np.savez(file, **vars(pictures))
    return pictures


def _made(split: str, number: int, seed: int) -> Pictures:
    cv2.setNumThreads(1)
    rng = np.random.default_rng(np.random.SeedSequence((seed, SPLITS[split], number)))
    return pictures_at(_place(split, rng, load_camera(CAMERA)), split, PER_PLACE, rng, number)


def _place(split: str, rng: np.random.Generator, sheet: CameraSheet) -> Place:
    if split in ("train", "validation"):
        return draw_place(rng, sheet)
    return held_out_place(rng, sheet, is_worst=split == "stress")


def _read(path: Path) -> Pictures | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            found = Pictures(*(arrays[name] for name in _ARRAYS))
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    return found if found.views.shape[:2] == (PER_PLACE, VIEWS) else None


def _key(split: str, number: int, seed: int) -> str:
    """Return a digest of everything that the pictures of a place are made of."""
    shares = [_SITUATIONS.get(split), _HARD if split == "train" else None]
    text = json.dumps([split, number, seed, PER_PLACE, shares, _sources_digest()])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@functools.cache
def _sources_digest() -> str:
    """Return the digest of the sources that pictures are drawn by, and of the releases that they compute with."""
    digest = hashlib.sha256(f"{cv2.__version__} {np.__version__}".encode())
    modules = imported_modules("sensors.camera.place", within="sensors.camera.")
    for name in sorted({*modules, "training.mask_views"}):
        digest.update(f"{name} {source_of(name)}\n".encode())
    sheet = resources.files("sensors.camera.parts").joinpath(f"{CAMERA}.toml")
    digest.update(sheet.read_bytes())
    return digest.hexdigest()
