"""Bodies as an infrared sensor meets them: eleven ellipsoids, standing, walking or sitting, and their warmth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numba
import numpy as np

from datasheet.compile_cache import ensure_compile_cache
from scenarios.timeline import SITTING, STANDING, WALKING, WALKS_ABOVE_MPS
from sensors.clothing import clothing_surface_degc, relative_air_speed_mps
from sensors.radiance import band_radiance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenarios.timeline import Person, Timeline

ensure_compile_cache(__file__)

SHAPE_COLUMNS = 4
"""Stature, head radius, half breadth and half depth of the trunk with its arms, all in metres."""

RADIANCE_COLUMNS = 3
"""Of hair or hat, of skin, of clothing."""

PARTS = 11
"""Head, chest, belly, two arms in two parts each, two thighs, two shanks."""

PART_COLUMNS = 9
"""See `body_parts`."""

COLD_DECAY_S = 150.0
"""How fast clothes warm up indoors; assumed: 2.5 kg at 1.4 kJ/kg/K on 1.8 m2, over 9 + 6 W/m2/K on both sides."""

AIR_SPEED_MPS = 0.1
"""Still air of rooms; ISO 7730:2005 adds the body's own motion. Assumed."""

# Proportions of stature after Drillis and Contini 1966 (in Winter, Biomechanics and Motor Control, fig. 4.1):
# chin 0.870, shoulder 0.818, elbow 0.630, hip 0.530, wrist 0.485, knee 0.285; lengths of the segments between.
_HEAD_HALF_HEIGHT = (1 - 0.870) / 2
_SHOULDER, _HIP, _KNEE = 0.818, 0.530, 0.285
_UPPER_ARM, _FORE_ARM = 0.186, 0.20
_THIGH, _SHANK = 0.245, 0.285
# Thickness of parts beside stature, in clothes; assumed from the adult trunk and limb girths of the same figure.
_ARM_RADIUS, _THIGH_RADIUS, _SHANK_RADIUS = 0.030, 0.048, 0.035
_HIP_HALF_WIDTH = 0.055
_CHEST, _CHEST_HALF, _BELLY, _BELLY_HALF = 0.74, 0.11, 0.60, 0.14
_FULLNESS = 1.07
"""Sections of trunks are fuller than ellipses: as much as this makes up for; assumed."""
_HAT_M = 0.01

# A seat of 0.45 m below a hip joint at 0.27 of stature; thighs level, forearms on the lap.
_SEATED_HIP = 0.27
_SEATED_UPPER_ARM_RAD, _SEATED_FORE_ARM_RAD = 0.3, 1.2

# Gait: two steps of 0.41 stature make a cycle (0.70 m at 1.34 m/s and 115 steps a minute, Weidmann 1993); limbs
# swing as sines. Amplitudes at that speed, in proportion below it; assumed from published gait curves.
_CYCLE = 0.82
_GAIT_MPS = 1.34
_LEG_SWING_RAD, _KNEE_BEND_RAD, _ARM_SWING_RAD = 0.42, 0.5, 0.35

# Emissivity, 7 to 14 um. Skin 0.977 (J. Biomed. Opt. 14(2) 024006); cloth and hair 0.90 to 0.97, the middle
# taken.
_SKIN_EMISSIVITY = 0.98
_HAIR_EMISSIVITY = 0.94
_CLOTH_EMISSIVITY = 0.94

_WALKING_CODE, _SITTING_CODE = WALKING, SITTING


def body_shapes(persons: tuple[Person, ...]) -> NDArray[np.float64]:
    """Return (P, 4) float64; see `SHAPE_COLUMNS`."""
    rows = [
        (
            person.stature_m,
            person.head_radius_m + (_HAT_M if person.has_hat else 0.0),
            person.shoulder_breadth_m / 2,
            person.shoulder_depth_m / 2,
        )
        for person in persons
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, SHAPE_COLUMNS)


def postures(timeline: Timeline) -> NDArray[np.int8]:
    """Return (N, S) int8, what everybody does, from the speed where the timeline does not say."""
    if timeline.posture is not None:
        return timeline.posture
    walks = np.nan_to_num(timeline.speed_mps) > WALKS_ABOVE_MPS
    return np.where(walks, WALKING, STANDING).astype(np.int8)


