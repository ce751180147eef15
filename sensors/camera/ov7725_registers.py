"""The OV7725 as firmware sees it: its registers over SCCB, and the frames that it then sends over its parallel port.

Names and meanings of registers: "OV7725/OV7221 CMOS VGA CameraChip", version 1.1, 30 March 2007, register tables.
Modelled as far as drivers of the OpenMV Cam use them: identity, reset, standby, resolution, format, window, output
size, clock, flips, colour bars, polarities and the switches of the automatic controls. All others keep what is written.
SCCB is I2C with two phases: a register's address and STOP, then a read of one byte; a repeated START is no part of it,
but is understood.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from datasheet.bad_input import BadInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

ADDRESS: Final = 0x21
"""7 bits: 0x42 to write, 0x43 to read."""
GAIN: Final = 0x00
AECH: Final = 0x08
COM2: Final = 0x09
"""Bit 4: soft sleep."""
PID: Final = 0x0A
VER: Final = 0x0B
COM3: Final = 0x0C
"""Bit 7 upside down, 6 mirrored, 5 red and blue swapped, 0 colour bars."""
COM4: Final = 0x0D
"""Bits 7-6: PLL off, x4, x6, x8."""
AEC: Final = 0x10
CLKRC: Final = 0x11
"""Bit 6: no prescaler; else bits 5-0: clock over 2 x (n + 1)."""
COM7: Final = 0x12
"""Bit 7 reset, 6 QVGA, 3-2 kind of RGB (1: 565), 1-0 format (2: RGB)."""
COM8: Final = 0x13
"""Bit 2 automatic gain, 1 white balance, 0 exposure."""
COM10: Final = 0x15
"""Bit 3 HREF reversed, 1 VSYNC negative."""
HSTART: Final = 0x17
HSIZE: Final = 0x18
VSTRT: Final = 0x19
VSIZE: Final = 0x1A
MIDH: Final = 0x1C
MIDL: Final = 0x1D
HOUTSIZE: Final = 0x29
EXHCH: Final = 0x2A
VOUTSIZE: Final = 0x2C
HREF: Final = 0x32
"""Lower bits of the four values of the window, as EXHCH has those of the output size."""
DSP_CTRL3: Final = 0x66
"""Bit 5: colour bars of the signal processor."""

_RESET_VALUES: Final = {
    COM2: 0x01, PID: 0x77, VER: 0x21, COM3: 0x10, COM4: 0x41, 0x0E: 0x01, 0x0F: 0x43, AEC: 0x40, CLKRC: 0x80,
    COM8: 0x8F, 0x14: 0x4A, HSTART: 0x23, HSIZE: 0xA0, VSTRT: 0x07, VSIZE: 0xF0, 0x1B: 0x40, MIDH: 0x7F, MIDL: 0xA2,
    0x24: 0x75, 0x25: 0x63, 0x26: 0xD4, HOUTSIZE: 0xA0, VOUTSIZE: 0xF0,
}  # fmt: skip
_READ_ONLY: Final = frozenset({PID, VER, MIDH, MIDL})
_RESET, _QVGA, _SLEEP = 0x80, 0x40, 0x10
_RGB565: Final = 0x06
_PLL: Final = (1, 4, 6, 8)
_VGA_ORIGIN: Final = (0x23 << 2, 0x07 << 1)
_QVGA_ORIGIN: Final = (0x3F << 2, 0x03 << 1)
"""HSTART and VSTRT at which the first column and row of the array come: defaults, and the drivers' values for QVGA."""
RESET_S: Final = 1e-3
"""After a reset the chip does not acknowledge: register tables, COM7; drivers wait 2 ms."""
LINE_PIXELS: Final = {False: 640 + 144, True: 320 + 256}
"""Pixel times from row to row, in VGA and in QVGA: frame timing figures."""
FRAME_ROWS: Final = {False: 510, True: 278}
"""Row times from frame to frame: frame timing figures."""
FIRST_ROW: Final = 24
"""Row times from the beginning of VSYNC to the first row: 4 of VSYNC and 20; taken to be the same in QVGA."""
BYTES_PER_PIXEL: Final = 2
BARS: Final = (0xFFFF, 0xFFE0, 0x07FF, 0x07E0, 0xF81F, 0xF800, 0x001F, 0x0000)
"""White, yellow, cyan, green, magenta, red, blue, black."""
_ROUNDING_S: Final = 1e-9


