"""One picture to judge the simulated sensor by eye: frames and distributions, recorded and simulated."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.recording import Recording
    from sensors.statistics import SensorStatistics
    from twin.sensor_validation import SensorValidation

RECORDED, SIMULATED = "#1c2733", "#d9822b"
COUNTS = (0, 1, 2, 3)
SAMPLES = 3
"""Frames shown for each number of people, spread evenly over those there are."""


def validation_png(validation: SensorValidation, recording: Recording) -> bytes:
    """Return the picture as PNG."""
    figure = Figure(figsize=(15, 13), dpi=80, layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=(1.0, 1.35))
    frames, plots = parts
    _frames(frames, recording, validation.twin)
    _plots(plots, validation)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _frames(part: Any, recording: Recording, twin: Recording) -> None:
    """Sample frames on one scale of degrees above each recording's empty frames."""
    part.suptitle("Frames above their recording's median, recorded (upper rows) and simulated (lower rows)")
    axes = part.subplots(4, len(COUNTS) * SAMPLES // 2, squeeze=False)
    for row, (source, half) in enumerate((s, h) for s in (recording, twin) for h in (0, 1)):
        shown = [frame for count in COUNTS[2 * half : 2 * half + 2] for frame in _examples(source, count)]
        for axis, (title, frame) in zip(axes[row], shown, strict=True):
            axis.set_axis_off()
            if frame is not None:
                axis.imshow(frame, cmap="inferno", vmin=-1.0, vmax=4.0)
                axis.set_title(title, fontsize=8)


def _examples(recording: Recording, count: int) -> list[tuple[str, NDArray[np.float64] | None]]:
    indices = np.flatnonzero(recording.count == count)
    if not len(indices):
        return [("", None)] * SAMPLES
    chosen = indices[np.linspace(0, len(indices) - 1, SAMPLES + 2).round().astype(int)[1:-1]]
    return [
        (f"{count} in view", recording.frames[i].astype(np.float64) - float(np.median(recording.frames[i])))
        for i in chosen
    ]


def _plots(part: Any, validation: SensorValidation) -> None:
    axes = part.subplots(3, 4)
    for column, count in enumerate(COUNTS):
        _distribution(axes[0, column], validation, f"contrast of {count}, K", "contrast_k", count)
        _distribution(axes[1, column], validation, f"pixels above 1.5 K, {count} in view", "area_pixels", count)
    _noise_map(axes[2, 0], validation.recording, "noise by pixel, recorded, K")
    _noise_map(axes[2, 1], validation.units[0], "noise by pixel, simulated, K")
    _profile(axes[2, 2], validation)
    _drift(axes[2, 3], validation)


def _distribution(axis: Any, validation: SensorValidation, title: str, group: str, count: int) -> None:
    recorded = getattr(validation.recording.people, group).get(count, np.empty(0))
    simulated = [getattr(unit.people, group).get(count, np.empty(0)) for unit in validation.units]
    for unit in simulated:
        _steps(axis, unit, color=SIMULATED, alpha=0.25, linewidth=0.8)
    _steps(axis, np.concatenate(simulated), color=SIMULATED, linewidth=2, label="simulated")
    _steps(axis, recorded, color=RECORDED, linewidth=2, label="recorded")
    axis.set_title(title, fontsize=10)
    axis.set_ylim(0, 1)
    if count == 0:
        axis.legend(fontsize=8)


def _steps(axis: Any, sample: NDArray[np.float64], **style: Any) -> None:
    if len(sample):
        axis.ecdf(sample, **style)


def _noise_map(axis: Any, statistics: SensorStatistics, title: str) -> None:
    image = axis.imshow(statistics.noise.by_pixel_k, cmap="viridis", vmin=0.2, vmax=0.5)
    axis.figure.colorbar(image, ax=axis, shrink=0.8)
    axis.set_title(title, fontsize=10)
    axis.set_axis_off()


def _profile(axis: Any, validation: SensorValidation) -> None:
    for unit in validation.units:
        axis.plot(unit.blob.ring_k, color=SIMULATED, alpha=0.4)
    axis.plot(validation.recording.blob.ring_k, color=RECORDED, linewidth=2, marker="o")
    axis.set_title("one person: K above background by ring of pixels", fontsize=10)


def _drift(axis: Any, validation: SensorValidation) -> None:
    for unit in validation.units:
        axis.plot(unit.drift.lag_s, unit.drift.rms_k, color=SIMULATED, alpha=0.4, marker=".")
    axis.plot(validation.recording.drift.lag_s, validation.recording.drift.rms_k, color=RECORDED, marker="o")
    axis.set_xscale("log")
    axis.set_title("drift of the empty mean, K rms over lag in s", fontsize=10)
