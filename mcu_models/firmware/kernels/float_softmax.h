/* Softmax in float32. The output may lie where the input lies. */
#ifndef FLOAT_SOFTMAX_H
#define FLOAT_SOFTMAX_H

#include "float_math.h"

typedef struct {
    int32_t rows;
    int32_t classes;
    float beta;
} float_softmax_shape;

FLOAT_INLINE void float_softmax(const float *input, float *output, float_softmax_shape s)
{
    for (int32_t row = 0; row < s.rows; ++row) {
        float largest = input[0];
        for (int32_t i = 1; i < s.classes; ++i) {
            largest = input[i] > largest ? input[i] : largest;
        }
        float sum = 0.0f;
        for (int32_t i = 0; i < s.classes; ++i) {
            output[i] = float_exp((input[i] - largest) * s.beta);
            sum += output[i];
        }
        for (int32_t i = 0; i < s.classes; ++i) {
            output[i] /= sum;
        }
        input += s.classes;
        output += s.classes;
    }
}

#endif
