"""The figures of a guarded door in words, for the terminal and the report alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twin.spans_of_time import YEAR_S, said, said_range

if TYPE_CHECKING:
    from twin.door.measures import Rate
    from twin.door.prediction import DoorPrediction

    Rows = list[tuple[str, str, str]]


def door_rows(prediction: DoorPrediction) -> Rows:
    """Return who got in and how fast: name, value, interval or remark."""
    measures = prediction.all_measures
    found = measures.as_dict()
    through = found["throughput_per_hour"]
    doors = prediction.request.deployments
    watched = (
        f"at {doors} doors, {measures.seconds:g} s together" if doors else f"in this run of {measures.seconds:g} s"
    )
    return [
        ("Visitors judged", f"{found['visitors']}", watched),
        ("False opens", *_rate(measures.false_opens, "stood there without a mask worn correctly")),
        ("False refusals", *_rate(measures.false_refusals, "stood there with one")),
        ("From arrival to open, median", *_wait(found["arrival_to_open_s"])),
        ("From coming into sight to open, median", *_wait(found["sight_to_open_s"])),
        ("Throughput", f"{through['value']:.0f} an hour", f"{through['low']:.0f} to {through['high']:.0f}"),
        (
            "Openings",
            f"{found['openings']}",
            f"{found['openings_for_nobody']} with nobody first who wears a mask correctly",
        ),
        ("Followed somebody in", f"{found['tailgated']}", ""),
    ]


def speed_rows(prediction: DoorPrediction) -> Rows:
    """Return frame rate and the share of each step."""
    timing = prediction.timing
    rows = [
        ("Frame rate", f"{timing.frame_rate_hz:.1f} frames/s", "capture goes on beside the rest"),
        ("One step after the other", f"{1 / timing.serial_s:.1f} frames/s", f"{timing.serial_s * 1e3:.2f} ms a frame"),
    ]
    rows += [
        (f"  {name}", f"{step_s * 1e3:.2f} ms", f"{step_s / timing.serial_s:.1%} of the steps")
        for name, step_s in timing.steps_s.items()
    ]
    rows.append(("From a frame's first row to the pin", f"{timing.answer_s * 1e3:.1f} ms", ""))
    return rows


def power_rows(prediction: DoorPrediction) -> Rows:
    """Return power, energies and battery life."""
    power, node = prediction.power, prediction.node
    typical_ma, low_ma, high_ma = (current_a * 1e3 for current_a in power.on_current_a)
    source = "at the board's input" if node.battery is None else "from the battery"
    rows = [
        ("Board current while powered", f"{typical_ma:.0f} mA", f"{low_ma:.0f} to {high_ma:.0f} mA"),
        ("Board powered", f"{power.usage.on_share:.1%} of the time", ""),
        (
            f"Average power {source}",
            f"{power.average_power_w * 1e3:.0f} mW",
            f"{power.low_w * 1e3:.0f} to {power.high_w * 1e3:.0f} mW",
        ),
        *((f"  {name}", f"{power_w * 1e3:.1f} mW", "") for name, power_w in power.powers_w.items()),
        ("Energy of one inference", f"{power.inference_j * 1e3:.2f} mJ", "in the microcontroller"),
        ("Energy of one frame", f"{power.frame_j * 1e3:.2f} mJ", "all of the board"),
    ]
    if power.life is None or node.battery is None:
        rows.append(("On the mains", f"{power.average_power_w * YEAR_S / 3.6e6:.1f} kWh a year", "without the adapter"))
    else:
        life = power.life
        rows.append(("Battery life", said(life.life_s), said_range(life)))
    return rows


def memory_rows(prediction: DoorPrediction) -> Rows:
    """Return flash and RAM, and what firmware that the board is sold with would allow."""
    firmware = prediction.firmware
    own = ("Flash and RAM", f"{firmware.flash_bytes:,} and {firmware.ram_bytes:,} bytes", "RAM without the stack")
    others = [
        (one.limit, f"{one.needs_bytes:,} bytes", f"{'fits' if one.fits else 'does not fit'}: {one.allowed_bytes:,}")
        for one in prediction.limits
    ]
    return [own, *others]


def verdict(prediction: DoorPrediction) -> str:
    """Return one sentence: who gets in wrongly, who is kept out, how fast, for how long."""
    measures, power = prediction.all_measures, prediction.power
    opens, refusals = measures.false_opens, measures.false_refusals
    lasts = "hangs on the mains" if power.life is None else f"lasts {said(power.life.life_s)} on its battery"
    let_in = f"{opens.count} of {opens.of}" if opens.of else "nobody, since nobody came"
    kept_out = f"{refusals.count} of {refusals.of}" if refusals.of else "nobody, since nobody came"
    return (
        f"Let in without a mask worn correctly: {let_in}; kept out with one: {kept_out}. "
        f"The camera looks at {prediction.timing.frame_rate_hz:.0f} frames a second and {lasts}."
    )


def _rate(rate: Rate, who: str) -> tuple[str, str]:
    bounds = rate.bounds
    if bounds is None:
        return "-", f"nobody {who}"
    return f"{rate.count} of {rate.of}", f"{bounds[0]:.1%} to {bounds[1]:.1%} of those who {who}"


def _wait(found: dict[str, Any] | None) -> tuple[str, str]:
    if found is None:
        return "-", "the door opened for nobody with a mask"
    return (
        f"{found['median']:.2f} s",
        f"{found['low']:.2f} to {found['high']:.2f} s; 95th percentile {found['p95']:.2f} s",
    )
