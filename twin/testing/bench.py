"""The bench that firmware is tested on: what a test asks for machines, and the budgets they are held to."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast, get_args

from datasheet.bad_input import BadInputError
from datasheet.regular_file import is_file
from mcu_models.boards.board import find_board
from mcu_models.emulators.backends import BackendName, open_emulator
from mcu_models.emulators.image import read_image_for
from mcu_models.firmware.library import find_image
from twin.testing.asked import check_functions
from twin.testing.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcu_models.boards.board import Board
    from mcu_models.emulators.image import FirmwareImage
    from twin.testing.budgets import Budgets, Comparison
    from twin.testing.stimuli import AnyEmulator

HOST_SECONDS: Final = 300.0
"""What a machine may take on the host, unless it is told otherwise."""


class Bench:
    """Boots machines, and keeps them until the test is over.

    Args:
        board: The board of machines that are booted without one.
        backend: Their emulator.
        budgets: What `assert_budget` compares with.
        host_seconds: Time that each machine may take on the host.

    Attributes:
        machines: Those booted so far.
        board: Name of the usual board; None: each image has to say.
        backend: Name of the usual emulator.
    """

    def __init__(
        self,
        *,
        board: str | None = None,
        backend: BackendName = "unicorn",
        budgets: Budgets | None = None,
        host_seconds: float = HOST_SECONDS,
    ) -> None:
        self.machines: list[Machine] = []
        self.board = board
        self.backend = backend
        self._budgets = budgets
        self._host_seconds = host_seconds
        self._open = ExitStack()

    def boot(
        self,
        image: str | Path,
        *,
        board: str | None = None,
        backend: BackendName | None = None,
        load_address: int | None = None,
        functions: Mapping[str, int] | None = None,
        rates: Mapping[int, float] | None = None,
    ) -> Machine:
        """Return a machine at power-on, with an image in its flash; nothing has run yet.

        Args:
            image: Path of an ELF, Intel HEX, S-record or binary file, or the name of an image of the library;
                "{board}" in it stands for the board's name.
            board: Name or path of the board.
            backend: "unicorn" or "renode".
            load_address: Where a binary file is loaded.
            functions: Addresses of functions that the image has no symbols for, by a name for each.
            rates: Instructions a second by core clock in Hz, for Renode, which has no cycle model of its own; None:
                they are learnt from the first seconds under the cycle model.

        Raises:
            BadInputError: One of them does not exist or cannot be used, or they do not fit.
            RenodeError: Renode does not start.
        """
        name = board or self.board
        if name is None:
            raise BadInputError("boot", "board", None, 'needs a board: boot(image, board="...") or a marker')
        chip = find_board(name)
        kind = backend or self.backend
        if kind not in get_args(BackendName):
            raise BadInputError("boot", "backend", kind, f"must be one of {', '.join(get_args(BackendName))}")
        check_functions("boot", functions)
        firmware = _find(str(image).replace("{board}", chip.name), chip, load_address)
        opened = open_emulator(kind, chip, firmware, rates=rates)
        emulator = cast("AnyEmulator", self._open.enter_context(opened))
        machine = Machine(emulator, host_seconds=self._host_seconds, functions=functions, rehearses=rates is None)
        self.machines.append(machine)
        return machine

    def assert_budget(self, name: str, machine: Machine | None = None, /, **measured: float) -> None:
        """Hold measured values to what they were when the baseline was taken.

        Args:
            name: Of the budget, such as "inference".
            machine: Whose board and backend it is for; None: the machine booted last.
            measured: `cycles`, `ram` and `flash` in bytes, `energy_uj`, or others of one's own.

        Raises:
            BudgetExceededError: One has grown by more than its tolerance, or is not in the baseline.
            BadInputError: No machine has been booted, or a value is no number.
        """
        __tracebackhide__ = True
        about = machine or (self.machines[-1] if self.machines else None)
        if about is None or self._budgets is None:
            raise BadInputError("assert_budget", "", name, "needs a machine: boot one first")
        self._budgets.hold(name, about.emulator.board.name, about.backend, measured)

    @property
    def comparisons(self) -> list[Comparison]:
        """What `assert_budget` has compared so far."""
        return [] if self._budgets is None else self._budgets.comparisons

    def close(self) -> None:
        """End all emulators."""
        self._open.close()


def _find(image: str, board: Board, load_address: int | None) -> FirmwareImage:
    if not is_file(Path(image)):
        return find_image(image)
    return read_image_for(board, Path(image), load_address=load_address)
