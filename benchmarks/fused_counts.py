"""How well two sensors with overlapping fields count together, beside one that sees all.

    python benchmarks/fused_counts.py --days 6 --seconds 300

Errors are people wrong on average against people in view, each once; "of three" in frames with three of them.
"""

from __future__ import annotations

import argparse

import numpy as np

from scenarios.room import load_scenario
from twin.fusion.gateway import Gateway, adding_gateway, learn_gateway
from twin.fusion.messages import LinkConfig, heard, send
from twin.fusion.watching import Watched, watch
from twin.placement.hanging import load_hung_node

ALONE = ("ceiling_counter@2.5,3.2,2.6",)
PAIRS = {
    "0.8 m apart": ("ceiling_counter@2.1,3.2,2.6", "ceiling_counter@2.9,3.2,2.6"),
    "1.0 m apart": ("ceiling_counter@2.0,3.2,2.6", "ceiling_counter@3.0,3.2,2.6"),
    "1.4 m apart": ("ceiling_counter@1.8,3.2,2.6", "ceiling_counter@3.2,3.2,2.6"),
}
LEARNT_SEED, JUDGED_SEED = 10_000, 20_000
LINK = LinkConfig(period_s=1.0, loss_ratio=0.2, clock_sd_s=0.3)


def days(names: tuple[str, ...], seed: int, number: int, seconds: float) -> list[Watched]:
    """Return days with other people and units each."""
    nodes = [load_hung_node(name) for name in names]
    return [watch(load_scenario("office_floor"), nodes, seconds=seconds, seed=seed + day) for day in range(number)]


def errors(gateway: Gateway, judged: list[Watched], *, through_link: bool = False) -> str:
    """Return the mean error, and that in frames with three people in view."""
    wrong, of_three = [], []
    for number, day in enumerate(judged):
        time_s = day.timeline.time_s
        if through_link:
            told = gateway.fuse(*heard(send(day.counts, time_s, LINK, number), len(day.mounts), time_s, LINK.stale_s))
        else:
            told = gateway.fuse(day.counts)
        off = np.abs(told - day.in_view)
        wrong.append(off)
        of_three.append(off[day.in_view == 3])
    return f"{np.concatenate(wrong).mean():.3f}, of three {np.concatenate(of_three).mean():.3f}"


def main() -> None:
    """Print errors of one sensor, followed or not, and of pairs: fused, with messages lost, and added."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--days", type=int, default=6)
    options.add_argument("--seconds", type=float, default=300.0)
    asked = options.parse_args()
    learnt = days(ALONE, LEARNT_SEED, asked.days, asked.seconds)
    judged = days(ALONE, JUDGED_SEED, asked.days, asked.seconds)
    print(f"one that sees all, as it answers: {errors(adding_gateway(1), judged)}")
    print(f"one that sees all, followed: {errors(learn_gateway(learnt, follows_single_nodes=True), judged)}")
    for name, pair in PAIRS.items():
        gateway = learn_gateway(days(pair, LEARNT_SEED, asked.days, asked.seconds))
        judged = days(pair, JUDGED_SEED, asked.days, asked.seconds)
        print(f"two, {name}, fused: {errors(gateway, judged)}")
        print(f"  with messages each second, a fifth lost: {errors(gateway, judged, through_link=True)}")
        print(f"  added: {errors(adding_gateway(2), judged)}")


if __name__ == "__main__":
    main()
