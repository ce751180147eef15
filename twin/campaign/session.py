"""A whole campaign: the golden run, the faults, and the processes that play them."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Final, Self

from datasheet.bad_input import BadInputError
from twin.campaign.bench import Bench, Setup, play_golden
from twin.campaign.campaign_file import load_campaign
from twin.campaign.draws import Surroundings, draw_faults
from twin.campaign.follow import FaultResult, failed
from twin.campaign.walker import READY, walk
from twin.emulated_node import NodeFailedError, no_progress
from twin.interruption import interrupts_held_back

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection

    from twin.campaign.bench import Golden
    from twin.campaign.campaign_file import Campaign
    from twin.campaign.draws import DrawnFault
    from twin.emulated_node import Progress

DEFAULT_JOBS: Final = 2
MOST_JOBS: Final = 256
_THREADS: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)
"""Each is 1 as a walker's libraries load: a process with several threads cannot be forked."""


@dataclass(frozen=True)
class CampaignResult:
    """What came of a campaign.

    Attributes:
        campaign: The campaign.
        image: File name of the image.
        image_sha256: Its digest.
        board: Name of the board.
        golden: The run without faults.
        rows: A row for each fault, in the order of their numbers.
    """

    campaign: Campaign
    image: str
    image_sha256: str
    board: str
    golden: Golden
    rows: tuple[FaultResult, ...]


def run_campaign(
    image: str,
    board: str,
    campaign: str,
    *,
    jobs: int = DEFAULT_JOBS,
    progress: Progress = no_progress,
) -> CampaignResult:
    """Play a campaign: the same rows for the same files and seed, whatever `jobs` is.

    Args:
        image: Name of a reference image, or path.
        board: Name or folder of a board.
        campaign: Name of a campaign of the library, or path.
        jobs: How many processes play faults.
        progress: Hears how many faults are done.

    Raises:
        BadInputError: Something named does not exist or cannot be used.
        NodeFailedError: The firmware does not do its work even without faults.
    """
    if not 1 <= jobs <= MOST_JOBS:
        raise BadInputError("command line", "--jobs", jobs, f"must be 1 to {MOST_JOBS}")
    path, read = load_campaign(campaign)
    setup = Setup(image, board, read, str(path))
    bench = Bench(setup)
    golden = play_golden(bench, setup, no_progress)
    faults = draw_faults(read, _surroundings(bench, golden, setup))
    found = dict[int, FaultResult]()
    with _Crew(setup, golden, faults, jobs) as crew:
        for row in crew.rows():
            found[row.number] = row
            progress(len(found), len(faults))
    rows = tuple(found[number] for number in range(len(faults)))
    emulator = bench.emulator
    return CampaignResult(read, emulator.image.name, golden.sha256, emulator.board.name, golden, rows)


def _surroundings(bench: Bench, golden: Golden, setup: Setup) -> Surroundings:
    emulator = bench.emulator
    tree = emulator.peripheral(next(iter(emulator.board.sheet.peripherals))).chip.tree
    return Surroundings(
        board=emulator.board,
        image=emulator.image,
        address=bench.address,
        port=golden.port,
        oscillators=() if tree is None else tree.oscillator_names,
        from_s=golden.from_s,
        until_s=golden.until_s,
        awake=golden.awake,
        source=setup.source,
    )


class _Walker:
    """A process that plays faults, one after the other."""

    def __init__(self, setup: Setup) -> None:
        context: Any = multiprocessing.get_context("spawn")
        self.pipe: Connection
        self.pipe, theirs = context.Pipe()
        self.fault: DrawnFault | None = None
        self._process = context.Process(target=walk, args=(setup, theirs), daemon=True)
        with interrupts_held_back(), _one_thread():
            self._process.start()
        theirs.close()

    def give(self, fault: DrawnFault | None) -> None:
        """Hand out a fault; None: there are no more."""
        self.fault = fault
        self.pipe.send(fault)

    def end(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join()
        self.pipe.close()


class _Crew:
    """The walkers, and the faults that are not handed out yet."""

    def __init__(self, setup: Setup, golden: Golden, faults: Sequence[DrawnFault], jobs: int) -> None:
        self._setup, self._golden = setup, replace(golden, awake=())
        in_time = sorted(faults, key=lambda fault: (fault.begin_s, fault.number))
        self._waiting = deque(in_time)
        self._wanted = min(jobs, len(faults))
        self._walkers: list[_Walker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._walkers:
            self._walkers.pop().end()

    def rows(self) -> Iterator[FaultResult]:
        """Yield results as they come.

        Raises:
            NodeFailedError: A walker could not play the golden run, or died before it was ready.
        """
        while len(self._walkers) < self._wanted:
            self._walkers.append(_Walker(self._setup))
        while self._walkers:
            ready = wait([walker.pipe for walker in self._walkers])
            for walker in [one for one in self._walkers if one.pipe in ready]:
                row = self._heard(walker)
                if row is not None:
                    yield row

    def _heard(self, walker: _Walker) -> FaultResult | None:
        """Take what a walker says, and hand out what it does next."""
        try:
            said = walker.pipe.recv()
        except (EOFError, ConnectionResetError):
            return self._replaced(walker)
        if isinstance(said, str) and said != READY:
            raise NodeFailedError(said)
        if said == READY:
            walker.pipe.send(self._golden)
        self._go_on(walker)
        return None if said == READY else FaultResult.from_dict(said)

    def _go_on(self, walker: _Walker) -> None:
        walker.give(self._waiting.popleft() if self._waiting else None)
        if walker.fault is None:
            self._walkers.remove(walker)
            walker.end()

    def _replaced(self, walker: _Walker) -> FaultResult:
        """Put another walker in the place of one that died, at the price of the fault that it was at."""
        self._walkers.remove(walker)
        walker.end()
        if walker.fault is None:
            raise NodeFailedError("a process that plays faults died before it had begun")
        if self._waiting:
            self._walkers.append(_Walker(self._setup))
        return failed(walker.fault, "the process that walked up to it died")


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let processes that are started have one thread each."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
