"""Makes the people counters that come with the twin: trained on simulated sessions alone, by one command.

    PYTHONPATH=. python -m training.people_library --out out/library --write

Each network is trained from `SEEDS` seeds; of them, and of the ways to int8, the one that counts simulated validation
frames best is taken: no recording has a say. The networks of Table IV of arXiv 2304.06059 are among them, by their
published names, with weights of our own. A killed run goes on where it was. Needs the extra `train`.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from joblib import Parallel, delayed

from datasheet.bad_input import BadInputError
from mcu_models.networks.library import MANIFEST, read_manifest_rows
from sensors.whole_file import whole_file
from training.architectures import read_architecture
from training.network_manifest import manifest_text, network_row
from training.sessions import simulated_sessions
from training.study import Setting, finish, gather

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.architectures import Architecture
    from training.quantisation import Precision
    from training.study import Data

SEEDS: Final = (1, 2, 3)
"""Of weights and batches. The simulated sessions are those of seed 1 for all."""
SESSIONS: Final = {"train": 800, "validation": 200, "test": 200}
SECONDS: Final = 120.0
PRECISIONS: Final[tuple[Precision, ...]] = ("float32", "int8", "int8_qat")

_DATA: Final = f"{SESSIONS['train']} simulated sessions of {SECONDS:g} s, all random deployments"
_COMMAND: Final = "PYTHONPATH=. python -m training.people_library --out out/library --write"
_HEAD: Final = """\
# Networks that come with the twin. Made by `command`; what is done around a network (front end, votes, wake-up) is in
# its row. `published` is its name in Table IV of arXiv 2304.06059, whose architecture it has; the weights are our own.
"""


@dataclass(frozen=True)
class Member:
    """A network of the library.

    Attributes:
        name: Its name.
        family: One of `training.architectures.FAMILIES`.
        architecture: Its layers, such as `C8-P-C8-FC`.
        window: Frames that an answer is made from.
        is_float: Whether it is float32; else int8.
        published: Its name in the published table; None for one that is not there.
    """

    name: str
    family: str
    architecture: str
    window: int
    is_float: bool = False
    published: str | None = None

    @property
    def read(self) -> Architecture:
        """What it is."""
        return read_architecture(self.family, self.architecture, self.window)


MEMBERS: Final = (
    Member("people_c8_p_fc", "single_frame_cnn", "C8-P-FC", 1, published="MAC-L-Q"),
    Member("people_c8_p_c8_fc", "single_frame_cnn", "C8-P-C8-FC", 1),
    Member("people_c16_p_c16_fc", "single_frame_cnn", "C16-P-C16-FC", 1),
    Member("people_c8_p_fc_vote3", "majority_voting", "C8-P-FC", 3, published="Size-L-Q"),
    Member("people_c8_p_c8_fc_fc_vote5", "majority_voting", "C8-P-C8-FC-FC", 5, published="Top-Q"),
    Member("people_c8_p_c8_fc_w3", "multi_channel_cnn", "C8-P-C8-FC", 3, published="Size-H-Q/MAC-H-Q"),
    Member("people_c8_p_c16_fc_w3", "multi_channel_cnn", "C8-P-C16-FC", 3),
    Member("people_c16_p_c16_fc_w3", "multi_channel_cnn", "C16-P-C16-FC", 3),
    Member("people_c8_p_c8_cat_fc_w3", "concatenated_cnn", "C8-P-C8-Cat-FC", 3),
    Member("people_c8_p_c8_l16_fc_w3", "cnn_lstm", "C8-P-C8-L16-FC", 3),
    Member("people_c8_p_c8_t8_fc_w5", "cnn_tcn", "C8-P-C8-T8-FC", 5),
    Member("people_c8_p_fc_float32", "single_frame_cnn", "C8-P-FC", 1, is_float=True, published="MAC-L"),
    Member("people_c8_p_fc_vote5_float32", "majority_voting", "C8-P-FC", 5, is_float=True, published="Size-L"),
    Member("people_c8_p_c16_fc_w3_float32", "multi_channel_cnn", "C8-P-C16-FC", 3, is_float=True, published="MAC-H"),
    Member(
        "people_c8_p_c8_cat_fc_w3_float32", "concatenated_cnn", "C8-P-C8-Cat-FC", 3, is_float=True, published="Size-H"
    ),
    Member("people_c8_p_c8_l16_fc_w3_float32", "cnn_lstm", "C8-P-C8-L16-FC", 3, is_float=True, published="Top"),
)


def main(words: Sequence[str] | None = None) -> None:
    """Train what is not finished, choose, and with `--write` put the networks into the package."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of what is trained")
    parser.add_argument("--cache", type=Path, help="where simulated sessions are kept; OUT/sessions")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--write", action="store_true", help="replace the networks of the package")
    arguments = parser.parse_args(words)
    try:
        run(arguments)
    except BadInputError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from error


