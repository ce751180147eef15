"""What is before a face: masks worn well and badly, a scarf, a hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sensors.camera.head import on_head
from sensors.camera.surface import paint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.camera.canvas import Canvas
    from sensors.camera.light import Light
    from sensors.camera.look import Look
    from sensors.camera.surface import Pose

    Floats = NDArray[np.float64]

_EDGES: Final = {"mask": (-1.0, -62.0), "below_nose": (-25.0, -66.0), "on_chin": (-47.0, -80.0)}
"""Upper and lower edge of a mask at the middle of the face, degrees of latitude, as it is worn."""
_ROWS, _COLUMNS = 14, 25


def paint_covering(canvas: Canvas, look: Look, pose: Pose, light: Light, rng: np.random.Generator) -> None:
    """Paint what is before the face of `look`."""
    if look.covering in _EDGES:
        _mask(canvas, look, pose, light, rng)
    elif look.covering == "in_hand":
        _mask_in_hand(canvas, look, pose, light, rng)
    elif look.covering == "scarf":
        _scarf(canvas, look, pose, light, rng)
    elif look.covering == "hand":
        _hand(canvas, look, pose, light, rng)


def _mask(canvas: Canvas, look: Look, pose: Pose, light: Light, rng: np.random.Generator) -> None:
    top_deg, bottom_deg = _EDGES[look.covering]
    top_deg += 2.0 * np.clip(look.mask_fit[0], -1.5, 1.5)
    bottom_deg += 3.0 * np.clip(look.mask_fit[1], -1.5, 1.5)
    across = np.linspace(-1, 1, _COLUMNS)[np.newaxis, :]
    down = np.linspace(0, 1, _ROWS)[:, np.newaxis]
    reach = 58 + 3 * np.clip(look.mask_fit[2:], -1.5, 1.5)
    lon = np.where(across < 0, reach[0], reach[1]) * across * (1 - 0.12 * down**3)
    upper = top_deg - 13 * across**2 * (1 if look.covering == "mask" else 0.5)
    lower = bottom_deg + 22 * across**2
    lat = upper + (lower - upper) * down
    points = on_head(look, np.radians(lon), np.radians(lat), _standing_off_m(look, across, down))
    albedo = _mask_albedo(look, across, down, rng)
    seen = pose.to_camera(points)
    _loops(canvas, look, pose, light, points)
    paint(canvas, seen, albedo, light)
    if look.mask == "surgical" and (seen[0].mean(axis=0) - pose.place) @ seen[0].mean(axis=0) < 0:
        wire = seen[0]
        canvas.outline(canvas.project(wire), light.shade(0.8 * look.mask_rgb, pose.rotation[:, 2]), 1)


def _standing_off_m(look: Look, across: Floats, down: Floats) -> Floats:
    """Return how far a mask stands off the face: it spans from nose to chin like a tent."""
    middle = np.exp(-((across / 0.5) ** 2)) * np.sin(np.pi * np.clip(0.15 + 0.8 * down, 0, 1))
    bulge = {"surgical": 0.010, "folded": 0.020, "cup": 0.018, "cloth": 0.009}[look.mask]
    fold = 0.006 * np.exp(-((across / 0.08) ** 2)) if look.mask == "folded" else 0.0
    pleats = 0.0016 * np.sin(2 * np.pi * 3.5 * down) if look.mask == "surgical" else 0.0
    return np.asarray(0.004 + bulge * middle + fold + pleats)


def _mask_albedo(look: Look, across: Floats, down: Floats, rng: np.random.Generator) -> Floats:
    rows, columns = _ROWS - 1, _COLUMNS - 1
    pattern = np.ones((rows, columns))
    if look.mask == "surgical":
        pattern *= 1 - 0.10 * (np.sin(2 * np.pi * 3.5 * down[:-1] + 0.8) > 0.6)
    if look.mask == "folded":
        pattern *= 1 - 0.08 * (across[:, :-1] < 0)
    colours = look.mask_rgb * pattern[..., np.newaxis]
    if look.mask_pattern > 0 and look.mask in ("cloth", "folded"):
        blots = rng.random((rows, columns)) < 0.4
        other = rng.uniform(0.02, 0.8, 3)
        colours = np.where(
            blots[..., np.newaxis], colours * (1 - look.mask_pattern) + other * look.mask_pattern, colours
        )
    return np.asarray(colours * (1 + 0.03 * rng.standard_normal((rows, columns, 1))))


def _loops(canvas: Canvas, look: Look, pose: Pose, light: Light, points: Floats) -> None:
    if look.hair in ("hood", "headscarf"):
        return
    width_px = max(0.003 * canvas.focal_px / pose.place[2], 1.0)
    rgb = light.shade(0.7 * look.mask_rgb + 0.1, pose.rotation[:, 2])
    for side, column in ((-1, 0), (1, -1)):
        for row, ear_deg in ((1, 8.0), (-2, -10.0)):
            ear = on_head(look, np.radians(np.array([side * 84.0])), np.radians(np.array([ear_deg])), 0.006)
            line = pose.to_camera(np.concatenate([points[row, column][np.newaxis], ear]))
            outward = line.mean(axis=0) - pose.place
            if outward @ line.mean(axis=0) < 0.004:
                canvas.outline(canvas.project(line), rgb, width_px)


def _scarf(canvas: Canvas, look: Look, pose: Pose, light: Light, rng: np.random.Generator) -> None:
    """Paint a scarf drawn over mouth and, mostly, nose, and wound around the neck: no mask."""
    paint(canvas, pose.to_camera(_roll(look, rng)), look.collar_rgb * rng.uniform(0.7, 1.0), light)
    top_deg = float(rng.uniform(-24, -2))
    lon = np.radians(np.linspace(-110, 110, 31))[np.newaxis, :]
    down = np.linspace(0, 1, 14)[:, np.newaxis]
    lat = np.radians(top_deg - 6 * (lon / np.radians(60)) ** 2 * 0.5 + (-86 - top_deg) * down)
    wrinkled = 0.012 + 0.022 * down + 0.005 * np.sin(14 * down + 3 * lon + rng.uniform(0, 6))
    points = on_head(look, lon + 0 * down, lat, wrinkled)
    stripes = 1 + 0.25 * np.sin(rng.uniform(8, 40) * down[:-1] + rng.uniform(0, 6)) * (rng.random() < 0.6)
    noise = 0.12 * rng.standard_normal((13, 30))
    albedo = look.collar_rgb * np.clip(stripes + noise, 0.2, 2)[..., np.newaxis]
    paint(canvas, pose.to_camera(points), albedo, light, both_sides=True)


def _roll(look: Look, rng: np.random.Generator) -> Floats:
    """Return the surface (rows, columns, 3) of a scarf around a neck, wider than the jaw above it, in own axes."""
    thick_m, drop_m = rng.uniform(0.03, 0.05), rng.uniform(0.115, 0.14)
    around = np.linspace(-np.pi, np.pi, 33)[np.newaxis, :]
    down = np.linspace(np.pi / 2, -np.pi / 2, 9)[:, np.newaxis]
    reach_m = 0.082 + thick_m * np.cos(down) * (1 + 0.12 * np.sin(3 * around + rng.uniform(0, 6)))
    height_m = -drop_m + thick_m * np.sin(down) + 0.008 * np.sin(2 * around + rng.uniform(0, 6))
    return np.asarray(np.stack([reach_m * np.sin(around), height_m, reach_m * np.cos(around)], axis=-1) * look.size)


def _hand(canvas: Canvas, look: Look, pose: Pose, light: Light, rng: np.random.Generator) -> None:
    """Paint a hand before mouth and nose: a palm and four fingers."""
    tilt = rng.uniform(-1.0, 1.0)
    centre = on_head(look, np.radians(rng.uniform(-12, 12, 1)), np.radians(rng.uniform(-45, -22, 1)), 0.03)[0]
    along = np.array([np.sin(tilt), np.cos(tilt), 0.0]) * look.size
    beside = np.array([np.cos(tilt), -np.sin(tilt), 0.0]) * look.size
    arm = _tube(centre - 0.05 * along, centre - 0.4 * along + np.array([0, -0.1, -0.05]), 0.03)
    paint(canvas, pose.to_camera(arm), look.cloth_rgb if rng.random() < 0.7 else look.skin_rgb, light)
    palm = _tube(centre - 0.06 * along, centre + 0.03 * along, 0.038, flat=0.4)
    paint(canvas, pose.to_camera(palm), look.skin_rgb, light, gloss=0.03)
    for finger in range(4):
        root = centre + 0.02 * along + (finger - 1.5) * 0.019 * beside
        tip = root + (0.07 - 0.008 * abs(finger - 1.2)) * along + (finger - 1.5) * 0.004 * beside
        paint(
            canvas, pose.to_camera(_tube(root, tip, 0.0095)), look.skin_rgb * rng.uniform(0.9, 1.05), light, gloss=0.03
        )


def _mask_in_hand(canvas: Canvas, look: Look, pose: Pose, light: Light, rng: np.random.Generator) -> None:
    """Paint a mask that dangles from a hand before the chest."""
    centre = np.array([rng.uniform(-0.14, 0.14), rng.uniform(-0.34, -0.2), 0.2]) * look.size
    turn = rng.uniform(-0.8, 0.8)
    right = np.array([np.cos(turn), np.sin(turn), 0.0]) * 0.085
    up = np.array([-np.sin(turn), np.cos(turn), 0.0]) * 0.045
    corners = np.array([[centre + up - right, centre + up + right], [centre - up - right, centre - up + right]])
    hand = _tube(centre + 0.5 * right - up, centre + 1.2 * right + 0.3 * up, 0.03)
    arm = _tube(centre + 1.1 * right, centre + 1.1 * right + np.array([0.12, -0.25, -0.1]), 0.035)
    paint(canvas, pose.to_camera(arm), look.cloth_rgb, light)
    paint(canvas, pose.to_camera(corners), look.mask_rgb, light, both_sides=True)
    paint(canvas, pose.to_camera(hand), look.skin_rgb, light, gloss=0.03)


def _tube(begin: Floats, end: Floats, radius_m: float, flat: float = 1.0) -> Floats:
    """Return the surface (rows, columns, 3) of a rounded tube between two points, in own axes."""
    along = (end - begin) / (np.linalg.norm(end - begin) + 1e-12)
    side = np.cross(along, np.array([0.0, 0.0, 1.0]))
    side /= np.linalg.norm(side) + 1e-12
    out = np.cross(side, along)
    place = np.linspace(0, 1, 7)[:, np.newaxis]
    swell = radius_m * np.sqrt(np.clip(1 - np.clip(np.abs(2 * place - 1) - 0.6, 0, 1) ** 2 / 0.16, 0.02, 1))
    angle = np.linspace(np.pi, -np.pi, 13)[np.newaxis, :]
    ring = swell[..., np.newaxis] * (
        np.sin(angle)[..., np.newaxis] * side + flat * np.cos(angle)[..., np.newaxis] * out
    )
    middle = begin + (end - begin) * (1 - place)[..., np.newaxis]
    return np.asarray(middle + ring)
