"""The registers of a Grid-EYE that hold what was measured: 64 pixels and the thermistor, from a recording."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from sensors.register_words import pixel_word, recorded_pixels, recorded_thermistor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.grid_eye_sheet import GridEyeSheet
    from sensors.recording import Recording


class FrameRegisters:
    """Pixels and thermistor as they can be read; all pixels change together.

    In the beginning frame 0 is there. Frames are numbered from 0 without end: the last one repeats.

    Args:
        recording: What the sensor sees, (N, 8, 8).
        sheet: The sensor's datasheet.
    """

    def __init__(self, recording: Recording, sheet: GridEyeSheet) -> None:
        self._pixels = recorded_pixels(recording, sheet)
        self._thermistor = recorded_thermistor(recording, sheet)
        self._image: NDArray[np.int64] = self._pixels[0]
        self._bytes = b""
        self._has_previous = True
        self._oldest = 0
        self.thermistor_word = int(self._thermistor[0])
        self.frame = 0

    def __len__(self) -> int:
        """Return how many frames the recording has."""
        return len(self._pixels)

    def pixel_byte(self, register: int) -> int:
        """Return a byte of the pixels' words, counted from the first pixel's low byte."""
        if not self._bytes:
            words = [pixel_word(steps) for steps in self._image.tolist()]
            self._bytes = struct.pack(f"<{len(words)}H", *words)
        return self._bytes[register]

    def forget_temperatures(self, next_frame: int) -> None:
        """Zero the pixels; frames before `next_frame` have no part in later means."""
        self._image = np.zeros_like(self._image)
        self._bytes = b""
        self._has_previous = False
        self._oldest = next_frame

    def show(self, number: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
        """Put the mean of `count` frames, the last of them `number`, into the registers.

        Returns:
            The new pixels and those before, (64,) int64 steps; None instead when there were none.
        """
        last = len(self._pixels) - 1
        numbers = np.arange(max(number - count + 1, min(self._oldest, number), 0), number + 1)
        image = np.round(self._pixels[np.minimum(numbers, last)].mean(axis=0)).astype(np.int64)
        previous = self._image if self._has_previous else None
        self._image, self._has_previous = image, True
        self._bytes = b""
        self.frame = min(number, last)
        self.thermistor_word = int(self._thermistor[self.frame])
        return image, previous
