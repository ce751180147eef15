"""What may differ between a simulated face and a real one, done to pictures while networks learn from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from training.mask_views import AREA, FIRST_CROP, VIEWS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_CROP_SHARE: Final = 0.3
"""Cuts around faces among what is learnt from; the others are whole frames."""
_GREY: Final = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_LARGEST_SHIFT_PX: Final = 2
_COARSE_SHARE: Final = 0.1
"""Of varied ones so many come from images of fewer pixels, as many are packed by JPEG, and half as many framed."""
_COARSE_PX: Final = (10, 26)
_JPEG_QUALITY: Final = (8, 50)
_FRAME_PX: Final = (1, 5)
_VARIED_SHARE: Final = 0.6
"""Pictures of a batch that are varied in light, colour and sharpness; the others are as the camera sees them."""


@dataclass(frozen=True)
class Augmentation:
    """How pictures are varied; a study turns parts of it off.

    Attributes:
        methods: Ways of scaling that whole frames are taken by, as indices of `METHODS`.
        is_varied: Whether they are mirrored, moved, and changed in light, colour, sharpness and noise.
        has_crops: Whether cuts around faces are among them.
    """

    methods: tuple[int, ...] = tuple(range(FIRST_CROP))
    is_varied: bool = True
    has_crops: bool = True

    def batch(self, views: NDArray[np.uint8], index: NDArray[np.intp], rng: np.random.Generator) -> Floats:
        """Return (M, 32, 32, 3) from 0 to 1 of the pictures at `index`, each in one of its views.

        Args:
            views: (N, VIEWS, 32, 32, 3) of all pictures.
            index: (M,) which of them.
            rng: What is drawn with.
        """
        which = rng.choice(self.methods, len(index))
        if self.has_crops:
            is_crop = rng.random(len(index)) < _CROP_SHARE
            which = np.where(is_crop, rng.integers(FIRST_CROP, VIEWS, len(index)), which)
        seen = views[index, which].astype(np.float32) / np.float32(255)
        return varied(seen, rng) if self.is_varied else seen


AS_SEEN: Final = Augmentation(methods=(AREA,), is_varied=False, has_crops=False)
"""As the firmware scales them, and nothing else."""


def varied(seen: Floats, rng: np.random.Generator) -> Floats:
    """Return pictures (M, 32, 32, 3) mirrored, moved, in other light and colours, less sharp, with more noise."""
    seen = _mirrored(seen, rng)
    seen = _moved(seen, rng)
    chosen = np.flatnonzero(rng.random(len(seen)) < _VARIED_SHARE)
    other = seen[chosen]
    for change in (_coarse, _coloured, _relit, _blurred, _hidden, _noisy, _packed, _framed):
        other = change(other, rng)
    seen[chosen] = other
    return seen


def _mirrored(seen: Floats, rng: np.random.Generator) -> Floats:
    flip = rng.random(len(seen)) < 0.5
    return np.where(flip[:, None, None, None], seen[:, :, ::-1], seen)


def _moved(seen: Floats, rng: np.random.Generator) -> Floats:
    """Move pictures by whole pixels, the rim going on where they end."""
    shift = rng.integers(-_LARGEST_SHIFT_PX, _LARGEST_SHIFT_PX + 1, (2, len(seen)))
    place = np.arange(seen.shape[1])
    rows, columns = (np.clip(place + one[:, None], 0, seen.shape[1] - 1) for one in shift)
    picture = np.arange(len(seen))[:, None, None]
    return seen[picture, rows[:, :, None], columns[:, None, :]]


def _coarse(seen: Floats, rng: np.random.Generator) -> Floats:
    """Take some pictures from images of fewer pixels than the network's."""
    for row in np.flatnonzero(rng.random(len(seen)) < _COARSE_SHARE):
        side = int(rng.integers(*_COARSE_PX))
        small = cv2.resize(seen[row], (side, side), interpolation=cv2.INTER_AREA)
        method = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)[int(rng.integers(3))]
        seen[row] = cv2.resize(small, seen.shape[1:3], interpolation=method)
    return seen


