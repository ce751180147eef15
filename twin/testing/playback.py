"""What came of frames that a firmware was shown: its answers, each booked to the frame it was computed from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mcu_models.emulators.port import UartLine
    from twin.testing.stimuli import AnyEmulator, Stimulus

UNANSWERED: Final = -1
PEOPLE: Final = re.compile(r"^\d+ (\d+)$")
"""A line of the twin's own people counter: answers before, people counted."""


class Playback:
    """Frames that are being shown, and the lines that came meanwhile.

    Args:
        stimulus: The frames.
        emulator: Who sees them.

    Attributes:
        stimulus: The frames.
    """

    def __init__(self, stimulus: Stimulus, emulator: AnyEmulator) -> None:
        self.stimulus = stimulus
        self._lines: list[tuple[int, UartLine]] = []
        emulator.on_uart_line(self._hear)

    def _hear(self, line: UartLine) -> None:
        self._lines.append((self.stimulus.frame_now, line))

    def forget_after(self, time_s: float) -> None:
        """Drop what has not happened yet."""
        self._lines = [(frame, line) for frame, line in self._lines if line.time_s <= time_s]

    @property
    def truth(self) -> NDArray[np.int64]:
        """(N,) people in view of each frame; empty where nobody knows."""
        return self.stimulus.truth

    @property
    def frames(self) -> NDArray[np.generic]:
        """(N, rows, columns) of what is shown."""
        return self.stimulus.frames

    def answers(self, pattern: str | re.Pattern[str] = PEOPLE, *, number_group: int | None = None) -> NDArray[np.int64]:
        """Return what the firmware answered to each frame; -1 where nothing came.

        An answer is a line that the pattern matches, and its last group the number. It belongs to the frame that the
        firmware had taken last by then; of several to one frame the first counts. Firmware that takes the next frame
        while it still looks at the one before has to say which one it means.

        Args:
            pattern: A regular expression with a group.
            number_group: Which group says the number of the frame, from 0; None: it says nothing.

        Raises:
            BadInputError: It is no regular expression, has no such group, or finds something that is no number.
        """
        try:
            return self._answers(re.compile(pattern), number_group)
        except (re.error, IndexError, ValueError, TypeError) as error:
            raise BadInputError("answers", "pattern", pattern, f"must find numbers in its groups: {error}") from None

    def _answers(self, wanted: re.Pattern[str], number_group: int | None) -> NDArray[np.int64]:
        found = [(frame, match) for frame, line in self._lines if (match := wanted.search(line.text)) is not None]
        if number_group is not None:
            found = [(int(match[number_group]), match) for _, match in found]
        count = max(len(self.stimulus.frames), self.stimulus.frame_now + 1)
        answers = np.full(count, UNANSWERED, np.int64)
        for frame, match in reversed(found):
            if 0 <= frame < count:
                answers[frame] = int(match[match.lastindex or 0])
        return answers

    def accuracy(self, pattern: str | re.Pattern[str] = PEOPLE) -> float:
        """Return the share of answered frames whose answer is the number of people in view; nan if none is answered."""
        answers = self.answers(pattern)[: len(self.truth)]
        answered = answers != UNANSWERED
        return float((answers == self.truth)[answered].mean()) if answered.any() else float("nan")