def run(arguments: argparse.Namespace) -> None:
    """Train, choose, write."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    cache = arguments.cache or arguments.out / "sessions"
    sessions = {
        split: simulated_sessions(split, number, seed=SEEDS[0], seconds=SECONDS, cache=cache, jobs=arguments.jobs)
        for split, number in SESSIONS.items()
    }
    results = _trained(gather(sessions, None, 0.5), arguments.out, arguments.jobs)
    chosen = {member.name: best(member, results) for member in MEMBERS}
    for member in MEMBERS:
        print(said(member, chosen[member.name]))
    if arguments.write:
        write(chosen, arguments.out, Path(str(resources.files("mcu_models.networks"))))


def _trained(data: Data, out: Path, jobs: int) -> list[dict[str, Any]]:
    """Return the results of each architecture from each seed."""
    from training.fitting import Effort  # noqa: PLC0415 - needs tensorflow

    architectures = dict.fromkeys(member.read for member in MEMBERS)
    settings = [Setting(one, seed, None) for one in architectures for seed in SEEDS]
    coming = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(finish)(one, data, Effort(), out, PRECISIONS) for one in settings
    )
    results: list[dict[str, Any]] = []
    for setting, found in zip(settings, coming, strict=True):
        print(f"{len(results) + 1}/{len(settings)} {setting.label}", flush=True)
        results.append(found)
    return results


def best(member: Member, results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the result of the seed that counts validation frames best, and with it the `precision` that does."""
    own = [one for one in results if _is_of(member, one)]
    precision = {id(one): "float32" if member.is_float else one["best_int8"] for one in own}
    found = max(own, key=lambda one: float(one["validation"][precision[id(one)]]["balanced_accuracy"]))
    return {**found, "precision": precision[id(found)]}


def _is_of(member: Member, result: dict[str, Any]) -> bool:
    kind = (result["family"], result["architecture"], result["window"])
    return kind == (member.family, member.architecture, member.window)


def said(member: Member, result: dict[str, Any]) -> str:
    """Return a chosen network in one line."""
    precision = result["precision"]
    validation, test = (found[precision]["balanced_accuracy"] for found in _figures(result))
    return (
        f"{member.name}: seed {result['seed']}, {precision}, {result['files'][precision]['bytes']} bytes, "
        f"validation {validation:.1%}, test {test:.1%}"
    )


def _figures(result: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return result["validation"], result["judged"]["simulated"]


def write(chosen: dict[str, dict[str, Any]], out: Path, folder: Path) -> None:
    """Replace the people counters of `folder` and their rows in its manifest, the manifest last."""
    others = [row for row in read_manifest_rows(folder)[1] if row.get("kind") == "image"]
    rows = []
    for member in MEMBERS:
        result = chosen[member.name]
        content = (out / result["files"][result["precision"]]["file"]).read_bytes()
        with whole_file(folder / f"{member.name}.tflite") as file:
            file.write(content)
        row = network_row(member.name, f"{member.name}.tflite", result, result["precision"])
        published = {} if member.published is None else {"published": member.published}
        rows.append(row | {"data": _DATA, "command": _COMMAND} | published)
    with whole_file(folder / MANIFEST) as file:
        file.write((_HEAD + "\n" + manifest_text([*rows, *others])).encode())


if __name__ == "__main__":
    main()
