/* Convolutions in float32 over images stored as [rows][columns][depth]; outside the image lie zeros. */
#ifndef FLOAT_CONVOLUTION_H
#define FLOAT_CONVOLUTION_H

#include "float_math.h"

typedef struct {
    int32_t input_rows;
    int32_t input_columns;
    int32_t depth;
    int32_t output_rows;
    int32_t output_columns;
    int32_t channels;
    int32_t window_rows;
    int32_t window_columns;
    int32_t stride_rows;
    int32_t stride_columns;
    int32_t dilation_rows;
    int32_t dilation_columns;
    int32_t top;
    int32_t left;
    float lowest;
    float highest;
} float_window;

/* One output whose window's first tap is at `row` and `column`, which may lie outside the image. */
FLOAT_INLINE float float_window_sum(const float *restrict input, const float *restrict weights, int32_t row,
                                    int32_t column, float_window w)
{
    float sum = 0.0f;
    for (int32_t y = 0; y < w.window_rows; ++y) {
        const int32_t input_row = row + y * w.dilation_rows;
        if (input_row < 0 || input_row >= w.input_rows) {
            continue;
        }
        for (int32_t x = 0; x < w.window_columns; ++x) {
            const int32_t input_column = column + x * w.dilation_columns;
            if (input_column >= 0 && input_column < w.input_columns) {
                const float *pixel = input + (input_row * w.input_columns + input_column) * w.depth;
                sum = float_dot(sum, pixel, weights + (y * w.window_columns + x) * w.depth, w.depth);
            }
        }
    }
    return sum;
}

/* Weights are [channels][window_rows][window_columns][depth]; `bias` holds a number for each channel. */
FLOAT_INLINE void float_conv_2d(const float *restrict input, float *restrict output, const float *restrict weights,
                                const float *restrict bias, float_window w)
{
    const int32_t taps = w.window_rows * w.window_columns * w.depth;
    for (int32_t row = 0; row < w.output_rows; ++row) {
        for (int32_t column = 0; column < w.output_columns; ++column) {
            for (int32_t c = 0; c < w.channels; ++c) {
                const float sum = float_window_sum(input, weights + c * taps, row * w.stride_rows - w.top,
                                                   column * w.stride_columns - w.left, w);
                *output++ = float_clamp(sum + bias[c], w.lowest, w.highest);
            }
        }
    }
}

#endif
