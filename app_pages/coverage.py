"""The coverage's page: how often people are detected and counted right at every spot of the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from app_pages import design as designs
from app_pages.drawing import draw, plain
from app_pages.simulated import coverage_of
from twin.placement.coverage import BLIND_BELOW
from twin.placement.coverage_map import IN_WORDS, coverage_map, curves
from twin.placement.plan_tables import BadInputError
from twin.placement.studies import AIR_DEGC, heights_below

if TYPE_CHECKING:
    from twin.placement.coverage import Coverage

ALL = "all"
_HELP = {"Detected": "mean over the spots", "Right": "counted as one person; mean over the spots"}


def page() -> None:
    """Draw the page."""
    st.header("Coverage")
    st.caption(
        "Simulated people of the plan's population stand, sit and walk at every spot, and each sensor's own network "
        "answers. The sensor's noise is measured; bodies, clothing and the plan's temperatures are assumed."
    )
    design, scenario = designs.opened()
    quality = st.segmented_control("Grid", ["quick", "fine"], default="quick", required=True, key="coverage_quality")
    try:
        coverage = coverage_of(design, quality)
    except BadInputError as error:
        st.error(plain(str(error)))
        return
    _view(coverage)
    st.caption(
        f"{len(coverage.spots)} spots of {coverage.spots.step_m:g} m, {coverage.people} people at each in each "
        f"posture, on the plan {plain(scenario.name)}."
    )
    _what_if(design)


@st.fragment
def _view(coverage: Coverage) -> None:
    """Draw the map and its figures; choosing another view draws nothing else again."""
    left, right = st.columns([13, 7])
    with right:
        what = st.segmented_control(
            "Probability that people are",
            list(IN_WORDS),
            default="detected",
            required=True,
            key="coverage_what",
            format_func=lambda key: IN_WORDS[key],
        )
        chosen = st.segmented_control(
            "People", [ALL, *coverage.postures], default=ALL, required=True, key="coverage_posture"
        )
        numbers = [str(number + 1) for number in range(len(coverage.nodes))]
        by = st.segmented_control("Sensors", [ALL, *numbers], default=ALL, required=True, key="coverage_sensor")
    posture, node = None if chosen == ALL else chosen, None if by == ALL else int(by) - 1
    with left:
        draw("coverage-map", coverage_map(coverage, what, posture, node))
    with right:
        _figures(coverage, posture, node)


def _figures(coverage: Coverage, posture: str | None, node: int | None) -> None:
    detected, right = coverage.share("detected", posture, node), coverage.share("right", posture, node)
    blind = detected < BLIND_BELOW
    shown = {
        "Detected": f"{detected.mean():.0%}",
        "Right": f"{right.mean():.0%}",
        "Blind": f"{blind.mean():.0%}",
    }
    for column, (label, value) in zip(st.columns(len(shown)), shown.items(), strict=True):
        column.metric(label, value, help=_HELP.get(label, f"{_area(coverage, blind)} m2"))
    st.dataframe([_row(coverage, one, node) for one in (*coverage.postures, None)], hide_index=True, height="content")
    alarms = ", ".join(f"{number + 1}: {share:.1%}" for number, share in enumerate(coverage.false_alarms))
    st.caption(
        f"Means over the plan's spots. Blind: detected in less than {BLIND_BELOW:.0%} of visits. "
        f"Sensors that answer somebody in the empty room: {alarms} of looks."
    )


def _area(coverage: Coverage, blind: Any) -> str:
    return f"{blind.sum() * coverage.spots.step_m**2:.1f}"


def _row(coverage: Coverage, posture: str | None, node: int | None) -> dict[str, str]:
    detected, right = coverage.share("detected", posture, node), coverage.share("right", posture, node)
    return {
        "people": posture or ALL,
        "detected": f"{detected.mean():.0%}",
        "counted right": f"{right.mean():.0%}",
        "blind": f"{_area(coverage, detected < BLIND_BELOW)} m2",
    }


def _what_if(design: designs.Design) -> None:
    """Draw what becomes of the means when all sensors hang higher or lower, and when the room is warmer."""
    st.subheader("What if")
    room = designs.plan_of(design.plan).room
    left, right = st.columns(2)
    with left:
        if st.toggle("All sensors hang at another height", key="coverage_heights"):
            heights_m = heights_below(room.ceiling_height_m)
            rows = [_means("height_m", one, coverage_of(design, "rough", height_m=one)) for one in heights_m]
            draw("coverage-heights", curves(rows, "height_m", "height of all sensors, m"))
    with right:
        if st.toggle("The room is warmer or colder", key="coverage_warmth"):
            rows = [_means("air_degc", one, coverage_of(design, "rough", air_degc=one)) for one in AIR_DEGC]
            draw("coverage-warmth", curves(rows, "air_degc", "temperature of the air, floor and walls with it, degC"))
    st.caption(
        "On a rough grid. Near the temperature of clothing and skin people do not stand out any more; how clothes warm "
        "up is modelled for air of up to 30 degC."
    )


def _means(key: str, value: float, found: Coverage) -> dict[str, float]:
    return {key: value, **found.summary()["all"]}


if __name__ == "__main__":
    page()
