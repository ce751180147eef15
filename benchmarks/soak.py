"""Runs firmware for a day of virtual time, and everything in the libraries for a while: `make soak`; status 1 on drift.

After each slice of a run, what must agree is held against each other:

- virtual time and the sum of the times in all power states;
- core cycles and, over the states in which the core runs, time times clock;
- the energy of the whole run and the sum of those of the slices, each from the times in the power states;
- cycles and instructions only grow, and every slice brings as many lines of text as the second one (10 % of slack where
  lines are events);
- the memory that the process holds stays within 5 % of what it was behind the warm-up.

Lines are taken from the emulator slice by slice, as whoever runs firmware for so long has to. The sensor's frames are
those of a scenario, anew in each slice; the camera of the guarded door looks at noise, a new picture in each slice.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import psutil

from mcu_models.boards.board import find_board
from mcu_models.compiler.area_scale import FRAME_SIDE
from mcu_models.compiler.reference import ReferenceNetwork
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from mcu_models.firmware.library import find_image, image_names
from mcu_models.networks.library import find_network, network_names
from mcu_models.power import state_current
from scenarios.room import load_scenario
from scenarios.simulation import simulate
from sensors.amg8833 import Amg8833
from sensors.camera.ov7725_registers import Ov7725
from sensors.grid_eye_sheet import load_grid_eye
from sensors.recording import PIXEL_STEP_DEGC
from sensors.sensing import sense
from twin.cli import run as run_command
from twin.host_node import host_count
from twin.library import names
from twin.node import load_node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from mcu_models.emulators.virtual_clock import PowerState
    from scenarios.room import Scenario
    from sensors.grid_eye_sheet import GridEyeSheet
    from sensors.recording import Recording

TOLERANCE: Final = 1e-9
"""Of times, cycles and energies, relative: a double holds 1e-16, and a day has some ten million stretches."""
MEMORY_TOLERANCE: Final = 0.05
WARM_UP_SLICES: Final = 2
EVENT_SLACK: Final = 0.1
"""How far numbers of lines may differ between slices."""
CAMERA_IMAGE: Final = "mask_door"
CAMERA_SLICES: Final = 6
BRIEF_S: Final = 30.0
"""Virtual time of each prediction of the libraries."""
_START_UP_S: Final = 60.0


@dataclass
class Soak:
    """A run that is watched.

    Attributes:
        name: Of the image.
        emulator: What runs it.
        renew: Puts new surroundings in place for the next slice; takes its number.
        energy_j: Sum of the energies of the slices.
        residency_s: Times in power states until now.
        counted: Cycles and instructions until now.
        lines: Of each slice.
        memory_bytes: Held by the process behind each slice.
        faults: What did not agree.
    """

    name: str
    emulator: UnicornEmulator
    renew: Callable[[int], None]
    energy_j: float = 0.0
    residency_s: dict[PowerState, float] = field(default_factory=dict)
    counted: tuple[int, int] = (0, 0)
    lines: list[int] = field(default_factory=list)
    memory_bytes: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def run_slice(self, number: int, slice_s: float) -> None:
        """Run the next slice and look at everything behind it."""
        self.renew(number)
        outcome = self.emulator.run(until_s=(number + 1) * slice_s)
        if outcome.end != "seconds":
            self.faults.append(f"ended at {outcome.virtual_s:g} s: {outcome.end}, {outcome.detail}")
        self._check_times(outcome.virtual_s)
        self._check_counts(outcome.cycles, outcome.instructions)
        self._take_lines()
        self._check_memory()

    def _check_times(self, now_s: float) -> None:
        residency_s = dict(self.emulator.residency_s())
        self._agree("power states and virtual time", math.fsum(residency_s.values()), now_s)
        running = math.fsum(span_s * state.clock_hz for state, span_s in residency_s.items() if state.mode == "run")
        self._agree("running time and cycles", running, self.emulator.cycles)
        before = self.residency_s
        self.energy_j += self._energy_j({state: s - before.get(state, 0.0) for state, s in residency_s.items()})
        self._agree("energy of the slices and of the run", self.energy_j, self._energy_j(residency_s))
        self.residency_s = residency_s

    def _energy_j(self, residency_s: Mapping[PowerState, float]) -> float:
        power = self.emulator.board.sheet.power
        supply_v = power.supply_v.value
        return math.fsum(state_current(power, state).typical_a * supply_v * s for state, s in residency_s.items())

    def _agree(self, what: str, one: float, other: float) -> None:
        if not math.isclose(one, other, rel_tol=TOLERANCE):
            self.faults.append(f"{what} differ: {one!r} and {other!r}")

    def _check_counts(self, cycles: int, instructions: int) -> None:
        if cycles < self.counted[0] or instructions < self.counted[1]:
            self.faults.append(f"counters went back from {self.counted} to {(cycles, instructions)}")
        self.counted = cycles, instructions

    def _take_lines(self) -> None:
        transcripts = self.emulator.connections.transcripts.values()
        self.lines.append(sum(len(one.lines) for one in transcripts))
        for one in transcripts:
            one.drop_lines(len(one.lines))
            one.drop_text(len(one.text))
        if len(self.lines) > WARM_UP_SLICES and abs(self.lines[-1] - self.lines[1]) > EVENT_SLACK * self.lines[1] + 1:
            self.faults.append(f"{self.lines[-1]} lines in slice {len(self.lines)}, {self.lines[1]} in the second")

    def _check_memory(self) -> None:
        self.memory_bytes.append(psutil.Process().memory_info().rss)
        if len(self.memory_bytes) > WARM_UP_SLICES:
            base = self.memory_bytes[WARM_UP_SLICES - 1]
            if abs(self.memory_bytes[-1] - base) > MEMORY_TOLERANCE * base:
                self.faults.append(f"memory went from {base >> 20} to {self.memory_bytes[-1] >> 20} MiB")


class _Noise:
    """A camera's view of nothing in particular."""

    def __init__(self) -> None:
        self._generator = np.random.default_rng(1)
        self.renew(0)

    def renew(self, _number: int) -> None:
        """Look at something else."""
        self._picture = self._generator.integers(0, 1 << 16, (FRAME_SIDE, FRAME_SIDE), np.uint16)

    def picture(self, _index: int, _time_s: float) -> NDArray[np.uint16]:
        """Return a frame."""
        return self._picture


