"""A node as a folder that Renode runs alone: platform, models, firmware, frames, and a test of the prediction."""

from __future__ import annotations

import re
from importlib import metadata, resources
from typing import TYPE_CHECKING

from datasheet.bad_input import BadInputError
from mcu_models.emulators.renode.machine_script import peripheral_files
from mcu_models.emulators.renode.platform import board_platform
from mcu_models.emulators.unicorn_backend import UnicornEmulator
from sensors.amg8833 import Amg8833
from sensors.resd import check_fits_resd, resd_bytes
from twin.emulated_node import ANSWER, FIRST_LOOK_LIMIT_S, STEP_S, NodeFailedError, no_progress, node_rates
from twin.prediction import PACKAGES, predict
from twin.renode_folder import FIRMWARE, FRAMES, PORT, PULSE_TIMER, README, Wiring, platform_of, readme_of, script_of
from twin.renode_robot import Expectation, robot_test

if TYPE_CHECKING:
    from scenarios.room import Scenario
    from twin.emulated_node import Progress
    from twin.node import Node
    from twin.prediction import Prediction

_SENSOR_MODEL = "GridEye.cs"
_CORE = "core: EdgeSensorTwin.CoreClock @"
_BUS_MODEL = "EdgeSensorTwin.I2cV2 @"
_UART_TYPES = ("usart", "lpuart")


def renode_files(
    scenario: Scenario, node: Node, *, seconds: float, seed: int, progress: Progress = no_progress
) -> dict[str, bytes]:
    """Return the files of a folder in which Renode, with no Python of ours, does what the twin predicts of a node.

    The prediction is made here, by the twin's own emulator. Same arguments, same bytes.

    Args:
        scenario: What the sensor sees.
        node: The node.
        seconds: How long the scenario runs.
        seed: Everything random follows from it.
        progress: Hears how many frames are predicted.

    Raises:
        BadInputError: Renode has no model of something the node needs, or the twin cannot run it.
        NodeFailedError: The firmware did not do its work.
        LevelsDisagreeError: Firmware and host answered differently.
    """
    _check_models(node)
    prediction = predict(scenario, node, seconds=seconds, seed=seed, progress=progress)
    expectation = _expectation(prediction)
    wiring = _wiring(prediction, expectation.uart)
    models = {**peripheral_files(with_link=False), _SENSOR_MODEL: _sensor_model()}
    timer = f"{PORT}.{PULSE_TIMER}"
    files = {
        f"{wiring.name}.robot": robot_test(wiring.name, wiring.title, timer, expectation).encode(),
        f"{wiring.name}.resc": script_of(wiring, models).encode(),
        f"{wiring.name}.repl": platform_of(wiring, board_platform(node.board)).encode(),
        FIRMWARE: prediction.firmware.image.elf,
        FRAMES: resd_bytes(prediction.recording, node.sensor),
        **models,
    }
    return {README: readme_of(wiring, expectation, files, _origin(prediction)).encode(), **files}


def _check_models(node: Node) -> None:
    """Make sure that Renode has what a node needs, before anything is predicted.

    Raises:
        BadInputError: The first thing that it has no model of.
    """
    check_fits_resd(node.sensor)
    board, bus = node.board, node.config.sensor.bus
    platform = board_platform(board)
    for name, model in (("core", _CORE), (PORT, f"{PORT}: ")):
        if not _has(platform, model):
            raise BadInputError(board.name, name, None, "has no model in Renode that an exported node needs")
    if not _has(platform, f"{bus.lower()}: {_BUS_MODEL}"):
        known = [line.partition(":")[0].upper() for line in platform.splitlines() if _BUS_MODEL in line]
        raise BadInputError(node.path, "sensor.bus", bus, f"of {board.name}, Renode knows {', '.join(known) or 'none'}")


def _has(platform: str, beginning: str) -> bool:
    return any(line.startswith(beginning) for line in platform.splitlines())


def _expectation(prediction: Prediction) -> Expectation:
    trace = prediction.trace
    awake_s = sum(seconds for state, seconds in trace.residency_s.items() if state.mode == "run")
    uart, greeting = _greeting(prediction)
    if not _has(board_platform(prediction.node.board), f"{uart}: "):
        raise BadInputError(prediction.node.board.name, uart.upper(), None, "has no model in Renode")
    return Expectation(
        uart=uart,
        greeting=greeting,
        answers=tuple(f"{frame} {count}" for frame, count in enumerate(trace.count.tolist())),
        span_s=trace.span_s,
        inference_s=float(trace.inference_s.mean()),
        duty=awake_s / sum(trace.residency_s.values()),
    )


def _greeting(prediction: Prediction) -> tuple[str, tuple[str, ...]]:
    """Return the UART that a node answers on, in lower case, and what it says there before its first answer."""
    node = prediction.node
    emulator = UnicornEmulator(node.board, prediction.firmware.image)
    device = Amg8833(prediction.recording, sheet=node.sensor, address=node.config.sensor.address)
    emulator.attach_i2c(node.config.sensor.bus, device)
    uarts = [name for name, sheet in node.board.sheet.peripherals.items() if sheet.type in _UART_TYPES]
    while emulator.now_s < FIRST_LOOK_LIMIT_S + STEP_S:
        emulator.run(until_s=emulator.now_s + STEP_S)
        for uart in uarts:
            said = [line.text for line in emulator.uart_lines(uart)]
            first = next((index for index, text in enumerate(said) if ANSWER.match(text)), None)
            if first is not None:
                return uart.lower(), tuple(said[:first])
    raise NodeFailedError("the firmware gave no answer, though it did before")


def _wiring(prediction: Prediction, uart: str) -> Wiring:
    node, image = prediction.node, prediction.firmware.image
    bus, address = node.config.sensor.bus, node.config.sensor.address
    # Of all frames: a sample has shorter numbers to print, which is another mix of instructions.
    rates = node_rates(node.board, image, prediction.recording, node.sensor, bus=bus, address=address)
    return Wiring(
        name=_file_name(node.name),
        title=" ".join(node.config.title.split()),
        bus=bus.lower(),
        address=address,
        uart=uart,
        vectors=node.board.memory("flash").base,
        rates=rates,
    )


def _file_name(name: str) -> str:
    """Return a node's name without what Renode's monitor would take for something else."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)


def _sensor_model() -> bytes:
    return (resources.files("sensors.renode") / _SENSOR_MODEL).read_bytes()


def _origin(prediction: Prediction) -> dict[str, str]:
    node = prediction.node
    return {
        "scenario": prediction.scenario.name,
        "node": node.name,
        "seconds": f"{prediction.span_s:g}",
        "seed": str(prediction.seed),
        "board": node.board.name,
        "sensor": f"{node.config.sensor.part}, noise {node.config.sensor.noise}",
        "network": f"{node.config.network}, SHA-256 `{node.network.sha256}`",
        "compiler of the firmware": prediction.firmware.compiler,
        **{package: metadata.version(package) for package in PACKAGES},
    }
