"""A Grid-EYE watching a room: from a timeline to a recording with its ground truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensors.field_of_view import nominal_field_of_view, people_in_view
from sensors.grid_eye_sheet import noise_profile
from sensors.pixels import pixel_rays
from sensors.recording import Recording
from sensors.signal_chain import measured_degc, thermistor_degc
from sensors.thermal_array import scene_degc

if TYPE_CHECKING:
    from scenarios.timeline import Timeline
    from sensors.grid_eye_sheet import GridEyeSheet
    from sensors.mount import Mount


def sense(timeline: Timeline, mount: Mount, sheet: GridEyeSheet, *, profile: str = "field", seed: int) -> Recording:
    """Return what the sensor reports of `timeline`, and how many people are in view.

    Args:
        timeline: What happens in the room.
        mount: Where the sensor hangs.
        sheet: The sensor's datasheet.
        profile: Name of a noise profile of the sheet: "field" is what parts in ceilings show, "datasheet"
            is what the maker states.
        seed: Stands for one sensor and its noise; independent of the people's seed.

    Raises:
        BadInputError: The sheet has no such noise profile.
    """
    noise = noise_profile(sheet, profile)
    frames = len(timeline.time_s)
    rate_hz = 1 / float(timeline.time_s[1] - timeline.time_s[0]) if frames > 1 else sheet.fast_frame_rate_hz.value
    true_degc = scene_degc(timeline, mount, pixel_rays(sheet))
    return Recording(
        time_s=timeline.time_s,
        frames=measured_degc(true_degc, sheet, noise, rate_hz=rate_hz, seed=seed),
        count=people_in_view(timeline, mount, nominal_field_of_view(sheet)),
        thermistor_degc=thermistor_degc(frames, timeline.air_degc, sheet, seed=seed),
    )