def soak_of(image: str, slice_s: float) -> Soak:
    """Return a run of a reference image with everything around it."""
    emulator = UnicornEmulator(find_board(image.rpartition("_")[2]), find_image(image))
    if image.startswith(CAMERA_IMAGE):
        noise = _Noise()
        camera = Ov7725(noise)
        emulator.attach_i2c("I2C1", camera)
        emulator.attach_camera("DCMI", camera)
        return Soak(image, emulator, noise.renew)
    return Soak(image, emulator, _Frames(emulator, slice_s).renew)


class _Frames:
    """A sensor that sees another stretch of a scenario in each slice."""

    def __init__(self, emulator: UnicornEmulator, slice_s: float) -> None:
        self._emulator, self._slice_s = emulator, slice_s
        self._sheet = load_grid_eye()
        self._scenario = load_scenario("office_doorway")
        self._first_s = 0.0

    def renew(self, number: int) -> None:
        """Put a sensor with new frames in the place of the last."""
        devices = self._emulator.connections.devices_on("I2C1")
        period_s = 1 / self._sheet.fast_frame_rate_hz.value
        known = next((one for one in devices.values() if isinstance(one, Amg8833)), None)
        now_s = self._emulator.now_s
        recording = _seen(self._scenario, self._sheet, self._slice_s, number)
        if known is None or known.first_frame_s is None:
            device = Amg8833(recording, sheet=self._sheet)
        else:
            begun = math.ceil((now_s - known.first_frame_s) / period_s)
            first_s = known.first_frame_s + begun * period_s
            device = Amg8833(recording, sheet=self._sheet, power_on_s=now_s - _START_UP_S, first_frame_s=first_s)
        self._emulator.attach_i2c("I2C1", device)


def _seen(scenario: Scenario, sheet: GridEyeSheet, seconds: float, seed: int) -> Recording:
    mount = load_node("ceiling_counter").mount_in(scenario)
    return sense(simulate(scenario, seconds=seconds, seed=seed), mount, sheet, seed=1)


def soak_images(options: argparse.Namespace) -> Iterator[Soak]:
    """Run images one after the other; yield each when it has ended."""
    for image in options.images:
        whole_s, slice_s = 3600 * options.hours, 60 * options.slice_minutes
        if image.startswith(CAMERA_IMAGE):
            whole_s, slice_s = options.camera_seconds, options.camera_seconds / CAMERA_SLICES
        soak, begin_s = soak_of(image, slice_s), time.monotonic()
        for number in range(max(1, round(whole_s / slice_s))):
            soak.run_slice(number, slice_s)
            _show(soak, number, slice_s, time.monotonic() - begin_s)
            if soak.faults:
                break
        yield soak


