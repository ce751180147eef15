"""Windows, wake-up and votes: the firmware's Arm instructions count what the host counts, frame by frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from mcu_models.boards.board import find_board
from mcu_models.compiler.counter import Counter, count_people, people_counter
from mcu_models.compiler.frontend import frontend_codes, prepare
from mcu_models.compiler.reference import ReferenceNetwork, classify
from mcu_models.compiler.vote import voted
from mcu_models.compiler.wake_up import is_awake
from mcu_models.emulators.bare_core import BareCore
from mcu_models.emulators.image import read_image
from mcu_models.firmware.network_library import build_network

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from mcu_models.firmware.toolchain import Toolchain

BOARD = "stm32l4a6zg"
WINDOWS = ("channels 1", "channels 3", "channels 9", "joined 3", "times 5", "lstm 5")
CASES = [(name, "hold_zero", 1, None) for name in WINDOWS]
CASES += [("channels 3", "minus_median", 1, None), ("joined 3", "raw", 2, None)]
CASES += [("channels 1", "hold_zero", votes, None) for votes in (2, 3, 9)]
CASES += [("channels 3", "hold_zero", 1, 1.0), ("times 5", "minus_median", 4, 0.9), ("channels 9", "hold_zero", 9, 1.2)]
CASES += [("real 1", "hold_zero", 1, None), ("real 3", "minus_median", 5, 1.1)]
PASSES = ((10, 45, 2), (60, 62, 4), (70, 150, 5), (100, 150, 0))
"""From when to when, and from which row and column, somebody is in view."""


class Firmware:
    """A counter on an emulated core."""

    def __init__(self, path: Path, counter: Counter, toolchain: Toolchain, folder: Path) -> None:
        board = find_board(BOARD)
        self.build = build_network(path, board=board, out_dir=folder / "out", toolchain=toolchain, counter=counter)
        self.core = BareCore(board, read_image(self.build.elf))
        self.place = self.core.address_of("loop_raw")

    def count(self, raw: NDArray[np.int16]) -> list[int]:
        return [self.one(frame) for frame in raw]

    def one(self, frame: NDArray[np.int16]) -> int:
        self.core.write(self.place, frame.astype("<i2").tobytes())
        return self.core.call("counter_count", self.place).result

    def input(self) -> bytes:
        """Return what the network was shown last."""
        size_bytes = self.build.network.input.size_bytes
        return self.core.read(self.core.address_of("counter_input"), size_bytes)


def room(frames: int = 160, seed: int = 4) -> NDArray[np.int16]:
    """Return (N, 64) steps: a floor with pattern and noise, and people who come, stay and go."""
    generator = np.random.default_rng(seed)
    steps = 88 + generator.normal(0, 2, (8, 8)) + generator.normal(0, 1, (frames, 8, 8))
    for begin, end, row in PASSES:
        steps[begin:end, row : row + 2, row : row + 2] += 9
    return np.asarray(steps.round().reshape(frames, 64), np.int16)


@pytest.mark.parametrize(("name", "frontend", "votes", "wake_up_degc"), CASES)
def test_the_firmware_counts_as_the_host(
    name: str,
    frontend: str,
    votes: int,
    wake_up_degc: float | None,
    frame_network: Callable[[str], Path],
    toolchain: Toolchain,
    tmp_path: Path,
) -> None:
    """From power-on, through people and wild frames, and again after a reset in the middle of both."""
    reference = ReferenceNetwork(frame_network(name))
    span_degc = (-4.0, 8.0)
    counter = people_counter(reference.network, frontend, votes=votes, wake_up_degc=wake_up_degc, span_degc=span_degc)
    wild = np.random.default_rng(3).choice([-2048, -1, 88, 2047], (15, 64)).astype(np.int16)
    raw = np.concatenate([room(), wild])
    firmware = Firmware(reference.network.path, counter, toolchain, tmp_path)
    expected = count_people(reference, counter, raw)
    assert len(set(expected.tolist())) > 1, "the network hardly answers differently"
    assert firmware.count(raw) == expected.tolist()
    assert firmware.input() == prepare(raw, counter.table)[-1].tobytes()
    for again in (raw[101:115], raw[:12]):
        firmware.core.call("counter_reset")
        assert firmware.count(again) == count_people(reference, counter, again).tolist()


def test_the_first_frame_stands_for_those_before(
    frame_network: Callable[[str], Path], toolchain: Toolchain, tmp_path: Path
) -> None:
    """At power-on and after a reset, until the window is full."""
    reference = ReferenceNetwork(frame_network("channels 3"))
    counter = people_counter(reference.network, "minus_median")
    firmware = Firmware(reference.network.path, counter, toolchain, tmp_path)
    raw = room()[:4]
    codes = frontend_codes(raw, counter.table)
    for _ in range(2):
        for newest, frames in enumerate(((0, 0, 0), (0, 0, 1), (0, 1, 2), (1, 2, 3))):
            firmware.one(raw[newest])
            assert firmware.input() == np.stack([codes[frame] for frame in frames], axis=-1).tobytes()
        firmware.core.call("counter_reset")


def test_a_sleeping_network_counts_nobody_and_votes_so(
    frame_network: Callable[[str], Path], toolchain: Toolchain, tmp_path: Path
) -> None:
    """Frames without a warm block are not run, are 0 and count as votes; the window goes on all the same."""
    reference = ReferenceNetwork(frame_network("channels 3"))
    counter = people_counter(reference.network, "hold_zero", votes=3, wake_up_degc=1.5)
    raw = room()
    assert counter.wake_up_sum is not None
    awake = is_awake(frontend_codes(raw, counter.table), counter.table, counter.wake_up_sum)
    assert 0.1 < awake.mean() < 0.9
    each = np.where(awake, classify(reference.run(prepare(raw, counter.table))), 0)
    expected = voted(each, 3)
    assert np.any(expected != each)
    assert count_people(reference, counter, raw).tolist() == expected.tolist()
    firmware = Firmware(reference.network.path, counter, toolchain, tmp_path)
    assert firmware.count(raw) == expected.tolist()


@pytest.mark.parametrize("is_awake_now", [True, False])
def test_a_sleeping_network_costs_no_cycles(
    frame_network: Callable[[str], Path],
    toolchain: Toolchain,
    tmp_path: Path,
    is_awake_now: bool,  # noqa: FBT001 - a parameter
) -> None:
    reference = ReferenceNetwork(frame_network("channels 3"))
    counter = people_counter(reference.network, "minus_median", wake_up_degc=1.5)
    firmware = Firmware(reference.network.path, counter, toolchain, tmp_path)
    raw = np.full(64, 88, np.int16)
    raw[18:20] = raw[26:28] = 98 if is_awake_now else 93
    firmware.core.write(firmware.place, raw.tobytes())
    run = firmware.core.call("counter_count", firmware.place)
    assert ("network_run" in run.cycles_by_symbol) == is_awake_now


def test_all_that_is_kept_is_weighed(
    frame_network: Callable[[str], Path], toolchain: Toolchain, tmp_path: Path
) -> None:
    """A background of 7 bytes a pixel, the frames before the newest, the votes; nothing where nothing is kept."""
    path = frame_network("channels 3")
    network = ReferenceNetwork(path).network
    kept = {}
    for number, (frontend, votes) in enumerate([("hold_zero", 5), ("minus_median", 5), ("minus_median", 1)]):
        counter = people_counter(network, frontend, votes=votes)
        kept[frontend, votes] = Firmware(
            path, counter, toolchain, tmp_path / f"{number}"
        ).build.sizes.ram_frontend_bytes
    window, ballots = 2 * 64 + 2, 2 * 5 + 2
    assert kept["minus_median", 1] == window
    assert kept["minus_median", 5] == window + ballots
    assert kept["hold_zero", 5] == 64 * (4 + 2 + 1) + window + ballots


def test_a_counter_looks_back_by_front_end_window_or_votes(frame_network: Callable[[str], Path]) -> None:
    one, three = (ReferenceNetwork(frame_network(f"channels {frames}")).network for frames in (1, 3))
    assert not people_counter(one, "minus_median", wake_up_degc=1.0).looks_back
    assert people_counter(one, "hold_zero").looks_back
    assert people_counter(one, "minus_median", votes=2).looks_back
    assert people_counter(three, "raw").looks_back
