"""Sessions, as sequences of frames with their truth: simulated ones from random deployments, kept on disk.

A simulated session depends on its seed, its split and its number, and on nothing else: any number of them can be made
in any order and by any number of processes.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import zipfile
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from joblib import Parallel, delayed

from datasheet.bad_input import BadInputError
from scenarios.simulation import simulate
from sensors.field_of_view import is_easy, nominal_field_of_view, people_in_view
from sensors.grid_eye_sheet import load_grid_eye, noise_profile
from sensors.mount import Mount
from sensors.signal_chain import unit_errors
from sensors.thermal_array import ThermalArray
from sensors.whole_file import whole_file
from training.deployments import random_session
from training.varied_sensor import FRAME_RATE_HZ, varied_frames, varied_sheet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


CLASSES: Final = 4
SPLITS: Final = {"train": 0, "validation": 1, "test": 2}
"""Each split has its own seeds, so that no deployment, person or sensor is in two of them."""

STEP_K: Final = 0.25

_SOURCES: Final = ("scenarios", "sensors", "datasheet", "training")
_TRAINING_FILES: Final = ("deployments.py", "random_rooms.py", "sessions.py", "varied_sensor.py")


@dataclass(frozen=True)
class Session:
    """What one sensor recorded in one place, N frames.

    Attributes:
        number: Which session it is.
        steps: (N, 8, 8) int16, pixels in steps of 0.25 degC.
        count: (N,) int64, people in view.
        easy: (N,) bool, whether the count is easy to tell.
        block: (N,) int64; frames of one block follow each other without a gap.
    """

    number: int
    steps: NDArray[np.int16]
    count: NDArray[np.int64]
    easy: NDArray[np.bool_]
    block: NDArray[np.int64]


@dataclass(frozen=True)
class Simulated:
    """Which simulated session: `split` is a key of `SPLITS`; seeds of different splits never meet."""

    split: str
    index: int
    seed: int
    seconds: float


def simulated_sessions(
    split: str, number: int, *, seed: int, seconds: float, cache: Path | None = None, jobs: int = 1
) -> list[Session]:
    """Return the first `number` simulated sessions of a split, read from `cache` where they have been made before.

    Args:
        split: "train", "validation" or "test".
        number: How many.
        seed: Of the whole study.
        seconds: How long each lasts, at 10 frames/s.
        cache: A folder; None keeps nothing.
        jobs: Processes.
    """
    wanted = [Simulated(split, index, seed, seconds) for index in range(number)]
    if cache is not None:
        _make_folder(cache)
    paths = [None if cache is None else cache / f"session-{content_key(one)}.npz" for one in wanted]
    return list(Parallel(n_jobs=jobs)(delayed(kept_session)(*one) for one in zip(wanted, paths, strict=True)))


def kept_session(wanted: Simulated, path: Path | None) -> Session:
    """Return a simulated session, from its file when it is there; a damaged file is made again."""
    if path is None:
        return simulated_session(wanted)
    session = _read(path, wanted.index)
    if session is None:
        session = simulated_session(wanted)
        with whole_file(path) as file:
            file.write(_content(session))
    return session


def content_key(wanted: Simulated) -> str:
    """Return a digest of everything that the session is made of: its seeds, and the sources of the simulation."""
    text = json.dumps({**asdict(wanted), "sources": _sources_digest()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def simulated_session(wanted: Simulated) -> Session:
    """Return a simulated session; its layout, its people and its sensor have seeds of their own."""
    entropy = (wanted.seed, SPLITS[wanted.split], wanted.index)
    layout_seed, people_seed, sensor_seed = (int(seed) for seed in np.random.SeedSequence(entropy).generate_state(3))
    rng = np.random.default_rng(layout_seed)
    scenario = random_session(rng)
    timeline = simulate(scenario, seconds=wanted.seconds, seed=people_seed, frame_rate_hz=FRAME_RATE_HZ)
    hung = scenario.sensor_mount
    mount = Mount(hung.x_m, hung.y_m, hung.height_m, hung.yaw_deg, hung.tilt_deg)
    sheet = varied_sheet(load_grid_eye(), rng)
    noise = noise_profile(sheet, "field")
    axis_deg = unit_errors(sheet, noise, seed=sensor_seed).axis_deg
    contrast_k = ThermalArray(sheet, mount, axis_deg).scene_degc(timeline) - scenario.room.air_degc
    frames = varied_frames(contrast_k, scenario.room.air_degc, sheet, noise, seed=sensor_seed)
    fov = nominal_field_of_view(sheet)
    return Session(
        number=wanted.index,
        steps=np.round(frames / STEP_K).astype(np.int16),
        count=people_in_view(timeline, mount, fov),
        easy=is_easy(timeline, mount, fov),
        block=np.zeros(len(frames), dtype=np.int64),
    )


@functools.cache
def _sources_digest() -> str:
    digest = hashlib.sha256()
    for package in _SOURCES:
        for name, content in sorted(_files(package)):
            digest.update(f"{name} {hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()


def _files(package: str) -> Iterator[tuple[str, bytes]]:
    """Yield the source and data files that a session depends on."""
    folder = Path(str(resources.files(package)))
    for path in folder.rglob("*"):
        is_used = path.name in _TRAINING_FILES if package == "training" else path.suffix in {".py", ".toml"}
        if is_used:
            yield f"{package}/{path.relative_to(folder).as_posix()}", path.read_bytes()


def _make_folder(cache: Path) -> None:
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInputError(cache, "", None, f"cannot be made: {error.strerror}") from error


def _read(path: Path, number: int) -> Session | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return Session(number, arrays["steps"], arrays["count"], arrays["easy"], arrays["block"])
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None


def _content(session: Session) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, steps=session.steps, count=session.count, easy=session.easy, block=session.block)
    return file.getvalue()
