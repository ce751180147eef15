"""How many frames of a guarded door are drawn a second on one core, 200 x 200 pixels through lens, noise and exposure.

Run: taskset -c 0 python benchmarks/camera_frames.py [--frames N]

Three doors, at each of which somebody is in sight in every frame; at the third a queue. Beside them, in the same run,
how often OpenCV scales a frame of that size to 32 x 32 by area, as a reference for the machine.
"""

from __future__ import annotations

import argparse
import time

import cv2
import numpy as np

from scenarios.guarded_door import load_guarded_door
from sensors.camera.camera_sheet import load_camera
from twin.door.world import DoorWorld

RATE_HZ = 75.0
SEEDS = (1, 2, 3)


def main() -> None:
    """Draw and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--frames", type=int, default=400)
    frames = parser.parse_args().frames
    cv2.setNumThreads(1)
    door, camera = load_guarded_door("mask_door"), load_camera("ov7725")
    for seed in SEEDS:
        world, queue = DoorWorld(door, camera, seed, first_s=0.1), 0
        begin = time.perf_counter()
        for number in range(frames):
            world.frame(0.2 + number / RATE_HZ)
            queue += world.sight().queue
        rate_hz = frames / (time.perf_counter() - begin)
        picture = np.zeros((200, 200, 3), np.uint8)
        begin = time.perf_counter()
        for _ in range(frames):
            cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA)
        scaled_hz = frames / (time.perf_counter() - begin)
        many = scaled_hz / rate_hz
        print(f"{rate_hz:.0f} frames/s, {queue / frames:.1f} people in sight; OpenCV scales {many:.0f} times as many")


if __name__ == "__main__":
    main()
