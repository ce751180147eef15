"""The emulators there are, by name: one interface, `mcu_models.emulators.port.Emulator`."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Literal, get_args

from mcu_models.emulators.renode_backend import RenodeEmulator
from mcu_models.emulators.unicorn_backend import UnicornEmulator

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from mcu_models.boards.board import Board
    from mcu_models.emulators.image import FirmwareImage
    from mcu_models.emulators.port import Emulator

BackendName = Literal["unicorn", "renode"]
BACKEND_NAMES: tuple[BackendName, ...] = get_args(BackendName)


def open_emulator(
    backend: BackendName, board: Board, image: FirmwareImage, *, rates: Mapping[int, float] | None = None
) -> AbstractContextManager[Emulator]:
    """Return an emulator at power-on, which ends with the block that it is opened for.

    Args:
        backend: Its name.
        board: What to emulate.
        image: What to run.
        rates: Instructions a second by core clock in Hz, for a backend without a cycle model of its own.

    Raises:
        BadInputError: The backend is not installed, or the image does not fit the board.
        RenodeError: Renode does not start.
    """
    if backend == "renode":
        return RenodeEmulator(board, image, rates=rates)
    return nullcontext(UnicornEmulator(board, image))
