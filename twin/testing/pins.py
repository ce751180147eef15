"""Pins of a chip under test: what firmware drives, and what drives its inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.emulators.fault_plan import pin_of
from mcu_models.emulators.peripherals.gpio import Gpio
from mcu_models.emulators.unicorn_backend import UnicornEmulator

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcu_models.emulators.port import PinEdge
    from twin.testing.stimuli import AnyEmulator


class PinLog:
    """Every edge of every pin that firmware drives, in order of time.

    Args:
        emulator: Whose pins.
    """

    def __init__(self, emulator: AnyEmulator) -> None:
        self._emulator = emulator
        self._edges: dict[tuple[str, int], list[PinEdge]] = {}
        self._wanted: tuple[str, int, bool] | None = None
        self.come: PinEdge | None = None
        emulator.on_pin_edge(self._hear)

    def _hear(self, edge: PinEdge) -> None:
        self._edges.setdefault((edge.port, edge.pin), []).append(edge)
        if self.come is None and self._wanted == (edge.port, edge.pin, edge.high):
            self.come = edge
            if isinstance(self._emulator, UnicornEmulator):
                self._emulator.stop_soon()

    def want(self, wanted: tuple[str, int, bool] | None) -> None:
        """Look out for a level of a pin: port, pin, whether high."""
        self._wanted, self.come = wanted, None

    def of(self, port: str, number: int) -> tuple[PinEdge, ...]:
        """Return the edges of one pin."""
        return tuple(self._edges.get((port, number), ()))

    def all(self) -> list[PinEdge]:
        """Return the edges of all pins."""
        return sorted((edge for edges in self._edges.values() for edge in edges), key=lambda edge: edge.time_s)

    def forget_after(self, time_s: float) -> None:
        """Drop what has not happened yet."""
        for place, edges in self._edges.items():
            self._edges[place] = [edge for edge in edges if edge.time_s <= time_s]


class Pin:
    """One pin, such as "PA8".

    Args:
        name: Its name.
        log: Knows its edges.
        emulator: The chip.
        run_until_edge: Runs until a level has come, and returns when that was.

    Raises:
        ValueError: No pin has such a name.
    """

    def __init__(
        self,
        name: str,
        log: PinLog,
        emulator: AnyEmulator,
        run_until_edge: Callable[[tuple[str, int, bool], float], float],
    ) -> None:
        self.name = name
        self._port, self._number = pin_of(name)
        self._log = log
        self._emulator = emulator
        self._run_until_edge = run_until_edge

    @property
    def edges(self) -> tuple[PinEdge, ...]:
        """Every edge since power-on; the first one rises, since a pin is low until firmware drives it high."""
        return self._log.of(self._port, self._number)

    @property
    def is_high(self) -> bool:
        """Whether firmware drives it high now."""
        return bool(self.edges) and self.edges[-1].high

    @property
    def pulses_s(self) -> tuple[tuple[float, float], ...]:
        """When it has risen and fallen again, in virtual seconds."""
        times_s = [edge.time_s for edge in self.edges]
        return tuple(zip(times_s[::2], times_s[1::2], strict=False))

    def wait(self, *, high: bool, within_s: float = 10.0) -> float:
        """Return the virtual time at which it next changes to a level; at once if it has it already.

        Raises:
            FirmwareFailedError: It does not within that time.
        """
        __tracebackhide__ = True
        if self.is_high is not high:
            return self._run_until_edge((self._port, self._number, high), within_s)
        return self.edges[-1].time_s if self.edges else self._emulator.now_s

    def drive(self, *, high: bool) -> None:
        """Drive an input from outside; interrupts of its edges come in the next run."""
        if isinstance(self._emulator, UnicornEmulator):
            self._gpio(self._emulator).drive(self._number, high)
        else:
            self._emulator.drive_pin(self._port, self._number, high=high)

    def release(self) -> None:
        """Stop driving it; only with the Unicorn backend."""
        if isinstance(self._emulator, UnicornEmulator):
            self._gpio(self._emulator).drive(self._number, None)

    def _gpio(self, emulator: UnicornEmulator) -> Gpio:
        part = emulator.peripheral(self._port)
        assert isinstance(part, Gpio)  # noqa: S101 - ports have no other model
        return part
