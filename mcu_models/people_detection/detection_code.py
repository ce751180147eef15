"""Writes a people counter by rules as C, behind the interface that the people-counter app calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.compiler.counter_code import counter_header
from mcu_models.people_detection.detection import LIMIT_STEPS, PIXELS, VALUES_PER_STEP
from mcu_models.people_detection.parameters import COLUMNS, ROWS

if TYPE_CHECKING:
    from mcu_models.people_detection.parameters import DetectionParameters


def detection_sources(parameters: DetectionParameters) -> dict[str, str]:
    """Return the C of a counter by file name: `counter.h` and `counter.c`.

    They need `people_detection.h` of the firmware's kernels, and keep about 1.6 kB from frame to frame.
    """
    return {"counter.h": counter_header(PIXELS), "counter.c": _source(parameters)}


def _source(parameters: DetectionParameters) -> str:
    return f"""\
#include "counter.h"

{_constants(parameters)}
#include "people_detection.h"

static struct people_detection counter_state;

int32_t counter_count(const int16_t raw[COUNTER_PIXELS])
{{
    return people_detection_next(&counter_state, raw);
}}

void counter_reset(void)
{{
    counter_state = (struct people_detection){{0}};
}}
"""


def _constants(parameters: DetectionParameters) -> str:
    values = {"ROWS": ROWS, "COLUMNS": COLUMNS, "VALUES_PER_STEP": VALUES_PER_STEP, "LIMIT_STEPS": LIMIT_STEPS}
    values |= {name.upper(): value for name, value in parameters._asdict().items()}
    return "".join(f"#define PEOPLE_DETECTION_{name} {value}\n" for name, value in values.items())
