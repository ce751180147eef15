"""What a camera on a parallel port must offer to an emulator."""

from __future__ import annotations

from typing import Any, Protocol


class Frame(Protocol):
    """When a frame is sent, and in which form: rows of bytes, a byte each pixel clock."""

    @property
    def index(self) -> int:
        """Number of the frame."""

    @property
    def begin_s(self) -> float:
        """When VSYNC, the pause between frames, begins."""

    @property
    def rows(self) -> int:
        """Rows sent."""

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""

    @property
    def first_row_s(self) -> float:
        """From the beginning of VSYNC to the first byte of the first row."""

    @property
    def row_s(self) -> float:
        """From row to row."""

    @property
    def byte_s(self) -> float:
        """From byte to byte of a row."""

    @property
    def vsync_is_high(self) -> bool:
        """Level of VSYNC between frames."""

    @property
    def href_is_high(self) -> bool:
        """Level of HREF while a row is sent."""


class FrameSource(Protocol):
    """A camera in virtual time. `data` takes the frames that `next_frame` has returned, and those only."""

    def next_frame(self, time_s: float) -> Any:
        """Return the first `Frame` that begins at `time_s` or later; None while none is sent."""

    def data(self, frame: Any) -> bytes:
        """Return all bytes of a frame; asked when it begins, and only of frames that are captured."""
