"""Writes a network's front end as C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.compiler import ctext, hold_zero
from mcu_models.compiler.frontend import VALUES_PER_FINE_STEP

if TYPE_CHECKING:
    from mcu_models.compiler.frontend import FrontendTable


def frontend_sources(table: FrontendTable) -> dict[str, str]:
    """Return the C of a front end by file name: `frontend.h` and `frontend.c`."""
    source = _background_source(table) if table.frontend.has_history else _frame_source(table)
    return {"frontend.h": _header(table), "frontend.c": source}


def _header(table: FrontendTable) -> str:
    functions = """\
/* Turn a frame, in the sensor's steps of 0.25 degC, into the network's input. */
void frontend_prepare(const int16_t raw[FRONTEND_PIXELS], int8_t input[NETWORK_INPUT_SIZE]);

/* Forget the frames before: to be called when the sensor was started anew. */
void frontend_reset(void);
"""
    return ctext.guarded(
        "FRONTEND_H",
        f"""\
#include <stdint.h>

#include "network.h"

#define FRONTEND_PIXELS {table.pixels}

{ctext.c_linkage(functions)}""",
    )


def _codes(table: FrontendTable) -> str:
    array = ctext.int_array("static const int8_t frontend_codes[FRONTEND_LENGTH]", table.codes.tolist())
    return f"#define FRONTEND_FIRST ({table.first})\n#define FRONTEND_LENGTH {len(table.codes)}\n\n{array}"


def _frame_source(table: FrontendTable) -> str:
    """Return the C of a front end that keeps nothing from frame to frame."""
    reference = "lower_median(raw, FRONTEND_PIXELS)" if table.frontend.subtracts == "median" else "0"
    return f"""\
#include "frontend.h"

#include "lower_median.h"

{_codes(table)}
void frontend_prepare(const int16_t raw[FRONTEND_PIXELS], int8_t input[NETWORK_INPUT_SIZE])
{{
    const int32_t reference = {reference} + FRONTEND_FIRST;
    for (int32_t i = 0; i < FRONTEND_PIXELS; ++i) {{
        int32_t index = raw[i] - reference;
        index = index < 0 ? 0 : index;
        index = index > FRONTEND_LENGTH - 1 ? FRONTEND_LENGTH - 1 : index;
        input[i] = frontend_codes[index];
    }}
}}

void frontend_reset(void)
{{
}}
"""


def _background_source(table: FrontendTable) -> str:
    """Return the C of a front end that keeps a background for each pixel."""
    shift = VALUES_PER_FINE_STEP.bit_length() - 1
    return f"""\
#include "frontend.h"

{_hold_zero_constants(table)}
#include "hold_zero.h"

{_codes(table)}
static struct hold_zero frontend_state;

void frontend_prepare(const int16_t raw[FRONTEND_PIXELS], int8_t input[NETWORK_INPUT_SIZE])
{{
    int16_t value[FRONTEND_PIXELS];
    hold_zero_next(&frontend_state, raw, value);
    for (int32_t i = 0; i < FRONTEND_PIXELS; ++i) {{
        int32_t index = ((value[i] + {VALUES_PER_FINE_STEP // 2}) >> {shift}) - FRONTEND_FIRST;
        index = index < 0 ? 0 : index;
        index = index > FRONTEND_LENGTH - 1 ? FRONTEND_LENGTH - 1 : index;
        input[i] = frontend_codes[index];
    }}
}}

void frontend_reset(void)
{{
    frontend_state = (struct hold_zero){{0}};
}}
"""


def _hold_zero_constants(table: FrontendTable) -> str:
    rows, columns = table.input_shape[:2]
    values: dict[str, int | str] = {"ROWS": rows, "COLUMNS": columns}
    values |= {name: getattr(hold_zero, name) for name in _HOLD_ZERO_NAMES}
    values["AGES"] = ", ".join(str(age) for age in hold_zero.AGES)
    return "".join(f"#define HOLD_ZERO_{name} {value}\n" for name, value in values.items())


_HOLD_ZERO_NAMES = (
    "VALUES_PER_STEP",
    "BACKGROUND_BITS",
    "LIMIT",
    "WARM",
    "MEAN_SHIFT",
    "HELD_SHIFT",
    "COLD_SHIFT",
    "COLD_AGE",
    "FIRST_SHIFT",
    "LARGEST_AGE",
)
