/* Convolutions over images stored as [rows][columns][depth]. No padding: a padded copy comes in instead. */
#ifndef INT8_CONVOLUTION_H
#define INT8_CONVOLUTION_H

#include "int8_arithmetic.h"

/* Lengths of one layer. The functions are inlined into the layer, where all of these are constants. */
typedef struct {
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
} int8_window;

/* Where an image lies within its padded copy. */
typedef struct {
    int32_t input_rows;
    int32_t input_columns;
    int32_t depth;
    int32_t top;
    int32_t left;
    int32_t padded_rows;
    int32_t padded_columns;
} int8_padding;

INT8_INLINE void int8_pad(const int8_t *restrict input, int8_t *restrict padded, int8_padding p, int8_t zero_point)
{
    for (int32_t row = 0; row < p.padded_rows; ++row) {
        const int32_t input_row = row - p.top;
        const bool row_inside = input_row >= 0 && input_row < p.input_rows;
        for (int32_t column = 0; column < p.padded_columns; ++column) {
            const int32_t input_column = column - p.left;
            const bool inside = row_inside && input_column >= 0 && input_column < p.input_columns;
            const int8_t *pixel = input + (input_row * p.input_columns + input_column) * p.depth;
            for (int32_t k = 0; k < p.depth; ++k) {
                *padded++ = inside ? pixel[k] : zero_point;
            }
        }
    }
}

/* One output: weights are [window_rows][window_columns][depth]. */
INT8_INLINE int32_t int8_window_sum(int32_t sum, const int8_t *corner, const int8_t *weights, int8_window w)
{
    const bool whole_rows = w.dilation_columns == 1;
    const int32_t run = whole_rows ? w.window_columns * w.depth : w.depth;
    const int32_t runs = whole_rows ? 1 : w.window_columns;
    for (int32_t row = 0; row < w.window_rows; ++row) {
        const int8_t *pixel = corner + row * w.dilation_rows * w.input_columns * w.depth;
        for (int32_t i = 0; i < runs; ++i) {
            sum = int8_dot(sum, pixel, weights, run);
            pixel += w.dilation_columns * w.depth;
            weights += run;
        }
    }
    return sum;
}

/* Weights are [channels][window_rows][window_columns][depth]. */
INT8_INLINE void int8_conv_2d(const int8_t *restrict input, int8_t *restrict output, const int8_t *restrict weights,
                              const int8_channel *restrict channels, int8_window w, int8_output form)
{
    const int32_t taps = w.window_rows * w.window_columns * w.depth;
    for (int32_t row = 0; row < w.output_rows; ++row) {
        for (int32_t column = 0; column < w.output_columns; ++column) {
            const int8_t *corner =
                input + (row * w.stride_rows * w.input_columns + column * w.stride_columns) * w.depth;
            for (int32_t c = 0; c < w.channels; ++c) {
                const int32_t sum = int8_window_sum(channels[c].bias, corner, weights + c * taps, w);
                *output++ = int8_rescale(sum, &channels[c], form);
            }
        }
    }
}

/* The most taps, rows x columns x depth, of a window held in registers. */
#define INT8_FEW_TAPS 10

/* Gather one window as pairs; an odd last tap is paired with zero. */
INT8_INLINE void int8_gather_pairs(const int8_t *restrict corner, uint32_t pairs[INT8_FEW_TAPS / 2], int8_window w)
{
    int32_t values[INT8_FEW_TAPS] = {0};
    int32_t tap = 0;
    for (int32_t y = 0; y < w.window_rows; ++y) {
        for (int32_t x = 0; x < w.window_columns; ++x) {
            const int32_t pixel = y * w.dilation_rows * w.input_columns + x * w.dilation_columns;
            for (int32_t k = 0; k < w.depth; ++k) {
                values[tap++] = corner[pixel * w.depth + k];
            }
        }
    }
    for (int32_t i = 0; i < INT8_FEW_TAPS / 2; ++i) {
        pairs[i] = int8_pair(values[2 * i], values[2 * i + 1]);
    }
}

/* A convolution of at most INT8_FEW_TAPS taps. Weights are [channels][pairs of taps]. */
INT8_INLINE void int8_conv_2d_few_taps(const int8_t *restrict input, int8_t *restrict output,
                                       const uint32_t *restrict weights, const int8_channel *restrict channels,
                                       int8_window w, int8_output form)
{
    const int32_t count = (w.window_rows * w.window_columns * w.depth + 1) / 2;
    for (int32_t row = 0; row < w.output_rows; ++row) {
        for (int32_t column = 0; column < w.output_columns; ++column) {
            uint32_t pairs[INT8_FEW_TAPS / 2];
            int8_gather_pairs(input + (row * w.stride_rows * w.input_columns + column * w.stride_columns) * w.depth,
                              pairs, w);
            /* Hidden anew for each window, or the weights would be loaded into the stack beforehand. */
            const uint32_t *taps = weights;
            const int8_channel *channel = channels;
            INT8_OPAQUE(taps);
            INT8_OPAQUE(channel);
            INT8_UNROLL(1)
            for (int32_t c = 0; c < w.channels; ++c) {
                int32_t sum = channel->bias;
                for (int32_t i = 0; i < count; ++i) {
                    sum = int8_dot_pair(sum, pairs[i], *taps++);
                }
                *output++ = int8_rescale(sum, channel++, form);
            }
        }
    }
}

/* Weights are [window_rows][window_columns][channels]; `w.channels / w.depth` channels read the same input depth. */
INT8_INLINE void int8_depthwise_conv_2d(const int8_t *restrict input, int8_t *restrict output,
                                        const int8_t *restrict weights, const int8_channel *restrict channels,
                                        int8_window w, int8_output form)
{
    const int32_t multiplier = w.channels / w.depth;
    for (int32_t row = 0; row < w.output_rows; ++row) {
        for (int32_t column = 0; column < w.output_columns; ++column) {
            const int8_t *corner =
                input + (row * w.stride_rows * w.input_columns + column * w.stride_columns) * w.depth;
            for (int32_t c = 0; c < w.channels; ++c) {
                int32_t sum = channels[c].bias;
                for (int32_t y = 0; y < w.window_rows; ++y) {
                    for (int32_t x = 0; x < w.window_columns; ++x) {
                        const int32_t pixel = y * w.dilation_rows * w.input_columns + x * w.dilation_columns;
                        const int32_t tap = y * w.window_columns + x;
                        sum += (int32_t)corner[pixel * w.depth + c / multiplier]
                             * (int32_t)weights[tap * w.channels + c];
                    }
                }
                *output++ = int8_rescale(sum, &channels[c], form);
            }
        }
    }
}

#endif
