"""The six families of people counters and their layers by name, with what each costs; nothing is built here.

Families and names follow C. Xie, F. Daghero, Y. Chen et al., "Efficient Deep Learning Models for Privacy-preserving
People Counting on Low-resolution Infrared Arrays", arXiv 2304.06059. In a name such as `C8-P-C8-L16-FC`, `C8` is a
convolution of 3 x 3 with 8 filters and no padding, `P` the maximum of 2 x 2, `Cat` joins the features of all frames
of the window, `L16` is an LSTM of 16 units over them, `T8` a convolution of 8 filters over three frames in time (our
own letter), and `FC` is a dense layer: the last one to the four classes, any before it to 64. That 64 is what the
published size of `C8-P-C8-FC-FC` in int8 amounts to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from datasheet.bad_input import BadInputError, nearest_name

WINDOWS: Final = (1, 3, 5, 7, 9)
CHANNELS: Final = (8, 16, 32, 64)
CLASSES: Final = 4
HIDDEN: Final = 64
SIDE: Final = 8
KERNEL: Final = 3

_JOINS: Final = {"concatenated_cnn": "Cat", "cnn_lstm": "L", "cnn_tcn": "T"}
FAMILIES: Final = ("single_frame_cnn", "multi_channel_cnn", "majority_voting", *_JOINS)
_WORD: Final = re.compile(r"(C|L|T)([1-9][0-9]{0,2})|(P|Cat|FC)")


@dataclass(frozen=True)
class Layer:
    """One word of a name: `kind` is C, P, Cat, L, T or FC; `size` its filters or units, 0 for P and Cat."""

    kind: str
    size: int = 0


@dataclass(frozen=True)
class Architecture:
    """A network of one family.

    Attributes:
        family: One of `FAMILIES`.
        name: Its layers, such as `C8-P-C8-FC`.
        window: Frames that an answer is made from.
        image_layers: What works on images: convolutions and pooling.
        joint: What joins the frames of a window; None in families that need nothing.
        dense_units: Units of each dense layer, the classes last.
    """

    family: str
    name: str
    window: int
    image_layers: tuple[Layer, ...]
    joint: Layer | None
    dense_units: tuple[int, ...]

    @property
    def channels(self) -> int:
        """Channels of an image: all frames of the window in `multi_channel_cnn`, else one."""
        return self.window if self.family == "multi_channel_cnn" else 1

    @property
    def frames(self) -> int:
        """Images that go through the network at once; votes are counted outside of it."""
        return self.window if self.family in _JOINS else 1

    @property
    def votes(self) -> int:
        """Answers of the network from which the most frequent is taken."""
        return self.window if self.family == "majority_voting" else 1

    @property
    def label(self) -> str:
        """Family, layers and window in one word for files and tables."""
        return f"{self.family}-{self.name}-w{self.window}"


@dataclass(frozen=True)
class Cost:
    """What an answer costs.

    Attributes:
        parameters: Weights and biases.
        macs: Multiplications with a weight for one answer, all frames of the window computed anew as in the paper.
    """

    parameters: int
    macs: int


def read_architecture(family: str, name: str, window: int) -> Architecture:
    """Return the architecture that a name stands for.

    Raises:
        BadInputError: The family or a layer is unknown, the layers do not follow each other so, do not fit an 8 x 8
            image, or the family does not have this window.
    """
    if family not in FAMILIES:
        raise BadInputError("--families", "", family, nearest_name(family, FAMILIES))
    layers = [_layer(family, name, word) for word in name.split("-")]
    dense = [layer for layer in layers if layer.kind == "FC"]
    joints = [layer for layer in layers if layer.kind in {"Cat", "L", "T"}]
    images = [layer for layer in layers if layer.kind in {"C", "P"}]
    wanted = _JOINS.get(family)
    if [*images, *joints, *dense] != layers or not images or not dense:
        raise BadInputError(family, "architecture", name, "must be C<n> and P, then what joins frames, then FC")
    if [layer.kind for layer in joints] != ([wanted] if wanted else []):
        said = f"must have one {wanted} before FC" if wanted else "must not have Cat, L or T, which join frames"
        raise BadInputError(family, "architecture", name, said)
    _check_window(family, window)
    found = Architecture(
        family, name, window, tuple(images), joints[0] if joints else None,
        (HIDDEN,) * (len(dense) - 1) + (CLASSES,),
    )  # fmt: skip
    _check_sides(found)
    return found


def _layer(family: str, name: str, word: str) -> Layer:
    match = _WORD.fullmatch(word)
    if match is None:
        allowed = f"layer {word!r} is unknown; known: C<n>, P, Cat, L<n>, T<n>, FC"
        raise BadInputError(family, "architecture", name, allowed)
    return Layer(match[1], int(match[2])) if match[1] else Layer(match[3])


def _check_window(family: str, window: int) -> None:
    fewest = {"single_frame_cnn": 1, "cnn_tcn": KERNEL}.get(family, 3)
    allowed = (1,) if family == "single_frame_cnn" else tuple(one for one in WINDOWS if one >= fewest)
    if window not in allowed:
        raise BadInputError(family, "window", window, f"must be one of {', '.join(map(str, allowed))}")


def _check_sides(architecture: Architecture) -> None:
    side = SIDE
    for layer in architecture.image_layers:
        side = side - KERNEL + 1 if layer.kind == "C" else side // 2
        if side < 1:
            allowed = f"does not fit an image of {SIDE} x {SIDE}: leave out a C or a P"
            raise BadInputError(architecture.family, "architecture", architecture.name, allowed)


def cost(architecture: Architecture) -> Cost:
    """Return what an answer of the network costs."""
    parameters = macs = 0
    side, channels = SIDE, architecture.channels
    for layer in architecture.image_layers:
        if layer.kind == "P":
            side //= 2
            continue
        side = side - KERNEL + 1
        weights = KERNEL * KERNEL * channels * layer.size
        parameters, macs, channels = parameters + weights + layer.size, macs + side * side * weights, layer.size
    macs *= architecture.frames
    joined, features = _joint_cost(architecture, side * side * channels)
    parameters, macs = parameters + joined.parameters, macs + joined.macs
    for units in architecture.dense_units:
        parameters, macs, features = parameters + (features + 1) * units, macs + features * units, units
    return Cost(parameters, macs * architecture.votes)


def _joint_cost(architecture: Architecture, features: int) -> tuple[Cost, int]:
    """Return what joining the frames costs, and how many features come out."""
    joint, window = architecture.joint, architecture.window
    if joint is None:
        return Cost(0, 0), features
    if joint.kind == "Cat":
        return Cost(0, 0), window * features
    if joint.kind == "L":
        weights = 4 * joint.size * (features + joint.size)
        return Cost(weights + 4 * joint.size, window * weights), joint.size
    steps, weights = window - KERNEL + 1, KERNEL * features * joint.size
    return Cost(weights + joint.size, steps * weights), steps * joint.size


def default_names(family: str) -> tuple[str, ...]:
    """Return the names that a run without further wishes trains: small ones, and larger ones that count well."""
    return {
        "single_frame_cnn": ("C8-P-FC", "C8-P-C8-FC", "C16-P-C16-FC"),
        "multi_channel_cnn": ("C8-P-C8-FC", "C8-P-C16-FC", "C16-P-C16-FC"),
        "majority_voting": ("C8-P-FC", "C8-P-C8-FC-FC"),
        "concatenated_cnn": ("C8-P-C8-Cat-FC",),
        "cnn_lstm": ("C8-P-C8-L16-FC",),
        "cnn_tcn": ("C8-P-C8-T8-FC",),
    }[family]


def all_names(family: str) -> tuple[str, ...]:
    """Return every name of the exploration: one or two convolutions, with and without pooling and a hidden layer."""
    sizes = [f"C{first}{pool}" for first in CHANNELS for pool in ("", "-P")]
    bodies = sizes + [f"{body}-C{second}" for body in sizes for second in CHANNELS]
    joints = {"Cat": ("-Cat",), "L": ("-L8", "-L16"), "T": ("-T8", "-T16")}.get(_JOINS.get(family, ""), ("",))
    return tuple(f"{body}{joint}{tail}" for body in bodies for joint in joints for tail in ("-FC", "-FC-FC"))
