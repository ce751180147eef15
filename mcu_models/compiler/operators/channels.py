"""The C that every int8 layer with weights has: its weights, its channels, its form of output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from mcu_models.compiler import ctext
from mcu_models.compiler.quantise import activation_range

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mcu_models.compiler.model import Activation, Operator
    from mcu_models.compiler.quantise import Channel

# INT8_MOST_RIGHT of int8_arithmetic.h: the output's zero point, shifted left by this, stays below 2^30.
_MOST_RIGHT: Final = 22
# Sums of two channels in one register come apart below this.
_STACKED_LIMIT: Final = 1 << 23


def channel_data(
    operator: Operator, channels: tuple[Channel, ...], weights_type: str, weights: NDArray[np.generic]
) -> str:
    """Return the definitions of a layer's weights and channels, whatever the channels' scales."""
    rows = [f"{{{c.bias}, {c.multiplier}, {c.left}, {c.right}}}" for c in channels]
    name = f"network_data_{operator.index}_channels"
    declared = ctext.braced(f"static NETWORK_WEIGHTS const int8_channel {name}[{len(rows)}]", rows)
    return weights_data(operator, weights_type, weights) + "\n" + declared


def weights_data(operator: Operator, weights_type: str, weights: NDArray[np.generic]) -> str:
    """Return the definition of a layer's weights."""
    return ctext.constants(weights_type, f"network_data_{operator.index}_weights", weights)


def weights_pointer(operator: Operator) -> str:
    """Return a pointer to a layer's weights; the compiler must load these, not spread them over the code."""
    name = f"network_data_{operator.index}_weights"
    return f"    const __typeof__({name}[0]) *weights = {name};\n    INT8_OPAQUE(weights);\n"


def constant_pointers(operator: Operator) -> str:
    """Return pointers to a layer's weights and channels."""
    return weights_pointer(operator) + (
        f"    const int8_channel *channels = network_data_{operator.index}_channels;\n    INT8_OPAQUE(channels);\n"
    )


def output_form(operator: Operator, activation: Activation, channels: tuple[Channel, ...]) -> str:
    """Return the struct that says how a layer writes its outputs."""
    lowest, highest = activation_range(activation, operator.output)
    only_right = all(c.left == 0 and c.right > 0 for c in channels)
    return ctext.struct(
        "int8_output",
        "form",
        {
            "zero_point": operator.output.zero_point,
            "lowest": lowest,
            "highest": highest,
            "only_right": only_right,
        },
    )


@dataclass(frozen=True)
class FastChannel:
    """How the fast kernels begin a channel's sum and rescale it: an int8_scale and its bias."""

    bias: int
    multiplier: int
    offset: int
    right: int

    @property
    def is_constant(self) -> bool:
        """Whether the output is the same for every input: half the offset."""
        return self.multiplier == 0

    @property
    def words(self) -> NDArray[np.uint32]:
        """The four words that the kernels read."""
        values = (2 * self.bias, self.multiplier, self.offset, self.right)
        return np.array([value % (1 << 32) for value in values], np.uint32)


def fast_channels(
    channels: tuple[Channel, ...], weights: NDArray[np.int64], zero_point: int
) -> tuple[FastChannel, ...] | None:
    """Return the channels for the fast kernels; None when one's scale is not for them.

    A channel whose output is the same for every input, such as one without weights, is made to write that; else the
    scale must be below one half, and not minute.

    Args:
        channels: The channels.
        weights: (channels, taps).
        zero_point: The output's.
    """
    spans = 128 * np.abs(weights).sum(axis=1)
    made = [_fast_channel(c, int(span), zero_point) for c, span in zip(channels, spans, strict=True)]
    fast = tuple(channel for channel in made if channel is not None)
    return fast if len(fast) == len(made) else None


def _fast_channel(channel: Channel, span: int, zero_point: int) -> FastChannel | None:
    least, most = (_rescaled(channel, channel.bias + sign * span, zero_point) for sign in (-1, 1))
    if least == most:
        return FastChannel(0, 0, 1 + 2 * least, 1)
    if channel.left > 0 or not 1 <= channel.right <= _MOST_RIGHT:
        return None
    offset = (1 << (channel.right - 1)) + (zero_point << channel.right)
    return FastChannel(channel.bias, channel.multiplier, offset, channel.right)


def _rescaled(channel: Channel, total: int, zero_point: int) -> int:
    """Return the output for a sum, as int8_rescale computes it; it never falls where the sum rises."""
    product = ((total << channel.left) * channel.multiplier + (1 << 30)) >> 31
    half = (1 << channel.right) >> 1
    rounded = (abs(product) + half) >> channel.right
    return min(max((rounded if product > 0 else -rounded) + zero_point, -128), 127)


def pair_rows(channels: int) -> NDArray[np.int64]:
    """Return the channels in pairs, (pairs, 2); an odd number begins with (0, 1), (1, 2)."""
    firsts = np.arange(0, channels - 1, 2) + channels % 2
    return np.stack([firsts, firsts + 1], axis=1) if channels % 2 == 0 else _odd_pairs(firsts)


def _odd_pairs(firsts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[[0, 1]], np.stack([firsts, firsts + 1], axis=1)])


def can_stack(weights: NDArray[np.int64], pairs: NDArray[np.int64]) -> bool:
    """Return whether two channels' products can be summed in one register, and told apart afterwards.

    Args:
        weights: (channels, taps).
        pairs: (pairs, 2), the channels that share a register.
    """
    return bool(128 * np.abs(weights).sum(axis=1).max() < _STACKED_LIMIT) and stack_fits(weights, pairs)


def stack_fits(weights: NDArray[np.int64], pairs: NDArray[np.int64]) -> bool:
    """Return whether 256 times the second's weights, and the first's, are int16."""
    return bool((256 * weights[pairs[:, 1]] + weights[pairs[:, 0]]).min() >= np.iinfo(np.int16).min)


def tap_words(weights: NDArray[np.int64], pairs: NDArray[np.int64], *, stacked: bool) -> NDArray[np.uint32]:
    """Return words of two taps of two channels.

    Args:
        weights: (channels, taps), an even number of taps.
        pairs: (pairs, 2), the channels of each word.
        stacked: The second channel's weights bear the sign of the first's, so that the halves are sums.

    Returns:
        (pairs, taps / 2).
    """
    first, second = weights[pairs[:, 0]], weights[pairs[:, 1]]
    low = first & 0xFF
    halves = (256 * second + (first if stacked else low)) & 0xFFFF
    words: NDArray[np.uint32] = (halves[:, 0::2] | halves[:, 1::2] << 16).astype(np.uint32)
    return words


def clamp_call(operator: Operator, activation: Activation, count: int) -> str:
    """Return the call that holds outputs within an activation's range; empty where int8 is that range."""
    lowest, highest = activation_range(activation, operator.output)
    if (lowest, highest) == (-128, 127):
        return ""
    return f"    int8_clamp_all(output, {count}, {lowest}, {highest});\n"
