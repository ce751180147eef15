"""What a fault campaign is: what the firmware is shown, which faults it meets, and what counts as an answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field, field_validator, model_validator

from datasheet.bad_input import BadInputError
from datasheet.config import Config, find_in_library, read_config
from twin.campaign.fault_ranges import (
    BrownOutRange,
    DataRange,
    DriftRange,
    FaultRange,
    NackRange,
    RamFlipRange,
    RegisterFlipRange,
    StuckRange,
    UartRange,
    WatchdogRange,
)

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY: Final = "twin.campaign.library"
KINDS: Final = {
    "i2c_nack": NackRange,
    "i2c_stuck": StuckRange,
    "i2c_brown_out": BrownOutRange,
    "i2c_data": DataRange,
    "ram_bit_flip": RamFlipRange,
    "register_bit_flip": RegisterFlipRange,
    "clock_drift": DriftRange,
    "uart_loss": UartRange,
    "watchdog_reset": WatchdogRange,
}
"""Kinds of faults, as the tables of a fault plan are called, and the ranges of each."""
DETECTED: Final = r"^[A-Za-z]+( [A-Za-z]+)+"
"""Lines of words, such as "sensor does not answer" or what firmware says as it starts."""
MOST_FAULTS: Final = 10_000

Seconds = Annotated[float, Field(gt=0.0, le=3600.0)]


class Campaign(Config):
    """Everything about a campaign. A file that only names `play` draws 500 faults of all kinds.

    Attributes:
        title: In words.
        play: What the firmware is shown: a scenario, a guarded door, or the path of a recording.
        seconds: How much of it.
        play_seed: Of what is shown.
        bus: I2C bus of the sensor.
        address: Of a thermal array on it.
        seed: Of the faults.
        faults: How many, of all kinds together.
        from_s: Virtual time from which on faults begin; None: a second behind the first answer.
        until_s: And until when; None: as late as lets the longest be watched to its end.
        recover_s: How long the firmware may take to recover.
        watch_s: How long a fault is watched behind that.
        calm_s: A fault is watched no longer once answers have been right for so long; None: always to the end.
        host_s: Time on the host's processor after which one fault counts as failed.
        answer: Regular expression of a line with an answer: its last group is compared, its first, if there are more,
            is the frame's number; None: "FRAME COUNT", or "FRAME SCORE DECISION" of a camera.
        detected: Regular expression of a line with which firmware says that something is wrong, or that it starts.
        network: Of a people counter, the network in its firmware: an answer is right, too, if this network gives it
            when it is shown the same frames, without those that the firmware has missed. None: only the golden run
            counts.
        near_frames: An answer is right, too, if it is that of a frame so many before or behind; None: 0, or 1 of a
            camera, whose frames come at other moments when it has been started anew.
        i2c_nack: And so on: the kinds of faults. None: all kinds if no kind is given, else none of this.
    """

    title: str = "Faults"
    play: str
    seconds: Seconds = 40.0
    play_seed: Annotated[int, Field(ge=0)] = 1
    bus: str = "I2C1"
    address: Annotated[int, Field(ge=0, le=0x7F)] = 0x69
    seed: Annotated[int, Field(ge=0)] = 1
    faults: Annotated[int, Field(ge=1, le=MOST_FAULTS)] = 500
    from_s: Annotated[float, Field(ge=0.0)] | None = None
    until_s: Annotated[float, Field(ge=0.0)] | None = None
    recover_s: Seconds = 3.0
    watch_s: Seconds = 2.0
    calm_s: Seconds | None = None
    host_s: Seconds = 60.0
    answer: str | None = None
    detected: str = DETECTED
    network: str | None = None
    near_frames: Annotated[int, Field(ge=0, le=100)] | None = None
    i2c_nack: NackRange | None = None
    i2c_stuck: StuckRange | None = None
    i2c_brown_out: BrownOutRange | None = None
    i2c_data: DataRange | None = None
    ram_bit_flip: RamFlipRange | None = None
    register_bit_flip: RegisterFlipRange | None = None
    clock_drift: DriftRange | None = None
    uart_loss: UartRange | None = None
    watchdog_reset: WatchdogRange | None = None

    @field_validator("answer", "detected")
    @classmethod
    def _expressions(cls, text: str | None) -> str | None:
        try:
            re.compile(text or "")
        except re.error as error:
            raise ValueError(f"must be a regular expression: {error}") from None
        return text

    @field_validator("answer")
    @classmethod
    def _has_answer(cls, text: str | None) -> str | None:
        if text is not None and not re.compile(text).groups:
            raise ValueError("needs a group: what is compared")
        return text

    @model_validator(mode="after")
    def _has_faults(self) -> Campaign:
        if self.from_s is not None and self.until_s is not None and self.until_s <= self.from_s:
            raise ValueError("until_s must be above from_s")
        kinds = self.kinds.values()
        fixed = sum(kind.count or 0 for kind in kinds)
        if fixed > MOST_FAULTS:
            raise ValueError(f"must hold {MOST_FAULTS} faults at most")
        if not fixed and not any(kind.count is None and kind.share for kind in kinds):
            raise ValueError("holds no fault: every count or share is 0")
        return self

    @property
    def kinds(self) -> dict[str, FaultRange]:
        """Kinds of faults that it has."""
        given = {kind: getattr(self, kind) for kind in KINDS}
        named = {kind: one for kind, one in given.items() if one is not None}
        return named or {kind: ranges() for kind, ranges in KINDS.items()}

    @property
    def counts(self) -> dict[str, int]:
        """How many faults of each kind: those that are given, and the rest by shares, largest remainders first."""
        kinds = self.kinds
        counts = {kind: one.count or 0 for kind, one in kinds.items()}
        shares = {kind: one.share for kind, one in kinds.items() if one.count is None and one.share}
        left, whole = max(self.faults - sum(counts.values()), 0), sum(shares.values())
        exact = {kind: left * share / whole for kind, share in shares.items()}
        counts |= {kind: int(number) for kind, number in exact.items()}
        short = left - sum(counts[kind] for kind in exact)
        for kind in sorted(exact, key=lambda kind: counts[kind] - exact[kind])[:short]:
            counts[kind] += 1
        return counts

    @property
    def longest_s(self) -> float:
        """How long the longest fault may last."""
        return max(one.longest_s for one in self.kinds.values())


def load_campaign(name_or_path: str) -> tuple[Path, Campaign]:
    """Return a campaign of the library by name, or of a file of the user's own, and where it stands.

    Raises:
        BadInputError: There is none, or something in it cannot be.
    """
    path = find_in_library(name_or_path, LIBRARY, kind="campaign")
    campaign = read_config(path, Campaign)
    if sum(campaign.counts.values()) == 0:
        raise BadInputError(path, "faults", campaign.faults, "leaves no fault")
    return path, campaign
