r"""A suite of cases without Python: a TOML file of boards, of what is played, and of what goes wrong meanwhile.

    title = "people counter"
    image = "build/{board}/counter.elf"       # from the suite's folder, or an image of the library
    boards = ["stm32l4a6zg"]

    [[scenario]]
    name = "office"
    play = "office_doorway"
    seconds = 20
    expect = ["people counter", '/^\d+ \d+$/']
    accuracy_at_least = 0.6
    [scenario.cycles_at_most]
    people_count = 90_000

    [[fault]]
    name = "sensor unplugged for a second"
    plan.i2c_brown_out = [{ bus = "I2C1", from_s = 2.0, until_s = 3.0 }]
    expect = ["sensor does not answer"]

Every board plays every scenario, by itself and once with each fault: "stm32l4a6zg/office/sensor unplugged ...".
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field, field_validator, model_validator

from datasheet.bad_input import BadInputError
from datasheet.config import Config, read_config
from datasheet.regular_file import is_file
from mcu_models.boards.board import find_board
from mcu_models.emulators.backends import BackendName
from mcu_models.emulators.fault_plan import FaultPlan, read_fault_plan
from mcu_models.firmware.library import image_names
from twin.testing.stimuli import MOST_SECONDS, check_playable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcu_models.boards.board import Board

Seconds = Annotated[float, Field(gt=0, le=MOST_SECONDS)]
Share = Annotated[float, Field(ge=0, le=1)]
NO_FAULT: Final = "no fault"
MAX_CASES: Final = 10_000


class Checks(Config):
    """What a case must show.

    Attributes:
        expect: Texts, or regular expressions between slashes for whole lines, that come one behind the other.
        never: Texts or regular expressions that no line may hold.
        answers: Regular expression of an answer, the number last; by default of the twin's people counter.
        accuracy_at_least: Share of the answers that must be right.
        answers_within_s: At the end of the play the last answer may be so old.
        cycles_at_most: Of the longest call, by function.
        sleep_at_least: Share of the time for which the core must sleep.
        energy_uj_at_most: What the microcontroller may take.
    """

    expect: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    answers: str = r"^\d+ (\d+)$"
    accuracy_at_least: Share | None = None
    answers_within_s: Seconds | None = None
    cycles_at_most: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    sleep_at_least: Share | None = None
    energy_uj_at_most: Annotated[float, Field(ge=0)] | None = None

    @field_validator("expect", "never")
    @classmethod
    def _readable(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            wanted(text)
        return texts

    @field_validator("answers")
    @classmethod
    def _has_a_number(cls, pattern: str) -> str:
        if compiled(pattern).groups < 1:
            raise ValueError("must have a group that holds the number")
        return pattern


class ScenarioTable(Checks):
    """What is played; without `play`, the firmware runs by itself.

    Attributes:
        name: In the names of cases.
        play: A scenario, a guarded door or a recording.
        seconds: How much of it.
        seed: Of all that is random.
        send: Texts for the UART, a newline behind each, before anything is played.
        bus: I2C bus of the sensor.
        address: Of a thermal array on it.
    """

    name: str
    play: str | None = None
    seconds: Seconds = 20.0
    seed: Annotated[int, Field(ge=0)] = 1
    send: tuple[str, ...] = ()
    bus: str = "I2C1"
    address: Annotated[int, Field(ge=0, le=0x7F)] = 0x69


class FaultTable(Checks):
    """What goes wrong: a fault plan within the suite, or the file of one. Beside nothing else its own checks count.

    Attributes:
        name: In the names of cases.
        plan: Tables of a fault plan.
        plan_file: Path of one, from the suite's folder.
        times_from: What its times are counted from; without a play it is power-on.
    """

    name: str
    plan: FaultPlan | None = None
    plan_file: str | None = None
    times_from: Literal["first frame", "power-on"] = "first frame"

    @model_validator(mode="after")
    def _one_of_both(self) -> FaultTable:
        if (self.plan is None) == (self.plan_file is None):
            raise ValueError("needs either plan or plan_file")
        return self


class SuiteFile(Config):
    """What a suite's file says.

    Attributes:
        title: For the report.
        image: Path from the suite's folder, or name of an image of the library; "{board}" stands for the board.
        boards: Names, or paths from the suite's folder.
        backends: Emulators.
        scenario: What is played.
        fault: What goes wrong, each with every scenario.
        without_fault: Whether every scenario is also played without.
        quarantine: Cases, by name or with * for any characters, whose failure is told but does not count.
        functions: Addresses of functions that the image has no symbols for, by name.
    """

    title: str
    image: str
    boards: Annotated[tuple[str, ...], Field(min_length=1)]
    backends: Annotated[tuple[BackendName, ...], Field(min_length=1)] = ("unicorn",)
    scenario: Annotated[tuple[ScenarioTable, ...], Field(min_length=1)]
    fault: tuple[FaultTable, ...] = ()
    without_fault: bool = True
    quarantine: tuple[str, ...] = ()
    functions: dict[str, Annotated[int, Field(ge=0, lt=1 << 32)]] = Field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One board, one backend, one play, and a fault or none.

    Attributes:
        name: Board, backend if it is not the first, scenario and fault.
        image: Path or name of the image.
        board: Name or path of the board.
        backend: The emulator.
        scenario: What is played.
        fault: What goes wrong; None: nothing.
        plan: Its faults.
        functions: Addresses of functions by name.
        is_quarantined: Whether its failure does not count.
    """

    name: str
    image: str
    board: str
    backend: BackendName
    scenario: ScenarioTable
    fault: FaultTable | None
    plan: FaultPlan | None
    functions: dict[str, int]
    is_quarantined: bool

    @property
    def checks(self) -> Checks:
        """What it must show."""
        return self.scenario if self.fault is None else self.fault


