"""Writes what counts people in a frame as C: front end, wake-up, network and votes behind one function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.compiler import ctext
from mcu_models.compiler.frontend_code import code_type

if TYPE_CHECKING:
    from mcu_models.compiler.counter import Counter


def counter_sources(counter: Counter) -> dict[str, str]:
    """Return the C of a counter by file name: `counter.h` and `counter.c`, beside those of network and front end."""
    return {"counter.h": counter_header(counter.table.pixels), "counter.c": _source(counter)}


def counter_header(pixels: int) -> str:
    """Return `counter.h`: all that an app needs to know of whatever counts people."""
    functions = """\
/* The people in the next frame, whose pixels are in the sensor's steps of 0.25 degC. */
int32_t counter_count(const int16_t raw[COUNTER_PIXELS]);

/* Forget the frames before: to be called when the sensor was started anew. */
void counter_reset(void);
"""
    return ctext.guarded(
        "COUNTER_H", f"#include <stdint.h>\n\n#define COUNTER_PIXELS {pixels}\n\n{ctext.c_linkage(functions)}"
    )


def _source(counter: Counter) -> str:
    answer = "vote_next(&counter_votes, counter_answer())" if counter.votes > 1 else "counter_answer()"
    return f"""\
#include "counter.h"

#include "frontend.h"
#include "network.h"

{_kernels(counter)}static {code_type(counter.table)} counter_input[NETWORK_INPUT_SIZE];
static {code_type(counter.table)} counter_output[NETWORK_OUTPUT_SIZE];

static int32_t counter_answer(void)
{{
{_sleep(counter)}    network_run(counter_input, counter_output);
    return network_class(counter_output);
}}

int32_t counter_count(const int16_t raw[COUNTER_PIXELS])
{{
    frontend_prepare(raw, counter_input);
    return {answer};
}}

void counter_reset(void)
{{
    frontend_reset();
{_forget(counter)}}}
"""


def _kernels(counter: Counter) -> str:
    """Return the kernels' headers with what they are told, and their variables."""
    text = ""
    if counter.wake_up_sum is not None:
        text += _wake_up(counter, counter.wake_up_sum)
    if counter.votes > 1:
        text += f'#define VOTES {counter.votes}\n#include "vote.h"\n\nstatic struct votes counter_votes;\n'
    return text


def _wake_up(counter: Counter, least_sum: float) -> str:
    window, is_real = counter.table.window, counter.table.is_real
    values = {
        "CODE": code_type(counter.table),
        "TOTAL": "float" if is_real else "int32_t",
        "ROWS": window.rows,
        "COLUMNS": window.columns,
        "STRIDE": window.pixel_stride,
        "NEWEST": window.newest,
        "SUM": f"({ctext.real(least_sum) if is_real else int(least_sum)})",
    }
    return "".join(f"#define WAKE_UP_{name} {value}\n" for name, value in values.items()) + '#include "wake_up.h"\n\n'


def _sleep(counter: Counter) -> str:
    if counter.wake_up_sum is None:
        return ""
    return "    if (!wake_up(counter_input + WAKE_UP_NEWEST)) {\n        return 0;\n    }\n"


def _forget(counter: Counter) -> str:
    return "    counter_votes = (struct votes){0};\n" if counter.votes > 1 else ""
