"""The people counter in Unicorn and in Renode, side by side in one run: what they answer, and how fast they are.

`RENODE=... python benchmarks/two_emulators.py` plays the same frames to the same image in both, and compares lines,
time of an inference, share of time running and speed; then both execute the same endless loop of eight instructions,
for instructions a second. Renode is measured with the backend's quantum and with its own default. Times leave out the
start of Renode, which is printed by itself. The reference of each factor is the time that passes in the emulation.
"""

from __future__ import annotations

import argparse
import os
import struct
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mcu_models.boards.board import find_board
from mcu_models.emulators.image import FirmwareImage, Segment
from mcu_models.emulators.renode.instruction_rates import instruction_rates
from mcu_models.emulators.renode_backend import QUANTUM_S, RenodeEmulator
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from mcu_models.firmware.library import firmware_for
from scenarios.room import load_scenario
from scenarios.simulation import simulate
from sensors.amg8833 import Amg8833
from sensors.sensing import sense
from twin.emulated_node import ANSWER, TIMING_PIN
from twin.node import Node, load_node

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcu_models.emulators.port import PinEdge, UartLine
    from sensors.recording import Recording

BEFORE_FRAMES_S = 18.0
"""The people counter reads its first frame within this time."""
RENODE_QUANTUM_S = 1e-4
LOOP = struct.pack(
    "<8H",
    0x6801,  # ldr r1, [r0]
    0x3101,  # adds r1, #1
    0x4341,  # muls r1, r0
    0x0049,  # lsls r1, r1, #1
    0x6001,  # str r1, [r0]
    0x4041,  # eors r1, r0
    0x1A52,  # subs r2, r2, r1
    0xE7F7,  # b to the first
)


@dataclass(frozen=True)
class Played:
    """What one emulator made of the frames."""

    name: str
    start_s: float
    host_s: float
    virtual_s: float
    lines: tuple[str, ...]
    pulses_s: tuple[float, ...]
    duty: float


def play(name: str, node: Node, recording: Recording, emulator: Emulators, start_s: float) -> Played:
    """Show every frame to an emulated node."""
    device = Amg8833(recording, sheet=node.sensor, address=node.config.sensor.address)
    emulator.attach_i2c(node.config.sensor.bus, device)
    edges: list[PinEdge] = []
    emulator.on_pin_edge(edges.append)
    marks: list[tuple[float, float]] = []

    def mark(line: UartLine) -> None:
        """Note the time running at each answer: whole periods lie between the first and the last."""
        if ANSWER.match(line.text):
            marks.append((line.time_s, sum(s for state, s in emulator.residency_s().items() if state.mode == "run")))

    emulator.on_uart_line(mark)
    begin = time.perf_counter()
    outcome = emulator.run(until_s=BEFORE_FRAMES_S + len(recording.frames) / 10)
    host_s = time.perf_counter() - begin
    times_s = [edge.time_s for edge in edges if (edge.port, edge.pin) == TIMING_PIN]
    (first_s, first_running_s), (last_s, last_running_s) = marks[0], marks[-1]
    return Played(
        name, start_s, host_s, outcome.virtual_s, tuple(line.text for line in emulator.uart_lines()),
        tuple(fall_s - rise_s for rise_s, fall_s in zip(times_s[::2], times_s[1::2], strict=False)),
        (last_running_s - first_running_s) / (last_s - first_s),
    )  # fmt: skip


Emulators = UnicornEmulator | RenodeEmulator


def compare_people_counter(frames: int, repetitions: int) -> None:
    """Play the same frames to both, and print the differences."""
    node, scenario = load_node("ceiling_counter"), load_scenario("office_doorway")
    timeline = simulate(scenario, seconds=frames / 10, seed=1, frame_rate_hz=node.sensor.fast_frame_rate_hz.value)
    recording = sense(timeline, node.mount_in(scenario), node.sensor, profile=node.config.sensor.noise, seed=1)
    image = firmware_for(node.network, node.board, node.config.app).image
    for _ in range(repetitions):
        unicorn = UnicornEmulator(node.board, image)
        reference = play("unicorn", node, recording, unicorn, 0.0)
        _show(reference)
        rates = instruction_rates(unicorn.executed())
        for quantum_s in (QUANTUM_S, RENODE_QUANTUM_S):
            begin = time.perf_counter()
            with RenodeEmulator(node.board, image, rates=rates, quantum_s=quantum_s) as renode:
                start_s = time.perf_counter() - begin
                name = f"renode, quantum {quantum_s * 1e3:g} ms"
                played = play(name, node, recording, renode, start_s)
            _show(played)
            _show_difference(reference, played)


def _show(played: Played) -> None:
    print(
        f"{played.name:24s} {len(played.pulses_s)} frames, inference {np.mean(played.pulses_s) * 1e3:.4f} ms, running "
        f"{played.duty * 100:.4f} %, {played.host_s:.2f} s for {played.virtual_s:.1f} s: "
        f"{played.virtual_s / played.host_s:.0f} x real time (start {played.start_s:.1f} s)"
    )


def _show_difference(reference: Played, played: Played) -> None:
    length = max(len(reference.lines), len(played.lines))
    differ = sum(a != b for a, b in zip(_padded(reference.lines, length), _padded(played.lines, length), strict=True))
    ratios = np.array(played.pulses_s) / np.array(reference.pulses_s)
    print(
        f"{'':24s} {len(played.lines)} lines, {differ} differ; inference {ratios.mean() * 100 - 100:+.2f} % (worst "
        f"{np.abs(ratios - 1).max() * 100:.2f} %); running {played.duty / reference.duty * 100 - 100:+.2f} %"
    )


def _padded(lines: tuple[str, ...], length: int) -> tuple[str | None, ...]:
    return lines + (None,) * (length - len(lines))


def compare_instruction_rate(host_limit_s: float, repetitions: int) -> None:
    """Let both execute the same loop, and print million instructions a second of the host."""
    board = find_board("stm32l4a6zg")
    flash = board.memory("flash").base
    code = struct.pack("<HH", 0x2020, 0x0600) + LOOP  # r0 = 0x20000000
    vectors = struct.pack("<II", 0x20010000, (flash + 0x200) | 1)
    image = FirmwareImage("loop", "0" * 64, (Segment(flash, vectors), Segment(flash + 0x200, code)), (), {})
    rates: Mapping[int, float] = {}
    for _ in range(repetitions):
        unicorn = UnicornEmulator(board, image)
        with nullcontext(unicorn):
            _show_rate("unicorn", unicorn, host_limit_s)
        rates = instruction_rates(unicorn.executed())
        for quantum_s in (QUANTUM_S, RENODE_QUANTUM_S):
            with RenodeEmulator(board, image, rates=rates, quantum_s=quantum_s) as renode:
                _show_rate(f"renode, quantum {quantum_s * 1e3:g} ms", renode, host_limit_s)


def _show_rate(name: str, emulator: Emulators, host_limit_s: float) -> None:
    emulator.run(until_s=1.0)
    before = emulator.run(until_s=1.0).instructions
    begin = time.perf_counter()
    outcome = emulator.run(until_s=1e6, give_up=lambda: time.perf_counter() - begin > host_limit_s)
    host_s = time.perf_counter() - begin
    print(f"{name:24s} {(outcome.instructions - before) / host_s / 1e6:.0f} million instructions a second")


def main() -> None:
    """Print both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:2]))
    compare_people_counter(options.frames, options.repetitions)
    compare_instruction_rate(5.0, options.repetitions)


if __name__ == "__main__":
    main()
