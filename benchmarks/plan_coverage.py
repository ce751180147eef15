"""How long the coverage of a plan of 6 x 8 m takes: spots of 0.1 m, 200 people at each in each of three postures.

    python benchmarks/plan_coverage.py --rounds 3

Beside it, in the same run, the time of the same looks without placing: frames of a scenario sensed and counted.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import ezdxf

from scenarios.room import load_scenario
from scenarios.simulation import simulate
from sensors.sensing import sense
from twin.host_node import count_recording
from twin.placement.coverage import coverage
from twin.placement.hanging import load_hung_node
from twin.placement.plan import load_plan

SENSORS = ("ceiling_counter@3,4,2.7", "ceiling_counter@1.5,2,2.7", "ceiling_counter@4.5,6,2.7")
REFERENCE_S = 600.0


def drawn_plan() -> Path:
    """Draw an empty room of 6 x 8 m."""
    path = Path(tempfile.mkdtemp()) / "plan.dxf"
    drawing = ezdxf.new(units=6)
    corners = [(0.0, 0.0), (6.0, 0.0), (6.0, 8.0), (0.0, 8.0)]
    drawing.modelspace().add_lwpolyline(corners, close=True, dxfattribs={"layer": "WALLS"})
    drawing.saveas(path)
    return path


def reference_us() -> float:
    """Return the time of one frame with few people, sensed and counted in one process, in microseconds."""
    scenario, node = load_scenario("office_floor"), load_hung_node("ceiling_counter")
    timeline = simulate(scenario, seconds=REFERENCE_S, seed=1)
    begin = time.perf_counter()
    count_recording(node.network, sense(timeline, node.mount_in(scenario), node.sensor, seed=1))
    return (time.perf_counter() - begin) / len(timeline.time_s) * 1e6


def main() -> None:
    """Print seconds for one and for three sensors, round by round."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--jobs", type=int, default=2)
    asked = options.parse_args()
    plan = load_plan(str(drawn_plan()))
    nodes = [load_hung_node(text) for text in SENSORS]
    coverage(plan, nodes[:1], step_m=0.5, people=16, processes=asked.jobs)
    reference_us()
    for number in range(asked.rounds):
        frame_us = reference_us()
        for chosen in (nodes[:1], nodes):
            begin = time.perf_counter()
            found = coverage(plan, chosen, processes=asked.jobs)
            taken_s = time.perf_counter() - begin
            visits = len(found.spots) * found.people * len(found.postures)
            print(
                f"round {number + 1}: {len(chosen)} sensors, {len(found.spots)} spots, {visits} visits: {taken_s:.1f} s"
                f" ({taken_s / visits * 1e6 / frame_us:.2f} of a counted frame's {frame_us:.0f} us each)"
            )


if __name__ == "__main__":
    main()
