"""Which policy opens the door: frames of several doors are drawn once, then answered by many policies.

Run: python benchmarks/mask_door_policies.py [--doors N] [--seconds S] [--first-seed N] [--network NETWORK] [--jobs N]

The door of these runs obeys the truth (it opens 0.6 s after somebody with a mask stands there): all policies see the
same frames, and one that opens for somebody without a mask is not seen to let them in. A visitor without a mask is let
in wrongly when the policy begins to open while they are nearest; one with a mask is kept out when it opens at no frame.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np
from joblib import Parallel, delayed

from mcu_models.compiler.area_scale import scale_frames
from mcu_models.compiler.door_decision import DoorDecision, DoorPolicy
from mcu_models.compiler.image_input import image_input, picture_codes
from mcu_models.compiler.reference import ReferenceNetwork
from mcu_models.networks.library import find_network
from scenarios.guarded_door import NOBODY, load_guarded_door
from sensors.camera.camera_sheet import load_camera
from twin.door.measures import Rate
from twin.door.world import DoorWorld

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.door.world import Sight

PERIOD_S: Final = 0.013344
FIRST_S: Final = 0.32
HESITATES_S: Final = 0.6
IDLE_S: Final = 1.0
LENGTHS: Final = ((4, 3), (8, 7), (16, 14), (24, 20), (32, 26), (32, 30))
PERCENTS: Final = (50, 70, 80, 90)


@dataclass(frozen=True)
class Watched:
    """Frames of one door: the small pictures, and what was there."""

    pictures: NDArray[np.uint8]
    sights: tuple[Sight, ...]
    reached_s: dict[int, float]


def watched(seed: int, seconds: float) -> Watched:
    """Draw the frames of one door."""
    world = DoorWorld(load_guarded_door("mask_door"), load_camera("ov7725"), seed)
    pictures, sights = [], []
    is_high, ready_s, present_s, looked_s = False, None, 0.0, -np.inf
    for number in range(int((seconds - FIRST_S) / PERIOD_S)):
        time_s = FIRST_S + number * PERIOD_S
        world.run_until(time_s)
        if world.sight().queue:
            present_s = time_s
        first = world.door.first()
        is_ready = first is not None and first.wearing == "mask"
        ready_s = (time_s if ready_s is None else ready_s) if is_ready else None
        wants = ready_s is not None and time_s - ready_s > HESITATES_S
        if wants != is_high:
            is_high = wants
            world.pin(time_s, high=is_high)
        if time_s - present_s > IDLE_S and time_s - looked_s < IDLE_S:
            continue
        looked_s = time_s
        pictures.append(scale_frames(world.frame(time_s)))
        sights.append(world.sight())
    reached_s = {event.visitor: event.time_s for event in world.door.events if event.kind == "reached"}
    return Watched(np.array(pictures), tuple(sights), reached_s)


def judged(door: Watched, codes: NDArray[np.int64], policy: DoorPolicy, least_code: int) -> list[tuple[str, float]]:
    """Return how each visitor fared: "bare" with 1 for let in, "mask" with the wait or infinity."""
    decision = DoorDecision(policy, least_code)
    opens = [decision.next(picture, int(code)) for picture, code in zip(door.pictures, codes, strict=True)]
    opened: dict[tuple[int, bool], list[float]] = {}
    ready_s: dict[int, float] = {}
    was_open = False
    for sight, is_open in zip(door.sights, opens, strict=True):
        if sight.first != NOBODY:
            found = opened.setdefault((sight.first, sight.wearing == "mask"), [])
            if sight.wearing == "mask":
                ready_s.setdefault(sight.first, max(sight.time_s, door.reached_s.get(sight.first, 0.0)))
            # What is still open for somebody who has just walked in does not count for who is nearest now.
            if is_open and (not was_open or sight.wearing == "mask"):
                found.append(sight.time_s)
        was_open = is_open
    result: list[tuple[str, float]] = []
    for (visitor, masked), times_s in opened.items():
        if visitor not in door.reached_s:
            continue
        if masked:
            result.append(("mask", max(times_s[0] - ready_s[visitor], 0.0) if times_s else np.inf))
        else:
            result.append(("bare", float(bool(times_s))))
    return result


def main() -> None:
    """Draw, answer by every policy, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--doors", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=240.0)
    parser.add_argument("--first-seed", type=int, default=1000)
    parser.add_argument("--network", default="mask_cnn")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.doors)
    doors = Parallel(n_jobs=arguments.jobs)(delayed(watched)(seed, arguments.seconds) for seed in seeds)
    network = ReferenceNetwork(find_network(arguments.network).path)
    taken = image_input(network.network)
    codes = [network.run(picture_codes(door.pictures, taken)).reshape(-1).astype(np.int64) for door in doors]
    print("frames needed sure | let in wrongly | kept out wrongly | wait: median, 95th percentile")
    for (frames, needed), percent in product(LENGTHS, PERCENTS):
        policy = DoorPolicy(frames=frames, needed=needed, least_percent=percent)
        least_code = taken.code_of(policy.least_share)
        found = [one for door, own in zip(doors, codes, strict=True) for one in judged(door, own, policy, least_code)]
        bare = Rate(sum(value > 0 for kind, value in found if kind == "bare"), sum(k == "bare" for k, _ in found))
        waits_s = np.array([value for kind, value in found if kind == "mask"])
        kept_out = Rate(int(np.isinf(waits_s).sum()), len(waits_s))
        known_s = waits_s[np.isfinite(waits_s)]
        middle_s, late_s = np.quantile(known_s, (0.5, 0.95)) if len(known_s) else (np.nan, np.nan)
        print(
            f"{frames:6d} {needed:6d} {percent:3d}% | {bare.count:3d} of {bare.of:3d}     | "
            f"{kept_out.count:3d} of {kept_out.of:3d}       | {middle_s:.2f} s, {late_s:.2f} s"
        )


if __name__ == "__main__":
    main()
