"""Random deployments for whole sessions: who comes, how they move and where the sensor hangs differ each time.

They start from `training.random_rooms.random_deployment` and widen it: six kinds of business, among them people who
stay, crowds that gather in view and groups that cross it side by side; warmer rooms; lower mounts; floors with a
gradient and sunlit patches; two doors. Ranges without a source are assumed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import ValidationError

from scenarios.room import Arrivals, Door, Place, Scenario, Thing
from training.random_rooms import STANDING_HIP_M, WALL_M, random_deployment

if TYPE_CHECKING:
    from scenarios.room import Population, Room, SensorMount, Wall

KINDS: Final = {
    "usual": 0.22,
    "quiet": 0.1,
    "staying": 0.2,
    "passing": 0.08,
    "crowd": 0.22,
    "groups": 0.18,
}
"""How often each kind of business occurs."""

LOWEST_MOUNT_M: Final = 2.0
_MOUNT_SPREAD_M: Final = 0.9
_ATTEMPTS: Final = 20
_GATHERED: Final = 6
_APART_M: Final = 0.53
_CROSSING: Final = ("passing", "groups")


def random_session(rng: np.random.Generator) -> Scenario:
    """Return a scenario whose `description` names its kind; a draw that contradicts itself is drawn again."""
    for _ in range(_ATTEMPTS):
        try:
            return _drawn(rng)
        except ValidationError:
            continue
    raise AssertionError(f"{_ATTEMPTS} draws in a row are no scenarios")  # pragma: no cover


def _drawn(rng: np.random.Generator) -> Scenario:
    base = random_deployment(rng)
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    most = min(base.arrivals.capacity, len(base.places))
    arrivals = _arrivals(kind, base.arrivals, most, len(base.places), rng)
    doors = base.doors
    if kind in _CROSSING or rng.random() < 0.3:
        doors = _opposite_doors(base, rng)
        if kind not in _CROSSING:
            arrivals = arrivals.model_copy(update={"exit_door": "any"})
    room = _varied_room(base.room, rng)
    mount = _varied_mount(base.sensor_mount, room, rng)
    places = base.places
    if kind == "crowd":
        gathered = _gathering_places(mount, room, rng)
        places = gathered if len(gathered) >= arrivals.capacity else places
    return Scenario(
        name="session",
        description=kind,
        room=room,
        doors=doors,
        places=places,
        arrivals=arrivals,
        population=_varied_population(base.population, rng),
        sensor_mount=mount,
        objects=_sunlit_patches(room, rng),
    )


def _arrivals(kind: str, usual: Arrivals, most: int, places: int, rng: np.random.Generator) -> Arrivals:
    def between(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    match kind:
        case "quiet":
            return Arrivals(
                rate_per_hour=between(60, 250), accompanied_ratio=0.2, capacity=min(3, most),
                linger_median_s=between(3, 15), linger_spread=0.6, visits_mean=between(1, 3),
            )  # fmt: skip
        case "staying":
            return Arrivals(
                rate_per_hour=between(100, 600), accompanied_ratio=between(0, 0.5),
                capacity=min(int(rng.integers(2, 5)), most), linger_median_s=between(20, 120), linger_spread=0.8,
                visits_mean=between(1, 4),
            )  # fmt: skip
        case "passing":
            return Arrivals(
                rate_per_hour=between(300, 1200), accompanied_ratio=between(0.2, 0.6), capacity=min(5, most),
                linger_median_s=4.0, linger_spread=0.6, visits_mean=1.0, passing_ratio=between(0.3, 1),
                exit_door="other",
            )  # fmt: skip
        case "crowd":
            return Arrivals(
                rate_per_hour=between(600, 2000), accompanied_ratio=between(0.3, 0.7),
                capacity=min(int(rng.integers(4, 7)), most), linger_median_s=between(5, 30), linger_spread=0.7,
                visits_mean=between(2, 6),
            )  # fmt: skip
        case "groups":
            return Arrivals(
                rate_per_hour=between(200, 900), capacity=6 if places >= 6 else most, group_sizes=(0.4, 0.35, 0.25),
                linger_median_s=between(2, 10), linger_spread=0.6, visits_mean=1.5, passing_ratio=between(0.4, 1),
                exit_door="other",
            )  # fmt: skip
    return usual


def _opposite_doors(base: Scenario, rng: np.random.Generator) -> tuple[Door, ...]:
    """Return two doors in opposite walls near the sensor, so that the way between them crosses the view."""
    mount, room = base.sensor_mount, base.room
    pairs: list[tuple[tuple[Wall, Wall], float, float]] = [
        (("north", "south"), mount.x_m, room.size_x_m),
        (("east", "west"), mount.y_m, room.size_y_m),
    ]
    walls, at_m, size_m = pairs[int(rng.integers(2))]
    return tuple(
        Door(wall=wall, centre_m=float(np.clip(at_m + rng.uniform(-0.9, 0.9), 0.9, size_m - 0.9)), width_m=0.9)
        for wall in walls
    )


def _varied_room(room: Room, rng: np.random.Generator) -> Room:
    """Return the room drifting, with a floor of uneven warmth, its air at 22 to 28 degC and the rest as far from it."""
    drift = {"drift_amplitude_k": float(rng.uniform(0, 0.5)), "drift_period_s": float(rng.uniform(300, 3600))}
    gradient = (float(rng.normal(0, 0.1)), float(rng.normal(0, 0.1)))
    warmer_k = float(rng.uniform(22, 28)) - room.air_degc
    warmth = {name: getattr(room, name) + warmer_k for name in ("air_degc", "floor_degc", "wall_degc")}
    return room.model_copy(update={**drift, "floor_gradient_k_per_m": gradient, **warmth})


def _varied_mount(mount: SensorMount, room: Room, rng: np.random.Generator) -> SensorMount:
    highest_m = min(room.ceiling_height_m, LOWEST_MOUNT_M + _MOUNT_SPREAD_M)
    return mount.model_copy(update={"height_m": float(rng.uniform(LOWEST_MOUNT_M, highest_m))})


def _gathering_places(mount: SensorMount, room: Room, rng: np.random.Generator) -> tuple[Place, ...]:
    """Return up to six places well in view of the sensor."""
    reach_m = 0.85 * (mount.height_m - STANDING_HIP_M) * math.tan(math.radians(30))
    points: list[tuple[float, float]] = []
    for _ in range(300):
        x_m, y_m = (float(at + rng.uniform(-reach_m, reach_m)) for at in (mount.x_m, mount.y_m))
        is_inside = WALL_M < x_m < room.size_x_m - WALL_M and WALL_M < y_m < room.size_y_m - WALL_M
        is_clear = all(math.hypot(x_m - x, y_m - y) > _APART_M for x, y in points)
        if len(points) < _GATHERED and is_inside and is_clear:
            points.append((x_m, y_m))
    return tuple(Place(x_m=x_m, y_m=y_m) for x_m, y_m in points)


def _varied_population(population: Population, rng: np.random.Generator) -> Population:
    ranges = {
        "hair_low_ratio": (0.0, 0.15),
        "hair_high_ratio": (0.3, 0.6),
        "clothing_low_clo": (0.3, 0.8),
        "clothing_high_clo": (1.0, 1.9),
        "activity_low_met": (1.0, 1.4),
        "activity_high_met": (1.5, 2.0),
    }
    update = {name: float(rng.uniform(*limits)) for name, limits in ranges.items()}
    return population.model_copy(update={**update, "hat_ratio": float(rng.choice([0.0, 0.0, 0.1]))})


def _sunlit_patches(room: Room, rng: np.random.Generator) -> tuple[Thing, ...]:
    """Return up to three patches of floor that are a little warmer or cooler than the rest."""
    return tuple(
        Thing(
            name=f"patch_{number}",
            kind="sun_patch",
            x_m=float(rng.uniform(0.5, room.size_x_m - 0.5)),
            y_m=float(rng.uniform(0.5, room.size_y_m - 0.5)),
            size_x_m=float(rng.uniform(0.2, 1.2)),
            size_y_m=float(rng.uniform(0.2, 1.2)),
            bottom_m=0.0,
            top_m=0.01,
            surface_degc=float(room.floor_degc + rng.normal(0, 0.5)),
        )
        for number in range(int(rng.integers(0, 4)))
    )
