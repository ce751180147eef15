"""Recordings, pictures, scripts, drawings: what a user has measured, filmed, written down or drawn."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import cv2

from scenarios.floor_plan import read_plan
from sensors.camera.image_folder import read_image
from sensors.recording import read_recording
from sensors.resd import read_resd
from twin.image_recording import read_image_recording
from twin.placement.plan_tables import plan_of_upload
from twin.sweeps.store import IDENTITY, Identity, read_runs
from twin.uart_script import read_script

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

cv2.setNumThreads(1)


def _any_recording(path: Path) -> None:
    read_recording(path, shape=None)


def _pictures(path: Path) -> None:
    for piece in read_image_recording(path).pieces():
        piece.sum()


def _upload(path: Path) -> None:
    plan_of_upload(path.name, path.read_bytes())


def _runs(path: Path) -> None:
    identity = path.parent / IDENTITY
    if not identity.exists():
        said = Identity("a sweep", "0" * 64, "0" * 64, ("seed",))
        identity.write_text(json.dumps(said.as_dict()), encoding="utf-8")
    read_runs(path.parent)


TARGETS: Final[dict[str, Callable[[Path], object]]] = {
    "npz": _any_recording,
    "csv": _any_recording,
    "resd": read_resd,
    "npz_pictures": _pictures,
    "image": read_image,
    "dxf": read_plan,
    "dxf_upload": _upload,
    "uart_script": read_script,
    "sweep_runs": _runs,
}
