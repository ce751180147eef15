"""Curved surfaces as grids of points, and painting them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sensors.camera.canvas import NEAREST_M

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.camera.canvas import Canvas
    from sensors.camera.light import Light

    Floats = NDArray[np.float64]


_SMALL_PX: Final = 1.5
"""Facets smaller than this are taken four together: people who wait in a queue are drawn as fast as they are seen."""


@dataclass(frozen=True)
class Pose:
    """Where a body part is and how it is turned: camera point = rotation @ own point + place."""

    rotation: Floats
    place: Floats

    def to_camera(self, points: Floats) -> Floats:
        """Return points (..., 3) in camera axes."""
        return np.asarray(points @ self.rotation.T + self.place)


def turned(yaw: float, pitch: float, roll: float, place: Floats) -> Pose:
    """Return a pose; own axes are x to the person's left, y up, z out of the face.

    Without any turn the person looks at the camera.
    """
    cos_y, sin_y, cos_p, sin_p, cos_r, sin_r = (f(a) for a in (yaw, pitch, roll) for f in (np.cos, np.sin))
    about_y = np.array([[cos_y, 0, sin_y], [0, 1, 0], [-sin_y, 0, cos_y]])
    about_x = np.array([[1, 0, 0], [0, cos_p, -sin_p], [0, sin_p, cos_p]])
    about_z = np.array([[cos_r, -sin_r, 0], [sin_r, cos_r, 0], [0, 0, 1]])
    towards_camera = np.diag([1.0, -1.0, -1.0])
    return Pose(towards_camera @ about_z @ about_y @ about_x, place)


def paint(
    canvas: Canvas,
    points: Floats,
    albedo_rgb: Floats,
    light: Light,
    *,
    there: NDArray[np.bool_] | None = None,
    gloss: float = 0.0,
    both_sides: bool = False,
) -> None:
    """Paint the quadrilaterals between the points of a grid, far ones first, and small ones four together.

    Args:
        canvas: Where.
        points: (rows, columns, 3) in camera axes, rows from above, columns from the left as seen from outside.
        albedo_rgb: (3,) or (rows - 1, columns - 1, 3).
        light: What falls on it.
        there: (rows - 1, columns - 1) which of them exist; all without it.
        gloss: Strength of the highlight.
        both_sides: Whether what is seen from within is painted too, such as the inside of a hood.
    """
    albedo_rgb = np.broadcast_to(albedo_rgb, (points.shape[0] - 1, points.shape[1] - 1, 3))
    if _facet_px(canvas, points) < _SMALL_PX:
        rows, columns = (_every_second(size) for size in points.shape[:2])
        points, albedo_rgb = points[np.ix_(rows, columns)], albedo_rgb[np.ix_(rows[:-1], columns[:-1])]
        there = None if there is None else there[np.ix_(rows[:-1], columns[:-1])]
    first, right, below, last = points[:-1, :-1], points[:-1, 1:], points[1:, :-1], points[1:, 1:]
    normals = np.cross(last - first, right - below)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True) + 1e-12
    centres = (first + right + below + last) / 4
    outward = np.einsum("rck,rck->rc", normals, centres) < 0
    chosen = np.ones_like(outward) if both_sides else outward
    chosen &= centres[..., 2] > 0.1
    if there is not None:
        chosen &= there
    order = np.argsort(-centres[chosen][:, 2], kind="stable")
    quads = np.stack([first, right, last, below], axis=2)[chosen][order]
    albedo = albedo_rgb[chosen][order]
    facing = np.where(outward[..., np.newaxis], normals, -normals)[chosen][order]
    canvas.fill(canvas.project(quads), light.shade(albedo, facing, gloss=gloss))


def _facet_px(canvas: Canvas, points: Floats) -> float:
    """Return about how large the quadrilaterals of a grid are in the picture: the root of their mean area."""
    down, across = np.diff(points[:, ::4], axis=0), np.diff(points[::4], axis=1)
    sides_m = np.linalg.norm(down, axis=-1).mean() * np.linalg.norm(across, axis=-1).mean()
    return float(np.sqrt(sides_m) * canvas.focal_px / max(points[..., 2].mean(), NEAREST_M))


def _every_second(size: int) -> NDArray[np.intp]:
    """Return every second index, and the last."""
    return np.unique(np.append(np.arange(0, size, 2), size - 1))
