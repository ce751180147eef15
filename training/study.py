"""One finished setting after the other: what is trained on what, and its result on disk, so that a killed run goes on.

Needs the extra `train` where something is trained.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from datasheet.bad_input import BadInputError
from sensors.whole_file import whole_file
from training.architectures import cost
from training.code_version import code_digest
from training.judging import judged
from training.mcu_support import refusal
from training.protocol import CLASSES, class_weights
from training.quantisation import DEFAULT_PRECISIONS, INT8_PRECISIONS, inference, quantised
from training.windows import Frames, Mixture, Pool, prepare, whole_windows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import keras
    from numpy.typing import NDArray

    from training.architectures import Architecture
    from training.fitting import Course, Effort
    from training.quantisation import Precision
    from training.sessions import Session

_TUNING_SHARE: Final = 0.19
_TUNING_RATE: Final = 3e-4
"""A network that knows simulated frames learns recorded ones by so many more steps, along a cosine from this rate.
Mixed in from the start, the few recorded people are learnt by heart: two points less on the session left out; assumed.
"""

_VALIDATION_SHARE: Final = 0.2
"""The last fifth of each recorded training session chooses the epoch where no simulated sessions are there for it."""


@dataclass(frozen=True)
class Data:
    """What networks are trained and judged on; a part that is not there is None.

    Attributes:
        train: Simulated frames to train on.
        validation: Simulated frames that choose the epoch.
        test: Simulated frames that nothing is chosen by.
        recorded: Recorded frames.
        recorded_share: Share of recorded frames in a batch where both are trained on.
        key: Digest of all of it.
    """

    train: Frames | None
    validation: Frames | None
    test: Frames | None
    recorded: Frames | None
    recorded_share: float
    key: str


@dataclass(frozen=True)
class Setting:
    """A network to train.

    Attributes:
        architecture: What it is.
        seed: Of its weights and batches.
        left_out: The recorded session that it is tested on and not trained on; None trains on simulated frames alone.
    """

    architecture: Architecture
    seed: int
    left_out: int | None

    @property
    def label(self) -> str:
        """The setting in one word."""
        fold = "" if self.left_out is None else f"-without{self.left_out}"
        return f"{self.architecture.label}-s{self.seed}{fold}"


def gather(simulated: dict[str, list[Session]] | None, recorded: list[Session] | None, recorded_share: float) -> Data:
    """Return the data of a study, background taken off."""
    made = {split: prepare(sessions) for split, sessions in (simulated or {}).items()}
    real = prepare(recorded) if recorded else None
    digest = hashlib.sha256(json.dumps(recorded_share).encode())
    for frames in (*made.values(), real):
        for array in vars(frames).values() if frames is not None else ():
            digest.update(np.ascontiguousarray(array).data)
    return Data(made.get("train"), made.get("validation"), made.get("test"), real, recorded_share, digest.hexdigest())


def result_path(
    out: Path, setting: Setting, data: Data, effort: Effort, precisions: tuple[Precision, ...] = DEFAULT_PRECISIONS
) -> Path:
    """Return the file of a setting's result: its name holds a digest of all that the result depends on."""
    text = json.dumps([setting.label, data.key, asdict(effort), precisions, code_digest()], sort_keys=True)
    return out / f"{setting.label}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"


def finished(path: Path) -> dict[str, Any] | None:
    """Return a finished result; None when there is none, or one of its files is missing or damaged."""
    read = _read(path)
    return None if read is None else read[0]


def finish(
    setting: Setting, data: Data, effort: Effort, out: Path, precisions: tuple[Precision, ...] = DEFAULT_PRECISIONS
) -> dict[str, Any]:
    """Return the result of a setting, from the disk or trained now; its files appear whole, the result last.

    Whether its networks run on a microcontroller is asked of the compiler as it is now.
    """
    path = result_path(out, setting, data, effort, precisions)
    read = _read(path)
    if read is not None:
        found, files = read
        for precision, content in files.items():
            found["files"][precision].update(_support(content))
        return found
    found, contents = _trained(setting, data, effort, precisions)
    for precision, content in contents.items():
        name = f"{path.stem}-{precision}.tflite"
        found["files"][precision]["file"] = name
        with whole_file(out / name) as file:
            file.write(content)
    with whole_file(path) as file:
        file.write((json.dumps(found, indent=1) + "\n").encode())
    return found