def body_radiances(timeline: Timeline) -> NDArray[np.float64]:
    """Return (N, S, 3) float64 in W/m2/sr, arbitrary in empty slots; see `RADIANCE_COLUMNS`.

    Surfaces follow the room's drift as far as their heat balance lets them; clothes of people who came in cold
    warm up with the time constant `COLD_DECAY_S`. People of whom the timeline does not know when they came are
    in balance.
    """
    index = timeline.person_index
    present = np.unique(index[index >= 0])
    table = np.zeros((len(timeline.persons) + 1, 5))
    for person in present:
        table[person] = _surfaces(timeline.persons[person], timeline)
    hair, skin, cloth, follow, hat = np.moveaxis(table[index], -1, 0)
    drift = np.zeros(len(index)) if timeline.drift_k is None else timeline.drift_k
    cloth = cloth + follow * drift[:, np.newaxis] - _coldness_k(timeline)
    hair = np.where(hat > 0, cloth, hair + drift[:, np.newaxis])
    reflected = band_radiance(timeline.wall_degc + drift)[:, np.newaxis]
    return np.stack(
        [
            _HAIR_EMISSIVITY * band_radiance(hair) + (1 - _HAIR_EMISSIVITY) * reflected,
            _SKIN_EMISSIVITY * band_radiance(skin) + (1 - _SKIN_EMISSIVITY) * reflected,
            _CLOTH_EMISSIVITY * band_radiance(cloth) + (1 - _CLOTH_EMISSIVITY) * reflected,
        ],
        axis=-1,
    )


def _surfaces(person: Person, timeline: Timeline) -> tuple[float, float, float, float, float]:
    """Return hair, skin and cloth in degC, how far cloth follows the room, and whether a hat covers the hair."""
    air_degc = timeline.air_degc
    cloth_degc, warmer_degc = (
        clothing_surface_degc(
            air_degc=air_degc + shift_k,
            radiant_degc=timeline.wall_degc + shift_k,
            insulation_clo=person.clothing_clo,
            activity_met=person.activity_met,
            air_speed_mps=relative_air_speed_mps(AIR_SPEED_MPS, person.activity_met),
        )
        for shift_k in (0.0, 0.1)
    )
    hair_degc = air_degc + person.hair_ratio * (person.skin_degc - air_degc)
    return hair_degc, person.skin_degc, cloth_degc, (warmer_degc - cloth_degc) / 0.1, float(person.has_hat)


def _coldness_k(timeline: Timeline) -> NDArray[np.float64]:
    """Return (N, S), how much colder than in balance everybody's clothes are."""
    cold_k = np.array([*(person.cold_k for person in timeline.persons), 0.0])
    if timeline.entered_s is None or not cold_k.any():
        return np.zeros(timeline.person_index.shape)
    since_s = timeline.time_s[:, np.newaxis] - np.append(timeline.entered_s, 0.0)[timeline.person_index]
    return np.asarray(cold_k[timeline.person_index] * np.exp(-np.maximum(since_s, 0.0) / COLD_DECAY_S))


