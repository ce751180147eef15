/* Fully connected layers. */
#ifndef INT8_DENSE_H
#define INT8_DENSE_H

#include "int8_arithmetic.h"

/* Weights are [outputs][inputs]. */
INT8_INLINE void int8_fully_connected(const int8_t *restrict input, int8_t *restrict output,
                                      const int8_t *restrict weights, const int8_channel *restrict channels,
                                      int32_t inputs, int32_t outputs, int8_output form)
{
    for (int32_t c = 0; c < outputs; ++c) {
        const int32_t sum = int8_dot(channels[c].bias, input, weights + c * inputs, inputs);
        output[c] = int8_rescale(sum, &channels[c], form);
    }
}

#endif
