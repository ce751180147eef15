"""Mask networks trained one after the other, each result on disk, so that a killed run goes on where it was."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from joblib import Parallel, delayed

from sensors.whole_file import whole_file
from training.code_version import code_digest
from training.mask_augmentation import AS_SEEN, Augmentation
from training.mask_judging import int8_probability, judged_masks
from training.mask_networks import NETWORKS, SQUEEZENET_DROPOUT
from training.mask_views import AREA, FIRST_CROP, METHODS
from training.mcu_support import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from training.mask_data import Pictures
    from training.mask_fitting import MaskCourse, MaskEffort

SHORT_SHARE: Final = 2
SHORT_PICTURES: Final = 20_000
"""SqueezeNet and short comparisons learn from half of the pictures, from so many at most."""
SQUEEZENET_EPOCHS: Final = 3
SHORT_EPOCHS: Final = 5
"""They take so many times fewer epochs than the CNN."""
SHORT_STUDIES: Final = ("dropout", "augmentation", "training")
_DROPOUTS: Final = (0.02, 0.1)
_SQUEEZENET_RATE: Final = 1e-3
"""Without batch normalisation it took 0.0004: at 0.0015 SqueezeNet learnt nothing in 12 epochs."""

Result = dict[str, Any]


@dataclass(frozen=True)
class MaskSetting:
    """A network to train.

    Attributes:
        name: What it is called in tables, such as `mask_cnn` or `dropout off`.
        course: What it is and is trained by.
        study: "networks" for those trained at full length; one of `SHORT_STUDIES` for short comparisons.
    """

    name: str
    course: MaskCourse
    study: str = "networks"


def full_settings(course: MaskCourse, networks: Sequence[str] = NETWORKS) -> list[MaskSetting]:
    """Return each network; SqueezeNet learns more slowly, from fewer pictures and for fewer epochs."""
    epochs = max(course.effort.epochs // SQUEEZENET_EPOCHS, 1)
    slow = replace(course.effort, rate=min(course.effort.rate, _SQUEEZENET_RATE), epochs=epochs)
    other = replace(course, effort=slow, dropout=SQUEEZENET_DROPOUT)
    courses = {name: course if name == NETWORKS[0] else other for name in networks}
    return [MaskSetting(name, replace(one, network=name)) for name, one in courses.items()]


def short_settings(course: MaskCourse) -> list[MaskSetting]:
    """Return the CNN with and without dropout, each augmentation, and each of the ways that it is trained by."""
    effort = replace(course.effort, epochs=max(course.effort.epochs // SHORT_EPOCHS, 1))
    short = replace(course, network="mask_cnn", effort=effort)
    augmentations = {
        "all": Augmentation(),
        "none": AS_SEEN,
        "five ways of scaling alone": Augmentation(is_varied=False, has_crops=False),
        "all but cuts": Augmentation(has_crops=False),
        **{f"all, {name} alone": Augmentation(methods=(number,)) for number, name in enumerate(METHODS)},
    }
    return [
        MaskSetting("dropout off", replace(short, dropout=0.0), "dropout"),
        *(MaskSetting(f"dropout {share:g}", replace(short, dropout=share), "dropout") for share in _DROPOUTS),
        *(MaskSetting(name, replace(short, augmentation=one), "augmentation") for name, one in augmentations.items()),
        *(MaskSetting(name, replace(short, effort=one), "training") for name, one in _efforts(effort).items()),
    ]


def _efforts(effort: MaskEffort) -> dict[str, MaskEffort]:
    return {
        "all of it": effort,
        "no batch normalisation": replace(effort, normed=False),
        "no average of weights": replace(effort, averaging=0.0),
        "labels of 0 and 1": replace(effort, smoothing=0.0),
    }


def finish_all(settings: Sequence[MaskSetting], data: Mapping[str, Pictures], out: Path, jobs: int) -> list[Result]:
    """Return the result of each setting, from the disk or trained now; two of the same course are trained once."""
    keys = {setting.name: _key(setting, data) for setting in settings}
    first: dict[str, MaskSetting] = {}
    for setting in settings:
        first.setdefault(keys[setting.name], setting)
    coming = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(_finish)(setting, key, data, out) for key, setting in first.items()
    )
    found: dict[str, Result] = {}
    for (key, setting), result in zip(first.items(), coming, strict=True):
        print(f"{len(found) + 1}/{len(first)} {setting.name}: {result['test']['float32']['accuracy']:.2%}", flush=True)
        found[key] = result
    return [{**found[keys[one.name]], "name": one.name, "study": one.study} for one in settings]


def _finish(setting: MaskSetting, key: str, data: Mapping[str, Pictures], out: Path) -> Result:
    path = out / f"{setting.course.network}-{key}.json"
    found = _read(path)
    if found is None:
        found, contents = _trained(setting, data)
        for precision, content in contents.items():
            found["files"][precision]["file"] = f"{path.stem}-{precision}.tflite"
            with whole_file(out / f"{path.stem}-{precision}.tflite") as file:
                file.write(content)
        with whole_file(path) as file:
            file.write((json.dumps(found, indent=1) + "\n").encode())
    return found


def _key(setting: MaskSetting, data: Mapping[str, Pictures]) -> str:
    """Return a digest of all that a result depends on."""
    digests = {name: pictures.digest for name, pictures in data.items()}
    text = json.dumps(
        [asdict(setting.course), setting.study == "networks", digests, code_digest("training.mask_study")]
    )
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _read(path: Path) -> Result | None:
    """Return a finished result; None when there is none, or one of its files is missing or another."""
    try:
        found: Result = json.loads(path.read_text(encoding="utf-8"))
        for file in found["files"].values():
            if hashlib.sha256((path.parent / file["file"]).read_bytes()).hexdigest() != file["sha256"]:
                return None
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return found


def _trained(setting: MaskSetting, data: Mapping[str, Pictures]) -> tuple[Result, dict[str, bytes]]:
    from training.mask_conversion import converted  # noqa: PLC0415 - needs tensorflow
    from training.mask_fitting import fit_mask, representative_pictures  # noqa: PLC0415

    is_full = setting.study == "networks"
    is_whole = is_full and setting.course.network == NETWORKS[0]
    train = data["train"] if is_whole else _part(data["train"], setting.course.seed)
    model = fit_mask(setting.course, train, data["validation"])
    contents = {"float32": converted(model, None)}
    if is_full:
        contents["int8"] = converted(model, representative_pictures(setting.course, train))
    found: Result = {
        "network": setting.course.network,
        "seed": setting.course.seed,
        "parameters": int(model.count_params()),
        "course": asdict(setting.course),
        "files": {precision: _file(content) for precision, content in contents.items()},
        "pictures": {name: len(pictures) for name, pictures in data.items()} | {"train": len(train)},
    }
    for name in (name for name in data if name != "train"):
        found[name] = _judged(model, contents, data[name])
    return found, contents


def _part(train: Pictures, seed: int) -> Pictures:
    """Return some of the pictures, drawn at random: their order goes by what they show."""
    number = min(len(train) // SHORT_SHARE, SHORT_PICTURES)
    index = np.random.default_rng(seed).permutation(len(train))[:number]
    return train.some(np.sort(index))


def _file(content: bytes) -> dict[str, Any]:
    refused = refusal(content)
    return {
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "runs_on_mcu": refused is None,
        "refusal": refused,
    }


def _judged(model: Any, contents: Mapping[str, bytes], pictures: Pictures) -> dict[str, Any]:
    """Return how well whole frames are told by each precision, and frames scaled otherwise and cuts in float32."""
    from training.mask_fitting import scores  # noqa: PLC0415 - needs tensorflow

    found = {"float32": judged_masks(scores(model, pictures.views[:, AREA]), pictures)}
    if "int8" in contents:
        found["int8"] = judged_masks(int8_probability(contents["int8"], pictures.views[:, AREA]), pictures)
        found["int8_cuts"] = judged_masks(int8_probability(contents["int8"], pictures.views[:, FIRST_CROP]), pictures)
    found["cuts"] = judged_masks(scores(model, pictures.views[:, FIRST_CROP]), pictures)
    for number, name in enumerate(METHODS):
        found[f"scaled {name}"] = judged_masks(scores(model, pictures.views[:, number]), pictures)
    return found
