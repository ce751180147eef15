"""Everything of an emulated microcontroller but the engine: time, interrupts, system control, peripherals.

It holds no closure, so that a snapshot may copy it as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from datasheet.bad_input import BadInputError, nearest_name
from mcu_models.emulators.interrupt_controller import InterruptController
from mcu_models.emulators.memory_map import BitBand, PeripheralSpace
from mcu_models.emulators.peripherals.base import Chip
from mcu_models.emulators.peripherals.registry import PERIPHERALS
from mcu_models.emulators.scheduler import Scheduler
from mcu_models.emulators.system_control import CycleCounter, SystemControl, SystemSpace, SysTick

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.boards.board import Board
    from mcu_models.emulators.block_hook import BlockHook
    from mcu_models.emulators.connections import Connections
    from mcu_models.emulators.memory_map import Registers
    from mcu_models.emulators.peripherals.base import ClockTree, FlashInterface, Memory, PowerControl, Retained
    from mcu_models.emulators.virtual_clock import VirtualClock

PartT = TypeVar("PartT")

PERIPHERAL_SPACES = ((0x40000000, 0x2000000), (0x44000000, 0x1C000000), (0xA0000000, 0x10000))
"""Where ARMv7-M has peripherals (DDI 0403E, B3.1) around the bit-band alias, and external memories' registers."""
BIT_BAND = 0x42000000
SYSTEM_SPACE = (0xE0000000, 0x100000)
"""The private peripheral bus."""


class Machine:
    """The parts of a microcontroller around its core, as they are after a reset.

    Args:
        board: Its sheet says which peripherals there are.
        hook: Cycle counter.
        clock: Virtual time; it goes on through a reset.
        connections: What is attached from outside.
        memory: The memories, for DMA.
        problems: Where lines about accesses the hardware would not honour are noted.
        where: Returns the function that is running, for such lines.
        retained: What the reset that has just happened left alone; None at power-on.

    Raises:
        BadInputError: The board names a peripheral of an unknown type or outside the peripheral regions, or has no
            clock tree, power control or flash interface.
    """

    def __init__(
        self,
        board: Board,
        hook: BlockHook,
        clock: VirtualClock,
        *,
        connections: Connections,
        memory: Memory,
        problems: dict[str, None],
        where: Callable[[], str],
        retained: Retained | None = None,
    ) -> None:
        self.board = board
        self.clock = clock
        self.scheduler = Scheduler()
        self.nvic = InterruptController(interrupts=board.sheet.interrupts, priority_bits=board.sheet.priority_bits)
        self.chip = Chip(clock, self.scheduler, self.nvic, problems, connections, board.sheet, memory)
        self.chip.retained = retained or self.chip.retained
        systick = SysTick(clock, self.scheduler, self.nvic)
        self.system = SystemControl(board, self.nvic, systick)
        self._spaces = {base: PeripheralSpace(base, self.chip, hook, where) for base, _ in PERIPHERAL_SPACES}
        self._system_space = SystemSpace(self.system, CycleCounter(hook, self.system), self.chip, hook, where)
        for name in board.sheet.peripherals:
            self._place(name)
        self.tree: ClockTree = self._needed("clock tree", self.chip.tree)
        self.power: PowerControl = self._needed("power control", self.chip.power)
        self.flash: FlashInterface = self._needed("flash interface", self.chip.flash)
        connections.chip_is_new(self.chip)

    def regions(self) -> list[tuple[int, int, Registers]]:
        """Return first address, size and registers of every region that is not memory."""
        spaces: list[tuple[int, int, Registers]] = [
            (base, size, self._spaces[base]) for base, size in PERIPHERAL_SPACES
        ]
        spaces.append((BIT_BAND, 0x2000000, BitBand(self._spaces[PERIPHERAL_SPACES[0][0]])))
        return [*spaces, (*SYSTEM_SPACE, self._system_space)]

    def _place(self, name: str) -> None:
        sheet = self.board.sheet.peripherals[name]
        file = self.board.folder / "board.toml"
        if sheet.type not in PERIPHERALS:
            allowed = nearest_name(sheet.type, PERIPHERALS)
            raise BadInputError(file, f"peripherals.{name}.type", sheet.type, allowed)
        peripheral = PERIPHERALS[sheet.type](name, self.chip, sheet)
        if SYSTEM_SPACE[0] <= sheet.base < SYSTEM_SPACE[0] + SYSTEM_SPACE[1]:
            self._system_space.others.add(peripheral)
            return
        for base, size in PERIPHERAL_SPACES:
            if base <= sheet.base < base + size:
                self._spaces[base].add(peripheral)
                return
        where = "must lie in a peripheral region of the memory map"
        raise BadInputError(file, f"peripherals.{name}.base", hex(sheet.base), where)

    def _needed(self, what: str, part: PartT | None) -> PartT:
        if part is None:
            needed = f"needs a {what} to run whole firmware; single functions can be profiled without"
            raise BadInputError(self.board.folder / "board.toml", "peripherals", None, needed)
        return part
