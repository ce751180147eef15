"""Labelled pictures for mask networks: simulated ones from many places, kept on disk, or a user's own from a folder.

A picture depends on the study's seed, its split, its place and its number there, and on nothing else.
"""

from __future__ import annotations

import functools
import hashlib
import json
import zipfile
from dataclasses import dataclass, replace
from importlib import resources
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from joblib import Parallel, delayed

from sensors.camera.camera_sheet import load_camera
from sensors.camera.image_folder import read_image_folder
from sensors.camera.image_sensor import rgb565, rgb888
from sensors.camera.look import COVERINGS
from sensors.camera.place import ZONE_M, draw_place, held_out_place, take_shot
from sensors.whole_file import whole_file
from training.code_version import imported_modules, source_of
from training.mask_views import VIEWS, views

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sensors.camera.camera_sheet import CameraSheet
    from sensors.camera.place import Place

CAMERA: Final = "ov7725"
SPLITS: Final = {"train": 0, "validation": 1, "test": 2, "far": 3}
"""Each has seeds of its own. "test" and "far" come from held-out places; "far" is beyond the decision zone."""
PER_PLACE: Final = 200
PLACES: Final = {"train": 130, "validation": 10, "test": 20, "far": 5}
FAR_M: Final = (ZONE_M[1], 1.1)
MASK: Final = COVERINGS.index("mask")
UNKNOWN: Final = -1
"""Covering of a picture without a mask from a folder, which says no more."""

_BADLY: Final = tuple(number for number in range(len(COVERINGS)) if number != MASK)
_SHARES: Final = {"train": 0.7, "validation": 0.1, "test": 0.2}
_MIDDLE_OF_FOLDER: Final = (99.5, 99.5, 80.0)
"""Images of folders are of faces already; their cuts leave out a rim at most."""


@dataclass(frozen=True)
class Pictures:
    """N labelled pictures as networks see them.

    Attributes:
        views: (N, VIEWS, 32, 32, 3) uint8, as `training.mask_views.views` gives them.
        covering: (N,) index into `COVERINGS`, or `UNKNOWN` for one without a mask that is not known closer.
        distance_m: (N,) of the face; nan where it is not known.
        place: (N,) number of the place.
    """

    views: NDArray[np.uint8]
    covering: NDArray[np.int8]
    distance_m: NDArray[np.float32]
    place: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.covering)

    @property
    def masked(self) -> NDArray[np.bool_]:
        """(N,) whether a mask is worn correctly."""
        return self.covering == MASK

    def some(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> Pictures:
        """Return those at these places."""
        return Pictures(self.views[index], self.covering[index], self.distance_m[index], self.place[index])

    @property
    def digest(self) -> str:
        """Of all of it."""
        found = hashlib.sha256()
        for array in (self.views, self.covering, self.distance_m, self.place):
            found.update(np.ascontiguousarray(array).data)
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
    return Pictures(
        *(
            np.concatenate([getattr(one, name) for one in parts])
            for name in ("views", "covering", "distance_m", "place")
        )
    )


def coverings(number: int) -> NDArray[np.int8]:
    """Return (number,) coverings: a correctly worn mask every second time, the others in turn between."""
    others = np.resize(np.array(_BADLY, dtype=np.int8), number)
    return np.where(np.arange(number) % 2 == 0, np.int8(MASK), np.repeat(others, 2)[:number])


def pictures_at(place: Place, number: int, rng: np.random.Generator, name: int = 0) -> Pictures:
    """Return so many pictures taken at a place."""
    camera = place.unit.camera()
    covering = coverings(number)
    shots = [take_shot(camera, place, rng, COVERINGS[one]) for one in covering]
    return Pictures(
        views=np.stack([views(rgb888(shot.frame), shot.face_px, rng) for shot in shots]),
        covering=covering,
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
    everything = Pictures(np.stack(seen), covering, nowhere, np.zeros(len(seen), dtype=np.int32))
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
    return pictures_at(_place(split, rng, load_camera(CAMERA)), PER_PLACE, rng, number)


def _place(split: str, rng: np.random.Generator, sheet: CameraSheet) -> Place:
    if split == "far":
        return replace(held_out_place(rng, sheet), nearest_m=FAR_M[0], farthest_m=FAR_M[1])
    return held_out_place(rng, sheet) if split == "test" else draw_place(rng, sheet)


def _read(path: Path) -> Pictures | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            found = Pictures(arrays["views"], arrays["covering"], arrays["distance_m"], arrays["place"])
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    return found if found.views.shape[:2] == (PER_PLACE, VIEWS) else None


def _key(split: str, number: int, seed: int) -> str:
    """Return a digest of everything that the pictures of a place are made of."""
    text = json.dumps([split, number, seed, PER_PLACE, _sources_digest()])
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
