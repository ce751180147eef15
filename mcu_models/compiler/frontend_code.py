"""Writes a network's front end as C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.compiler import ctext, hold_zero
from mcu_models.compiler.frontend import VALUES_PER_FINE_STEP

if TYPE_CHECKING:
    from mcu_models.compiler.frontend import FrontendTable


def frontend_sources(table: FrontendTable) -> dict[str, str]:
    """Return the C of a front end by file name: `frontend.h` and `frontend.c`."""
    write = _with_background if table.frontend.has_history else _frame_alone
    parts = ['#include "frontend.h"\n', write(table), _reset(table)]
    if table.window.frames > 1:
        parts.insert(2, _window(table))
    return {"frontend.h": _header(table), "frontend.c": "\n".join(parts)}


def code_type(table: FrontendTable) -> str:
    """Return the C type of an input's values."""
    return "float" if table.is_real else "int8_t"


def _header(table: FrontendTable) -> str:
    functions = f"""\
/* Turn the next frame, in the sensor's steps of 0.25 degC, into the network's input, with the frames before where the
 * network looks at several. */
void frontend_prepare(const int16_t raw[FRONTEND_PIXELS], {code_type(table)} input[NETWORK_INPUT_SIZE]);

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
    array = f"#define FRONTEND_STEP {ctext.real(table.frontend.step_degc)}\n"
    if not table.is_real:
        array = "\n" + ctext.int_array("static const int8_t frontend_codes[FRONTEND_LENGTH]", table.codes.tolist())
    return f"#define FRONTEND_FIRST ({table.first})\n#define FRONTEND_LENGTH {len(table.codes)}\n{array}"


def _signature(table: FrontendTable) -> str:
    """Return the head of the function that turns a frame into codes: the input itself where it is one frame."""
    kind = code_type(table)
    if table.window.frames > 1:
        return f"static void frontend_frame(const int16_t raw[FRONTEND_PIXELS], {kind} codes[FRONTEND_PIXELS])"
    return f"void frontend_prepare(const int16_t raw[FRONTEND_PIXELS], {kind} input[NETWORK_INPUT_SIZE])"


def _look_up(table: FrontendTable, index: str) -> str:
    """Return the loop that looks up each pixel's code."""
    target = "codes" if table.window.frames > 1 else "input"
    code = "(float)(index + FRONTEND_FIRST) * FRONTEND_STEP" if table.is_real else "frontend_codes[index]"
    return f"""\
    for (int32_t i = 0; i < FRONTEND_PIXELS; ++i) {{
        int32_t index = {index};
        index = index < 0 ? 0 : index;
        index = index > FRONTEND_LENGTH - 1 ? FRONTEND_LENGTH - 1 : index;
        {target}[i] = {code};
    }}
"""


def _frame_alone(table: FrontendTable) -> str:
    """Return the C of a front end that keeps nothing from frame to frame."""
    reference = "lower_median(raw, FRONTEND_PIXELS)" if table.frontend.subtracts == "median" else "0"
    return f"""\
#include "lower_median.h"

{_codes(table)}
{_signature(table)}
{{
    const int32_t reference = {reference} + FRONTEND_FIRST;
{_look_up(table, "raw[i] - reference")}}}
"""


def _with_background(table: FrontendTable) -> str:
    """Return the C of a front end that keeps a background for each pixel."""
    shift = VALUES_PER_FINE_STEP.bit_length() - 1
    index = f"((value[i] + {VALUES_PER_FINE_STEP // 2}) >> {shift}) - FRONTEND_FIRST"
    return f"""\
{hold_zero_constants(table.window.rows, table.window.columns)}
#include "hold_zero.h"

{_codes(table)}
static struct hold_zero frontend_state;

{_signature(table)}
{{
    int16_t value[FRONTEND_PIXELS];
    hold_zero_next(&frontend_state, raw, value);
{_look_up(table, index)}}}
"""


def _window(table: FrontendTable) -> str:
    """Return the C that puts the last frames together."""
    window = table.window
    values = {
        "CODE": code_type(table),
        "FRAMES": window.frames,
        "PIXELS": window.pixels,
        "PIXEL_STRIDE": window.pixel_stride,
        "FRAME_STRIDE": window.frame_stride,
    }
    defines = "".join(f"#define FRAME_WINDOW_{name} {value}\n" for name, value in values.items())
    return f"""\
{defines}#include "frame_window.h"

static struct frame_window frontend_window;

void frontend_prepare(const int16_t raw[FRONTEND_PIXELS], {code_type(table)} input[NETWORK_INPUT_SIZE])
{{
    {code_type(table)} codes[FRONTEND_PIXELS];
    frontend_frame(raw, codes);
    frame_window_next(&frontend_window, codes, input);
}}
"""


def _reset(table: FrontendTable) -> str:
    forgotten = ""
    if table.frontend.has_history:
        forgotten += "    frontend_state = (struct hold_zero){0};\n"
    if table.window.frames > 1:
        forgotten += "    frontend_window = (struct frame_window){0};\n"
    return f"void frontend_reset(void)\n{{\n{forgotten}}}\n"


def hold_zero_constants(rows: int, columns: int, *, cold_shift: int = hold_zero.COLD_SHIFT) -> str:
    """Return the constants that `hold_zero.h` is told, for frames of so many pixels; see `above_background`."""
    values: dict[str, int | str] = {"ROWS": rows, "COLUMNS": columns}
    values |= {name: getattr(hold_zero, name) for name in _HOLD_ZERO_NAMES}
    values["COLD_SHIFT"] = cold_shift
    values["AGES"] = ", ".join(str(age) for age in hold_zero.AGES)
    return "".join(f"#define HOLD_ZERO_{name} {value}\n" for name, value in values.items())


_HOLD_ZERO_NAMES = (
    "VALUES_PER_STEP",
    "BACKGROUND_BITS",
    "LIMIT",
    "WARM",
    "MEAN_SHIFT",
    "HELD_SHIFT",
    "COLD_AGE",
    "FIRST_SHIFT",
    "LARGEST_AGE",
)