class Pictures(Protocol):
    """What the camera looks at."""

    def picture(self, index: int, time_s: float) -> NDArray[np.uint16]:
        """Return the frame of this number, whose readout begins at `time_s`: (rows, columns) RGB565 words.

        It is the middle of what the array sees; rows and columns beyond it are black.
        """


class Playback:
    """Frames one after the other: the first that is taken is frame 0; behind the last, the last stays.

    Args:
        frames: (N, rows, columns) RGB565 words.

    Raises:
        BadInputError: There are no frames, or they are no RGB565 words.
    """

    def __init__(self, frames: NDArray[np.uint16]) -> None:
        if frames.ndim != 3 or frames.dtype != np.uint16 or not len(frames):
            found = f"{frames.dtype} {frames.shape}"
            raise BadInputError("frames", "", found, "must be uint16 (N, rows, columns) with N of at least 1")
        self._frames = frames
        self._first: int | None = None

    def picture(self, index: int, time_s: float) -> NDArray[np.uint16]:  # noqa: ARG002 - frames know no time
        """Return a frame; one that nobody took is skipped."""
        if self._first is None:
            self._first = index
        return np.asarray(self._frames[min(index - self._first, len(self._frames) - 1)])


@dataclass(frozen=True)
class CameraFrame:
    """When a frame is sent, and in which form.

    Attributes:
        index: Number of the frame since the supply came up.
        begin_s: When VSYNC begins.
        period_s: From frame to frame.
        rows: Rows sent.
        row_bytes: Bytes of a row.
        first_row_s: From VSYNC to the first byte of the first row.
        row_s: From row to row.
        byte_s: Of the pixel clock.
        vsync_is_high: Level of VSYNC between frames.
        href_is_high: Level of HREF while a row is sent.
    """

    index: int
    begin_s: float
    period_s: float
    rows: int
    row_bytes: int
    first_row_s: float
    row_s: float
    byte_s: float
    vsync_is_high: bool
    href_is_high: bool


@dataclass(frozen=True)
class CameraMode:
    """What the registers ask for.

    Attributes:
        runs: Whether frames are sent: awake, and in RGB565, the only format that is modelled.
        is_qvga: Every second pixel of the array, each way.
        pixel_clock_hz: Of the bytes on the port; a byte a clock.
        first: Row and column of the array where the window begins.
        size: Rows and columns of the window.
    """

    runs: bool
    is_qvga: bool
    pixel_clock_hz: float
    first: tuple[int, int]
    size: tuple[int, int]

    @property
    def array(self) -> tuple[int, int]:
        """Rows and columns of the whole array."""
        return (240, 320) if self.is_qvga else (480, 640)

    @property
    def row_s(self) -> float:
        """Time from row to row."""
        return LINE_PIXELS[self.is_qvga] * BYTES_PER_PIXEL / self.pixel_clock_hz

    @property
    def frame_s(self) -> float:
        """Time from frame to frame."""
        return FRAME_ROWS[self.is_qvga] * self.row_s


