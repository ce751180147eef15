"""Figures of a battery outlook: budget, what matters, one cycle, the life drawn out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from twin.energy.outlook import SHOWN_INFLUENCES
from twin.figures_energy import power_bars, share
from twin.figures_style import ANSWER, INK, MUTED, WRONG, styled
from twin.figures_style import SENSOR as SENSOR_COLOR
from twin.spans_of_time import span_unit
from twin.units_of_power import watts

if TYPE_CHECKING:
    from twin.energy.outlook import BatteryOutlook

_TEXT_ROOM = 1.6
_KEPT_PARTS = 3


def budget_figure(outlook: BatteryOutlook) -> go.Figure:
    """Return the average power of each consumer, greatest on top, with value and share."""

    def text(power_w: float) -> str:
        return f" <b>{watts(power_w)}</b>  {share(power_w / outlook.average_power_w)}"

    title = "average power from the battery, mW"
    return power_bars(outlook.by_consumer_w, text, title=title, row_px=32, room=_TEXT_ROOM)


def tornado_figure(outlook: BatteryOutlook, shown: int = SHOWN_INFLUENCES) -> go.Figure:
    """Return the lives with one value at a time at its low and its high end, the greatest swing on top."""
    influences = [i for i in outlook.influences[:shown] if i.swing_s > 0][::-1]
    middle_s = outlook.typical_s
    unit = span_unit(max([middle_s, *(max(i.at_low_s, i.at_high_s) for i in influences)]))
    names = [_short(i.key) + (" *" if i.quantity.evidence == "assumed" else "") for i in influences]
    bars = [
        go.Bar(
            x=[(getattr(i, end) - middle_s) / unit.seconds for i in influences],
            base=middle_s / unit.seconds,
            y=names,
            orientation="h",
            marker_color=color,
            name=f"value at its {title} end",
            hovertext=[i.key for i in influences],
            hovertemplate=f"%{{hovertext}}<br>%{{x:.3g}} {unit.name}<extra></extra>",
        )
        for end, title, color in (("at_low_s", "low", ANSWER), ("at_high_s", "high", SENSOR_COLOR))
    ]
    figure = styled(
        bars,
        110 + 26 * len(names),
        barmode="overlay",
        xaxis={"title": f"battery life in {unit.name}"},
        yaxis={"showgrid": False, "ticks": ""},
        bargap=0.3,
    )
    return figure.add_vline(x=middle_s / unit.seconds, line={"color": INK, "width": 1.2})


def cycle_figure(outlook: BatteryOutlook) -> go.Figure:
    """Return the current out of the battery over one cycle of the duty, on a logarithmic scale."""
    spans = outlook.cycle
    times_s = [time_s for span in spans for time_s in (span.begin_s, span.end_s)]
    line = go.Scatter(
        x=times_s,
        y=[span.battery_a * 1e3 for span in spans for _ in range(2)],
        text=[span.doing for span in spans for _ in range(2)],
        mode="lines",
        line={"color": ANSWER, "width": 2},
        hovertemplate="%{text}: %{y:.3g} mA<extra></extra>",
        showlegend=False,
    )
    return styled(
        [line],
        280,
        xaxis={"title": "time in the cycle, s"},
        yaxis={"title": "out of the battery, mA", "type": "log", "dtick": 1},
    )


def discharge_figure(outlook: BatteryOutlook) -> go.Figure:
    """Return the voltage under the worst pulse over the life, beside what the node needs."""
    life = outlook.discharge
    unit = span_unit(float(life.time_s[-1]))
    voltage = go.Scatter(
        x=life.time_s / unit.seconds,
        y=life.pulse_v,
        mode="lines",
        line={"color": ANSWER, "width": 2},
        name="battery under the worst pulse",
        hovertemplate=f"%{{x:.3g}} {unit.name}: %{{y:.2f}} V<extra></extra>",
    )
    figure = styled(
        [voltage],
        280,
        xaxis={"title": f"{unit.name} since the battery was put in"},
        yaxis={"title": "terminal voltage, V"},
        showlegend=False,
    )
    figure.add_hline(y=life.needed_v, line={"color": WRONG, "width": 1.5, "dash": "dot"})
    return figure.add_annotation(
        x=0, xref="paper", xanchor="left", y=life.needed_v, yanchor="top",
        text=f"the node needs {life.needed_v:.2f} V", showarrow=False, font={"color": MUTED},
    )  # fmt: skip


def _short(key: str) -> str:
    """Return the last words of a key, which tell it from others."""
    return ".".join(key.split(".")[-_KEPT_PARTS:])
