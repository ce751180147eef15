"""Which drivers an app is written for, and where its code then lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from mcu_models.firmware.compilation import FirmwareBoard


@dataclass(frozen=True)
class Drivers:
    """Drivers for a family of microcontrollers.

    Attributes:
        folder: Below `mcu_models/firmware`.
        family: The family of boards that they run on; empty for any that has the registers.
        flags: What each file is compiled with besides.
    """

    folder: tuple[str, ...]
    family: str = ""
    flags: tuple[str, ...] = ()


_DRIVERS: Final = Drivers(("drivers",))
_STM32H7: Final = Drivers(
    ("drivers", "stm32h7"),
    family="h743",
    flags=(
        '-DNETWORK_CODE=__attribute__((section(".itcm.network")))',
        '-DNETWORK_HOT=__attribute__((section(".itcm.kernels")))',
    ),
)
"""Start-up code copies what is in .itcm into the memory beside the core."""
_OF_APP: Final = {"mask_door": _STM32H7}
IMAGE_APPS: Final = frozenset({"mask_door"})
"""Apps whose network looks at images of a camera."""
PASSAGES_APP: Final = "doorway_counter"
"""The app for rules that count who passes a door."""


def drivers_of(app: str, board: FirmwareBoard) -> Drivers:
    """Return the drivers that an app is built with; a folder of the user's own gets those of the STM32L4.

    Raises:
        BadInputError: The app is not written for such a board.
    """
    drivers = _OF_APP.get(app, _DRIVERS)
    if drivers.family not in ("", board.family):
        allowed = f"the app {app!r} is written for the family {drivers.family!r}, such as stm32h743vi"
        raise BadInputError("board", "", board.name, allowed)
    return drivers
