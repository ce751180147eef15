"""Writes rules that follow people over a line as C, behind the interface that the doorway-counter app calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.compiler import ctext
from mcu_models.compiler.frontend_code import hold_zero_constants
from mcu_models.people_tracking.line import MIDDLE_LINE, SYMBOL
from mcu_models.people_tracking.spots import PIXELS, SIDE
from mcu_models.people_tracking.tracker import COLD_SHIFT

if TYPE_CHECKING:
    from mcu_models.people_tracking.parameters import TrackingParameters

_HILLS = ("low", "high", "prominence")


def tracking_sources(parameters: TrackingParameters) -> dict[str, str]:
    """Return the C of a doorway counter by file name: `passages.h` and `passages.c`.

    They need `hold_zero.h`, `warm_spots.h` and `doorway.h` of the firmware's kernels, and keep about 0.6 kB from frame
    to frame.
    """
    return {"passages.h": _header(), "passages.c": _source(parameters)}


def _header() -> str:
    functions = """\
/* Who has passed after the next frame, whose pixels are in the sensor's steps of 0.25 degC. */
const struct doorway_answer *passages_next(const int16_t raw[PASSAGES_PIXELS]);

/* Forget the frames before, but not who has passed: to be called when the sensor was started anew. */
void passages_reset(void);
"""
    head = f'#include <stdint.h>\n\n#include "doorway_answer.h"\n\n#define PASSAGES_PIXELS {PIXELS}\n\n'
    return ctext.guarded("PASSAGES_H", f"{head}{ctext.c_linkage(functions)}")


def _source(parameters: TrackingParameters) -> str:
    return f"""\
#include "passages.h"

{hold_zero_constants(SIDE, SIDE, cold_shift=COLD_SHIFT)}#include "hold_zero.h"

{_constants(parameters)}#include "doorway.h"

/* The bytes may be replaced in the image: they are read from flash whenever they are needed. */
extern const struct doorway_line {SYMBOL};
const struct doorway_line {SYMBOL} = {{{", ".join(str(value) for value in MIDDLE_LINE)}}};

static struct hold_zero passages_background;
static struct doorway passages_state;

const struct doorway_answer *passages_next(const int16_t raw[PASSAGES_PIXELS])
{{
    int16_t above[PASSAGES_PIXELS];
    hold_zero_next(&passages_background, raw, above);
    doorway_next(&passages_state, above, &{SYMBOL});
    return &passages_state.answer;
}}

void passages_reset(void)
{{
    const struct doorway_answer answer = passages_state.answer;
    passages_background = (struct hold_zero){{0}};
    passages_state = (struct doorway){{.answer = answer}};
}}
"""


def _constants(parameters: TrackingParameters) -> str:
    return "".join(
        f"#define {'WARM_SPOTS' if name in _HILLS else 'DOORWAY'}_{name.upper()} {value}\n"
        for name, value in parameters._asdict().items()
    )
