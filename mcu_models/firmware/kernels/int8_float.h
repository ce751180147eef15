/* Between int8 and float32. */
#ifndef INT8_FLOAT_H
#define INT8_FLOAT_H

#include "int8_arithmetic.h"

INT8_INLINE void int8_to_float(const int8_t *restrict input, float *restrict output, float scale, int32_t zero_point,
                               int32_t count)
{
    for (int32_t i = 0; i < count; ++i) {
        output[i] = scale * (float)(input[i] - zero_point);
    }
}

/* Rounds halves away from zero; what is no number becomes the lowest code. */
INT8_INLINE void int8_from_float(const float *restrict input, int8_t *restrict output, float scale, int32_t zero_point,
                                 int32_t count)
{
    const float far = 512.0f; /* held at the ends of int8 in any case */
    for (int32_t i = 0; i < count; ++i) {
        float steps = input[i] / scale;
        steps = steps > -far ? steps : -far;
        steps = steps < far ? steps : far;
        int32_t code = (int32_t)steps;
        const float rest = steps - (float)code;
        code += rest >= 0.5f ? 1 : 0;
        code -= rest <= -0.5f ? 1 : 0;
        output[i] = (int8_t)int8_clamp(code + zero_point, INT8_MIN, INT8_MAX);
    }
}

#endif
