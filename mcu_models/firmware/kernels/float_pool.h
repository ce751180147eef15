/* Maximum pools in float32 over images stored as [rows][columns][depth]; outside the image nothing counts. */
#ifndef FLOAT_POOL_H
#define FLOAT_POOL_H

#include "float_math.h"

typedef struct {
    int32_t input_rows;
    int32_t input_columns;
    int32_t depth;
    int32_t output_rows;
    int32_t output_columns;
    int32_t window_rows;
    int32_t window_columns;
    int32_t stride_rows;
    int32_t stride_columns;
    int32_t top;
    int32_t left;
    float lowest;
    float highest;
} float_pool;

/* The largest value of a channel within rows `first_row` to `last_row` and columns likewise, the last not included. */
FLOAT_INLINE float float_window_max(const float *restrict input, int32_t first_row, int32_t last_row,
                                    int32_t first_column, int32_t last_column, int32_t k, float_pool p)
{
    float largest = input[(first_row * p.input_columns + first_column) * p.depth + k];
    for (int32_t y = first_row; y < last_row; ++y) {
        for (int32_t x = first_column; x < last_column; ++x) {
            const float value = input[(y * p.input_columns + x) * p.depth + k];
            largest = value > largest ? value : largest;
        }
    }
    return float_clamp(largest, p.lowest, p.highest);
}

FLOAT_INLINE void float_max_pool_2d(const float *restrict input, float *restrict output, float_pool p)
{
    for (int32_t row = 0; row < p.output_rows; ++row) {
        const int32_t top = row * p.stride_rows - p.top;
        const int32_t first_row = top < 0 ? 0 : top;
        const int32_t last_row = top + p.window_rows > p.input_rows ? p.input_rows : top + p.window_rows;
        for (int32_t column = 0; column < p.output_columns; ++column) {
            const int32_t left = column * p.stride_columns - p.left;
            const int32_t first_column = left < 0 ? 0 : left;
            const int32_t end = left + p.window_columns;
            const int32_t last_column = end > p.input_columns ? p.input_columns : end;
            for (int32_t k = 0; k < p.depth; ++k) {
                *output++ = float_window_max(input, first_row, last_row, first_column, last_column, k, p);
            }
        }
    }
}

#endif
