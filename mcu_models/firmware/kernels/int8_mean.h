/* Means along neighbouring axes: the input is [outer][count][inner], the output [outer][inner]. */
#ifndef INT8_MEAN_H
#define INT8_MEAN_H

#include "int8_arithmetic.h"

/* The scale, which divides by `count` too, is multiplier / 2^31 * 2^(left - right). */
typedef struct {
    int32_t outer;
    int32_t count;
    int32_t inner;
    int32_t offset; /* -count * zero point of the input */
    int32_t multiplier;
    int32_t left;
    int32_t right;
    int32_t zero_point;
} int8_mean_shape;

INT8_INLINE void int8_mean(const int8_t *restrict input, int8_t *restrict output, int8_mean_shape m)
{
    for (int32_t i = 0; i < m.outer; ++i) {
        for (int32_t k = 0; k < m.inner; ++k) {
            int32_t sum = m.offset;
            for (int32_t j = 0; j < m.count; ++j) {
                sum += input[j * m.inner + k];
            }
            const int32_t high = int8_high_product_small(sum * (INT32_C(1) << m.left), m.multiplier);
            *output++ = int8_saturate(int8_divide(high, m.right) + m.zero_point, INT8_MIN, INT8_MAX);
        }
        input += m.count * m.inner;
    }
}

#endif
