"""The texts of an exported folder: what is wired to the board, the script that builds the machine, and what to know."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcu_models.emulators.renode.installation import TESTED_VERSION
from mcu_models.emulators.renode.machine_script import pace_lines
from mcu_models.emulators.renode_backend import QUANTUM_S
from twin.emulated_node import TIMING_PIN
from twin.renode_robot import DUTY_TOLERANCE_PERCENT, LATENCY_TOLERANCE_PERCENT, Expectation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FIRMWARE, FRAMES, README = "firmware.elf", "frames.resd", "README.md"
SENSOR = "gridEye"
PORT, PIN = TIMING_PIN[0].lower(), TIMING_PIN[1]
PULSE_TIMER = "timingPin"
_KINDS = {
    "repl": "the board, and the sensor on its bus",
    "resc": "builds the machine",
    "robot": "the test",
    "cs": "models that Renode compiles when it starts",
    "resd": "what the sensor sees",
    "elf": "the firmware",
}


@dataclass(frozen=True)
class Wiring:
    """How a node is put together in Renode.

    Attributes:
        name: Of the machine and of the files.
        title: What the node is, in a line.
        bus: Bus of the sensor, as the platform calls it.
        address: Of the sensor on it.
        uart: The UART to be shown.
        vectors: Address of the vector table.
        rates: Instructions a second by core clock in Hz.
    """

    name: str
    title: str
    bus: str
    address: int
    uart: str
    vectors: int
    rates: Mapping[int, float]


def platform_of(wiring: Wiring, board: str) -> str:
    """Return the platform description of a node from that of its board."""
    return f"""{board}
// What is wired to the board: the sensor, and a timer of the pulse by which firmware shows that it computes.
{SENSOR}: EdgeSensorTwin.GridEye @ {wiring.bus} {wiring.address:#04x}

{PULSE_TIMER}: EdgeSensorTwin.PulseTimer @ {PORT} {PIN}
    core: core
    port: {PORT}
    pin: {PIN}
"""


def script_of(wiring: Wiring, models: Iterable[str]) -> str:
    """Return the script that builds the machine, from the names of the models' sources."""
    pace = "\n".join(pace_lines(wiring.rates, QUANTUM_S))
    return f"""\
:name: {wiring.name}
:description: {wiring.title}

# All files lie beside this script. `emulation RunFor "60"` runs a minute of virtual time, `start` runs on.

$name?="{wiring.name}"
$firmware?=$ORIGIN/{FIRMWARE}
$frames?=$ORIGIN/{FRAMES}

include {" ".join(f"$ORIGIN/{name}" for name in models)}
mach create $name
machine LoadPlatformDescription $ORIGIN/{wiring.name}.repl

# As fast as the host can. The quantum is how often time sources meet; with one core nothing needs it oftener.
# SetRate: instructions a second that this firmware executes at a core clock in Hz, by the twin's cycle model.
{pace}

# The recording begins half a frame before the firmware first reads pixels.
sysbus.{wiring.bus}.{SENSOR} FeedFramesFromRESD $frames
showAnalyzer sysbus.{wiring.uart}

macro reset
\"\"\"
    sysbus LoadELF $firmware
    sysbus.cpu VectorTableOffset {wiring.vectors:#010x}
\"\"\"
runMacro $reset
"""


def readme_of(wiring: Wiring, expectation: Expectation, files: Mapping[str, bytes], origin: Mapping[str, str]) -> str:
    """Return what somebody has to know who gets the folder.

    Args:
        wiring: The node.
        expectation: What the test expects.
        files: The other files of the folder.
        origin: What they were made from, by what it is.
    """
    rows = [f"| `{name}` | {_KINDS[name.rpartition('.')[2]]} | `{_sha256(data)}` |" for name, data in files.items()]
    inference_ms, duty_percent = expectation.inference_s * 1e3, expectation.duty * 100
    made_from = [f"| {key} | {value} |" for key, value in origin.items()]
    return "\n".join(
        [
            f"# {wiring.name} in Renode",
            "",
            f"{wiring.title}.",
            "",
            "Board, sensor and firmware for Renode, and a test of what the digital twin predicts of them. Renode alone",
            f"runs them, wherever the folder lies; tested with Renode {TESTED_VERSION}. In the folder:",
            "",
            f"    renode-test {wiring.name}.robot",
            f'    renode {wiring.name}.resc     # then `start`, or `emulation RunFor "60"`',
            "",
            "(The monitor of Renode takes no path with a space; the test does.) The test passes when",
            "",
            f"- {wiring.uart} says, line by line, what is predicted for all {len(expectation.answers)} frames;",
            f"- the mean inference takes {inference_ms:.3f} ms of virtual time within {LATENCY_TOLERANCE_PERCENT:g} %;",
            f"- the core is awake {duty_percent:.3f} % of the time within {DUTY_TOLERANCE_PERCENT:g} % of that.",
            "",
            "| file | what it is | SHA-256 |",
            "|---|---|---|",
            *rows,
            "",
            "Made from:",
            "",
            "| | |",
            "|---|---|",
            *made_from,
            "",
            "Renode executes a given number of instructions a second: that of this firmware with these frames. Another",
            "firmware needs another export. What is modelled stands at the top of each `.cs`.",
            "",
        ]
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