@dataclass(frozen=True)
class Suite:
    """A suite with everything it names.

    Attributes:
        title: For the report.
        path: Its file.
        cases: In the order in which they are reported.
    """

    title: str
    path: Path
    cases: tuple[Case, ...]


def compiled(pattern: str) -> re.Pattern[str]:
    """Return a regular expression.

    Raises:
        ValueError: It is none.
    """
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"must be a regular expression: {error}") from None


def wanted(text: str) -> str | re.Pattern[str]:
    """Return what a text of a suite looks for: itself, or the regular expression between slashes.

    Raises:
        ValueError: It is empty, or no regular expression.
    """
    if len(text) > 2 and text[0] == text[-1] == "/":
        return compiled(text[1:-1])
    if not text:
        raise ValueError("must not be empty")
    return text


def read_suite(path: Path) -> Suite:
    """Return the suite at `path`.

    Raises:
        BadInputError: With the first thing that is wrong: file, key, value, and what is allowed.
    """
    file = read_config(path, SuiteFile)
    for kind in ("scenario", "fault"):
        names = [table.name for table in getattr(file, kind)]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise BadInputError(path, f"{kind}.name", twice, "must differ from all others")
    cases = tuple(_cases(path, file))
    if not cases or len(cases) > MAX_CASES:
        raise BadInputError(path, "", len(cases), f"must make 1 to {MAX_CASES} cases")
    # "a/b" with "c" is called as "a" with "b/c" is.
    same = next((name for name, count in Counter(case.name for case in cases).items() if count > 1), None)
    if same is not None:
        raise BadInputError(path, "case", same, "must differ from all others; a name may stand for two of them")
    for pattern in file.quarantine:
        if not any(fnmatchcase(case.name, pattern) for case in cases):
            raise BadInputError(path, "quarantine", pattern, f"is no case; the first is {cases[0].name!r}")
    return Suite(file.title, path, cases)


def _cases(path: Path, file: SuiteFile) -> Iterator[Case]:
    boards = [_board(path, name) for name in file.boards]
    plays = {one.name: None if one.play is None else _play(path, one.play) for one in file.scenario}
    faults = [*([(None, None)] if file.without_fault else []), *((one, _plan(path, one)) for one in file.fault)]
    for board, name in zip(boards, file.boards, strict=True):
        image = _image(path, file.image.replace("{board}", board.name))
        for backend in file.backends:
            for scenario in file.scenario:
                for fault, plan in faults:
                    parts = [board.name, *([backend] if len(file.backends) > 1 else []), scenario.name]
                    title = "/".join([*parts, NO_FAULT if fault is None else fault.name])
                    yield Case(
                        name=title,
                        image=image,
                        board=_own(path, name),
                        backend=backend,
                        scenario=scenario.model_copy(update={"play": plays[scenario.name]}),
                        fault=fault,
                        plan=plan,
                        functions=dict(file.functions),
                        is_quarantined=any(fnmatchcase(title, pattern) for pattern in file.quarantine),
                    )


def _own(path: Path, name: str) -> str:
    """Return a file beside the suite by its path, and a name of a library as it is."""
    beside = path.parent / name
    return str(beside.absolute()) if is_file(beside) else name


def _play(path: Path, name: str) -> str:
    own = _own(path, name)
    try:
        check_playable(own)
    except BadInputError as error:
        raise BadInputError(path, "scenario.play", name, f"cannot be played: {error}") from None
    return own


def _board(path: Path, name: str) -> Board:
    return find_board(_own(path, name))


def _image(path: Path, name: str) -> str:
    image = _own(path, name)
    if not is_file(Path(image)) and image not in image_names():
        raise BadInputError(path, "image", name, f"no such file, nor one of {', '.join(image_names())}")
    return image


def _plan(path: Path, fault: FaultTable) -> FaultPlan:
    if fault.plan is not None:
        return fault.plan
    return read_fault_plan(path.parent / (fault.plan_file or ""))
