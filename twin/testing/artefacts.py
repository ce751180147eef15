"""What a failed test leaves behind, to be looked at without running it again."""

from __future__ import annotations

import hashlib
import io
import re
from typing import TYPE_CHECKING, Final

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw

from datasheet.bad_input import BadInputError
from mcu_models.emulators.trace_events import TraceEvent
from mcu_models.emulators.trace_file import trace_file
from sensors.camera.image_sensor import rgb888
from sensors.recording import Recording, write_recording
from twin.result_files import write_files
from twin.testing.failures import story
from twin.testing.playback import UNANSWERED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.Image import Image as Picture

    from twin.testing.machine import Machine
    from twin.testing.playback import Playback

SHOWN_FRAMES: Final = 16
_SIDE_PX: Final = 96
_CAPTION_PX: Final = 30
_GAP_PX: Final = 6
_COLUMNS: Final = 8
_LEAST_SPAN_K: Final = 4.0
"""Of the colours: else the noise of an empty room would look like people."""


def write_artefacts(folder: Path, machine: Machine, *, reproduce: str) -> list[str]:
    """Write what is known of a machine to a folder; return the names of the files.

    state.txt, uart.log, trace.json for https://ui.perfetto.dev, frames.png with the last frames shown, frames.npz with
    all of them for `twin emulate --frames`, reproduce.txt with the command that does it again.

    Raises:
        BadInputError: They cannot be written there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{line.time_s:.6f} {line.text}\n" for line in machine.uart_lines())
    files = {"state.txt": story(machine.emulator) + "\n", "uart.log": lines, "reproduce.txt": reproduce + "\n"}
    contents = {name: text.encode("utf-8", errors="backslashreplace") for name, text in files.items()}
    strip = None if machine.playback is None else frame_strip(machine.playback)
    if strip is not None:
        contents["frames.png"] = strip
    write_files(folder, contents)
    return [*contents, *_trace(folder, machine), *_frames(folder, machine)]


def folder_name(name: str) -> str:
    """Return a folder's name for what has failed: readable, and nothing else's."""
    readable = re.sub(r"[^\w.-]+", "_", name)[-80:].strip("._")
    return f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _trace(folder: Path, machine: Machine) -> list[str]:
    emulator = machine.emulator
    with trace_file(folder / "trace.json", f"{emulator.image.name} on {emulator.board.name}") as writer:
        for event in sorted(_events(machine), key=lambda event: event.time_s):
            writer.write(event)
        writer.finish(machine.now_s)
    return ["trace.json"]


def _events(machine: Machine) -> Iterator[TraceEvent]:
    emulator = machine.emulator
    yield from machine.call_events()
    for span in emulator.recent_spans():
        yield TraceEvent(span.begin_s, "state", str(span.state))
    for line in machine.uart_lines():
        yield TraceEvent(line.time_s, "uart", line.text)
    for edge in machine.pin_edges():
        yield TraceEvent(edge.time_s, "pin", f"P{edge.port[-1]}{edge.pin} {'high' if edge.high else 'low'}")
    for done in emulator.connections.disturbances.listed:
        yield TraceEvent(done.time_s, "fault", f"{done.cause}: {done.what}")


def _frames(folder: Path, machine: Machine) -> list[str]:
    """Write what a thermal array was shown as a recording."""
    playback = machine.playback
    if playback is None or playback.frames.shape[1:] != (8, 8):
        return []
    degc = np.asarray(playback.frames, np.float32)
    recording = Recording(np.arange(len(degc), dtype=np.float64) / 10, degc, playback.truth)
    try:
        write_recording(folder / "frames.npz", recording)
    except BadInputError:
        return []
    return ["frames.npz"]


def frame_strip(playback: Playback) -> bytes | None:
    """Return a PNG of the last frames that were shown, each with who was in view and what was answered."""
    frames, last = playback.frames, playback.stimulus.frame_now
    if not len(frames) or last < 0:
        return None
    numbers = range(max(0, last - SHOWN_FRAMES + 1), min(last + 1, len(frames)))
    shown = np.asarray(frames[numbers.start : numbers.stop])
    answers = playback.answers()
    rows = -(-len(numbers) // _COLUMNS)
    cell_px = _SIDE_PX + _GAP_PX
    size = min(len(numbers), _COLUMNS) * cell_px + _GAP_PX, rows * (cell_px + _CAPTION_PX) + _GAP_PX
    strip = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(strip)
    pictures = _thermal(shown) if shown.dtype != np.uint16 else _colour(shown)
    for place, (number, picture) in enumerate(zip(numbers, pictures, strict=True)):
        left = _GAP_PX + place % _COLUMNS * cell_px
        top = _GAP_PX + place // _COLUMNS * (cell_px + _CAPTION_PX)
        strip.paste(picture, (left, top))
        answer = "-" if answers[number] == UNANSWERED else str(answers[number])
        truth = f", {playback.truth[number]} there" if number < len(playback.truth) else ""
        draw.text((left, top + _SIDE_PX + 2), f"frame {number}\nsaid {answer}{truth}", fill="black")
    data = io.BytesIO()
    strip.save(data, "PNG")
    return data.getvalue()


def _thermal(frames: NDArray[np.generic]) -> Iterator[Picture]:
    degc = np.asarray(frames, np.float64)
    middle, span = float(np.median(degc)), max(float(degc.max() - degc.min()), _LEAST_SPAN_K)
    low = min(float(degc.min()), middle - span / 4)
    colours = mpl.colormaps["inferno"]
    for frame in degc:
        rgb = (colours((frame - low) / span)[..., :3] * 255).astype(np.uint8)
        yield Image.fromarray(rgb).resize((_SIDE_PX, _SIDE_PX), Image.Resampling.NEAREST)


def _colour(frames: NDArray[np.generic]) -> Iterator[Picture]:
    """Return RGB565 words as pictures."""
    for frame in np.asarray(frames, np.uint16):
        yield Image.fromarray(rgb888(frame)).resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BILINEAR)
