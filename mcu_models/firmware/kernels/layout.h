/* Moving values without looking at them: copies, slices, transpositions, paddings. */
#ifndef LAYOUT_H
#define LAYOUT_H

#include <stdint.h>

#define LAYOUT_INLINE static inline __attribute__((always_inline))
#define LAYOUT_AXES 5

/* How runs of bytes are copied: for each index along each axis, one run. All lengths and steps are in bytes, but
 * for `lengths`, which count steps; a step may be negative. */
typedef struct {
    int32_t lengths[LAYOUT_AXES];
    int32_t from[LAYOUT_AXES];
    int32_t to[LAYOUT_AXES];
    int32_t run;
} layout_steps;

LAYOUT_INLINE void layout_copy(const void *restrict from, void *restrict to, int32_t length)
{
    __builtin_memcpy(to, from, (uint32_t)length);
}

LAYOUT_INLINE void layout_fill(void *to, int32_t byte, int32_t length)
{
    __builtin_memset(to, byte, (uint32_t)length);
}

LAYOUT_INLINE void layout_copy_runs(const void *restrict from, void *restrict to, layout_steps s)
{
    const int8_t *source = (const int8_t *)from;
    int8_t *target = (int8_t *)to;
    for (int32_t a = 0; a < s.lengths[0]; ++a) {
        for (int32_t b = 0; b < s.lengths[1]; ++b) {
            for (int32_t c = 0; c < s.lengths[2]; ++c) {
                for (int32_t d = 0; d < s.lengths[3]; ++d) {
                    const int8_t *place =
                        source + a * s.from[0] + b * s.from[1] + c * s.from[2] + d * s.from[3];
                    int8_t *goal = target + a * s.to[0] + b * s.to[1] + c * s.to[2] + d * s.to[3];
                    for (int32_t e = 0; e < s.lengths[4]; ++e) {
                        __builtin_memcpy(goal + e * s.to[4], place + e * s.from[4], (uint32_t)s.run);
                    }
                }
            }
        }
    }
}

/* Copy `rows` x `columns` runs; which row and which column of the input, tables say. */
LAYOUT_INLINE void layout_pick(const void *restrict from, void *restrict to, const uint16_t *restrict rows,
                               const uint16_t *restrict columns, int32_t row_count, int32_t column_count,
                               int32_t input_columns, int32_t run)
{
    const int8_t *source = (const int8_t *)from;
    int8_t *target = (int8_t *)to;
    for (int32_t row = 0; row < row_count; ++row) {
        for (int32_t column = 0; column < column_count; ++column) {
            __builtin_memcpy(target, source + (rows[row] * input_columns + columns[column]) * run, (uint32_t)run);
            target += run;
        }
    }
}

#endif
