"""Figures of energy and time: power by consumer, battery life, latency of inference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from mcu_models.power import state_current
from twin.energy.budget import REGULATORS, SENSOR
from twin.energy.week import DAY_S
from twin.figures_style import ANSWER, CALM, INK, MUTED, styled
from twin.figures_style import SENSOR as SENSOR_COLOR
from twin.spans_of_time import short_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcu_models.emulators.virtual_clock import StateSpan
    from twin.energy.outlook import LifeRange
    from twin.prediction import Prediction

_TEXT_ROOM = 1.8
"""Bars end here on an axis that is this many times longer than the longest, so that values fit beside them."""


def power_by_consumer(prediction: Prediction) -> go.Figure:
    """Return the average power of each consumer on one linear scale, greatest on top, with value and share."""
    budget = prediction.budget
    total_w = budget.average_power_w

    def text(power_w: float) -> str:
        return f" <b>{_three_digits(power_w * 1e3)} mW</b><br>{share(power_w / total_w)}"

    return power_bars(budget.powers_w, text, title="average power in mW", row_px=44, room=_TEXT_ROOM)


def power_bars(
    powers_w: Mapping[str, float], text: Callable[[float], str], *, title: str, row_px: int, room: float
) -> go.Figure:
    """Return a bar for the power of each consumer, greatest on top.

    Args:
        powers_w: Power by consumer.
        text: What stands beside a bar of a power.
        title: What the axis says.
        row_px: Height of a bar's row.
        room: How many times longer than the longest bar the axis is, so that texts fit beside them.
    """
    ordered = sorted(powers_w.items(), key=lambda item: item[1])
    names = [consumer_title(name) for name, _ in ordered]
    bars = go.Bar(
        x=[power_w * 1e3 for _, power_w in ordered],
        y=names,
        orientation="h",
        marker_color=[SENSOR_COLOR if name == SENSOR else CALM for name, _ in ordered],
        text=[text(power_w) for _, power_w in ordered],
        textposition="outside",
        cliponaxis=False,
        hoverinfo="skip",
    )
    longest_mw = ordered[-1][1] * 1e3
    return styled(
        [bars],
        70 + row_px * len(names),
        xaxis={"title": title, "range": [0, longest_mw * room]},
        yaxis={"showgrid": False, "ticks": ""},
        bargap=0.35,
        margin={"l": 56, "r": 8, "t": 8, "b": 44},
    )


def battery_life_figure(prediction: Prediction) -> go.Figure:
    """Return the battery life with its interval, beside the life if the sensor drew nothing."""
    cases = {"if the sensor drew nothing": prediction.life_without_sensor, "as designed": prediction.life}
    lives = {_life_text(title, life): life for title, life in cases.items()}
    life_days = [life.life_s / DAY_S for life in lives.values()]
    high_days = max(life.high_s for life in lives.values()) / DAY_S
    bars = go.Bar(
        x=life_days,
        y=list(lives),
        orientation="h",
        marker_color=[CALM, SENSOR_COLOR],
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [(life.high_s - life.life_s) / DAY_S for life in lives.values()],
            "arrayminus": [(life.life_s - life.low_s) / DAY_S for life in lives.values()],
            "color": INK,
            "thickness": 1.4,
        },
        hoverinfo="skip",
    )
    return styled(
        [bars],
        334,
        xaxis={"title": "battery life in days", "range": [0, high_days * 1.05]},
        yaxis={"showgrid": False, "ticks": ""},
        bargap=0.55,
        margin={"l": 56, "r": 8, "t": 8, "b": 44},
    )


def current_over_frame(prediction: Prediction) -> go.Figure:
    """Return the microcontroller's supply current over its work on one frame, beside the sensor's, logarithmic.

    Shown is the end of a frame period, from just before the wake-up to the end of the answer's text.
    """
    spans = prediction.trace.last_period
    end_s = spans[-1].end_s
    power = prediction.node.board.sheet.power
    times_ms = [(time_s - end_s) * 1e3 for span in spans for time_s in (span.begin_s, span.end_s)]
    currents_ma = [state_current(power, span.state).typical_a * 1e3 for span in spans for _ in range(2)]
    names = [str(span.state) for span in spans for _ in range(2)]
    board = go.Scatter(
        x=times_ms,
        y=currents_ma,
        text=names,
        mode="lines",
        line={"color": ANSWER, "width": 2},
        name="microcontroller",
        hovertemplate="%{text}: %{y:.3g} mA<extra></extra>",
    )
    sensor_ma = prediction.budget.sensor_a * 1e3
    sensor = go.Scatter(
        x=[times_ms[0], 0],
        y=[sensor_ma, sensor_ma],
        mode="lines",
        line={"color": SENSOR_COLOR, "width": 2},
        name=f"sensor, {_three_digits(sensor_ma)} mA all the time",
        hoverinfo="skip",
    )
    return styled(
        [board, sensor],
        300,
        xaxis={"title": "ms before the end of the answer", "range": [1.25 * _wake_up_ms(spans), 0]},
        yaxis={"title": "supply current, mA", "type": "log", "dtick": 1},
    )


def _wake_up_ms(spans: tuple[StateSpan, ...]) -> float:
    """When the node last left its deepest sleep, relative to the end; the whole period if it never slept so."""
    woke_s = max((span.end_s for span in spans if span.state.clock_hz == 0), default=spans[0].begin_s)
    return (woke_s - spans[-1].end_s) * 1e3


def inference_latency(prediction: Prediction) -> go.Figure:
    """Return how long inferences took, as shares of the answered frames."""
    trace = prediction.trace
    answered_s = trace.inference_s[trace.count >= 0]
    median_ms = prediction.latency.inference_p50 * 1e3
    figure = styled(
        [go.Histogram(x=answered_s * 1e3, histnorm="percent", nbinsx=40, marker_color=ANSWER)],
        220,
        xaxis_title="front end and network, ms",
        yaxis_title="% of frames",
        bargap=0.05,
    )
    figure.add_vline(x=median_ms, line={"color": INK, "width": 1.5, "dash": "dot"})
    return figure.add_annotation(
        x=median_ms,
        y=1,
        yref="paper",
        yanchor="bottom",
        text=f"median {median_ms:.3f} ms",
        showarrow=False,
        font={"color": MUTED},
    )


def consumer_title(name: str) -> str:
    """Return a consumer's name as it is shown."""
    if name == REGULATORS:
        return "regulators (heat)"
    return name.replace("mcu ", "MCU ", 1)


def share(ratio: float) -> str:
    """Return a share as text; what is small but there is not shown as zero."""
    return "under 0.1%" if 0 < ratio < 0.001 else f"{ratio:.1%}"


def days(seconds: float) -> str:
    """Return a time as days."""
    return f"{short_number(seconds / DAY_S)} days"


def days_interval(life: LifeRange) -> str:
    """Return the interval of a battery life, in days."""
    return f"{short_number(life.low_s / DAY_S)} to {short_number(life.high_s / DAY_S)}"


def _three_digits(value: float) -> str:
    return f"{value:#.3g}".rstrip(".")


def _life_text(title: str, life: LifeRange) -> str:
    return f"{title}<br><b>{days(life.life_s)}</b><br>{days_interval(life)}"
