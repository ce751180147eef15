"""The figures of a node at a door in words, for the terminal and the report alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from twin.doorway.accuracy import ALONE_S, COVERAGE, WITHIN_S
from twin.spans_of_time import said, said_range

if TYPE_CHECKING:
    from twin.doorway.accuracy import EventAccuracy, Share
    from twin.doorway.prediction import DoorwayPrediction

    Rows = list[tuple[str, str, str]]

_FEW_EVENTS: Final = 100
"""Fewer say so little that it is said."""


def event_rows(accuracy: EventAccuracy) -> Rows:
    """Return how often who passes is told right: name, value, interval."""
    return [
        ("Told right", *_share(accuracy.right)),
        ("  coming in", *_share(accuracy.entering)),
        ("  going out", *_share(accuracy.leaving)),
        ("  one by one", *_share(accuracy.one_by_one)),
        (f"  in groups (within {ALONE_S:g} s)", *_share(accuracy.groups)),
        ("Missed", *_share(accuracy.missed)),
        ("Told, and nobody passed", *_share(accuracy.false)),
        ("F1", "-" if accuracy.f1 is None else f"{accuracy.f1:.3f}", f"told within {WITHIN_S:g} s"),
        ("Drift of ins less outs", f"{accuracy.drift:+d}", f"people in {said(accuracy.seconds)}"),
    ]


def _share(share: Share) -> tuple[str, str]:
    if share.value is None:
        return "-", "there was none"
    return f"{share.value:.1%}", f"{share.count} of {share.of}; {COVERAGE:.0%}: {share.low:.1%} to {share.high:.1%}"


def watched(prediction: DoorwayPrediction) -> str:
    """Return what the figures were taken from."""
    further = prediction.request.deployments
    runs = f"this run and {further} further ones, each with other people and another unit" if further else "this run"
    return f"{prediction.deployed.right.of} events of {runs}"


def speed_rows(prediction: DoorwayPrediction) -> Rows:
    """Return how long a frame takes, how late the answer comes, and what memory is taken."""
    p50_s, _, longest_s = prediction.inference_s
    wait_s, wait_p95_s = prediction.wait_s
    waits = ("none told right", "") if wait_s is None else (f"{wait_s * 1e3:.0f} ms", f"95 %: {wait_p95_s:.2f} s")
    firmware = prediction.firmware
    return [
        ("From the line to the answer, median", *waits),
        ("Following people, a frame", f"{p50_s * 1e3:.3f} ms", f"at most {longest_s * 1e3:.3f} ms"),
        ("Flash and RAM", f"{firmware.flash_bytes:,} and {firmware.ram_bytes:,} bytes", "RAM without the stack"),
    ]


def power_rows(prediction: DoorwayPrediction) -> Rows:
    """Return energy, power and battery life."""
    budget, life = prediction.budget, prediction.life
    powers = sorted(budget.powers_w.items(), key=lambda item: -item[1])
    return [
        (
            "Energy of following people, a frame",
            f"{prediction.inference_j * 1e6:.2f} \u00b5J",
            "in the microcontroller",
        ),
        ("Energy of a frame", f"{budget.average_power_w * budget.period_s * 1e6:.0f} \u00b5J", "sensor and all"),
        (
            "Average power",
            f"{budget.average_power_w * 1e3:.2f} mW",
            f"{budget.low_w * 1e3:.2f} to {budget.high_w * 1e3:.2f} mW",
        ),
        *((f"  {name}", f"{power_w * 1e3:.4f} mW", "") for name, power_w in powers),
        ("Battery life", said(life.life_s), said_range(life)),
        ("Battery life if the sensor drew nothing", said(prediction.life_without_sensor.life_s), ""),
    ]


def mount_text(prediction: DoorwayPrediction) -> str:
    """Return where the array hangs and what its installer sets."""
    mount, line = prediction.seen.mount, prediction.seen.line
    along = "row" if line.axis == 0 else "column"
    return (
        f"At the door {prediction.seen.door}: ({mount.x_m:g}, {mount.y_m:g}) m, {mount.height_m:g} m high, "
        f"yaw {mount.yaw_deg:g}, tilt {mount.tilt_deg:g} deg; line {prediction.seen.line_m:g} m inside, "
        f"at {along} {line.place}/16 of the image."
    )


def verdict(prediction: DoorwayPrediction) -> str:
    """Return one sentence: how often it is right, and how long it lives."""
    right, alone = prediction.deployed.right, prediction.deployed.one_by_one
    told = "nobody passed" if right.value is None else f"{right.value:.1%} of the passages are told right"
    single = "" if alone.value is None else f", {alone.value:.1%} of those one by one"
    return f"At the door {prediction.seen.door}, {told}{single}; the battery lasts {said(prediction.life.life_s)}."


def caveats(prediction: DoorwayPrediction) -> list[str]:
    """Return what this very run cannot tell."""
    events = prediction.deployed.right.of
    if events >= _FEW_EVENTS:
        return []
    return [f"{events} events say little: see the intervals; --seconds or --deployments take more."]
