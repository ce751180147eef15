/* Pools over images stored as [rows][columns][depth]; the part of a window outside the image does not count. */
#ifndef INT8_POOL_H
#define INT8_POOL_H

#include "int8_arithmetic.h"

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
    int32_t lowest;
    int32_t highest;
} int8_pool;

/* Half-open range of the input that a window covers along one axis. */
typedef struct {
    int32_t first;
    int32_t end;
} int8_range;

INT8_INLINE int8_range int8_window_range(int32_t first, int32_t window, int32_t length)
{
    const int8_range range = {first < 0 ? 0 : first, first + window > length ? length : first + window};
    return range;
}

INT8_INLINE int8_t int8_window_max(const int8_t *restrict input, int8_range rows, int8_range columns, int32_t k,
                                   int8_pool p)
{
    int32_t largest = INT8_MIN;
    for (int32_t y = rows.first; y < rows.end; ++y) {
        for (int32_t x = columns.first; x < columns.end; ++x) {
            const int32_t value = input[(y * p.input_columns + x) * p.depth + k];
            largest = value > largest ? value : largest;
        }
    }
    return (int8_t)int8_clamp(largest, p.lowest, p.highest);
}

INT8_INLINE int8_t int8_window_average(const int8_t *restrict input, int8_range rows, int8_range columns, int32_t k,
                                       int8_pool p)
{
    const int32_t count = (rows.end - rows.first) * (columns.end - columns.first);
    int32_t sum = 0;
    for (int32_t y = rows.first; y < rows.end; ++y) {
        for (int32_t x = columns.first; x < columns.end; ++x) {
            sum += input[(y * p.input_columns + x) * p.depth + k];
        }
    }
    const int32_t average = sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
    return (int8_t)int8_clamp(average, p.lowest, p.highest);
}

#if defined(__ARM_FEATURE_DSP)
/* The larger of each of four pairs of int8. */
INT8_INLINE uint32_t int8_max_four(uint32_t a, uint32_t b)
{
    uint32_t largest;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(largest) : "r"(a), "r"(b));
    return largest;
}

INT8_INLINE uint32_t int8_window_max_four(const int8_t *restrict input, int8_range rows, int8_range columns, int32_t k,
                                          int8_pool p)
{
    uint32_t largest = int8_load_four(input + (rows.first * p.input_columns + columns.first) * p.depth + k);
    for (int32_t y = rows.first; y < rows.end; ++y) {
        for (int32_t x = columns.first; x < columns.end; ++x) {
            largest = int8_max_four(largest, int8_load_four(input + (y * p.input_columns + x) * p.depth + k));
        }
    }
    return largest;
}
#endif

INT8_INLINE void int8_max_pool_2d(const int8_t *restrict input, int8_t *restrict output, int8_pool p)
{
    for (int32_t row = 0; row < p.output_rows; ++row) {
        const int8_range rows = int8_window_range(row * p.stride_rows - p.top, p.window_rows, p.input_rows);
        for (int32_t column = 0; column < p.output_columns; ++column) {
            const int8_range columns =
                int8_window_range(column * p.stride_columns - p.left, p.window_columns, p.input_columns);
            int32_t k = 0;
#if defined(__ARM_FEATURE_DSP)
            const bool whole_range = p.lowest == INT8_MIN && p.highest == INT8_MAX;
            for (; whole_range && k + 4 <= p.depth; k += 4) {
                int8_store_four(output + k, int8_window_max_four(input, rows, columns, k, p));
            }
#endif
            for (; k < p.depth; ++k) {
                output[k] = int8_window_max(input, rows, columns, k, p);
            }
            output += p.depth;
        }
    }
}

INT8_INLINE void int8_average_pool_2d(const int8_t *restrict input, int8_t *restrict output, int8_pool p)
{
    for (int32_t row = 0; row < p.output_rows; ++row) {
        const int8_range rows = int8_window_range(row * p.stride_rows - p.top, p.window_rows, p.input_rows);
        for (int32_t column = 0; column < p.output_columns; ++column) {
            const int8_range columns =
                int8_window_range(column * p.stride_columns - p.left, p.window_columns, p.input_columns);
            for (int32_t k = 0; k < p.depth; ++k) {
                *output++ = int8_window_average(input, rows, columns, k, p);
            }
        }
    }
}

#endif
