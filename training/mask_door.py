"""Trains the networks of the camera at the door: mask worn correctly, or no entry.

    PYTHONPATH=. python -m training.mask_door --data simulated --out out/masks

learns from simulated pictures of many places and is tested at others; `--data DIR` learns from a user's own images in
`DIR/with_mask` and `DIR/without_mask`. Tables go to `OUT/report.md` and `OUT/summary.json`, networks beside them. A
killed run goes on where it was. `--write` puts the CNN into the package. Needs the extra `train`.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from datasheet.bad_input import BadInputError
from mcu_models.networks.library import MANIFEST, read_manifest_rows
from sensors.camera.place import ZONE_M
from sensors.whole_file import whole_file
from training.mask_data import PER_PLACE, PLACES, folder_pictures, simulated_pictures
from training.mask_fitting import MaskCourse, MaskEffort
from training.mask_networks import NETWORKS
from training.mask_report import mask_report
from training.mask_study import finish_all, full_settings, short_settings
from training.network_manifest import manifest_text, tensorflow_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.mask_data import Pictures
    from training.mask_study import Result

SIMULATED: Final = "simulated"
MEMBER: Final = "mask_cnn"
FRONTEND: Final = "area_rgb565"
_TITLE: Final = "Mask worn correctly, or not: CNN of 128,193 parameters"
_COMMAND: Final = "PYTHONPATH=. python -m training.mask_door --data simulated --out out/masks --write"
_DIGITS: Final = 4


def main(words: Sequence[str] | None = None) -> None:
    """Train what is not finished, and write the tables; bad input ends it with one line and status 2."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="'simulated', or a folder that holds with_mask and without_mask")
    parser.add_argument("--out", type=Path, required=True, help="folder of what is trained")
    parser.add_argument("--cache", type=Path, help="where simulated pictures are kept; OUT/pictures")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS), help="which ones; all")
    parser.add_argument(
        "--places", type=_positive, default=PLACES["train"], help=f"to train at, {PER_PLACE} pictures each"
    )
    parser.add_argument(
        "--epochs", type=_positive, help="of the networks; a third of them for SqueezeNet, a fifth in comparisons"
    )
    parser.add_argument("--seed", type=int, default=1, help="of pictures, weights and batches")
    parser.add_argument("--jobs", type=_positive, default=2, help="processes")
    parser.add_argument("--no-studies", action="store_true", help="without short comparisons")
    parser.add_argument("--write", action="store_true", help="replace the mask network of the package")
    arguments = parser.parse_args(words)
    try:
        run(arguments)
    except BadInputError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from error


def run(arguments: argparse.Namespace) -> None:
    """Train, judge, write."""
    _check(arguments)
    data = _pictures(arguments)
    effort = MaskEffort() if arguments.epochs is None else MaskEffort(epochs=arguments.epochs)
    course = MaskCourse(effort=effort, seed=arguments.seed)
    settings = full_settings(course, arguments.networks)
    settings += [] if arguments.no_studies else short_settings(course)
    results = finish_all(settings, data, arguments.out, arguments.jobs)
    report = mask_report(results, _said(data, arguments))
    with whole_file(arguments.out / "report.md") as file:
        file.write(report.encode())
    with whole_file(arguments.out / "summary.json") as file:
        file.write((json.dumps(results, indent=1) + "\n").encode())
    print(report)
    if arguments.write:
        chosen = next(one for one in results if one["name"] == MEMBER)
        write_member(chosen, arguments.out, Path(str(resources.files("mcu_models.networks"))))


def write_member(result: Result, out: Path, folder: Path) -> None:
    """Put the CNN of a result into a folder of networks, and its row into the manifest there, the manifest last."""
    content = (out / result["files"]["int8"]["file"]).read_bytes()
    with whole_file(folder / f"{MEMBER}.tflite") as file:
        file.write(content)
    head, rows = read_manifest_rows(folder)
    rows = [row for row in rows if row["name"] != MEMBER] + [mask_row(result)]
    with whole_file(folder / MANIFEST) as file:
        file.write((head + manifest_text(rows)).encode())


def mask_row(result: Result) -> dict[str, Any]:
    """Return the manifest row of the CNN."""
    test, learnt = result["test"], result["pictures"]["train"]
    zone = f"{ZONE_M[0]:g} to {ZONE_M[1]:g} m"
    return {
        "name": MEMBER,
        "file": f"{MEMBER}.tflite",
        "sha256": result["files"]["int8"]["sha256"],
        "title": _TITLE,
        "kind": "image",
        "family": "mask_door",
        "seed": result["seed"],
        "frontend": FRONTEND,
        "parameters": result["parameters"],
        "precision": "int8",
        "accuracy": round(test["int8"]["accuracy"], _DIGITS),
        "accuracy_float32": round(test["float32"]["accuracy"], _DIGITS),
        "accuracy_data": f"{test['int8']['pictures']} simulated pictures of held-out places, {zone}",
        "data": f"{learnt} simulated pictures of {learnt // PER_PLACE} places",
        "command": _COMMAND,
        "keras": metadata.version("keras"),
        "tensorflow": tensorflow_version(),
    }


def _check(arguments: argparse.Namespace) -> None:
    if arguments.write and (arguments.data != SIMULATED or MEMBER not in arguments.networks):
        needed = f"goes with --data {SIMULATED} and the network {MEMBER} only"
        raise BadInputError("command line", "--write", arguments.data, needed)
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInputError(arguments.out, "", None, f"cannot be made: {error.strerror}") from error


def _pictures(arguments: argparse.Namespace) -> dict[str, Pictures]:
    if arguments.data != SIMULATED:
        return folder_pictures(Path(arguments.data), seed=arguments.seed)
    cache = arguments.cache or arguments.out / "pictures"
    cache.mkdir(parents=True, exist_ok=True)
    places = {**PLACES, "train": arguments.places}
    return {
        split: simulated_pictures(split, number, seed=arguments.seed, cache=cache, jobs=arguments.jobs)
        for split, number in places.items()
    }


def _said(data: dict[str, Pictures], arguments: argparse.Namespace) -> str:
    numbers = ", ".join(f"{name} {len(pictures)}" for name, pictures in data.items())
    origin = "simulated; from test on of held-out places" if arguments.data == SIMULATED else arguments.data
    return f"Pictures: {numbers} ({origin}). Seed {arguments.seed}."


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 on")
    return number


if __name__ == "__main__":
    main()
