"""The guarded door's page: run a camera at a door, and play what it saw, what it answered and what the door did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from app_pages.drawing import door_nodes, draw, plain
from twin.door.figures import camera_frame, door_and_queue, door_over_time, power_of_consumers, steps_of_a_frame
from twin.door.figures_in_words import door_rows, memory_rows, power_rows, speed_rows, verdict
from twin.door.prediction import DEFAULT_SECONDS, DoorRequest
from twin.door.session import door_files, run_door_by_name
from twin.library import names
from twin.session import EXPECTED_ERRORS
from twin.spans_of_time import said

if TYPE_CHECKING:
    from twin.door.guard import Kept
    from twin.door.prediction import DoorPrediction
    from twin.prediction import Level

TICK_S = 0.5
"""Time between two pictures while playing."""
FURTHER_DOORS = 4
MEDIA_TYPES = {"result.json": "application/json", "looks.npz": "application/octet-stream", "report.html": "text/html"}


def page() -> None:
    """Draw the page."""
    asked = _ask()
    if asked is not None:
        _compute(*asked)
    prediction: DoorPrediction | None = st.session_state.get("door_prediction")
    if prediction is None:
        st.title("Mask door")
        st.write(
            "Whom will this camera let in, whom will it keep out, how fast, and what does it take? "
            "Choose a door and a node on the left, then press **Run**."
        )
    else:
        _show(prediction)


def _ask() -> tuple[str, str, DoorRequest] | None:
    """Draw the sidebar; return what to run when Run was pressed."""
    with st.sidebar:
        door = st.selectbox("Door", names("doors"), key="door_scenario")
        node = st.selectbox("Node", door_nodes(), key="door_node")
        with st.expander("Files of your own"):
            own_door = st.text_input("Door (path to a TOML)", key="door_own_scenario").strip()
            own_node = st.text_input("Node (path to a TOML)", key="door_own_node").strip()
            faces = st.text_input("Faces (folder with with_mask, without_mask)", key="door_faces").strip()
            st.caption("A path here takes the place of the choice above, or of drawn people.")
        captions = ["the firmware's integers on the host", "every frame through the firmware; six times slower"]
        level = st.radio("Level", ["host", "emulated"], captions=captions, key="door_level")
        chosen: Level = "emulated" if level == "emulated" else "host"
        seconds = st.number_input("Length in s", 5, 600, int(DEFAULT_SECONDS[chosen]), step=5, key="door_seconds")
        doors = st.number_input("Further doors behind the intervals", 0, 50, FURTHER_DOORS, key="door_doors")
        seed = st.number_input("Seed", 0, 2**31 - 1, 1, key="door_seed")
        if not st.button("Run", type="primary", key="door_run", width="stretch"):
            return None
    request = DoorRequest(
        seconds=float(seconds),
        seed=int(seed),
        level=chosen,
        deployments=int(doors),
        faces=Path(faces) if faces else None,
    )
    return own_door or door, own_node or node, request


def _compute(door: str, node: str, request: DoorRequest) -> None:
    """Run under a progress bar and keep the result; show one line when it cannot be run."""
    bar = st.progress(0.0, text="building the firmware and timing it")

    def advance(done: int, total: int) -> None:
        bar.progress(min(done / max(total, 1), 1.0), text=f"{done} of {total} s, further doors included")

    for key in ("door_prediction", "door_files", "door_frame"):
        st.session_state.pop(key, None)
    st.session_state["door_playing"] = False
    try:
        prediction = run_door_by_name(door, node, request, progress=advance)
    except EXPECTED_ERRORS as error:
        st.error(plain(str(error)))
    else:
        st.session_state["door_files"] = door_files(prediction)
        st.session_state["door_prediction"] = prediction
    finally:
        bar.empty()


def _show(prediction: DoorPrediction) -> None:
    st.header(plain(prediction.node.config.title))
    st.caption(plain(f"{prediction.scenario.name}: {prediction.scenario.description}"))
    st.markdown(f"**{plain(verdict(prediction))}**")
    for problem in prediction.log.problems:
        st.error(plain(problem), icon=":material/memory:")
    _metrics(prediction)
    playing = bool(st.session_state.get("door_playing"))
    st.fragment(_player, run_every=TICK_S if playing else None)(prediction)
    _figures(prediction)
    _downloads()


def _metrics(prediction: DoorPrediction) -> None:
    measures, power = prediction.all_measures, prediction.power
    lasts = "mains" if power.life is None else said(power.life.life_s)
    shown = {
        "Let in wrongly": f"{measures.false_opens.count} of {measures.false_opens.of}",
        "Kept out wrongly": f"{measures.false_refusals.count} of {measures.false_refusals.of}",
        "Frames a second": f"{prediction.timing.frame_rate_hz:.1f}",
        "Battery life": lasts,
    }
    for column, (label, value) in zip(st.columns(len(shown)), shown.items(), strict=True):
        column.metric(label, value, border=True)


def _player(prediction: DoorPrediction) -> None:
    """Draw one kept frame with its controls; while playing, the next ones each time this is drawn."""
    kept = prediction.log.kept
    if not kept:
        st.warning("The camera looked at no frame in this time.")
        return
    last = len(kept) - 1
    st.session_state.setdefault("door_frame", 0)
    if st.session_state.get("door_playing"):
        st.session_state["door_frame"] = _next(prediction, st.session_state["door_frame"])
    _controls(last)
    index = st.session_state["door_frame"]
    if index >= last and st.session_state.get("door_playing"):
        st.session_state["door_playing"] = False
        st.rerun()
    st.markdown(_caption(prediction, kept[index]))
    door, frame = st.columns([2, 3])
    with door:
        draw("door-queue", door_and_queue(prediction, kept[index]))
    with frame:
        draw("door-frame", camera_frame(kept[index]))
    draw("door-time", door_over_time(prediction, prediction.log.looks[kept[index].number].sight.time_s))


def _next(prediction: DoorPrediction, index: int) -> int:
    """Return the first kept frame that is a tick later, which may be far on where nobody was in sight."""
    kept, looks = prediction.log.kept, prediction.log.looks
    until_s = looks[kept[index].number].sight.time_s + TICK_S
    later = (number for number in range(index + 1, len(kept)) if looks[kept[number].number].sight.time_s >= until_s)
    return next(later, len(kept) - 1)


def _controls(last: int) -> None:
    button, slider = st.columns([1, 7], vertical_alignment="bottom")
    playing = bool(st.session_state.get("door_playing"))
    if button.button("Pause" if playing else "Play", key="door_play", width="stretch"):
        st.session_state["door_playing"] = not playing
        if not playing and st.session_state["door_frame"] >= last:
            st.session_state["door_frame"] = 0
        st.rerun()
    if last:
        slider.slider("Frame", 0, last, key="door_frame")


def _caption(prediction: DoorPrediction, kept: Kept) -> str:
    """Return who is nearest, what the network said and what was decided."""
    look = prediction.log.looks[kept.number]
    sight = look.sight
    who = "nobody in sight"
    if sight.wearing is not None:
        colour = "green" if sight.wearing == "mask" else "red"
        who = (
            f":{colour}[**{sight.wearing.replace('_', ' ')}**] at {sight.distance_m:.2f} m, {sight.queue} in the queue"
        )
    near = "near" if look.is_near else "nobody near"
    decision = "**open**" if look.opens else "**shut**"
    return f"{sight.time_s:.1f} s: {who}. Network {look.score / 255:.0%} sure of a mask, {near}: {decision}."


def _figures(prediction: DoorPrediction) -> None:
    left, right = st.columns(2)
    with left:
        st.subheader("One frame in time")
        draw("door-steps", steps_of_a_frame(prediction))
    with right:
        st.subheader("Where the power goes")
        draw("door-power", power_of_consumers(prediction))
    st.subheader("Key figures")
    rows = [*door_rows(prediction), *speed_rows(prediction), *power_rows(prediction), *memory_rows(prediction)]
    shown = [{"figure": name.strip(), "value": value, "range": remark} for name, value, remark in rows]
    st.dataframe(shown, hide_index=True, height="content")


def _downloads() -> None:
    st.subheader("Files")
    files: dict[str, bytes] = st.session_state["door_files"]
    for column, (name, content) in zip(st.columns(len(files)), files.items(), strict=True):
        column.download_button(
            name,
            content,
            file_name=name,
            mime=MEDIA_TYPES[name],
            key=f"door-{name}",
            on_click="ignore",
            width="stretch",
        )


if __name__ == "__main__":
    page()
