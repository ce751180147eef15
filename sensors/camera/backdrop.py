"""What stands behind a person at a door: a wall, a street, a corridor, shelves, trees, a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import cv2
import numpy as np

from sensors.camera.canvas import levels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sensors.camera.canvas import Canvas
    from sensors.camera.light import Light

    Floats = NDArray[np.float64]

BackdropKind = Literal[
    "wall", "gradient", "clutter", "blocks", "foliage", "corridor", "doorway", "street_lights", "tiles", "blinds"
]
DOOR_BACKDROPS: Final[tuple[BackdropKind, ...]] = (
    "wall",
    "gradient",
    "clutter",
    "blocks",
    "foliage",
    "corridor",
    "doorway",
    "street_lights",
)
"""What is met at doors, each as often."""
_COARSE = (3, 6, 12, 25)
"""Sizes of the blots that clutter is made of, in cells across the picture."""


def draw_backdrop(
    rng: np.random.Generator, rows: int, columns: int, kinds: Sequence[BackdropKind] = DOOR_BACKDROPS
) -> NDArray[np.float32]:
    """Return the reflectance (rows, columns, 3) of some background of these kinds, out of focus by some amount."""
    kind = rng.choice(list(kinds))
    base = np.exp(rng.uniform(np.log(0.03), np.log(0.7))) * rng.uniform(0.6, 1.4, 3)
    picture = np.broadcast_to(base, (rows, columns, 3)).astype(np.float32).copy()
    if kind in ("gradient", "wall"):
        picture *= _ramp(rng, rows, columns, 0.6 if kind == "gradient" else 0.2)
    if kind in ("clutter", "foliage"):
        picture *= _clutter(rng, rows, columns, base if kind == "foliage" else None)
    if kind in ("blocks", "corridor"):
        _blocks(rng, picture)
    if kind == "doorway":
        _doorway(rng, picture)
    if kind == "street_lights":
        _discs(rng, picture)
    if kind in ("tiles", "blinds"):
        picture *= _repeated(rng, rows, columns, is_tiled=kind == "tiles")
    blur_px = float(rng.uniform(0.3, 6.0))
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), blur_px), dtype=np.float32)


def strew_things(rng: np.random.Generator, picture: NDArray[np.float32]) -> None:
    """Put some things of even colour before a background: boxes, bags, posters, of a mask's or a face's colour too."""
    rows, columns = picture.shape[:2]
    for _ in range(int(rng.integers(1, 6))):
        colour = np.exp(rng.uniform(np.log(0.03), np.log(0.8))) * rng.uniform(0.6, 1.4, 3)
        middle, size = rng.uniform(0, 1, 2) * (columns, rows), rng.uniform(0.05, 0.35, 2) * (columns, rows)
        turn, corners = rng.uniform(0, 2 * np.pi), int(rng.integers(3, 12))
        angle = turn + np.linspace(0, 2 * np.pi, corners, endpoint=False)
        outline = middle + size * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        cv2.fillConvexPoly(picture, np.round(outline).astype(np.int32), colour.tolist(), cv2.LINE_AA)


def paint_backdrop(canvas: Canvas, picture: NDArray[np.float32], light: Light, shift_px: tuple[float, float]) -> None:
    """Paint a background, moved by so many pixels as the camera or the scene shakes."""
    moved = np.array([[1, 0, shift_px[0]], [0, 1, shift_px[1]]], dtype=np.float64)
    size = (canvas.columns, canvas.rows)
    shifted = cv2.warpAffine(picture, moved, size, borderMode=cv2.BORDER_REFLECT)
    bright = 0.6 * light.backdrop_gain * (light.above_rgb + light.key_rgb) / 2 + 0.25 * light.backdrop_gain
    canvas.pixels[:] = levels(shifted * bright).astype(np.uint16)


def _ramp(rng: np.random.Generator, rows: int, columns: int, depth: float) -> Floats:
    down, across = np.linspace(-1, 1, rows)[:, np.newaxis], np.linspace(-1, 1, columns)[np.newaxis, :]
    turn = rng.uniform(0, 2 * np.pi)
    return np.asarray((1 + depth * (np.cos(turn) * across + np.sin(turn) * down) / 1.5)[..., np.newaxis])


def _clutter(rng: np.random.Generator, rows: int, columns: int, tint: Floats | None) -> Floats:
    total = np.zeros((rows, columns, 3), dtype=np.float32)
    for cells in _COARSE:
        shape = (cells, cells, 1) if tint is not None else (cells, cells, 3)
        blots = np.broadcast_to(rng.standard_normal(shape), (cells, cells, 3)).astype(np.float32)
        total += cv2.resize(blots, (columns, rows), interpolation=cv2.INTER_CUBIC) * float(rng.uniform(0.1, 0.5))
    return np.asarray(np.exp(np.clip(total, -2.5, 2.0)))


def _repeated(rng: np.random.Generator, rows: int, columns: int, *, is_tiled: bool) -> NDArray[np.float32]:
    """Return a pattern that repeats itself: tiles with joints, or the slats of a blind."""
    period_px, turn = rng.uniform(10.0, 50.0), rng.uniform(-0.3, 0.3)
    y, x = np.indices((rows, columns), dtype=np.float64)
    down, across = x * np.sin(turn) + y * np.cos(turn), x * np.cos(turn) - y * np.sin(turn)
    joint = (down % period_px) < rng.uniform(0.08, 0.5) * period_px
    if is_tiled:
        joint |= (across % (period_px * rng.uniform(0.7, 2.0))) < 0.1 * period_px
    depth = np.exp(rng.uniform(-1.5, 1.2))
    return np.where(joint, depth, 1.0).astype(np.float32)[..., np.newaxis]


def _doorway(rng: np.random.Generator, picture: NDArray[np.float32]) -> None:
    """Open a door behind the person: an upright box, brighter or darker than the wall, with a frame."""
    rows, columns = picture.shape[:2]
    left, top = rng.uniform(-0.2, 0.7) * columns, rng.uniform(-0.3, 0.4) * rows
    right, wide_px = left + rng.uniform(0.25, 0.7) * columns, int(rng.integers(2, 10))
    frame = rng.uniform(0.05, 0.8, 3)
    inside = np.exp(rng.uniform(np.log(0.05), np.log(2.0))) * rng.uniform(0.7, 1.3, 3)
    corner, other = (int(left), int(top)), (int(right), rows + wide_px)
    cv2.rectangle(picture, corner, other, inside.tolist(), -1, cv2.LINE_AA)
    cv2.rectangle(picture, corner, other, frame.tolist(), wide_px, cv2.LINE_AA)


def _discs(rng: np.random.Generator, picture: NDArray[np.float32]) -> None:
    """Put lamps out of focus before a dark street."""
    rows, columns = picture.shape[:2]
    picture *= np.float32(0.3)
    for _ in range(int(rng.integers(4, 30))):
        middle = rng.uniform(0, 1, 2) * (columns, rows)
        colour = np.exp(rng.uniform(np.log(0.1), np.log(2.5))) * rng.uniform(0.3, 1.5, 3)
        cv2.circle(
            picture, (int(middle[0]), int(middle[1])), int(rng.integers(2, 16)), colour.tolist(), -1, cv2.LINE_AA
        )


def _blocks(rng: np.random.Generator, picture: NDArray[np.float32]) -> None:
    """Fill some upright and level boxes: doors, windows, shelves, posters."""
    rows, columns = picture.shape[:2]
    for _ in range(int(rng.integers(3, 14))):
        x, y = rng.uniform(-0.2, 1.0, 2) * (columns, rows)
        wide, high = rng.uniform(0.05, 0.6, 2) * (columns, rows)
        colour = np.exp(rng.uniform(np.log(0.02), np.log(1.5))) * rng.uniform(0.7, 1.3, 3)
        corner, other = (int(x), int(y)), (int(x + wide), int(y + high))
        cv2.rectangle(picture, corner, other, colour.tolist(), -1, cv2.LINE_AA)
