"""The node's page: run a node in a scenario, and play what it saw and answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from app_pages import design as designs
from app_pages.drawing import draw, plain, room_nodes
from app_pages.runs import keep_run
from app_pages.simulated import kept
from twin.accuracy_prediction import Deployments
from twin.figures_counts import confusion_matrix, count_over_time
from twin.figures_energy import battery_life_figure, days, days_interval, inference_latency, power_by_consumer
from twin.figures_room import floor_plan, frame_image
from twin.key_figures import caveats, key_figures, verdict
from twin.library import names
from twin.node import load_node
from twin.prediction import predict
from twin.session import EXPECTED_ERRORS, result_files, run_by_name
from twin.terminal import sensor_warning
from twin.what_if import PARTS, Exchanged, exchanged

if TYPE_CHECKING:
    from twin.emulated_node import Progress
    from twin.placement.plan_tables import Scenario
    from twin.prediction import Level, Prediction

DEPLOYMENTS = 20
"""Simulated behind the interval of the accuracy."""
# Time between two pictures while playing.
TICK_S = 0.5
SPEEDS = (1, 2, 5, 10)
WHAT_IF_S = 30.0
MEDIA_TYPES = {"result.json": "application/json", "frames.npz": "application/octet-stream", "report.html": "text/html"}


@dataclass(frozen=True)
class Choice:
    """What the sidebar asks for."""

    scenario: str
    node: str
    seconds: float
    seed: int
    level: Level
    deployments: int = DEPLOYMENTS


THE_PLAN, SENSOR = "the plan", "sensor "
EXAMPLE = Choice(THE_PLAN, "sensor 1", 60.0, 1, "host", deployments=0)
"""What is run on the first visit: quick, without an interval of the accuracy."""


def page() -> None:
    """Draw the page."""
    st.header("Node")
    st.caption(
        "How well does a node count, how late does it answer, how long does its battery last? Cycles are those of its "
        "firmware in emulation; powers are the datasheets', measured or assumed as each states; people are simulated."
    )
    design, plan = designs.opened()
    choice = ask(design)
    if choice is None and "prediction" not in st.session_state and "node_problem" not in st.session_state:
        choice = EXAMPLE
    if choice is not None:
        compute(choice, design, plan)
    if problem := st.session_state.get("node_problem"):
        st.error(plain(problem))
    prediction = st.session_state.get("prediction")
    if prediction is not None:
        show(prediction)
        exchange(prediction)


def ask(design: designs.Design) -> Choice | None:
    """Draw the sidebar; return what to run when Run was pressed."""
    with st.sidebar:
        scenario = st.selectbox("Scenario", [THE_PLAN, *names("scenarios")], key="scenario")
        if scenario == THE_PLAN:
            numbers = [f"sensor {number + 1}" for number in range(len(design.sensors))]
            node = st.selectbox("Node", numbers, key="plan_sensor")
        else:
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


def compute(choice: Choice, design: designs.Design, plan: Scenario) -> None:
    """Run the choice under a progress bar and keep the result; keep one line when it cannot be run."""
    bar = st.progress(0.0, text="building the firmware and starting the node")

    def advance(done: int, total: int) -> None:
        bar.progress(done / total, text=f"frame {done} of {total}")

    for key in ("prediction", "files", "frame", "node_problem"):
        st.session_state.pop(key, None)
    st.session_state["playing"] = False
    try:
        prediction = predicted(choice, design, plan, advance)
    except EXPECTED_ERRORS as error:
        st.session_state["node_problem"] = str(error)
    else:
        st.session_state["files"] = result_files(prediction)
        st.session_state["prediction"] = prediction
        keep_run(prediction)
    finally:
        bar.empty()


def predicted(choice: Choice, design: designs.Design, plan: Scenario, progress: Progress) -> Prediction:
    """Return what the node does: one of the design in its plan, or a node by name in a scenario by name.

    Raises:
        One of `EXPECTED_ERRORS`.
    """
    if choice.scenario != THE_PLAN:
        return run_by_name(
            choice.scenario,
            choice.node,
            seconds=choice.seconds,
            seed=choice.seed,
            level=choice.level,
            deployments=choice.deployments,
            progress=progress,
        )
    is_sensor = choice.node.startswith(SENSOR)
    node = design.nodes()[int(choice.node.removeprefix(SENSOR)) - 1] if is_sensor else load_node(choice.node)
    further = None
    if choice.deployments:
        lasting_s, noise = min(choice.seconds, Deployments.seconds), node.config.sensor.noise
        further = Deployments(number=choice.deployments, seconds=lasting_s, seed=choice.seed, profile=noise)
    return predict(
        plan,
        node,
        seconds=choice.seconds,
        seed=choice.seed,
        level=choice.level,
        deployments=further,
        progress=progress,
    )


def show(prediction: Prediction) -> None:
    """Draw a prediction: verdict, warning, player, figures, downloads."""
    st.subheader(plain(prediction.node.config.title))
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


def exchange(prediction: Prediction) -> None:
    """Draw what becomes of the node with another network, board or battery."""
    st.subheader("What if")
    part = st.segmented_control("Exchange the", list(PARTS), default=None, key="what_if")
    if part is None:
        st.caption("Plays the scenario again with every network, board or battery of the library, for half a minute.")
        return
    scenario, node = prediction.scenario, prediction.node
    key = ("what if", part, scenario.model_dump_json(), node.config.model_dump_json(), node.path, prediction.seed)

    def make(progress: Progress) -> list[Exchanged]:
        return exchanged(part, scenario, node, seconds=WHAT_IF_S, seed=prediction.seed, progress=progress)

    rows = kept(key, f"the node is played with every {part}", make)
    st.dataframe([_row(row) for row in rows], hide_index=True, height="content")
    st.caption(
        "On other boards than the STM32L4 the network alone is profiled: the counter's drivers are written for that."
        if part == "board"
        else f"Played for {WHAT_IF_S:g} s at host level; one run of people, so accuracies are rough."
    )


def _row(row: Exchanged) -> dict[str, str]:
    figures = {
        "balanced accuracy": row.balanced_accuracy and f"{row.balanced_accuracy:.1%}",
        "inference": row.inference_s and f"{row.inference_s * 1e3:.3f} ms",
        "energy of one": row.inference_j and f"{row.inference_j * 1e6:.1f} uJ",
        "battery life": row.life_s and days(row.life_s),
        "flash": row.flash_bytes and f"{row.flash_bytes / 1000:.1f} kB",
    }
    known = {name: value or "" for name, value in figures.items()}
    return {"part": f"{row.name}{' (its own)' if row.is_own else ''}", **known, "cannot be": row.problem}


if __name__ == "__main__":
    page()
