"""How well masks are told: shares told right, by what is before the face and by distance, and who is let in wrongly."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mcu_models.compiler.reference import ReferenceNetwork
from scenarios.guarded_door import load_guarded_door
from sensors.camera.look import COVERINGS
from sensors.camera.place import SITUATIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.mask_data import Pictures

EVEN_ODDS: Final = 0.5
DISTANCES_M: Final = (0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8)
DOOR: Final = "mask_door"
"""What people wear who come to this door is one of the mixes that accuracies are said for."""
_CODES: Final = 256
_LOWEST: Final = -128


def judged_masks(probability: NDArray[np.floating[Any]], pictures: Pictures) -> dict[str, Any]:
    """Return how well (N,) probabilities of a mask tell N pictures.

    `confusion` has rows none, mask (true) and columns none, mask (told). `let_in` is the share of those without a mask
    worn correctly who are told to wear one, `refused` the share of those with one who are not. `arrivals` weighs what
    is before a face by how often it comes to the door of the scenario.
    """
    told, masked = probability >= EVEN_ODDS, pictures.masked
    right = told == masked
    by_covering = _by_covering(right, pictures.covering)
    confusion = [[int(((masked == true) & (told == said)).sum()) for said in (False, True)] for true in (False, True)]
    return {
        "pictures": len(right),
        "accuracy": float(right.mean()),
        "balanced_accuracy": float(
            np.mean([right[masked == one].mean() for one in (False, True) if (masked == one).any()])
        ),
        "confusion": confusion,
        "let_in": _share(told[~masked]),
        "refused": _share(~told[masked]),
        "by_covering": by_covering,
        "arrivals": arriving(by_covering),
        "by_situation": _by_situation(told, pictures.situation),
        "by_distance": _by_distance(right, pictures.distance_m),
        "worst_place": float(min(right[pictures.place == one].mean() for one in np.unique(pictures.place))),
    }


def int8_probability(content: bytes, seen: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (N,) what an int8 network says of pictures (N, 32, 32, 3), computed as the firmware computes it.

    Its input's code is a pixel's level less 128, its output's a 256th of probability: from 1/2 on it is 0 and above.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.tflite"
        path.write_bytes(content)
        network = ReferenceNetwork(path)
        codes = (seen.astype(np.int16) + _LOWEST).astype(np.int8)
        output = network.run(codes)[:, 0]
    return (output.astype(np.float32) - np.float32(_LOWEST)) / np.float32(_CODES)


def arriving(by_covering: dict[str, float]) -> dict[str, float]:
    """Return accuracy and the share let in wrongly for what people wear who come to the door of the scenario.

    Args:
        by_covering: Share told right of each; empty is returned where one of them is missing.
    """
    wearing = load_guarded_door(DOOR).wearing
    if not set(wearing) <= set(by_covering):
        return {}
    badly = {name: share for name, share in wearing.items() if name != "mask"}
    wrong = sum(share * (1 - by_covering[name]) for name, share in badly.items())
    right = sum(share * by_covering[name] for name, share in wearing.items())
    return {"accuracy": right / sum(wearing.values()), "let_in": wrong / sum(badly.values())}


def _by_situation(told: NDArray[np.bool_], situation: NDArray[np.int8]) -> dict[str, float]:
    """Return the share told to wear a mask, by who is before the camera."""
    present = [number for number in range(len(SITUATIONS)) if (situation == number).any()]
    return {SITUATIONS[number]: float(told[situation == number].mean()) for number in present}


def _by_covering(right: NDArray[np.bool_], covering: NDArray[np.int8]) -> dict[str, float]:
    present = [number for number in range(len(COVERINGS)) if (covering == number).any()]
    return {COVERINGS[number]: float(right[covering == number].mean()) for number in present}


def _by_distance(right: NDArray[np.bool_], distance_m: NDArray[np.float32]) -> dict[str, float]:
    found = {}
    for near, far in pairwise(DISTANCES_M):
        chosen = (distance_m >= near) & (distance_m < far)
        if chosen.any():
            found[f"{near:g} to {far:g} m"] = float(right[chosen].mean())
    return found


def _share(flags: NDArray[np.bool_]) -> float:
    return float(flags.mean()) if len(flags) else float("nan")