@numba.njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
def walked_m(
    person_index: NDArray[np.int32],
    position_m: NDArray[np.float64],
    last_index: NDArray[np.int32],
    last_m: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return (N, S) how far everybody has walked since they came, as the gait's phase needs it.

    `last_index` (S) and `last_m` (S, 3), position and distance, hold the frame before the first one and are
    brought up to the last one.
    """
    frames, slots = person_index.shape
    result = np.zeros((frames, slots))
    for slot in range(slots):
        for frame in range(frames):
            person = person_index[frame, slot]
            if person < 0:
                last_index[slot] = -1
                continue
            x, y = position_m[frame, slot, 0], position_m[frame, slot, 1]
            if last_index[slot] == person:
                last_m[slot, 2] += math.hypot(x - last_m[slot, 0], y - last_m[slot, 1])
            else:
                # Not everybody begins with the same foot.
                last_m[slot, 2] = 0.618 * (person % 16)
                last_index[slot] = person
            last_m[slot, 0], last_m[slot, 1] = x, y
            result[frame, slot] = last_m[slot, 2]
    return result


@numba.njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
def body_parts(
    shape: NDArray[np.float64], posture: int, distance_m: float, speed_mps: float, parts: NDArray[np.float64]
) -> None:
    """Set `parts` (11, 9) to a body's ellipsoids, in metres along heading, to the left and up from the floor.

    Columns: centre (3); half lengths across the long axis in the plane of the limb's swing, to the left, and
    along the long axis (3); sine and cosine of the long axis's angle from the vertical, forward (2); 1 for the
    head (1).
    """
    stature, half_breadth, half_depth = shape[0], shape[2], shape[3]
    is_seated = posture == _SITTING_CODE
    hip = (_SEATED_HIP if is_seated else _HIP) * stature
    lift = hip - _HIP * stature
    swing = 0.0
    if posture == _WALKING_CODE:
        swing = min(speed_mps / _GAIT_MPS, 1.0)
    phase = 2 * math.pi * distance_m / (_CYCLE * stature)
    arm = _ARM_RADIUS * stature
    inner = half_breadth - 1.4 * arm
    _set(parts[0], 0.0, 0.0, lift + (1 - _HEAD_HALF_HEIGHT) * stature, shape[1], shape[1], _HEAD_HALF_HEIGHT * stature)
    parts[0, 8] = 1.0
    _set(parts[1], 0.0, 0.0, lift + _CHEST * stature, _FULLNESS * half_depth, _FULLNESS * inner, _CHEST_HALF * stature)
    _set(parts[2], 0.0, 0.0, lift + _BELLY * stature, _FULLNESS * half_depth, 0.9 * inner, _BELLY_HALF * stature)
    for side in range(2):
        left = 1.0 - 2.0 * side
        turn = math.sin(phase + math.pi * side) * swing
        upper = _SEATED_UPPER_ARM_RAD if is_seated else -_ARM_SWING_RAD * turn
        fore = _SEATED_FORE_ARM_RAD if is_seated else upper + 0.25
        offset = left * (half_breadth - arm)
        x, z = _limb(parts[3 + 2 * side], 0.0, offset, lift + _SHOULDER * stature, upper, _UPPER_ARM * stature, arm)
        _limb(parts[4 + 2 * side], x, offset, z, fore, _FORE_ARM * stature, 0.9 * arm)
        thigh = math.pi / 2 if is_seated else _LEG_SWING_RAD * turn
        bend = 0.0 if is_seated else max(math.cos(phase + math.pi * side), 0.0) * swing * _KNEE_BEND_RAD
        shank = 0.0 if is_seated else thigh - bend
        offset = left * _HIP_HALF_WIDTH * stature
        x, z = _limb(parts[7 + 2 * side], 0.0, offset, hip, thigh, _THIGH * stature, _THIGH_RADIUS * stature)
        _limb(parts[8 + 2 * side], x, offset, z, shank, _SHANK * stature, _SHANK_RADIUS * stature)


@numba.njit(cache=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _set(part: NDArray[np.float64], x: float, y: float, z: float, half_x: float, half_y: float, half_z: float) -> None:
    part[0], part[1], part[2] = x, y, z
    part[3], part[4], part[5] = half_x, half_y, half_z
    part[6], part[7], part[8] = 0.0, 1.0, 0.0


@numba.njit(cache=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _limb(
    part: NDArray[np.float64], x: float, y: float, z: float, angle_rad: float, length: float, radius: float
) -> tuple[float, float]:
    """Set `part` to a limb that hangs from a joint, turned forward by an angle; return its other end.

    Half lengths are a little more than half the segment, since ellipsoids taper and joints are thick.
    """
    sine, cosine = math.sin(angle_rad), math.cos(angle_rad)
    _set(part, x + sine * length / 2, y, z - cosine * length / 2, radius, radius, length * 0.58)
    part[6], part[7] = -sine, cosine
    return x + sine * length, z - cosine * length