class Ov7725:
    """A camera on SCCB and on a parallel port.

    It runs from the moment its supply comes up; a change of clock, resolution or window begins a frame anew.
    `rejected_writes` lists what is written to registers that tell who made it, `notes` what the registers ask for and
    is not modelled.

    **Assumed:** where the window lies in the array follows from HSTART and VSTRT relative to the values that drivers
    use for the whole one; a window that is scaled (HOUTSIZE or VOUTSIZE other than the window) is not modelled.

    Args:
        pictures: What it looks at.
        xclk_hz: Its clock input.
        power_on_s: When its supply comes up.

    Attributes:
        pictures: What it looks at.
        frames_taken: Numbers of the frames whose pixels were asked for.
    """

    address = ADDRESS

    def __init__(self, pictures: Pictures, *, xclk_hz: float = 12e6, power_on_s: float = 0.0) -> None:
        self.pictures = pictures
        self._xclk_hz = xclk_hz
        self._registers: dict[int, int] = dict(_RESET_VALUES)
        self._is_on = True
        self._deaf_until_s = power_on_s + RESET_S
        self._epoch_s, self._epoch_index = power_on_s, 0
        self._mode = self._work_out_mode()
        self._pointer = 0
        self._expects_pointer = False
        self._rejected: list[tuple[float, int, int]] = []
        self._notes: dict[str, None] = {}
        self.frames_taken: list[int] = []

    def power_off(self, time_s: float) -> None:
        """Cut the supply: no register answers and no frame begins. A frame under way is still sent to its end."""
        self._is_on = False
        self._follow_mode(time_s)

    def power_on(self, time_s: float) -> None:
        """Restore the supply: every register as after reset."""
        self._registers = dict(_RESET_VALUES)
        self._deaf_until_s = time_s + RESET_S
        self._is_on = True
        self._follow_mode(time_s)

    # -- SCCB ----------------------------------------------------------------------------------------------

    def begin(self, time_s: float, *, read: bool) -> bool:
        """Take the address phase; while the chip resets or has no supply, it does not acknowledge."""
        self._expects_pointer = not read
        return self._is_on and time_s >= self._deaf_until_s

    def write(self, time_s: float, byte: int) -> bool:
        """Take a register's address, then its value; further bytes, which SCCB does not have, go to the next ones."""
        if self._expects_pointer:
            self._pointer, self._expects_pointer = byte, False
        else:
            self._store(time_s, self._pointer, byte)
            self._pointer = (self._pointer + 1) & 0xFF
        return True

    def read(self, time_s: float) -> int:  # noqa: ARG002 - registers do not change by themselves
        """Give the register whose address was written last."""
        return self.register(self._pointer)

    def end(self, time_s: float) -> None:
        """Take the STOP condition: the address of the register is kept for the read that follows."""

    def register(self, address: int) -> int:
        """Return what a register holds."""
        return self._registers.get(address, 0)

    @property
    def rejected_writes(self) -> tuple[tuple[float, int, int], ...]:
        """Time, register and value of writes without an effect."""
        return tuple(self._rejected)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the registers asked for and is not modelled, each once."""
        return tuple(self._notes)

    def _store(self, time_s: float, address: int, value: int) -> None:
        if address in _READ_ONLY:
            self._rejected.append((time_s, address, value))
            return
        if address == COM7 and value & _RESET:
            self._registers = dict(_RESET_VALUES)
            self._deaf_until_s = time_s + RESET_S
        else:
            self._registers[address] = value
        self._follow_mode(time_s)

    def _follow_mode(self, time_s: float) -> None:
        """Count frames anew from now on if they come at another pace."""
        mode = self._work_out_mode()
        if mode != self._mode:
            self._epoch_index = self._index_at(time_s)
            self._epoch_s, self._mode = time_s, mode

    # -- what the registers ask for ------------------------------------------------------------------------

    @property
    def mode(self) -> CameraMode:
        """Whether frames are sent, how fast and which part of the array."""
        return self._mode

    @property
    def automatic(self) -> tuple[str, ...]:
        """What the chip regulates by itself: of "exposure", "white balance", "gain"."""
        names = ("exposure", "white balance", "gain")
        return tuple(name for bit, name in enumerate(names) if self.register(COM8) >> bit & 1)

    @property
    def exposure_rows(self) -> int:
        """AEC: exposure in row times, where it is not automatic."""
        return self.register(AECH) << 8 | self.register(AEC)

    def _work_out_mode(self) -> CameraMode:
        is_qvga = bool(self.register(COM7) & _QVGA)
        low = self.register(HREF)
        start = self.register(HSTART) << 2 | low >> 4 & 3, self.register(VSTRT) << 1 | low >> 6 & 1
        size = self.register(HSIZE) << 2 | low & 3, self.register(VSIZE) << 1 | low >> 2 & 1
        origin = _QVGA_ORIGIN if is_qvga else _VGA_ORIGIN
        awake = self._is_on and not self.register(COM2) & _SLEEP
        return CameraMode(
            runs=awake and self.register(COM7) & 0x0F == _RGB565 and min(size) > 0,
            is_qvga=is_qvga,
            pixel_clock_hz=self._pixel_clock_hz(),
            first=(start[1] - origin[1], start[0] - origin[0]),
            size=(size[1], size[0]),
        )

    def _pixel_clock_hz(self) -> float:
        prescaler = self.register(CLKRC)
        divider = 1 if prescaler & 0x40 else 2 * ((prescaler & 0x3F) + 1)
        return self._xclk_hz * _PLL[self.register(COM4) >> 6] / divider

    # -- the parallel port ---------------------------------------------------------------------------------

    def next_frame(self, time_s: float) -> CameraFrame | None:
        """Return the first frame that begins at `time_s` or later; None while no frames are sent."""
        mode = self._mode
        if not mode.runs:
            return None
        begin_s = max(time_s, self._epoch_s, self._deaf_until_s)
        turn = max(0, math.ceil((begin_s - self._epoch_s - _ROUNDING_S) / mode.frame_s))
        byte_s = 1 / mode.pixel_clock_hz
        first_column_s = max(mode.first[1], 0) * BYTES_PER_PIXEL * byte_s
        return CameraFrame(
            index=self._epoch_index + turn,
            begin_s=self._epoch_s + turn * mode.frame_s,
            period_s=mode.frame_s,
            rows=mode.size[0],
            row_bytes=mode.size[1] * BYTES_PER_PIXEL,
            first_row_s=(FIRST_ROW + max(mode.first[0], 0)) * mode.row_s + first_column_s,
            row_s=mode.row_s,
            byte_s=byte_s,
            vsync_is_high=not self.register(COM10) & 0x02,
            href_is_high=not self.register(COM10) & 0x08,
        )

    def data(self, frame: CameraFrame) -> bytes:
        """Return the bytes of a frame, row by row; of each pixel the upper byte comes first."""
        mode = self._mode
        if self._scales(mode):
            self._notes.setdefault("an output size other than the window is not modelled; the window is sent")
        self.frames_taken.append(frame.index)
        words = self._bars(frame) if self._shows_bars else self._window(frame, mode)
        control = self.register(COM3)
        words = words[::-1] if control & 0x80 else words
        words = words[:, ::-1] if control & 0x40 else words
        if control & 0x20:
            words = np.asarray(words << 11 | words & 0x07E0 | words >> 11, np.uint16)
        return np.ascontiguousarray(words).astype(">u2").tobytes()

    @property
    def _shows_bars(self) -> bool:
        return bool(self.register(COM3) & 1 or self.register(DSP_CTRL3) & 0x20)

    def _scales(self, mode: CameraMode) -> bool:
        low = self.register(EXHCH)
        columns = self.register(HOUTSIZE) << 2 | low & 3
        rows = self.register(VOUTSIZE) << 1 | low >> 2 & 1
        return (rows, columns) != mode.size

    def _bars(self, frame: CameraFrame) -> NDArray[np.uint16]:
        columns = frame.row_bytes // BYTES_PER_PIXEL
        row = np.array(BARS, np.uint16)[np.arange(columns) * len(BARS) // columns]
        return np.broadcast_to(row, (frame.rows, columns))

    def _window(self, frame: CameraFrame, mode: CameraMode) -> NDArray[np.uint16]:
        picture = self.pictures.picture(frame.index, frame.begin_s)
        columns = frame.row_bytes // BYTES_PER_PIXEL
        sent = np.zeros((frame.rows, columns), np.uint16)
        rows = _overlap(picture.shape[0], mode.array[0], mode.first[0], frame.rows)
        across = _overlap(picture.shape[1], mode.array[1], mode.first[1], columns)
        sent[rows[1], across[1]] = picture[rows[0], across[0]]
        return sent

    def _index_at(self, time_s: float) -> int:
        """Return the number of the first frame behind a change."""
        return self._epoch_index + max(0, math.ceil((time_s - self._epoch_s) / self._mode.frame_s))


def _overlap(picture: int, array: int, first: int, size: int) -> tuple[slice, slice]:
    """Return which part of a picture in the middle of the array lies in a window, and where in the window."""
    origin = (array - picture) // 2 - first
    begin, end = max(0, -origin), min(picture, size - origin)
    end = max(begin, end)
    return slice(begin, end), slice(begin + origin, end + origin) if end > begin else slice(0, 0)
