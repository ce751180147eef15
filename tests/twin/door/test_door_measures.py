"""Who was let in wrongly or refused wrongly, and how long it took: doors whose pin is moved by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.guarded_door import load_guarded_door
from sensors.camera.camera_sheet import load_camera
from twin.door.measures import Rate, joined, measured, waits_summary
from twin.door.world import DoorWorld
from twin.intervals import poisson

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenarios.guarded_door import GuardedDoorScenario, Wearing
    from twin.door.measures import DoorMeasures

RATE_HZ = 20


def scenario(wearing: dict[Wearing, float], *, corrects: float = 0.0) -> GuardedDoorScenario:
    """Return the library's door with other people, who follow nobody."""
    door = load_guarded_door("mask_door")
    behaviour = door.behaviour.model_copy(update={"corrects_share": corrects, "tailgates_share": 0.0})
    return door.model_copy(update={"wearing": wearing, "behaviour": behaviour})


def guarded(door: GuardedDoorScenario, rule: Callable[[DoorWorld], bool], seconds: float = 600.0) -> DoorMeasures:
    """Return the figures of a door whose pin follows a rule."""
    world, was = DoorWorld(door, load_camera("ov7725"), 1), False
    for tick in range(round(seconds * RATE_HZ)):
        world.run_until(tick / RATE_HZ)
        high = rule(world)
        if high != was:
            world.pin(world.now_s, high=high)
        was = high
    world.run_until(seconds)
    return measured(world, seconds)


def never(world: DoorWorld) -> bool:  # noqa: ARG001 - a rule
    return False


def for_anybody(world: DoorWorld) -> bool:
    return world.door.first() is not None


def for_masks(world: DoorWorld) -> bool:
    first = world.door.first()
    return first is not None and first.wearing == "mask"


def test_a_perfect_guard_makes_no_mistakes() -> None:
    found = guarded(load_guarded_door("mask_door"), for_masks, 3600)
    assert found.false_opens.count == found.false_refusals.count == 0
    assert found.false_opens.of > 3
    assert found.false_refusals.of > 5
    assert found.openings_for_nobody == 0
    assert found.waits_s.max() <= 1 / RATE_HZ + 1e-6


def test_who_wears_no_mask_and_is_let_in_is_a_false_open() -> None:
    found = guarded(scenario({"none": 1.0}), for_anybody)
    assert found.false_opens.share == 1
    assert found.false_opens.of == len(found.stays) > 5
    assert found.false_refusals.of == 0
    assert found.openings_for_nobody == found.openings > 0


def test_who_wears_one_and_gives_up_is_a_false_refusal() -> None:
    found = guarded(scenario({"mask": 1.0}), never)
    assert found.false_refusals.share == 1
    assert found.entered == found.openings == 0
    assert not len(found.waits_s)
    assert found.as_dict()["arrival_to_open_s"] is None


def test_who_puts_it_right_is_judged_before_and_after() -> None:
    """Bare for a while, for which they could have been let in wrongly, and ready from then on."""
    found = guarded(scenario({"on_chin": 1.0}, corrects=1.0), for_masks)
    changed = [stay for stay in found.stays if stay.was_bare and stay.ready_s is not None]
    assert len(changed) > 3
    assert found.false_opens.count == 0
    assert all(stay.opened_s is None or stay.opened_s >= stay.ready_s for stay in changed)


def test_an_opening_before_they_put_it_right_is_false() -> None:
    found = guarded(scenario({"on_chin": 1.0}, corrects=1.0), for_anybody)
    assert found.false_opens.count > 3


def test_a_door_that_waits_is_as_late_as_it_waits() -> None:
    since: dict[int, float] = {}

    def after_two_seconds(world: DoorWorld) -> bool:
        first = world.door.first()
        if first is None:
            return False
        since.setdefault(first.number, world.now_s)
        return world.now_s - since[first.number] >= 2

    found = guarded(scenario({"mask": 1.0}), after_two_seconds)
    # Who comes while the door still stands open for somebody before walks up to it faster than it closes.
    assert found.waits_s.max() == pytest.approx(2, abs=0.15)
    assert (found.approaches_s > found.waits_s[: len(found.approaches_s)]).all()


def test_several_doors_are_added_up() -> None:
    one = guarded(load_guarded_door("mask_door"), for_masks, 300)
    both = joined([one, one])
    assert both.seconds == 600
    assert both.false_refusals == Rate(2 * one.false_refusals.count, 2 * one.false_refusals.of)
    through = [measures.as_dict()["throughput_per_hour"] for measures in (one, both)]
    assert through[0]["value"] == pytest.approx(through[1]["value"])
    assert through[1]["low"] > through[0]["low"]


@pytest.mark.parametrize(
    ("count", "of", "low", "high"), [(0, 10, 0.0, 0.2130), (5, 10, 0.2693, 0.7307), (10, 10, 0.7870, 1.0)]
)
def test_rates_have_wilsons_interval(count: int, of: int, low: float, high: float) -> None:
    """By hand: centre (k + z2/2)/(n + z2), half z sqrt(k (n - k)/n + z2/4)/(n + z2) at z = 1.6449."""
    assert Rate(count, of).bounds == pytest.approx((low, high), abs=1e-4)
    assert Rate(0, 0).bounds is None


def test_counts_have_poissons_interval() -> None:
    """Tables of Garwood (1936) for 90 %: 0 to 3.00 of none, 0.0513 to 4.74 of one, 5.43 to 16.96 of ten."""
    for count, bounds in ((0, (0, 2.9957)), (1, (0.0513, 4.7439)), (10, (5.4254, 16.9622))):
        assert poisson(count, 0.9) == pytest.approx(bounds, abs=1e-3)


def test_the_median_of_equal_waits_is_certain() -> None:
    import numpy as np  # noqa: PLC0415

    found = waits_summary(np.full(9, 0.5))
    assert found is not None
    assert found["low"] == found["median"] == found["high"] == found["longest"] == 0.5
