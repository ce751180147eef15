"""Writes a network's front end as C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcu_models.compiler import ctext

if TYPE_CHECKING:
    from mcu_models.compiler.frontend import FrontendTable


def frontend_sources(table: FrontendTable) -> dict[str, str]:
    """Return the C of a front end by file name: `frontend.h` and `frontend.c`."""
    return {"frontend.h": _header(table), "frontend.c": _source(table)}


def _header(table: FrontendTable) -> str:
    functions = """\
/* Turn a frame, in the sensor's steps of 0.25 degC, into the network's input. */
void frontend_prepare(const int16_t raw[FRONTEND_PIXELS], int8_t input[NETWORK_INPUT_SIZE]);
"""
    return ctext.guarded(
        "FRONTEND_H",
        f"""\
#include <stdint.h>

#include "network.h"

#define FRONTEND_PIXELS {table.pixels}

{ctext.c_linkage(functions)}""",
    )


def _source(table: FrontendTable) -> str:
    length = len(table.codes)
    reference = "lower_median(raw, FRONTEND_PIXELS)" if table.subtracts_median else "0"
    return f"""\
#include "frontend.h"

#include "lower_median.h"

#define FRONTEND_FIRST ({table.first})
#define FRONTEND_LENGTH {length}

{ctext.int_array("static const int8_t frontend_codes[FRONTEND_LENGTH]", table.codes.tolist())}
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
"""
