"""Builds rules alone: an image that does nothing but count, to measure what they take."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Final

from mcu_models.firmware.builder import copy_sources
from mcu_models.firmware.compilation import ELF_FILE, compile_and_link
from mcu_models.people_detection.detection_code import detection_sources

if TYPE_CHECKING:
    from pathlib import Path

    from mcu_models.firmware.compilation import FirmwareBoard
    from mcu_models.firmware.toolchain import Toolchain
    from mcu_models.people_detection.parameters import DetectionParameters

FRAME_SYMBOL: Final = "loop_raw"
"""Where the image has the frame that it counts people in."""

_LOOP: Final = f"""\
/* An image that does nothing but count people: for sizes and for cycles. */
#include "counter.h"

int16_t {FRAME_SYMBOL}[COUNTER_PIXELS];
volatile int32_t loop_count;

void reset_handler(void);

void reset_handler(void)
{{
    counter_reset();
    for (;;) {{
        loop_count = counter_count({FRAME_SYMBOL});
    }}
}}
"""


def build_detector(
    parameters: DetectionParameters, *, board: FirmwareBoard, folder: Path, toolchain: Toolchain
) -> Path:
    """Write an image of rules alone into an empty folder, and return it.

    Its functions `counter_count` and `counter_reset` can be called one by one; there is no start-up code.

    Args:
        parameters: The rules' values.
        board: What to build for.
        folder: Gets the sources, the image and its map.
        toolchain: From `find_toolchain`.

    Raises:
        BadInputError: The image does not fit the board.
    """
    package = resources.files("mcu_models.firmware")
    for part in ("kernels", "runtime"):
        copy_sources(package / part, folder / "src" / part)
    counter = folder / "src" / "counter"
    counter.mkdir()
    for name, text in {**detection_sources(parameters), "loop.c": _LOOP}.items():
        (counter / name).write_text(text, encoding="utf-8")
    compile_and_link(folder, board, toolchain)
    return folder / ELF_FILE
