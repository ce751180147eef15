"""Writes what the camera before a guarded door sees: frames with their labels, and a contact sheet."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from datasheet.bad_input import BadInputError
from scenarios.guarded_door import NOBODY, load_guarded_door
from sensors.camera.camera_sheet import load_camera
from sensors.camera.face_images import FaceImages
from sensors.whole_file import output_target
from twin.image_recording import require_length, write_image_recording
from twin.image_sensing import DOOR_RULES, RATE_HZ, DoorLabels, DoorSensing, door_frames, require_rate
from twin.mask_sheet import contact_sheet_png
from twin.result_files import output_folder, write_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from twin.emulated_node import Progress


def door_sensing(
    scenario: str,
    camera: str,
    *,
    seconds: float,
    rate_hz: float | None,
    seed: int,
    rule: str | None,
    faces: Path | None,
) -> DoorSensing:
    """Return what is to be simulated, from what a user names; None stands for what is usual.

    Raises:
        BadInputError: There is no such scenario, camera, rule or folder, or it cannot be used.
    """
    known = {one: one for one in DOOR_RULES}
    if rule is not None and rule not in known:
        raise BadInputError("command line", "--door", rule, f"must be {' or '.join(DOOR_RULES)}")
    wanted = DoorSensing(
        scenario=load_guarded_door(scenario),
        sheet=load_camera(camera),
        seconds=seconds,
        rate_hz=RATE_HZ if rate_hz is None else rate_hz,
        seed=seed,
        rule=DOOR_RULES[0] if rule is None else known[rule],
        faces=None if faces is None else FaceImages(faces),
    )
    require_rate(wanted)
    return wanted


def write_door(wanted: DoorSensing, out: Path | None, sheet: Path | None, progress: Progress) -> dict[str, Any]:
    """Write frames to `out` and a contact sheet to `sheet`, where they are asked for, and return what was written.

    Raises:
        BadInputError: A file cannot be written, there would be too many frames, or an image cannot be used.
    """
    if out is not None:
        require_length(wanted.frames)
    targets = {path: output_target(path) for path in (out, sheet) if path is not None}
    summary: dict[str, Any] = {"seed": wanted.seed, "fps": wanted.rate_hz, "door": wanted.rule}
    with ExitStack() as folders:
        for target in targets.values():
            folders.enter_context(output_folder(target.parent))
        # What takes long comes first: who gives up before its end finds neither file.
        png = None if sheet is None else contact_sheet_png(wanted)
        if out is not None:
            summary |= {"out": str(out), **_counted(sense_door(wanted, out, progress))}
        if sheet is not None and png is not None:
            write_files(targets[sheet].parent, {targets[sheet].name: png})
            summary["sheet"] = str(sheet)
    return summary


def _counted(labels: DoorLabels) -> dict[str, int]:
    masked, nobody = sum(labels.masked), sum(number == NOBODY for number in labels.first)
    total = len(labels.first)
    return {
        "frames": total,
        "frames_of_nobody": nobody,
        "frames_with_mask": masked,
        "frames_without_mask": total - nobody - masked,
    }


def sense_door(wanted: DoorSensing, path: Path, progress: Progress) -> DoorLabels:
    """Write what the camera sees to `path` as .npz, as `twin.image_recording` reads it, and return what is true of it.

    Raises:
        BadInputError: There would be too many frames, or the file cannot be written.
    """
    require_length(wanted.frames)
    labels = DoorLabels()

    def frames() -> Iterator[NDArray[np.uint16]]:
        for number, frame in enumerate(door_frames(wanted, labels)):
            yield frame
            progress(number + 1, wanted.frames)

    write_image_recording(path, frames(), wanted.frames, labels.columns())
    return labels
