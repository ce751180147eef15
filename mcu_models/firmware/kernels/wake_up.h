/* Whether a frame has a block of 2 x 2 pixels warm enough to run the network; mcu_models/compiler/wake_up.py says why
 * and is the same in numbers. Whoever includes this defines WAKE_UP_CODE (the type of a value), WAKE_UP_TOTAL (that of a
 * sum), WAKE_UP_ROWS, WAKE_UP_COLUMNS, WAKE_UP_STRIDE (values from a pixel to the next) and WAKE_UP_SUM, the least sum of
 * the four. */
#ifndef WAKE_UP_H
#define WAKE_UP_H

#include <stdbool.h>
#include <stdint.h>

/* A pixel and the one below. */
static inline WAKE_UP_TOTAL wake_up_pair(const WAKE_UP_CODE *newest, int32_t pixel)
{
    const WAKE_UP_CODE *upper = newest + pixel * WAKE_UP_STRIDE;
    return upper[0] + upper[WAKE_UP_COLUMNS * WAKE_UP_STRIDE];
}

static inline bool wake_up(const WAKE_UP_CODE *newest)
{
    WAKE_UP_TOTAL left = wake_up_pair(newest, 0);
    for (int32_t pixel = 1; pixel < (WAKE_UP_ROWS - 1) * WAKE_UP_COLUMNS; ++pixel) {
        const WAKE_UP_TOTAL right = wake_up_pair(newest, pixel);
        if (pixel % WAKE_UP_COLUMNS != 0 && left + right >= WAKE_UP_SUM) {
            return true;
        }
        left = right;
    }
    return false;
}

#endif
