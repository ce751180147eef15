"""What pages simulate of a design, kept by what it was made from, so that nothing is computed twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import streamlit as st

from app_pages import design as designs
from twin.doorway.config import DoorwayConfig
from twin.node import load_node

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    import numpy as np
    from numpy.typing import NDArray

    from twin.emulated_node import Progress
    from twin.fusion.watching import Watched
    from twin.placement.coverage import Coverage


T = TypeVar("T")

QUALITIES = {"rough": (0.5, 24), "quick": (0.25, 40), "fine": (0.1, 200)}
"""Side of a spot in metres, and people at each in each posture."""

SEED = 1
LEARNT_DAYS, LEARNT_DAY_S, LEARNT_SEED = 2, 180.0, 1_000_000
"""What a gateway learns from; their people are others than those it is shown with."""

PASSAGE_NODE = "doorway_counter"
MOST_KEPT = 64
"""Results that the server keeps; the oldest ones make room."""


def coverage_of(
    design: designs.Design, quality: str, *, height_m: float | None = None, air_degc: float | None = None
) -> Coverage:
    """Return the coverage of a design, or of what becomes of it.

    Args:
        design: The design.
        quality: One of `QUALITIES`.
        height_m: Where all sensors hang instead.
        air_degc: How warm the air is instead; floor and walls with it.

    Raises:
        BadInputError: It cannot be computed.
    """
    step_m, people = QUALITIES[quality]

    def make(progress: Progress) -> Coverage:
        from twin.placement.coverage import coverage  # noqa: PLC0415 - heavy
        from twin.placement.studies import at_air, at_height  # noqa: PLC0415 - heavy

        scenario, nodes = designs.plan_of(design.plan), design.nodes()
        if air_degc is not None:
            scenario = at_air(scenario, air_degc)
        if height_m is not None:
            nodes = at_height(nodes, scenario, height_m)
        return coverage(scenario, nodes, step_m=step_m, people=people, seed=SEED, progress=progress)

    key = ("coverage", design, quality, height_m, air_degc)
    found = kept(key, "people stand, sit and walk at every spot", make)
    if height_m is None and air_degc is None:
        shown_coverages()[design, quality] = found
    return found


def shown_coverages() -> dict[tuple[designs.Design, str], Coverage]:
    """Return the coverages of this session's designs, oldest first."""
    shown: dict[tuple[designs.Design, str], Coverage] = st.session_state.setdefault("coverages", {})
    return shown


def watched_of(design: designs.Design, seconds: float, seed: int) -> Watched:
    """Return what the sensors of a design see and count of the plan's people.

    Raises:
        BadInputError: It cannot be computed.
    """

    def make(_: Progress) -> Watched:
        from twin.fusion.watching import watch  # noqa: PLC0415 - heavy

        return watch(designs.plan_of(design.plan), design.nodes(), seconds=seconds, seed=seed)

    return kept(("watched", design, seconds, seed), "people walk about, and every sensor watches them", make)


def fused_of(design: designs.Design, watched: Watched, seconds: float, seed: int) -> NDArray[np.int64]:
    """Return what a gateway makes of the sensors' counts, which has learnt from days with other people.

    Args:
        design: The design.
        watched: What its sensors counted.
        seconds: How long.
        seed: Of these people.
    """

    def make(progress: Progress) -> NDArray[np.int64]:
        from twin.fusion.gateway import learn_gateway  # noqa: PLC0415 - heavy
        from twin.fusion.watching import watch  # noqa: PLC0415 - heavy

        scenario, nodes, days = designs.plan_of(design.plan), design.nodes(), []
        for day in range(LEARNT_DAYS):
            days.append(watch(scenario, nodes, seconds=LEARNT_DAY_S, seed=seed + LEARNT_SEED + day))
            progress(day + 1, LEARNT_DAYS)
        fused: NDArray[np.int64] = learn_gateway(days).fuse(watched.counts)
        return fused

    if len(design.sensors) == 1:
        alone: NDArray[np.int64] = watched.counts[0]
        return alone
    return kept(("fused", design, seconds, seed), "a gateway learns from other days which fields overlap", make)


def passages_of(design: designs.Design, seconds: float, seed: int) -> list[dict[str, str]]:
    """Return how well counters inside the plan's doors tell who passes: a row for each door and figure.

    Raises:
        BadInputError: A door's line is not in view.
    """

    def make(progress: Progress) -> list[dict[str, str]]:
        from twin.doorway.figures_in_words import event_rows  # noqa: PLC0415 - heavy
        from twin.doorway.watching import event_accuracy  # noqa: PLC0415 - heavy

        scenario = designs.plan_of(design.plan)
        doors = [index for index, door in enumerate(scenario.doors) if door.lift is None]
        rows = []
        for done, index in enumerate(doors, start=1):
            name = scenario.door_name(index)
            node = load_node(PASSAGE_NODE)
            at_door = node.changed(doorway=DoorwayConfig(door=name))
            found = event_accuracy(scenario, [at_door], seconds=seconds, seed=seed)
            rows += [
                {"door": name, "figure": what, "value": value, "range": ends} for what, value, ends in event_rows(found)
            ]
            progress(done, len(doors))
        return rows

    return kept(("passages", design.plan, seconds, seed), "counters watch the doors", make)


def kept(key: Hashable, said: str, make: Callable[[Progress], T]) -> T:
    """Return what `make` makes, from the last time where it was made of the same; under a progress bar otherwise.

    Args:
        key: All that it is made of.
        said: What is going on, in words.
        make: Makes it, and tells of its progress.
    """
    held = _held()
    if key in held:
        return cast("T", held[key])
    bar = st.progress(0.0, text=said)

    def advance(done: int, total: int) -> None:
        bar.progress(done / total, text=said)

    try:
        made = make(advance)
    finally:
        bar.empty()
    held[key] = made
    while len(held) > MOST_KEPT:
        held.pop(next(iter(held)), None)
    return made


@st.cache_resource(show_spinner=False)
def _held() -> dict[Hashable, Any]:
    """Return what this server keeps, oldest first."""
    return {}
