"""A guarded door at both levels: whether 300 frames are answered alike, and how much longer the emulated level takes.

Run: python benchmarks/mask_door_levels.py [--frames N] [--seed N]

Two worlds of the same seed, each with a guard of its own: one is guarded by the firmware in the emulator, one by the
host. People come from the first second on.
"""

from __future__ import annotations

import argparse
import time
from typing import Final

from mcu_models.firmware.library import firmware_for
from scenarios.guarded_door import load_guarded_door
from twin.door.guard import Judge, guard_in_emulator, guard_on_host
from twin.door.node import WIRING, load_door_node
from twin.door.timing import measure_timing
from twin.door.world import DoorWorld

NODE: Final = "mask_camera"
DOOR: Final = "mask_door"
BUSY_PER_HOUR: Final = 1800.0


def main() -> None:
    """Guard both worlds and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    door, node = load_guarded_door(DOOR), load_door_node(NODE)
    door = door.model_copy(update={"arrivals": door.arrivals.model_copy(update={"per_hour": BUSY_PER_HOUR})})
    firmware = firmware_for(node.network, node.board, node.config.app)
    timing = measure_timing(node.board, firmware.image, **WIRING)
    seconds = timing.first_frame_s + (arguments.frames + 2) * timing.period_s
    worlds = [DoorWorld(door, node.camera, arguments.seed) for _ in range(2)]
    begin = time.perf_counter()
    host = guard_on_host(worlds[0], Judge(node.network), node, timing, seconds=seconds, skips_idle=False)
    middle = time.perf_counter()
    board = guard_in_emulator(worlds[1], Judge(node.network), node, firmware.image, seconds=seconds)
    end = time.perf_counter()
    pairs = list(zip(host.looks, board.looks, strict=False))[: arguments.frames]
    alike = sum((one.score, one.opens, one.is_near) == (two.score, two.opens, two.is_near) for one, two in pairs)
    opens = sum(two.opens for _, two in pairs)
    print(f"{alike} of {len(pairs)} frames answered alike, score and decision; {opens} of them open the door")
    later_s = max(
        (abs(one.time_s - two.time_s) for one, two in zip(*(w.moves for w in worlds), strict=False)), default=0
    )
    print(f"{len(worlds[1].moves)} moves of the pin, at most {later_s * 1e6:.0f} us apart")
    took = [middle - begin, end - middle]
    print(f"host {took[0] / seconds:.1f} s a second, emulated {took[1] / seconds:.1f} s: {took[1] / took[0]:.1f} times")


if __name__ == "__main__":
    main()
