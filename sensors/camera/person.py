"""Painting a person: head, hair, face, what covers it, neck and shoulders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sensors.camera.covering import paint_covering
from sensors.camera.head import ellipse, face_line, grid, hairline_deg, on_head
from sensors.camera.surface import Pose, paint, turned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.camera.canvas import Canvas
    from sensors.camera.light import Light
    from sensors.camera.look import Look

    Floats = NDArray[np.float64]

_HAIR_M: Final = {
    "bald": 0.0,
    "short": 0.008,
    "medium": 0.018,
    "long": 0.02,
    "afro": 0.055,
    "cap": 0.014,
    "hood": 0.03,
    "headscarf": 0.012,
}
NECK_M: Final = 0.105
"""From the middle of the head down to the collar; assumed."""
_NEAR_EAR: Final = 0.3
"""Cosine between the way out of an ear and the way to the camera from which on nothing of the head is before it."""
_EYE_WHITE: Final = np.array([0.55, 0.52, 0.5])
_DARK: Final = np.array([0.01, 0.009, 0.008])


@dataclass(frozen=True)
class Stance:
    """Where a head is and where it looks; camera axes, x right, y down, z away.

    Attributes:
        place_m: (3,) middle of the head.
        yaw: Turn to the side in radian; 0 looks at the camera.
        pitch: Up or down.
        roll: Tilt to a shoulder.
    """

    place_m: Floats
    yaw: float
    pitch: float
    roll: float


def paint_person(canvas: Canvas, look: Look, stance: Stance, light: Light, rng: np.random.Generator) -> None:
    """Paint a person; `rng` gives the blotches of skin and cloth."""
    pose = turned(stance.yaw, stance.pitch, stance.roll, stance.place_m)
    body = turned(0.35 * stance.yaw, 0.0, 0.0, stance.place_m)
    hair = _hair(look, pose, rng)
    if not _is_from_behind(stance):
        _long_hair_behind(canvas, look, pose, light)
    elif look.hair == "cap":
        _peak(canvas, look, pose, light)
    _body(canvas, look, body, light, rng)
    if _is_from_behind(stance):
        _long_hair_behind(canvas, look, pose, light)
    if hair is not None and look.hair != "cap":
        hair.paint(canvas, light, far_side=True)
    _ears(canvas, look, pose, light, near=False)
    _skin(canvas, look, pose, light, rng)
    _features(canvas, look, pose, light)
    if hair is not None:
        hair.paint(canvas, light)
    _ears(canvas, look, pose, light, near=True)
    if look.hair == "cap" and not _is_from_behind(stance):
        _peak(canvas, look, pose, light)
    _glasses(canvas, look, pose, light)
    paint_covering(canvas, look, pose, light, rng)


def _is_from_behind(stance: Stance) -> bool:
    return bool(np.cos(stance.yaw) < 0)


def _skin(canvas: Canvas, look: Look, pose: Pose, light: Light, rng: np.random.Generator) -> None:
    lon, lat = grid((-180, 180), (88, -88), columns=75)
    points = pose.to_camera(on_head(look, lon, lat))
    middle_lon, middle_lat = np.degrees(lon[:-1, :-1]), np.degrees(lat[:-1, :-1])
    blotches = 1.0 + 0.05 * rng.standard_normal(middle_lon.shape)
    flush = np.exp(-(((np.abs(middle_lon) - 32) / 14) ** 2) - ((middle_lat + 12) / 14) ** 2)
    albedo = look.skin_rgb * (blotches * (1 + 0.06 * flush))[..., np.newaxis]
    albedo = _shaded_eyes(albedo, middle_lon, middle_lat)
    albedo = _bearded(albedo, look, middle_lon, middle_lat)
    paint(canvas, points, albedo, light, gloss=0.05)


def _shaded_eyes(albedo: Floats, lon: Floats, lat: Floats) -> Floats:
    """Return skin that is darker in the sockets, where less light comes in."""
    socket = np.exp(-(((np.abs(lon) - 20) / 11) ** 2) - ((lat - 9) / 7) ** 2)
    beside = np.exp(-(((np.abs(lon) - 11) / 4) ** 2) - ((lat + 14) / 5) ** 2)
    return np.asarray(albedo * (1 - 0.35 * socket - 0.25 * beside)[..., np.newaxis])


def _bearded(albedo: Floats, look: Look, lon: Floats, lat: Floats) -> Floats:
    if look.beard <= 0:
        return albedo
    low = lat < -24 - 6 * np.cos(np.radians(np.minimum(np.abs(lon) * 2, 180)))
    side = (np.abs(lon) > 38) & (lat < 5) & (np.abs(lon) < 80)
    mouth = (np.abs(lon) < 14) & (np.abs(lat + 34) < 5)
    where = (low | side) & ~mouth & (np.abs(lon) < 85)
    if look.beard < 0.4:
        where &= (np.abs(lon) < 22) & (lat > -62)
    strength = np.where(where, min(0.35 + 0.65 * look.beard, 0.95), 0.0)[..., np.newaxis]
    return np.asarray(albedo * (1 - strength) + look.hair_rgb * strength)


def _features(canvas: Canvas, look: Look, pose: Pose, light: Light) -> None:
    for side in (-1, 1):
        lon = side * 20.0 * look.eyes_apart
        _patch(canvas, look, pose, light, _EYE_WHITE, *ellipse(lon, 8, 7.5, 3.2))
        _patch(canvas, look, pose, light, look.eye_rgb, *ellipse(lon, 8.2, 3.0, 3.1))
        _patch(canvas, look, pose, light, _DARK, *ellipse(lon, 8.2, 1.4, 1.5, 8))
        lid_lon, lid_lat = np.linspace(lon - 8.5, lon + 8.5, 7), 8 + 3.6 * np.sin(np.linspace(0.15, np.pi - 0.15, 7))
        _line(canvas, look, pose, light, 0.4 * look.skin_rgb, lid_lon, lid_lat, 0.0022)
        brow_lon = np.linspace(lon - 10, lon + 10, 6)
        brow_lat = 19 + 2.5 * np.sin(np.linspace(0.3, 2.6, 6))
        _line(canvas, look, pose, light, 0.6 * look.hair_rgb + 0.2 * look.skin_rgb, brow_lon, brow_lat, 0.006)
        _patch(canvas, look, pose, light, 0.25 * look.skin_rgb, *ellipse(side * 4.5, -17.5, 2.2, 1.2, 8))
        crease = face_line(look, side * np.array([12.0, 16, 18]), np.array([-18.0, -25, -32]))
        if look.wrinkles > 0.4 and _is_seen(pose.to_camera(crease), pose):
            width_px = 0.002 * canvas.focal_px / pose.place[2]
            canvas.outline(canvas.project(pose.to_camera(crease)), _lit(light, pose, 0.6 * look.skin_rgb), width_px)
    _mouth(canvas, look, pose, light)


def _mouth(canvas: Canvas, look: Look, pose: Pose, light: Light) -> None:
    across = np.linspace(-1, 1, 9)
    half_deg, rise = 13.0 * (1 + 0.12 * look.smile), 4.0 * look.smile * across**2
    upper = -31.5 + rise - 1.2 * np.abs(np.abs(across) - 0.25)
    lower = -38 - 6 * look.mouth_open + (4.5 + 6 * look.mouth_open) * across**2 + rise
    lon = across * half_deg
    _patch(canvas, look, pose, light, look.lip_rgb, np.r_[lon, lon[::-1]], np.r_[upper, lower[::-1]])
    if look.mouth_open > 0.25:
        inner = 0.75 * lon
        low = np.maximum(lower + 2.5, -50)
        _patch(canvas, look, pose, light, 0.25 * look.lip_rgb, np.r_[inner, inner[::-1]], np.r_[upper - 2, low[::-1]])
        if look.smile > 0:
            teeth = np.r_[upper - 2.2, (upper - 4.5)[::-1]]
            _patch(canvas, look, pose, light, _EYE_WHITE, np.r_[0.65 * lon, 0.65 * lon[::-1]], teeth)
    else:
        _line(canvas, look, pose, light, 0.4 * look.lip_rgb, lon, (upper + lower) / 2 + 0.8, 0.0022)


def _ears(canvas: Canvas, look: Look, pose: Pose, light: Light, *, near: bool) -> None:
    """Paint the ears that stand out behind a face, or the one on the near side of a head turned aside."""
    if look.hair in ("medium", "long", "hood", "headscarf"):
        return
    for side in (-1, 1):
        lon, lat = ellipse(side * 88, 2, 9, 15)
        away = 0.016 * (0.6 + 0.4 * np.sin(np.linspace(0, 2 * np.pi, len(lon))))
        points = pose.to_camera(on_head(look, np.radians(lon), np.radians(lat), away))
        if near != (_facing(points, pose) > _NEAR_EAR):
            continue
        canvas.shape(canvas.project(points), light.shade(0.85 * look.skin_rgb, _normal(points, pose)))


@dataclass(frozen=True)
class _Hair:
    """Hair or headgear as a shell over the head."""

    points: Floats
    there: NDArray[np.bool_]
    albedo: Floats
    gloss: float

    def paint(self, canvas: Canvas, light: Light, *, far_side: bool = False) -> None:
        """Paint it; its far side is seen beside a face with thick hair, and is painted before the head."""
        paint(canvas, self.points, self.albedo, light, there=self.there, gloss=self.gloss, both_sides=far_side)


def _hair(look: Look, pose: Pose, rng: np.random.Generator) -> _Hair | None:
    if look.hair == "bald":
        return None
    is_cloth = look.hair in ("cap", "hood", "headscarf")
    lon, lat = grid((-180, 180), (90, -90), 37, 73)
    middle_lon, middle_lat = np.degrees(lon[:-1, :-1]), np.degrees(lat[:-1, :-1])
    uneven = 0.0 if is_cloth else _strands(rng, middle_lon.shape[1])
    there = middle_lat > hairline_deg(look)(middle_lon) + uneven
    streaks = 1.0 + (0.04 if is_cloth else 0.3) * rng.standard_normal(middle_lon.shape)
    albedo = (look.collar_rgb if is_cloth else look.hair_rgb) * np.clip(streaks, 0.3, 1.8)[..., np.newaxis]
    # Thin at the hairline, as if combed away from it.
    above = np.degrees(lat) - hairline_deg(look)(np.degrees(lon))
    thickness_m = _HAIR_M[look.hair] * np.clip(0.25 + above / 25, 0.25, 1.0)
    points = pose.to_camera(on_head(look, lon, lat, thickness_m))
    return _Hair(points, there, albedo, 0.0 if is_cloth else 0.04)


def _strands(rng: np.random.Generator, columns: int) -> Floats:
    """Return how far the hairline strays, in degrees, neighbours alike."""
    rough = 4.0 * rng.standard_normal(columns)
    return np.asarray(np.convolve(rough, np.ones(5) / 5, mode="same"))


def _peak(canvas: Canvas, look: Look, pose: Pose, light: Light) -> None:
    across = np.linspace(-1, 1, 9)
    rim = on_head(look, np.radians(52 * across), np.radians(np.full(9, 30.0)), 0.014)
    edge = rim + np.stack([0 * across, -0.012 + 0 * across, 0.075 * (1 - across**2)], axis=-1)
    points = pose.to_camera(np.stack([rim, edge]))
    paint(canvas, points, 0.8 * look.collar_rgb, light, both_sides=True)


def _long_hair_behind(canvas: Canvas, look: Look, pose: Pose, light: Light) -> None:
    """Paint what falls down beside and behind the neck."""
    if look.hair not in ("long", "headscarf", "hood"):
        return
    drop = np.linspace(0.02, -0.26, 8)[:, np.newaxis]
    around = np.radians(np.linspace(-125, 125, 19))[np.newaxis, :]
    wide = (0.094 + 0.05 * (0.02 - drop)) * look.size
    points = np.stack([wide * np.sin(around), np.broadcast_to(drop, (8, 19)), -0.09 * np.cos(around) + 0 * drop], -1)
    colour = look.hair_rgb if look.hair == "long" else look.collar_rgb
    paint(canvas, pose.to_camera(points), colour, light, both_sides=True)


def _body(canvas: Canvas, look: Look, pose: Pose, light: Light, rng: np.random.Generator) -> None:
    around = np.linspace(-np.pi, np.pi, 33)
    neck_y = np.array([-0.05, -0.09, -0.13, -0.17])[:, np.newaxis] * look.size
    radius = (0.055 + 0.004 * np.arange(4)[:, np.newaxis]) * look.size
    neck = np.stack([radius * np.sin(around), neck_y + 0 * around, radius * np.cos(around) - 0.02], axis=-1)
    skirts = np.array([0.11, 0.13, 0.17, 0.23, 0.34, 0.55, 0.8])[:, np.newaxis]
    widths = np.array([0.065, 0.095, 0.15, 0.2, 0.225, 0.235, 0.24])[:, np.newaxis]
    depths = np.array([0.06, 0.08, 0.1, 0.115, 0.125, 0.13, 0.13])[:, np.newaxis]
    torso = np.stack([widths * np.sin(around), -skirts + 0 * around, depths * np.cos(around) - 0.03], axis=-1)
    stripes = 1.0 + 0.25 * rng.standard_normal((6, 1)) * (rng.random() < 0.3) + 0.05 * rng.standard_normal((6, 32))
    albedo = look.cloth_rgb * np.clip(stripes, 0.2, 2.0)[..., np.newaxis]
    albedo[0] = look.collar_rgb
    paint(canvas, pose.to_camera(neck), 0.9 * look.skin_rgb, light, gloss=0.02)
    paint(canvas, pose.to_camera(torso * look.size), albedo, light)


def _glasses(canvas: Canvas, look: Look, pose: Pose, light: Light) -> None:
    if look.glasses == 0:
        return
    width_px = max(0.0035 * canvas.focal_px / pose.place[2], 1.0)
    rim = _lit(light, pose, _DARK + 0.05 * look.collar_rgb)
    for side in (-1, 1):
        lon, lat = ellipse(side * 20 * look.eyes_apart, 6.5, 13, 10)
        points = pose.to_camera(on_head(look, np.radians(lon), np.radians(lat), 0.016))
        if not _is_seen(points, pose):
            continue
        if look.glasses == 2:
            canvas.shape(canvas.project(points), _lit(light, pose, _DARK))
        canvas.outline(canvas.project(np.concatenate([points, points[:1]])), rim, width_px)
    bridge = pose.to_camera(face_line(look, np.array([-8.0, 0, 8]), np.array([8.0, 9, 8]), 0.012))
    if _facing(bridge, pose) > 0:
        canvas.outline(canvas.project(bridge), rim, width_px)


def _patch(canvas: Canvas, look: Look, pose: Pose, light: Light, rgb: Floats, lon_deg: Floats, lat_deg: Floats) -> None:
    """Paint a patch of the face, if it is turned to the camera."""
    points = pose.to_camera(face_line(look, lon_deg, lat_deg))
    if _is_seen(points, pose):
        canvas.shape(canvas.project(points), light.shade(rgb, _normal(points, pose)))


def _line(
    canvas: Canvas,
    look: Look,
    pose: Pose,
    light: Light,
    rgb: Floats,
    lon_deg: Floats,
    lat_deg: Floats,
    width_m: float,
) -> None:
    points = pose.to_camera(face_line(look, lon_deg, lat_deg))
    if _is_seen(points, pose):
        width_px = width_m * canvas.focal_px / pose.place[2]
        canvas.outline(canvas.project(points), light.shade(rgb, _normal(points, pose)), width_px)


def _normal(points: Floats, pose: Pose) -> Floats:
    out = points.mean(axis=0) - pose.place
    return np.asarray(out / np.linalg.norm(out))


def _is_seen(points: Floats, pose: Pose) -> bool:
    """Return whether what lies on a face is on its near side."""
    middle = points.mean(axis=0)
    span = np.ptp(points[:, 2])
    return bool(span < 0.9 * np.ptp(points[:, 0]) + 0.02 and middle[2] > 0 and _facing(points, pose) > 0)


def _facing(points: Floats, pose: Pose) -> float:
    """Return the cosine between the way out of a head and the way to the camera."""
    middle = points.mean(axis=0)
    return float(-_normal(points, pose) @ middle / np.linalg.norm(middle))


def _lit(light: Light, pose: Pose, rgb: Floats) -> Floats:
    """Return the radiance of something that faces the way the face does."""
    return light.shade(rgb, pose.rotation[:, 2])
