"""The study of people counting on 8 x 8 pixels: every network of some families, trained and judged, with resume.

    PYTHONPATH=. python -m training.people_counting --data simulated --out out/study
    PYTHONPATH=. python -m training.people_counting --data RECORDINGS --families multi_channel_cnn --out out/study
    PYTHONPATH=. python -m training.people_counting --data both --recording RECORDINGS --out out/study
    PYTHONPATH=. python -m training.people_counting --data simulated --precisions float32 int8 int8_qat --out out/study

Simulated: networks are trained on simulated sessions and tested on others, and on a `--recording` if there is one, by
which nothing is chosen. A path: cross-validation that leaves one session out. Both: the same, of networks that were
trained on simulated sessions first. A run that is started again with the same words goes on where it was killed. Needs
the extra `train`.

In OUT: a `.json` and a `.tflite` for each precision of every network, `summary.json`, `quantisation.md`, and
`manifest.toml`, by which the twin knows how to prepare frames for the networks that run on a microcontroller.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from joblib import Parallel, delayed

from datasheet.bad_input import BadInputError
from sensors.whole_file import whole_file
from training.architectures import FAMILIES, WINDOWS, Architecture, all_names, default_names, read_architecture
from training.network_manifest import Origin, study_manifest
from training.protocol import FIRST_RATE, folds, over_folds
from training.quantisation import DEFAULT_PRECISIONS, PRECISIONS, read_precisions
from training.quantisation_table import quantisation_table
from training.recorded_sessions import check_window, recorded_sessions
from training.sessions import simulated_sessions
from training.study import Data, Setting, check, finish, finished, gather, result_path
from training.study_report import write_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.fitting import Effort
    from training.quantisation import Precision
    from training.sessions import Session

INTERRUPTED: Final = 130
SIMULATED: Final = "simulated"
BOTH: Final = "both"
_ALL: Final = "all"
_SINGLE_FRAME: Final = "single_frame_cnn"
_HELD_OUT: Final = 4
"""One validation and one test session for so many training sessions."""
_DEFAULT_WINDOW: Final = 3
_DEFAULT_TCN_WINDOW: Final = 5
_COMMAND: Final = "PYTHONPATH=. python -m training.people_counting"


def main(words: Sequence[str] | None = None) -> None:
    """Run the study; bad input ends it with one line and status 2, Ctrl-C with one and status 130."""
    try:
        given = list(sys.argv[1:] if words is None else words)
        run(_arguments(given), f"{_COMMAND} {shlex.join(given)}")
    except BadInputError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from error
    except KeyboardInterrupt:
        print("interrupted; the same command goes on with what is not finished", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None


def run(arguments: argparse.Namespace, command: str) -> list[dict[str, Any]]:
    """Train and judge what is not finished yet; return all results and write what they amount to.

    Args:
        arguments: What to train on what.
        command: What repeats this, for the manifest.
    """
    _check_numbers(arguments)
    _check_words(arguments)
    precisions = read_precisions(arguments.precisions)
    networks = _networks(arguments)
    recorded = _recorded(arguments)
    if recorded is not None:
        _check_windows(recorded, networks, _recording_path(arguments))
    _check_installed()
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInputError("--out", "", str(arguments.out), f"cannot be made: {error.strerror}") from error
    simulated = _simulated(arguments)
    data = gather(simulated, recorded, arguments.recorded_share)
    numbers = [session.number for session in recorded or []]
    settings = _settings(arguments, networks, numbers)
    for setting in {(one.architecture.window, one.left_out): one for one in settings}.values():
        check(setting, data)
    try:
        results = _finish_all(settings, data, _effort(arguments), arguments, precisions)
        _write_all(arguments.out, results, Origin(_data_in_words(arguments, numbers), command))
    except OSError as error:
        raise BadInputError(arguments.out, "", None, f"cannot be written: {error.strerror}") from error
    return results


def _write_all(out: Path, results: list[dict[str, Any]], origin: Origin) -> None:
    rows = summary(results)
    texts = {
        "summary.json": json.dumps(rows, indent=1) + "\n",
        "quantisation.md": quantisation_table(results),
        "manifest.toml": study_manifest(results, origin),
    }
    for name, text in texts.items():
        with whole_file(out / name) as file:
            file.write(text.encode())
    for path in write_report(rows, out):
        print(path)


def _data_in_words(arguments: argparse.Namespace, numbers: list[int]) -> str:
    """Return what networks are trained on, for the manifest; a session left out is named there."""
    parts = []
    if arguments.data in {SIMULATED, BOTH}:
        parts.append(f"{arguments.sessions} simulated sessions of {arguments.session_seconds:g} s")
    if arguments.data != SIMULATED:
        parts.append(f"recorded sessions {', '.join(map(str, numbers))}")
    return " and ".join(parts)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="simulated, both, or a recording or folder of recordings")
    parser.add_argument("--recording", type=Path, help="the recorded part of `both`; a further test of `simulated`")
    parser.add_argument("--recorded-share", type=float, default=0.25, help="share of a batch in `both`, while tuning")
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), metavar="FAMILY")
    parser.add_argument("--architectures", nargs="+", metavar="NAME", help="such as C8-P-C8-FC; `all` explores them")
    parser.add_argument("--windows", nargs="+", type=int, metavar="FRAMES", help=f"of {WINDOWS}; 3, for a TCN 5")
    parser.add_argument("--precisions", nargs="+", default=list(DEFAULT_PRECISIONS), help=f"of {', '.join(PRECISIONS)}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sessions", type=int, default=300, help="simulated sessions to train on")
    parser.add_argument("--session-seconds", type=float, default=120.0)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--steps", type=int, default=500, help="batches in an epoch")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--cache", type=Path, help="where simulated sessions are kept; OUT/sessions")
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args(words)


def _check_numbers(arguments: argparse.Namespace) -> None:
    for name in ("sessions", "epochs", "steps", "batch", "jobs"):
        if getattr(arguments, name) < 1:
            raise BadInputError(f"--{name}", "", getattr(arguments, name), "must be at least 1")
    for window in arguments.windows or ():
        if window not in WINDOWS:
            raise BadInputError("--windows", "", window, f"must be one of {', '.join(map(str, WINDOWS))}")
    if not 10 <= arguments.session_seconds <= 3600:
        raise BadInputError("--session-seconds", "", arguments.session_seconds, "must be 10 to 3600")
    if not 0 < arguments.recorded_share < 1:
        raise BadInputError("--recorded-share", "", arguments.recorded_share, "must be between 0 and 1")
    if not 0 <= arguments.seed < 2**32:
        raise BadInputError("--seed", "", arguments.seed, "must be 0 to 2^32 - 1")


def _check_words(arguments: argparse.Namespace) -> None:
    if not arguments.data:
        raise BadInputError("--data", "", "", f"must be {SIMULATED}, {BOTH}, or a recording or folder of recordings")
    names = arguments.architectures or []
    if _ALL in names and len(names) > 1:
        raise BadInputError("--architectures", "", " ".join(names), f"`{_ALL}` stands alone")
    if set(arguments.families) == {_SINGLE_FRAME} and set(arguments.windows or [1]) != {1}:
        window = next(window for window in arguments.windows if window != 1)
        raise BadInputError("--windows", "", window, f"{_SINGLE_FRAME} has a window of 1 only")


def _check_installed() -> None:
    if importlib.util.find_spec("tensorflow") is None:
        raise BadInputError("training", "", None, "needs the extra `train`: pip install -e '.[train]'")


def _networks(arguments: argparse.Namespace) -> list[Architecture]:
    """Return each network that is asked for once."""
    networks = [
        read_architecture(family, name, window)
        for family in arguments.families
        for name in _names(family, arguments.architectures)
        for window in _windows(family, arguments.windows)
    ]
    return list(dict.fromkeys(networks))


def _names(family: str, wanted: list[str] | None) -> tuple[str, ...]:
    if wanted == [_ALL]:
        return all_names(family)
    if wanted:
        return tuple(wanted)
    return default_names(family) if family in FAMILIES else ("C8-P-FC",)


def _windows(family: str, wanted: list[int] | None) -> list[int]:
    if family == _SINGLE_FRAME:
        return [1]
    return wanted or [_DEFAULT_TCN_WINDOW if family == "cnn_tcn" else _DEFAULT_WINDOW]


def _recording_path(arguments: argparse.Namespace) -> Path | None:
    if arguments.data not in {SIMULATED, BOTH}:
        return Path(arguments.data)
    if arguments.data == BOTH and arguments.recording is None:
        raise BadInputError("--recording", "", None, "is needed with --data both: a recording or a folder of them")
    path: Path | None = arguments.recording
    return path


def _recorded(arguments: argparse.Namespace) -> list[Session] | None:
    path = _recording_path(arguments)
    if path is None:
        return None
    found = recorded_sessions(path)
    numbers = [session.number for session in found]
    if arguments.data != SIMULATED and not folds(numbers):
        said = "holds one session; leaving one out needs two, or use --data simulated --recording"
        raise BadInputError(path, "session", numbers[0], said)
    if arguments.data != SIMULATED and 1 not in numbers:
        print(f"session 1 is not there: trained on sessions {', '.join(map(str, numbers))} only")
    return found


def _check_windows(recorded: list[Session], networks: list[Architecture], path: Path | None) -> None:
    for network in networks:
        check_window(recorded, network.window, path or "--recording")


def _simulated(arguments: argparse.Namespace) -> dict[str, list[Session]] | None:
    if arguments.data not in {SIMULATED, BOTH}:
        return None
    held_out = max(arguments.sessions // _HELD_OUT, 1)
    cache = arguments.cache or arguments.out / "sessions"
    found = {}
    for split, number in (("train", arguments.sessions), ("validation", held_out), ("test", held_out)):
        found[split] = simulated_sessions(
            split, number, seed=arguments.seed, seconds=arguments.session_seconds, cache=cache, jobs=arguments.jobs
        )
        print(f"{number} simulated sessions for {split}", flush=True)
    return found


def _settings(arguments: argparse.Namespace, networks: list[Architecture], numbers: list[int]) -> list[Setting]:
    left_out: list[int | None] = [None] if arguments.data == SIMULATED else [fold.test for fold in folds(numbers)]
    return [Setting(network, arguments.seed, session) for network in networks for session in left_out]


def _effort(arguments: argparse.Namespace) -> Effort:
    """Return the published schedule for recorded data alone; simulated data, which do not end, get a cosine."""
    from training.fitting import Effort  # noqa: PLC0415 - needs tensorflow

    size = {"epochs": arguments.epochs, "steps": arguments.steps, "batch": arguments.batch}
    if arguments.data in {SIMULATED, BOTH}:
        return Effort(**size)
    return Effort(**size, rate=FIRST_RATE, schedule="plateau")


def _finish_all(
    settings: list[Setting],
    data: Data,
    effort: Effort,
    arguments: argparse.Namespace,
    precisions: tuple[Precision, ...],
) -> list[dict[str, Any]]:
    """Return the results in the order of the settings; each is printed as soon as it is there."""
    paths = [result_path(arguments.out, one, data, effort, precisions) for one in settings]
    there = sum(finished(path) is not None for path in paths)
    print(f"{len(settings)} settings, {there} of them finished before", flush=True)
    coming = Parallel(n_jobs=min(arguments.jobs, len(settings)), return_as="generator")(
        delayed(finish)(one, data, effort, arguments.out, precisions) for one in settings
    )
    results = []
    for number, (setting, found) in enumerate(zip(settings, coming, strict=True), 1):
        print(f"{number}/{len(settings)} {line(setting.label, found)}", flush=True)
        results.append(found)
    return results


def line(label: str, found: dict[str, Any]) -> str:
    """Return a result in one line."""
    figures = [
        f"{name} {precision} {100 * judged['balanced_accuracy']:.1f} %"
        for name, precisions in found["judged"].items()
        for precision, judged in precisions.items()
    ]
    return f"{label}: {found['parameters']} parameters, {found['macs']} MACs; {', '.join(figures)}"


def summary(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each network and precision: figures weighted over the recorded sessions it was tested on."""
    rows: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for one in results:
        network = tuple(one[name] for name in ("family", "architecture", "window", "seed", "parameters", "macs"))
        for test, precisions in one["judged"].items():
            for precision, judged in precisions.items():
                origin = test if test == SIMULATED else "recorded"
                rows.setdefault((*network, origin, precision), []).append(judged)
    names = ("family", "architecture", "window", "seed", "parameters", "macs", "tested_on", "precision")
    return [dict(zip(names, key, strict=True)) | {"figures": over_folds(found)} for key, found in rows.items()]


if __name__ == "__main__":
    main()
