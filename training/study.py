"""One finished setting after the other: what is trained on what, and its result on disk, so that a killed run goes on.

Needs the extra `train` where something is trained.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from datasheet.bad_input import BadInputError
from sensors.whole_file import whole_file
from training.architectures import cost
from training.protocol import CLASSES, as_json, class_weights, metrics, voted
from training.windows import Frames, Mixture, Pool, inputs, prepare, whole_windows

if TYPE_CHECKING:
    from pathlib import Path

    import keras
    from numpy.typing import NDArray

    from training.architectures import Architecture
    from training.fitting import Effort
    from training.sessions import Session

REPRESENTATIVE: Final = 1000
_VALIDATION_SHARE: Final = 0.2
"""The last fifth of each recorded training session chooses the epoch where no simulated sessions are there for it."""

NOT_QUANTISED: Final = {
    "cnn_lstm": "float32 only: the converter of TensorFlow 2.21 breaks down on an LSTM in full int8"
}
"""Families without a .tflite, and why."""


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


def result_path(out: Path, setting: Setting, data: Data, effort: Effort) -> Path:
    """Return the file of a setting's result: its name holds a digest of all that the result depends on."""
    text = json.dumps([setting.label, data.key, asdict(effort)], sort_keys=True)
    return out / f"{setting.label}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"


def finished(path: Path) -> dict[str, Any] | None:
    """Return a finished result; None when there is none, or one of its files is missing or damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or (found.get("sha256") and not path.with_suffix(".tflite").is_file()):
        return None
    return found


def finish(setting: Setting, data: Data, effort: Effort, out: Path) -> dict[str, Any]:
    """Return the result of a setting, from the disk or trained now; its files appear whole, the result last."""
    path = result_path(out, setting, data, effort)
    found = finished(path)
    if found is None:
        found, content = _trained(setting, data, effort)
        if content is not None:
            with whole_file(path.with_suffix(".tflite")) as file:
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


def _trained(setting: Setting, data: Data, effort: Effort) -> tuple[dict[str, Any], bytes | None]:
    """Return the row of a network trained now, and its .tflite where its family is quantised."""
    from training.fitting import fit  # noqa: PLC0415 - needs tensorflow
    from training.int8_inference import Int8Inference  # noqa: PLC0415

    mixture = _mixture(setting, data)
    model = fit(setting.architecture, mixture, *_validation(setting, data), effort, seed=setting.seed)
    content = _converted(model, setting, mixture)
    kernels = None if content is None else Int8Inference(content)
    tests = _tests(setting, data)
    judged = {name: _judged(model, kernels, *test, setting.architecture) for name, test in tests.items()}
    return {**_row(setting, effort, content), "judged": judged}, content


def _converted(model: keras.Model, setting: Setting, mixture: Mixture) -> bytes | None:
    from training.fitting import fixed_batch  # noqa: PLC0415 - needs tensorflow
    from training.int8_network import convert_to_int8  # noqa: PLC0415

    architecture = setting.architecture
    if architecture.family in NOT_QUANTISED:
        return None
    drawn = mixture.draw(REPRESENTATIVE, architecture, CLASSES, np.random.default_rng(setting.seed))
    with contextlib.redirect_stdout(io.StringIO()):  # the converter tells at length what it saves for a moment
        return convert_to_int8(fixed_batch(model, architecture), drawn.inputs)


def _row(setting: Setting, effort: Effort, content: bytes | None) -> dict[str, Any]:
    architecture = setting.architecture
    return {
        "family": architecture.family,
        "architecture": architecture.name,
        "window": architecture.window,
        "seed": setting.seed,
        "left_out": setting.left_out,
        "effort": asdict(effort),
        **asdict(cost(architecture)),
        "sha256": None if content is None else hashlib.sha256(content).hexdigest(),
        "not_quantised": NOT_QUANTISED.get(architecture.family),
    }


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


def _judged(
    model: keras.Model, kernels: Any, frames: Frames, asked: NDArray[np.bool_], architecture: Architecture
) -> dict[str, Any]:
    """Return the figures over the `asked` frames, of the float network and of the int8 one on the reference kernels."""
    from training.fitting import counts  # noqa: PLC0415 - needs tensorflow

    needed = np.flatnonzero(_with_voters(asked, frames.start, architecture.votes))
    images = inputs(frames, needed, architecture) if kernels is not None else None
    answers = {"float32": counts(model, frames, needed, architecture)}
    if kernels is not None:
        answers["int8"] = kernels.counts(images)
    result = {}
    for precision, answer in answers.items():
        counted = np.zeros(len(frames.count), dtype=np.int64)
        counted[needed] = answer
        counted = voted(counted, frames.start, architecture.votes)
        result[precision] = as_json(metrics(frames.count[asked], counted[asked]))
    return result


def _with_voters(asked: NDArray[np.bool_], start: NDArray[np.int64], votes: int) -> NDArray[np.bool_]:
    """Return the frames that have a say in an asked frame's vote, these included."""
    needed = asked.copy()
    number = np.arange(len(asked))
    for back in range(1, votes):
        voters = number[asked] - back
        needed[voters[voters >= start[asked]]] = True
    return needed


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
