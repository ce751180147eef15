"""Simulates a sensor for as long as wanted and writes its frames as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.simulation import simulate_chunks
from sensors.recording_stream import write_recording_chunks
from sensors.resd import check_fits_resd, write_resd_chunks
from sensors.sensing import sense_chunks
from twin.node import scenario_mount

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from scenarios.room import Scenario
    from sensors.grid_eye_sheet import GridEyeSheet
    from sensors.recording import Recording
    from twin.emulated_node import Progress


def sense_to_file(
    scenario: Scenario,
    sheet: GridEyeSheet,
    path: Path,
    *,
    profile: str,
    seconds: float,
    seed: int,
    progress: Progress,
) -> NDArray[np.int64]:
    """Write what the scenario's own sensor reports to `path`, and return the people in view in each frame.

    The ending tells the format: a .resd feeds `sensors/renode/GridEye.cs` and holds frames of a Grid-EYE only; anything
    else is an .npz with the people in view. Memory does not grow with the time but for a few bytes a frame; a day at
    10 frames/s fits into 500 MB.

    Raises:
        BadInputError: The sheet has no such noise profile, the sensor of a .resd is no Grid-EYE, or the file cannot be
            written.
    """
    is_resd = path.suffix.lower() == ".resd"
    if is_resd:
        check_fits_resd(sheet)
    rate_hz = sheet.fast_frame_rate_hz.value
    frames = round(seconds * rate_hz)
    timelines = simulate_chunks(scenario, seconds=seconds, seed=seed, frame_rate_hz=rate_hz)
    mount = scenario_mount(scenario)
    recordings = sense_chunks(timelines, mount, sheet, profile=profile, seed=seed, timeline_rate_hz=rate_hz)
    told = _told(recordings, frames, progress)
    if is_resd:
        return write_resd_chunks(path, told, sheet, frames=frames)
    return write_recording_chunks(path, told, frames=frames)


def _told(recordings: Iterable[Recording], frames: int, progress: Progress) -> Iterator[Recording]:
    done = 0
    for recording in recordings:
        yield recording
        done += len(recording.frames)
        progress(done, frames)
