"""A door that a camera guards: it moves only when the pin does, and people do what people do before doors."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from datasheet.bad_input import BadInputError
from scenarios.guarded_door import DoorEvent, GuardedDoor, load_guarded_door

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RATE_HZ = 30
LIBRARY = "mask_door"


def watched(
    seconds: float, opens: Callable[[GuardedDoor], bool], seed: int = 1
) -> tuple[GuardedDoor, list[tuple[float, float]]]:
    """Return the door after a while in which a rising pin follows `opens`, and how far open it was over time."""
    door, history, was = GuardedDoor(load_guarded_door(LIBRARY), seed), [], False
    for frame in range(round(seconds * RATE_HZ)):
        door.run_until(frame / RATE_HZ)
        high = opens(door)
        if high != was:
            door.pin(high=high)
        was = high
        history.append((door.now_s, door.openness()))
    return door, history


def for_masks(door: GuardedDoor) -> bool:
    first = door.first()
    return first is not None and first.wearing == "mask"


def kinds(events: list[DoorEvent]) -> Counter[str]:
    return Counter(event.kind for event in events)


def test_without_a_pin_nobody_enters_and_the_door_stays_shut() -> None:
    door, history = watched(600, lambda _: False)
    assert kinds(door.events)["came"] > 5
    assert {openness for _, openness in history} == {0.0}
    assert not kinds(door.events).keys() & {"opened", "entered", "tailgated", "closed"}
    assert kinds(door.events)["gave up"] > 0


def test_who_is_let_in_enters_and_others_give_up_or_follow() -> None:
    """Each opening is for a mask; who enters without one has followed somebody."""
    door, _ = watched(1800, for_masks)
    followed = {event.visitor for event in door.events if event.kind == "tailgated"}
    entered = [event.visitor for event in door.events if event.kind == "entered"]
    assert len(entered) > 30
    assert len(entered) == len(set(entered))
    assert all(door.visitors[number].wearing == "mask" for number in entered if number not in followed)
    assert followed
    assert kinds(door.events)["gave up"] > 0
    assert all(visitor.is_gone or visitor.came_s > 1700 for visitor in door.visitors)


def test_the_door_opens_stays_and_closes_as_its_file_says() -> None:
    """Half open after half of the time, then open, then half closed, then shut."""
    door = GuardedDoor(load_guarded_door(LIBRARY), 1)
    motion = door.scenario.door
    door.run_until(10.0)
    door.pin(high=True)
    door.pin(high=False)
    closes_s = 10.0 + motion.opens_in_s + motion.stays_open_s
    for time_s, openness in (
        (10.0 + motion.opens_in_s / 2, 0.5),
        (closes_s - 0.01, 1.0),
        (closes_s + motion.closes_in_s / 2, 0.5),
        (closes_s + motion.closes_in_s + 0.01, 0.0),
    ):
        door.run_until(time_s)
        assert door.openness() == pytest.approx(openness, abs=1e-6)


def test_a_pin_that_stays_high_keeps_it_open() -> None:
    """The time for which it stays open begins as the pin falls."""
    door = GuardedDoor(load_guarded_door(LIBRARY), 1)
    motion = door.scenario.door
    door.run_until(10.0)
    door.pin(high=True)
    door.run_until(30.0)
    assert door.openness() == 1.0
    door.pin(high=False)
    door.run_until(30.0 + motion.stays_open_s - 0.01)
    assert door.openness() == 1.0
    door.run_until(30.0 + motion.stays_open_s + motion.closes_in_s + 0.01)
    assert door.openness() == 0.0


def test_a_pin_that_rises_again_keeps_it_open() -> None:
    door = GuardedDoor(load_guarded_door(LIBRARY), 1)
    motion = door.scenario.door
    door.run_until(10.0)
    door.pin(high=True)
    door.pin(high=False)
    door.run_until(10.0 + motion.opens_in_s + motion.stays_open_s - 0.1)
    door.pin(high=True)
    door.pin(high=False)
    door.run_until(10.0 + motion.opens_in_s + 2 * motion.stays_open_s - 0.2)
    assert door.openness() == 1.0
    assert kinds(door.events)["closed"] == 0


def test_a_door_that_closes_opens_from_where_it_is() -> None:
    door = GuardedDoor(load_guarded_door(LIBRARY), 1)
    motion = door.scenario.door
    door.run_until(10.0)
    door.pin(high=True)
    door.pin(high=False)
    half_closed_s = 10.0 + motion.opens_in_s + motion.stays_open_s + motion.closes_in_s / 2
    door.run_until(half_closed_s)
    door.pin(high=True)
    assert door.openness() == pytest.approx(0.5, abs=1e-6)
    door.run_until(half_closed_s + motion.opens_in_s / 4)
    assert door.openness() == pytest.approx(0.75, abs=1e-6)


def test_nobody_turns_away_from_a_door_that_opens() -> None:
    """The pin rises as patience all but ends, and falls at once."""
    scenario = load_guarded_door(LIBRARY)
    behaviour = scenario.behaviour.model_copy(update={"corrects_share": 0.0, "tailgates_share": 0.0})
    door = GuardedDoor(scenario.model_copy(update={"behaviour": behaviour}), 1)
    while (first := door.first()) is None or first.waits_from_s is None:
        door.run_until(door.now_s + 1 / RATE_HZ)
    door.run_until(first.waits_from_s + behaviour.patience_s - 0.1)
    door.pin(high=True)
    door.pin(high=False)
    door.run_until(door.now_s + scenario.door.opens_in_s)
    said = [event.kind for event in door.events if event.visitor == first.number]
    assert said == ["came", "reached", "opened", "entered"]


def test_people_come_nearer_and_stop_before_the_camera() -> None:
    door = GuardedDoor(load_guarded_door(LIBRARY), 3)
    behaviour = door.scenario.behaviour
    while door.first() is None:
        door.run_until(door.now_s + 1 / RATE_HZ)
    first = door.first()
    assert first is not None
    assert 0.6 * behaviour.stands_at_m <= first.distance_at(door.now_s) <= 1.5 * behaviour.stands_at_m
    assert first.came_s < door.now_s


def test_the_same_seed_and_pin_give_the_same_events() -> None:
    first, again, other = (watched(300, for_masks, seed)[0].events for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_first_visitor_may_be_asked_for() -> None:
    """All others come as they would have come behind that one."""
    door, asked = (GuardedDoor(load_guarded_door(LIBRARY), 1, first_s=first_s) for first_s in (None, 1.0))
    door.run_until(600)
    asked.run_until(600)
    came = [[event.time_s for event in one.events if event.kind == "came"] for one in (door, asked)]
    assert came[1][0] == 1.0
    earlier_s = came[0][0] - 1.0
    assert came[1][1] == pytest.approx(came[0][1] - earlier_s)


def test_some_put_their_masks_right() -> None:
    door, _ = watched(1200, lambda _: False)
    corrected = {event.visitor for event in door.events if event.kind == "corrected"}
    assert corrected
    assert all(door.visitors[number].wearing == "mask" for number in corrected)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("mask = 0.62", "mask = 0.72", "wearing is 1.1; must be 1 together"),
        ("mask = 0.62", "masc = 0.62", "wearing.masc"),
        ("stands_at_m = 0.4", "stands_at_m = 3.5", "stands_at_m is 3.5; must be less than comes_from_m"),
        ("per_hour = 120.0", "per_hour = 0", "arrivals.per_hour is 0"),
        ("opens_in_s = 1.2", "", "door.opens_in_s"),
    ],
)
def test_a_file_that_cannot_be_is_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    from importlib import resources  # noqa: PLC0415

    text = resources.files("scenarios.guarded_doors").joinpath("mask_door.toml").read_text(encoding="utf-8")
    path = tmp_path / "own.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(BadInputError) as caught:
        load_guarded_door(str(path))
    assert said in str(caught.value)
