"""Random rooms with one door, whose people linger in view of the sensor: what sessions are drawn from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from scenarios.room import Arrivals, Door, Place, Population, Room, Scenario, SensorMount

if TYPE_CHECKING:
    import numpy as np

    from scenarios.room import Wall

STANDING_HIP_M = 0.91
"""Of an adult of 1.72 m (Drillis and Contini 1966)."""
NEAR_ATTEMPTS = 60
WALL_M = 0.31
"""No place is nearer to a wall; scenarios want 0.3 m."""

_WALLS: tuple[Wall, ...] = ("north", "south", "east", "west")


def random_deployment(rng: np.random.Generator) -> Scenario:
    """Return `office_doorway` varied: another room, mount, climate, population and busyness."""
    size_x_m, size_y_m = (float(size) for size in rng.uniform(3.5, 5.5, 2))
    height_m = float(rng.uniform(2.3, 3.1))
    mount = SensorMount(
        x_m=float(rng.uniform(1.4, size_x_m - 1.4)),
        y_m=float(rng.uniform(1.4, size_y_m - 1.4)),
        height_m=height_m,
        yaw_deg=float(rng.choice([0.0, 90.0, 180.0, 270.0]) + rng.uniform(-10, 10)),
    )
    return Scenario(
        name="training",
        description="a random deployment",
        room=_random_room(size_x_m, size_y_m, height_m, rng),
        doors=(_random_door(size_x_m, size_y_m, rng),),
        places=_random_places(mount, size_x_m, size_y_m, rng),
        arrivals=Arrivals(
            rate_per_hour=float(rng.uniform(150, 1200)),
            accompanied_ratio=float(rng.uniform(0, 0.5)),
            capacity=int(rng.integers(3, 6)),
            linger_median_s=float(rng.uniform(4, 20)),
            linger_spread=0.6,
            visits_mean=float(rng.uniform(1.0, 6.0)),
        ),
        population=_random_population(rng),
        sensor_mount=mount,
    )


def _random_room(size_x_m: float, size_y_m: float, height_m: float, rng: np.random.Generator) -> Room:
    air_degc = float(rng.uniform(20, 28))
    floor_degc = air_degc + float(rng.uniform(-1.0, 0.5))
    wall_degc = air_degc + float(rng.uniform(-0.7, 0.5))
    return Room(
        size_x_m=size_x_m,
        size_y_m=size_y_m,
        ceiling_height_m=height_m,
        air_degc=air_degc,
        floor_degc=floor_degc,
        wall_degc=wall_degc,
    )


def _random_door(size_x_m: float, size_y_m: float, rng: np.random.Generator) -> Door:
    wall = _WALLS[int(rng.integers(4))]
    length_m = size_x_m if wall in {"north", "south"} else size_y_m
    return Door(wall=wall, centre_m=float(rng.uniform(0.9, length_m - 0.9)), width_m=0.9)


def _random_places(mount: SensorMount, size_x_m: float, size_y_m: float, rng: np.random.Generator) -> tuple[Place, ...]:
    """Return places evenly over all that the sensor sees of people, edge included, and some anywhere in the room.

    Up to six lie where a standing adult counts as in view, at most twelve are there in all.
    """
    reach_m = (mount.height_m - STANDING_HIP_M) * math.tan(math.radians(30))
    points: list[tuple[float, float]] = []
    for attempt in range(2 * NEAR_ATTEMPTS):
        near_m = reach_m if attempt < NEAR_ATTEMPTS else math.inf
        x_m, y_m = _within(mount.x_m, near_m, size_x_m, rng), _within(mount.y_m, near_m, size_y_m, rng)
        wanted = 6 if attempt < NEAR_ATTEMPTS else 12
        if len(points) < wanted and _clear(x_m, y_m, points):
            points.append((x_m, y_m))
    return tuple(Place(x_m=x_m, y_m=y_m, weight=float(rng.uniform(0.5, 2))) for x_m, y_m in points)


def _within(at_m: float, near_m: float, size_m: float, rng: np.random.Generator) -> float:
    """Return a coordinate inside the room, no farther from `at_m` than `near_m`."""
    return float(rng.uniform(max(WALL_M, at_m - near_m), min(size_m - WALL_M, at_m + near_m)))


def _clear(x_m: float, y_m: float, points: list[tuple[float, float]]) -> bool:
    return all(math.hypot(x_m - x, y_m - y) > 0.53 for x, y in points)


def _random_population(rng: np.random.Generator) -> Population:
    """Return a population; in a fifth of them people are as tall as children or as adults who sit."""
    hair_ratio = float(rng.uniform(0.0, 0.3))
    clothing_clo = float(rng.uniform(0.4, 1.2))
    return Population(
        stature_mean_m=float(rng.uniform(1.3, 1.6) if rng.random() < 1 / 5 else rng.uniform(1.65, 1.78)),
        stature_sd_m=0.09,
        walking_speed_mean_mps=1.34,
        walking_speed_sd_mps=0.26,
        clothing_low_clo=clothing_clo,
        clothing_high_clo=clothing_clo + 0.8,
        skin_low_degc=33.0,
        skin_high_degc=35.0,
        hair_low_ratio=hair_ratio,
        hair_high_ratio=hair_ratio + 0.4,
    )