def _packed(seen: Floats, rng: np.random.Generator) -> Floats:
    """Pack some pictures as JPEG, which leaves blocks of 4 pixels: the image had twice as many."""
    for row in np.flatnonzero(rng.random(len(seen)) < _COARSE_SHARE):
        large = cv2.resize(seen[row] * np.float32(255), None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
        quality = int(rng.integers(*_JPEG_QUALITY))
        _, packed = cv2.imencode(".jpg", np.round(large).astype(np.uint8), (cv2.IMWRITE_JPEG_QUALITY, quality))
        back = cv2.imdecode(packed, cv2.IMREAD_COLOR)
        small = cv2.resize(back, seen.shape[1:3], interpolation=cv2.INTER_AREA)
        seen[row] = small.astype(np.float32) / np.float32(255)
    return seen


def _framed(seen: Floats, rng: np.random.Generator) -> Floats:
    """Put white, grey or black bars at two sides of some pictures, as images have that were made square."""
    for row in np.flatnonzero(rng.random(len(seen)) < _COARSE_SHARE / 2):
        level = np.round(rng.choice([0.0, 1.0, rng.random()]) * 255) / 255
        picture = seen[row] if rng.random() < 0.5 else seen[row].transpose(1, 0, 2)
        for bar in (picture[: int(rng.integers(*_FRAME_PX))], picture[-int(rng.integers(*_FRAME_PX)) :]):
            bar[:] = np.float32(level)
    return seen


def _coloured(seen: Floats, rng: np.random.Generator) -> Floats:
    """Change saturation, down to grey now and then, and the colour of the light."""
    grey = (seen @ _GREY)[..., None]
    saturation = _each(rng.uniform(0.4, 1.5, len(seen)))
    saturation = np.where(_each(rng.random(len(seen))) < 0.08, np.float32(0), saturation)
    cast = np.exp(rng.normal(0, 0.1, (len(seen), 1, 1, 3))).astype(np.float32)
    return (grey + (seen - grey) * saturation) * cast


def _relit(seen: Floats, rng: np.random.Generator) -> Floats:
    """Change brightness, contrast and gamma, and let light and its colour change from one side to the other."""
    number = len(seen)
    gamma, gain = _each(np.exp(rng.normal(0, 0.2, number))), _each(np.exp(rng.normal(0, 0.2, number)))
    contrast, lift = _each(rng.uniform(0.7, 1.3, number)), _each(rng.normal(0, 0.06, number))
    seen = np.clip(seen, 0, 1) ** gamma * gain
    middle = seen.mean(axis=(1, 2, 3), keepdims=True)
    slope = rng.normal(0, 0.15, (2, number, 1, 1, 1)) + rng.normal(0, 0.08, (2, number, 1, 1, 3))
    place = np.linspace(-1, 1, seen.shape[1])
    fall = (1 + slope[0] * place[:, None, None] + slope[1] * place[:, None]).astype(np.float32)
    return ((seen - middle) * contrast + middle + lift) * fall


def _blurred(seen: Floats, rng: np.random.Generator) -> Floats:
    """Blur some pictures by a little, sharpen others as cameras of telephones do."""
    smooth = seen.copy()
    for axis in (1, 2):
        smooth = (np.roll(smooth, 1, axis) + 2 * smooth + np.roll(smooth, -1, axis)) / np.float32(4)
    smooth[:, (0, -1)], smooth[:, :, (0, -1)] = seen[:, (0, -1)], seen[:, :, (0, -1)]
    strength = rng.uniform(-0.5, 1.0, len(seen)) * (rng.random(len(seen)) < 0.5)
    return seen + (smooth - seen) * _each(strength)


def _hidden(seen: Floats, rng: np.random.Generator) -> Floats:
    """Hide a small box of some pictures, in one colour; it never spans the lower half of a near face."""
    size, chance = seen.shape[1], 0.25
    low = rng.integers(0, size - 3, (2, len(seen)))
    high = low + rng.integers(2, 7, (2, len(seen)))
    place = np.arange(size)
    rows, columns = ((place >= a[:, None]) & (place < b[:, None]) for a, b in zip(low, high, strict=True))
    box = rows[:, :, None] & columns[:, None, :] & (rng.random(len(seen)) < chance)[:, None, None]
    colour = rng.random((len(seen), 1, 1, 3), dtype=np.float32)
    return np.where(box[..., None], colour, seen)


def _noisy(seen: Floats, rng: np.random.Generator) -> Floats:
    """Add noise: alike in all colours, and of each; then hold the values of 8 bits."""
    shape = seen.shape
    level = _each(rng.uniform(0, 0.05, shape[0]) * (rng.random(shape[0]) < 0.6))
    grain = rng.standard_normal((*shape[:3], 1), dtype=np.float32) + rng.standard_normal(shape, dtype=np.float32)
    return np.round(np.clip(seen + level * grain, 0, 1) * np.float32(255)) / np.float32(255)


def _each(values: NDArray[np.float64]) -> Floats:
    """Return a value for each picture, to be spread over its pixels."""
    return values.astype(np.float32)[:, None, None, None]
