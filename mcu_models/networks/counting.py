"""What the library knows of a network, made ready to count people with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError
from mcu_models.compiler.counter import people_counter

if TYPE_CHECKING:
    from mcu_models.compiler.counter import Counter
    from mcu_models.compiler.model import Network
    from mcu_models.networks.library import NetworkEntry


def counter_of(entry: NetworkEntry, network: Network) -> Counter:
    """Return what is done with a frame around a network, as its manifest row says.

    Args:
        entry: What is known of the network.
        network: The same, read from `entry.path`.

    Raises:
        BadInputError: Front end or wake-up do not fit the network, or it looks at images.
    """
    if entry.is_for_images:
        raise BadInputError(entry.path, "frontend", entry.frontend, "it looks at images of a camera and counts nobody")
    return people_counter(
        network, entry.frontend, votes=entry.votes, wake_up_degc=entry.wake_up_degc, span_degc=entry.span_degc
    )
