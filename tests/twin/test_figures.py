"""The figures show what the prediction says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sensors.field_of_view import footprint_m, nominal_field_of_view
from twin.energy.week import DAY_S
from twin.figures_counts import confusion_matrix, count_over_time
from twin.figures_energy import (
    battery_life_figure,
    current_over_frame,
    inference_latency,
    power_by_consumer,
    share,
)
from twin.figures_room import floor_plan, frame_image, sample_frames
from twin.figures_style import ANSWER, CALM

if TYPE_CHECKING:
    from typing import Any

    from twin.prediction import Prediction


def trace_named(figure: Any, name: str) -> Any:
    return next(trace for trace in figure.data if trace.name is not None and trace.name.startswith(name))


def test_step_lines_pass_through_every_frame(prediction: Prediction) -> None:
    """Read as steps, the lines give back the true and the answered count of every frame."""
    figure = count_over_time(prediction)
    for name, counts in (("in view", prediction.recording.count), ("answered", prediction.count)):
        line = trace_named(figure, name)
        steps = np.searchsorted(np.array(line.x), prediction.recording.time_s, side="right") - 1
        assert np.array_equal(np.array(line.y)[steps], counts)


def test_red_marks_are_as_long_as_the_errors(prediction: Prediction) -> None:
    """The stretches marked wrong add up to the wrong frames."""
    marks = trace_named(count_over_time(prediction), "wrong").x
    marked_s = sum(end - begin for begin, end in zip(marks[0::3], marks[1::3], strict=True))
    wrong = int(np.sum(prediction.recording.count != prediction.count))
    assert marked_s == pytest.approx(wrong * prediction.budget.period_s)


def test_a_run_without_errors_has_no_marks(prediction: Prediction) -> None:
    """Nothing is marked when every answer is right."""
    right = replace(prediction, trace=replace(prediction.trace, count=prediction.recording.count))
    assert len(trace_named(count_over_time(right), "wrong").x) == 0


def test_confusion_shares_add_up(prediction: Prediction) -> None:
    """Each row of counts that occurred sums to one; the others stay empty."""
    rows = np.array(confusion_matrix(prediction).data[0].z)
    occurred = [np.any(prediction.recording.count == n) for n in range(len(rows))]
    assert np.allclose(rows[occurred].sum(axis=1), 1.0)
    assert np.isnan(rows[~np.array(occurred)]).all()


def test_unanswered_frames_have_a_column(prediction: Prediction) -> None:
    """A frame without an answer is confused with no count."""
    silent = replace(prediction, trace=replace(prediction.trace, count=np.full_like(prediction.count, -1)))
    accuracy = replace(prediction.accuracy, confusion=tuple((0,) * 5 for _ in range(5)))
    assert confusion_matrix(replace(silent, accuracy=accuracy)).data[0].x[0] == "none"


def test_bars_of_power_add_up(prediction: Prediction) -> None:
    """The bars add up to the battery's power, the longest on top."""
    bars = np.array(power_by_consumer(prediction).data[0].x)
    assert bars.sum() == pytest.approx(prediction.budget.average_power_w * 1e3)
    assert bars[-1] == bars.max()


def test_whiskers_reach_the_ends_of_the_interval(prediction: Prediction) -> None:
    """Bar plus and minus whiskers are the interval of both lives."""
    bars = battery_life_figure(prediction).data[0]
    lives = (prediction.life_without_sensor, prediction.life)
    high, low = np.array(bars.x) + bars.error_x.array, np.array(bars.x) - bars.error_x.arrayminus
    assert np.allclose(high * DAY_S, [life.high_s for life in lives])
    assert np.allclose(low * DAY_S, [life.low_s for life in lives])


def test_latency_leaves_out_unanswered_frames(prediction: Prediction) -> None:
    """The histogram counts answered frames only."""
    count = prediction.count.copy()
    count[:5] = -1
    silent = replace(prediction, trace=replace(prediction.trace, count=count))
    assert len(inference_latency(silent).data[0].x) == len(count) - 5


def test_footprints_are_those_of_the_sensor(prediction: Prediction) -> None:
    """The plan shows the field of view of the one definition of in view."""
    fov = nominal_field_of_view(prediction.node.sensor)
    outline = trace_named(floor_plan(prediction), "field of view at the floor")
    assert np.allclose(np.column_stack([outline.x, outline.y])[:4], footprint_m(prediction.mount, fov, 0.0))


def test_people_are_coloured_as_they_are_counted(prediction: Prediction) -> None:
    """In every frame as many bodies are drawn in view as the truth says."""
    for frame in range(0, len(prediction.count), 7):
        bodies = [trace for trace in floor_plan(prediction, frame).data if trace.text is not None]
        colors = [body.fillcolor for body in bodies[0::2]]
        assert colors.count(ANSWER) == prediction.recording.count[frame]
        assert len(colors) == np.sum(prediction.timeline.person_index[frame] >= 0)
        assert set(colors) <= {ANSWER, CALM}


def test_frame_image_is_the_frame(prediction: Prediction) -> None:
    """The picture holds the sensor's pixels, row 0 at the top."""
    figure = frame_image(prediction, 3)
    assert np.array_equal(figure.data[0].z, prediction.recording.frames[3])
    assert figure.layout.yaxis.autorange == "reversed"


def test_samples_show_what_they_say(prediction: Prediction) -> None:
    """Each sample is a frame with that many people in view; counts that never occurred stay blank."""
    for count, picture in enumerate(sample_frames(prediction).data):
        frames = prediction.recording.frames[prediction.recording.count == count]
        shown = np.array(picture.z)
        assert np.isnan(shown).all() if len(frames) == 0 else any(np.array_equal(shown, f) for f in frames)


def test_small_shares_are_not_zero() -> None:
    """What is there is never shown as 0 %."""
    assert share(0.0) == "0.0%"
    assert share(1e-6) == "under 0.1%"
    assert share(0.882) == "88.2%"


def test_the_current_over_a_frame_ends_with_its_work(prediction: Prediction) -> None:
    """The line spans one period and peaks at the current of the computing core; the view begins at the wake-up."""
    figure = current_over_frame(prediction)
    line = trace_named(figure, "microcontroller")
    assert line.x[0] == pytest.approx(-100.0, abs=0.2)
    assert line.x[-1] == 0
    assert max(line.y) == pytest.approx(8.64, abs=0.01)
    shown_ms = figure.layout.xaxis.range[0]
    assert -20 < shown_ms < -3
