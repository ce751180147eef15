"""How temperatures stand in the registers of a Grid-EYE, and back.

Panasonic, Reference Specifications AMG88**, 4 February 2016: sections 4-11-9 (thermistor) and 4-11-11 (pixels).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.grid_eye_sheet import GridEyeSheet
    from sensors.recording import Recording

SIGN_BIT = 0x800
"""Bit 11, the sign of both formats; bits 12 to 15 are unspecified."""

_MAGNITUDE = 0x7FF


def signed_12(word: int) -> int:
    """Return the value of a 12-bit two's complement word; higher bits are ignored."""
    return (word & _MAGNITUDE) - (word & SIGN_BIT)


def pixel_word(steps: int) -> int:
    """Return the 12-bit two's complement word of a pixel at -2048 to 2047 steps."""
    return steps & 0xFFF


def thermistor_word(steps: int) -> int:
    """Return the 12-bit sign-and-magnitude word of -2047 to 2047 steps, limited to these."""
    magnitude = min(abs(steps), _MAGNITUDE)
    return magnitude | SIGN_BIT if steps < 0 else magnitude


def thermistor_steps(word: int) -> int:
    """Return the value of a 12-bit sign-and-magnitude word; higher bits are ignored."""
    magnitude = word & _MAGNITUDE
    return -magnitude if word & SIGN_BIT else magnitude


def byte_of(word: int, register: int) -> int:
    """Return the low byte of a word at an even register, the high byte at an odd one."""
    return word >> 8 if register & 1 else word & 0xFF


def recorded_pixels(recording: Recording, sheet: GridEyeSheet) -> NDArray[np.int64]:
    """Return (N, 64) int64 in the sheet's pixel steps, limited to 12 bits."""
    steps = np.round(recording.frames.reshape(len(recording.frames), -1) / sheet.pixel_lsb_k.value)
    return np.clip(steps, -2048, 2047).astype(np.int64)


def recorded_thermistor(recording: Recording, sheet: GridEyeSheet) -> NDArray[np.int64]:
    """Return (N,) int64 words as in the thermistor's registers.

    Where the recording has none, the usual self-heating is added to the frame's median.
    """
    degc = recording.thermistor_degc
    if degc is None:
        degc = np.median(recording.frames, axis=(1, 2)) + sheet.thermistor_offset_k.value
    steps = np.round(degc / sheet.thermistor_lsb_k.value).astype(np.int64)
    return np.array([thermistor_word(int(step)) for step in steps], dtype=np.int64)