def _show(soak: Soak, number: int, slice_s: float, host_s: float) -> None:
    energy_j, memory_mib = soak.energy_j, soak.memory_bytes[-1] >> 20
    virtual_h, factor = (number + 1) * slice_s / 3600, (number + 1) * slice_s / host_s
    print(
        f"{soak.name:28s} {virtual_h:6.2f} h {soak.counted[0]:>16,d} cycles {energy_j:9.4f} J {soak.lines[-1]:>6d} "
        f"lines {memory_mib:>5d} MiB {factor:5.0f} x real time  {'; '.join(soak.faults) or 'ok'}",
        flush=True,
    )


def soak_libraries() -> Iterator[tuple[str, str]]:
    """Use everything in the libraries briefly; yield what was used and what is wrong with it, or ""."""
    for network in network_names():
        if find_network(network).has_rules or find_network(network).counts_passages:
            continue  # no network; a node below has them
        yield f"network {network}", _network_fault(network)
    for scenario in names("scenarios"):
        yield f"scenario {scenario}", _prediction_fault(scenario, "ceiling_counter")
    for node in names("nodes"):
        door = node.startswith("mask_")
        yield f"node {node}", _prediction_fault("mask_door" if door else "office_doorway", node)


def _network_fault(name: str) -> str:
    """Return what is wrong with a network: it computes the same in two ways."""
    entry, chance = find_network(name), np.random.default_rng(3)
    if entry.is_for_images:
        network = ReferenceNetwork(entry.path)
        (tensor,) = network.network.inputs
        values = chance.integers(-128, 128, (20, *tensor.shape[1:]), np.int8).astype(tensor.dtype)
        same = np.array_equal(network.run(values), network.run(values))
    else:
        frames = (chance.integers(72, 128, (200, 8, 8)) * PIXEL_STEP_DEGC).astype(np.float32)
        same = np.array_equal(host_count(entry, frames), host_count(entry, frames))
    return "" if same else "computes the same in two ways"


def _prediction_fault(scenario: str, node: str) -> str:
    """Return what is wrong with a prediction: it fails, or its powers or times do not add up."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as said:
        arguments = ["run", scenario, "--node", node, "--seconds", f"{BRIEF_S:g}", "--out", folder, "--json"]
        status = run_command([*arguments, "--level", "host"])
    if status:
        return f"status {status}"
    result: dict[str, Any] = json.loads(said.getvalue())
    states = result.get("power_states_s", {})
    total_s = math.fsum(states.get("mcu", {}).values())
    if "span" in states and not math.isclose(total_s, states["span"], rel_tol=1e-6):
        return f"power states of {total_s} s in a span of {states['span']} s"
    for powers_w, average_w in _powers_w(result):
        if not math.isclose(math.fsum(powers_w), average_w, rel_tol=1e-6):
            return f"consumers take {math.fsum(powers_w)} W, all together {average_w} W"
    return ""


def _powers_w(result: dict[str, Any]) -> Iterator[tuple[list[float], float]]:
    """Yield the powers of consumers and of all together, as a room's or a guarded door's prediction tells them."""
    if "power" in result:
        yield list(result["power"]["by_consumer_w"].values()), result["power"]["average_power_w"]
    elif by_consumer := result["energy_j"].get("by_consumer"):
        yield [energy_j / BRIEF_S for energy_j in by_consumer.values()], result["average_power_w"]


def main() -> int:
    """Soak, print what came of it, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--hours", type=float, default=24.0, help="virtual time of each image")
    parser.add_argument("--slice-minutes", type=float, default=30.0)
    parser.add_argument(
        "--camera-seconds",
        type=float,
        default=60.0,
        help="of the guarded door's image, which runs slower than real time",
    )
    parser.add_argument("--images", nargs="*", choices=image_names(), default=list(image_names()))
    parser.add_argument("--no-libraries", action="store_true")
    options = parser.parse_args()
    faults = sum(len(soak.faults) for soak in soak_images(options))
    for used, fault in () if options.no_libraries else soak_libraries():
        print(f"{used:40s} {fault or 'ok'}", flush=True)
        faults += bool(fault)
    print(f"{faults} faults" if faults else "no drift")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