def check(setting: Setting, data: Data) -> None:
    """Refuse a setting that has nothing to train on or to be judged by, before anything is trained.

    Raises:
        BadInputError: No frame of the data serves one of its purposes.
    """
    _mixture(setting, data)
    _validation(setting, data)
    _tests(setting, data)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, bytes]] | None:
    """Return a finished result and what its files hold, by precision."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        contents = {key: (path.parent / one["file"]).read_bytes() for key, one in found["files"].items()}
        whole = all(_digest(content) == found["files"][key]["sha256"] for key, content in contents.items())
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return (found, contents) if whole else None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _trained(
    setting: Setting, data: Data, effort: Effort, precisions: tuple[Precision, ...]
) -> tuple[dict[str, Any], dict[Precision, bytes]]:
    """Return the row of a network trained now, and its .tflite in each precision."""
    from training.fitting import Course  # noqa: PLC0415 - needs tensorflow

    architecture = setting.architecture
    course = Course(architecture, _mixture(setting, data), *_validation(setting, data), effort, setting.seed)
    model = _fitted(course, setting, data)
    contents = {precision: quantised(precision, model, course) for precision in precisions}
    networks = {precision: inference(precision, content) for precision, content in contents.items()}
    validation = _judged(networks, *_validation_frames(course), architecture)
    row = {
        **_row(setting, effort),
        "files": {precision: _file_row(content) for precision, content in contents.items()},
        "validation": validation,
        "best_int8": best_int8(validation),
        "judged": {name: _judged(networks, *test, architecture) for name, test in _tests(setting, data).items()},
    }
    return row, contents


def _fitted(course: Course, setting: Setting, data: Data) -> keras.Model:
    """Return the trained network; where simulated and recorded frames are mixed, recorded ones come in at last."""
    from training.fitting import Effort, fit, improve  # noqa: PLC0415 - needs tensorflow

    if data.train is None or setting.left_out is None:
        return fit(course)
    alone = replace(course, mixture=_mixture(replace(setting, left_out=None), data))
    steps = max(round(course.effort.epochs * course.effort.steps * _TUNING_SHARE), 1)
    tuning = Effort(epochs=1, steps=steps, batch=course.effort.batch, rate=_TUNING_RATE)
    return improve(fit(alone), replace(course, effort=tuning))


def best_int8(validation: Mapping[Precision, Mapping[str, Any]]) -> Precision | None:
    """Return the int8 precision that counts validation frames best, of equals the first; None without any."""
    there = [precision for precision in INT8_PRECISIONS if precision in validation]
    return max(there, key=lambda precision: float(validation[precision]["balanced_accuracy"]), default=None)


def _row(setting: Setting, effort: Effort) -> dict[str, Any]:
    architecture = setting.architecture
    return {
        "family": architecture.family,
        "architecture": architecture.name,
        "window": architecture.window,
        "seed": setting.seed,
        "left_out": setting.left_out,
        "effort": asdict(effort),
        **asdict(cost(architecture)),
    }


def _file_row(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": _digest(content), **_support(content)}


def _support(content: bytes) -> dict[str, Any]:
    said = refusal(content)
    return {"runs_on_mcu": said is None, "refusal": said}


def _judged(
    networks: dict[Precision, Any], frames: Frames, asked: NDArray[np.bool_], architecture: Architecture
) -> dict[Precision, dict[str, object]]:
    return {precision: judged(network, frames, asked, architecture) for precision, network in networks.items()}


def _validation_frames(course: Course) -> tuple[Frames, NDArray[np.bool_]]:
    chosen = np.zeros(len(course.validation.count), dtype=bool)
    chosen[course.chosen] = True
    return course.validation, chosen


def _mixture(setting: Setting, data: Data) -> Mixture:
    window = setting.architecture.window
    pools, shares = [], []
    if data.train is not None:
        pools.append(Pool(data.train, _some(_usable(data.train, window), "train on", window), None))
        shares.append(1.0 if setting.left_out is None else 1.0 - data.recorded_share)
    if setting.left_out is not None:
        frames = _recorded(data)
        chosen = _usable(frames, window) & (frames.session != setting.left_out)
        index = _some(chosen if data.train is not None else chosen & ~_is_late(frames), "train on", window)
        pools.append(Pool(frames, index, class_weights(frames.count[index])))
        shares.append(1.0 - sum(shares))
    return Mixture(tuple(pools), tuple(shares))


def _validation(setting: Setting, data: Data) -> tuple[Frames, NDArray[np.intp]]:
    """Return the frames that choose the epoch: simulated ones, or the ends of the recorded sessions trained on."""
    window = setting.architecture.window
    if data.validation is not None:
        return data.validation, _some(_usable(data.validation, window), "choose the epoch by", window)
    frames = _recorded(data)
    late = _usable(frames, window) & (frames.session != setting.left_out) & _is_late(frames)
    return frames, _some(late, "choose the epoch by", window)


def _tests(setting: Setting, data: Data) -> dict[str, tuple[Frames, NDArray[np.bool_]]]:
    """Return the easy frames that the network is judged on, by name."""
    tests = {}
    if data.test is not None:
        easy = data.test.easy & (data.test.count < CLASSES)
        _some(easy, "test on", 1)
        tests["simulated"] = (data.test, easy)
    if data.recorded is not None:
        for number in np.unique(data.recorded.session):
            if setting.left_out in {None, int(number)}:
                tests[f"session {number}"] = (data.recorded, data.recorded.easy & (data.recorded.session == number))
    return tests


def _usable(frames: Frames, window: int) -> NDArray[np.bool_]:
    """Return where an easy frame of 0 to 3 people ends a whole window."""
    return frames.easy & (frames.count < CLASSES) & whole_windows(frames, window)


def _some(chosen: NDArray[np.bool_], use: str, window: int) -> NDArray[np.intp]:
    """Return where frames are chosen; refuse that there are none."""
    if not chosen.any():
        said = f"no easy frame of 0 to 3 people ends a window of {window} frames; add sessions, or longer ones"
        raise BadInputError("training", f"frames to {use}", None, said)
    return np.flatnonzero(chosen)


def _is_late(frames: Frames) -> NDArray[np.bool_]:
    """Return which frames belong to the last fifth of their session."""
    late = np.zeros(len(frames.session), dtype=bool)
    for number in np.unique(frames.session):
        rows = np.flatnonzero(frames.session == number)
        late[rows[int(len(rows) * (1 - _VALIDATION_SHARE)) :]] = True
    return late


def _recorded(data: Data) -> Frames:
    if data.recorded is None:
        raise ValueError("a session can be left out of recorded data only")
    return data.recorded
