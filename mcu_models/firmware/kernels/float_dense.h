/* Fully connected layers in float32. */
#ifndef FLOAT_DENSE_H
#define FLOAT_DENSE_H

#include "float_math.h"

/* Weights are [outputs][inputs]; `bias` holds a number for each output. */
FLOAT_INLINE void float_fully_connected(const float *restrict input, float *restrict output,
                                        const float *restrict weights, const float *restrict bias, int32_t inputs,
                                        int32_t outputs, float lowest, float highest)
{
    for (int32_t c = 0; c < outputs; ++c) {
        output[c] = float_clamp(float_dot(0.0f, input, weights + c * inputs, inputs) + bias[c], lowest, highest);
    }
}

#endif
