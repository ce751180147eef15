"""The people's page: play the plan's people before all sensors of the design, with frames, counts and events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from app_pages import design as designs
from app_pages.drawing import draw, plain
from app_pages.simulated import fused_of, passages_of, watched_of
from twin.placement.plan_tables import BadInputError, Scenario

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.fusion.watching import Watched

TICK_S = 0.5
"""Time between two pictures while playing."""
SPEEDS = (1, 2, 5, 10)


def page() -> None:
    """Draw the page."""
    st.header("People")
    st.caption(
        "People of the plan come, linger and go; every sensor reports frames, and its own network counts. The sensors' "
        "noise is measured; who comes when, bodies and temperatures are assumed, as the plan says them."
    )
    design, scenario = designs.opened()
    length, seed, _ = st.columns([1, 1, 3])
    seconds = length.number_input("Length in s", 10, 1800, 120, step=10, key="people_seconds")
    number = seed.number_input("Seed", 0, 2**31 - 1, 1, key="people_seed")
    try:
        watched = watched_of(design, float(seconds), int(number))
        fused = fused_of(design, watched, float(seconds), int(number))
    except BadInputError as error:
        st.error(plain(str(error)))
        return
    _metrics(watched, fused)
    playing = bool(st.session_state.get("people_playing"))
    st.fragment(_player, run_every=TICK_S if playing else None)(scenario, design, watched, fused)
    _happened(watched)
    _doors(design, float(seconds), int(number))


def _doors(design: designs.Design, seconds: float, seed: int) -> None:
    """Draw how well nodes inside the plan's doors would tell who comes in and who goes out."""
    st.subheader("In and out")
    if not st.toggle("Hang a counter inside each door", key="people_doors"):
        st.caption(
            "Rather than counting who is there, a node of the kind doorway_counter tells who passes its door, for ten "
            "times as long as above."
        )
        return
    try:
        rows = passages_of(design, 10 * seconds, seed)
    except BadInputError as error:
        st.error(plain(str(error)))
        return
    st.dataframe(rows, hide_index=True, height="content")
    st.caption("Intervals are Wilson's, 90 %; simulated people. Lifts' doors are left out.")


def _metrics(watched: Watched, fused: NDArray[np.int64]) -> None:
    wrong = np.abs(fused - watched.in_view)
    seen = watched.seen_by
    shown = {
        "Counted right together": f"{np.mean(wrong == 0):.0%}",
        "People wrong on average": f"{wrong.mean():.2f}",
        "In view of any sensor": f"{_share(seen > 0, seen >= 0):.0%}",
        "In view of several": f"{_share(np.bitwise_count(np.maximum(seen, 0)) > 1, seen >= 0):.0%}",
    }
    helps = ("against who is in view of any sensor", "the same", "share of people's time", "share of people's time")
    for column, (label, value), said in zip(st.columns(len(shown)), shown.items(), helps, strict=True):
        column.metric(label, value, help=said, border=True)


def _share(which: NDArray[np.bool_], of: NDArray[np.bool_]) -> float:
    return float(which[of].mean()) if of.any() else 0.0


def _player(scenario: Scenario, design: designs.Design, watched: Watched, fused: NDArray[np.int64]) -> None:
    """Draw one moment with its controls; while playing, the next one each time this is drawn."""
    from twin.placement.people_drawing import counts_figure, frames_figure, people_figure  # noqa: PLC0415 - heavy

    time_s = watched.timeline.time_s
    last = len(time_s) - 1
    frame = _advanced(_first(watched), last, float(time_s[1] - time_s[0]))
    _controls(last)
    if frame >= last and st.session_state.get("people_playing"):
        st.session_state["people_playing"] = False
        st.rerun()
    truth, answer = int(watched.in_view[frame]), int(fused[frame])
    color, judgement = ("green", "right") if truth == answer else ("red", "wrong")
    st.markdown(
        f"{time_s[frame]:.1f} s: **{truth}** in view of any sensor, {int(watched.truth[frame])} in the room; "
        f"together they answer **{answer}**, :{color}[**{judgement}**]"
    )
    plan, frames = st.columns([13, 9])
    with plan:
        draw("people-plan", people_figure(scenario, design.nodes(), watched, frame))
    with frames:
        draw("people-frames", frames_figure(watched, frame))
    draw("people-counts", counts_figure(watched, fused, float(time_s[frame])))


def _advanced(first: int, last: int, period_s: float) -> int:
    """Return the frame to be drawn, at the beginning `first`."""
    frame = min(int(st.session_state.get("people_frame", first)), last)
    if st.session_state.get("people_playing"):
        frame = min(frame + round(int(st.session_state.get("people_speed", SPEEDS[0])) * TICK_S / period_s), last)
    st.session_state["people_frame"] = frame
    return frame


def _first(watched: Watched) -> int:
    """Return the first frame with somebody in view of a sensor that has settled."""
    found = np.flatnonzero(watched.in_view > 0)
    return int(found[0]) if len(found) else 0


def _controls(last: int) -> None:
    button, speed, slider = st.columns([1, 1, 6], vertical_alignment="bottom")
    playing = bool(st.session_state.get("people_playing"))
    if button.button("Pause" if playing else "Play", key="people_play", width="stretch"):
        st.session_state["people_playing"] = not playing
        st.rerun()
    speed.selectbox("Speed", SPEEDS, key="people_speed", format_func=lambda times: f"{times} x")
    slider.slider("Frame", 0, last, key="people_frame")


def _happened(watched: Watched) -> None:
    from twin.placement.people_drawing import in_words  # noqa: PLC0415 - heavy

    st.subheader("Who came and went")
    rows = [{"time, s": round(event.time_s, 1), "event": in_words(event)} for event in watched.timeline.events]
    if rows:
        st.dataframe(rows, hide_index=True, height="content" if len(rows) < 12 else 400)
    else:
        st.write("Nobody came or went in this time.")


if __name__ == "__main__":
    page()
