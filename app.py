"""The twin in a browser: choose a scenario and a node, run them, play the result. Start it with `make app`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from app_pages import battery, door
from app_pages.drawing import draw, plain, room_nodes
from twin.figures_counts import confusion_matrix, count_over_time
from twin.figures_energy import battery_life_figure, days, days_interval, inference_latency, power_by_consumer
from twin.figures_room import floor_plan, frame_image
from twin.key_figures import caveats, key_figures, verdict
from twin.library import names
from twin.session import EXPECTED_ERRORS, result_files, run_by_name
from twin.terminal import sensor_warning

if TYPE_CHECKING:
    from twin.prediction import Level, Prediction

DEPLOYMENTS = 20
"""Simulated behind the interval of the accuracy."""
# Time between two pictures while playing.
TICK_S = 0.5
SPEEDS = (1, 2, 5, 10)
MEDIA_TYPES = {"result.json": "application/json", "frames.npz": "application/octet-stream", "report.html": "text/html"}


@dataclass(frozen=True)
class Choice:
    """What the sidebar asks for."""

    scenario: str
    node: str
    seconds: float
    seed: int
    level: Level


def main() -> None:
    """Draw the page."""
    st.set_page_config(page_title="Edge sensor twin", layout="wide")
    with st.sidebar:
        st.header("Edge sensor twin")
        page = st.segmented_control("Page", list(PAGES), default="Scenario", required=True, key="page")
    PAGES[page]()


def run_page() -> None:
    """Draw the page that runs a node in a scenario."""
    choice = ask()
    if choice is not None:
        compute(choice)
    prediction = st.session_state.get("prediction")
    if prediction is None:
        st.title("Edge sensor twin")
        st.write(
            "How well will this node count people, how late will it answer and how long will its battery last? "
            "Choose a scenario and a node on the left, then press **Run**."
        )
    else:
        show(prediction)


def ask() -> Choice | None:
    """Draw the sidebar; return what to run when Run was pressed."""
    with st.sidebar:
        scenario = st.selectbox("Scenario", names("scenarios"), key="scenario")
        node = st.selectbox("Node", room_nodes(), key="node")
        with st.expander("Files of your own"):
            own_scenario = st.text_input("Scenario (path to a TOML)", key="own_scenario")
            own_node = st.text_input("Node (path to a TOML)", key="own_node")
            st.caption("A path here takes the place of the choice above.")
        seconds = st.number_input("Length in s", 5, 3600, 120, step=5, key="seconds")
        seed = st.number_input("Seed", 0, 2**31 - 1, 1, key="seed")
        level = st.radio(
            "Level",
            ["emulated", "host"],
            captions=["every frame through the firmware", "counts on the host, cost from 100 emulated frames"],
            key="level",
        )
        if not st.button("Run", type="primary", key="run", width="stretch"):
            return None
    chosen: Level = "host" if level == "host" else "emulated"
    return Choice(own_scenario.strip() or scenario, own_node.strip() or node, float(seconds), int(seed), chosen)


def compute(choice: Choice) -> None:
    """Run the choice under a progress bar and keep the result; show one line when it cannot be run."""
    bar = st.progress(0.0, text="building the firmware and starting the node")

    def advance(done: int, total: int) -> None:
        bar.progress(done / total, text=f"frame {done} of {total}")

    for key in ("prediction", "files", "frame"):
        st.session_state.pop(key, None)
    st.session_state["playing"] = False
    try:
        prediction = run_by_name(
            choice.scenario,
            choice.node,
            seconds=choice.seconds,
            seed=choice.seed,
            level=choice.level,
            deployments=DEPLOYMENTS,
            progress=advance,
        )
    except EXPECTED_ERRORS as error:
        st.error(plain(str(error)))
    else:
        st.session_state["files"] = result_files(prediction)
        st.session_state["prediction"] = prediction
    finally:
        bar.empty()


def show(prediction: Prediction) -> None:
    """Draw a prediction: verdict, warning, player, figures, downloads."""
    st.header(plain(prediction.node.config.title))
    st.caption(plain(f"{prediction.scenario.name}: {prediction.scenario.description}"))
    st.markdown(f"**{plain(verdict(prediction))}**")
    for line in sensor_warning(prediction):
        title = "#### The sensor, not the network, decides the battery life"
        st.error(f"{title}\n\n{plain(line)}", icon=":material/battery_alert:")
    for problem in prediction.trace.problems:
        st.error(plain(problem), icon=":material/memory:")
    for note in caveats(prediction):
        st.warning(plain(note))
    metrics(prediction)
    playing = bool(st.session_state.get("playing"))
    st.fragment(player, run_every=TICK_S if playing else None)(prediction)
    figures(prediction)
    downloads()


def _range(prediction: Prediction) -> str:
    if prediction.deployed is None:
        return ""
    low, high = prediction.deployed.bounds
    return f" ({low:.0%} to {high:.0%})"


def metrics(prediction: Prediction) -> None:
    """Draw the four figures everybody asks for."""
    life = prediction.life
    shown = {
        f"Balanced accuracy{_range(prediction)}": f"{prediction.accuracy.balanced_accuracy:.1%}",
        "Inference, median": f"{prediction.latency.inference_p50 * 1e3:.3f} ms",
        f"Battery life ({days_interval(life)})": days(life.life_s),
        "Life without the sensor": days(prediction.life_without_sensor.life_s),
    }
    for column, (label, value) in zip(st.columns(len(shown)), shown.items(), strict=True):
        column.metric(label, value, border=True)


def player(prediction: Prediction) -> None:
    """Draw one frame of the run with its controls; while playing, the next one each time this is drawn."""
    last = len(prediction.count) - 1
    speed = int(st.session_state.get("speed", SPEEDS[0]))
    st.session_state.setdefault("frame", 0)
    if st.session_state.get("playing"):
        step = round(speed * TICK_S / prediction.budget.period_s)
        st.session_state["frame"] = min(st.session_state["frame"] + step, last)
    controls(last)
    frame = st.session_state["frame"]
    if frame >= last and st.session_state.get("playing"):
        st.session_state["playing"] = False
        st.rerun()
    st.markdown(caption(prediction, frame))
    plan, image = st.columns(2)
    with plan:
        draw("plan", floor_plan(prediction, frame))
    with image:
        draw("image", frame_image(prediction, frame))
    draw("counts", count_over_time(prediction, float(prediction.recording.time_s[frame])))


def controls(last: int) -> None:
    """Draw play or pause, speed, and the slider over frames."""
    button, speed, slider = st.columns([1, 1, 6], vertical_alignment="bottom")
    playing = bool(st.session_state.get("playing"))
    if button.button("Pause" if playing else "Play", key="play", width="stretch"):
        st.session_state["playing"] = not playing
        if not playing and st.session_state["frame"] >= last:
            st.session_state["frame"] = 0
        st.rerun()
    speed.selectbox("Speed", SPEEDS, key="speed", format_func=lambda times: f"{times} x")
    slider.slider("Frame", 0, last, key="frame")


def caption(prediction: Prediction, frame: int) -> str:
    """Return what is true and what was answered in a frame."""
    truth, count = int(prediction.recording.count[frame]), int(prediction.count[frame])
    answer = "no answer" if count < 0 else f"answered **{count}**"
    color, judgement = ("green", "right") if truth == count else ("red", "wrong")
    time_s = float(prediction.recording.time_s[frame])
    return f"{time_s:.1f} s: **{truth}** in view, {answer}, :{color}[**{judgement}**]"


def figures(prediction: Prediction) -> None:
    """Draw what holds for the whole run."""
    left, right = st.columns(2)
    with left:
        st.subheader("Where the power goes")
        draw("power", power_by_consumer(prediction))
        st.subheader("Which counts are confused")
        draw("confusion", confusion_matrix(prediction))
    with right:
        st.subheader("How long the battery lasts")
        draw("life", battery_life_figure(prediction))
        st.subheader("How long an inference takes")
        draw("latency", inference_latency(prediction))
    st.subheader("Key figures")
    rows = [{"figure": row.name, "value": row.value, "range": row.interval} for row in key_figures(prediction)]
    st.dataframe(rows, hide_index=True, height="content")


def downloads() -> None:
    """Draw one button for each result file."""
    st.subheader("Files")
    files: dict[str, bytes] = st.session_state["files"]
    for column, (name, content) in zip(st.columns(len(files)), files.items(), strict=True):
        column.download_button(
            name, content, file_name=name, mime=MEDIA_TYPES[name], key=name, on_click="ignore", width="stretch"
        )


PAGES = {"Scenario": run_page, "Battery": battery.page, "Mask door": door.page}

if __name__ == "__main__":
    main()
