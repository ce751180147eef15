/* Exponential, sigmoid and hyperbolic tangent in float32 without a mathematics library, to about two units in the
 * last place. Polynomials: S. L. Moshier, Cephes Mathematical Library 2.2, expf.c and tanhf.c
 * (https://www.netlib.org/cephes/). */
#ifndef FLOAT_MATH_H
#define FLOAT_MATH_H

#include <stdint.h>

#define FLOAT_INLINE static inline __attribute__((always_inline))

/* Beyond these, exp(x) leaves the normal numbers of float32: 127 ln 2 and -126 ln 2. */
#define FLOAT_EXP_HIGHEST 88.029692f
#define FLOAT_EXP_LOWEST (-87.336545f)

/* Below, tanh(x) is a polynomial; above, it comes from exp. */
#define FLOAT_TANH_SMALL 0.625f

FLOAT_INLINE float float_clamp(float value, float lowest, float highest)
{
    value = value < lowest ? lowest : value;
    return value > highest ? highest : value;
}

/* exp(x); 0 below FLOAT_EXP_LOWEST, and as if x were FLOAT_EXP_HIGHEST above that. */
static inline float float_exp(float x)
{
    if (x < FLOAT_EXP_LOWEST) {
        return 0.0f;
    }
    x = x > FLOAT_EXP_HIGHEST ? FLOAT_EXP_HIGHEST : x;
    const float turns = x * 1.44269504f; /* 1 / ln 2 */
    const int32_t power = (int32_t)(turns < 0.0f ? turns - 0.5f : turns + 0.5f);
    const float rest = x - (float)power * 0.693359375f - (float)power * -2.12194440e-4f; /* ln 2 in two parts */
    float sum = 1.9875691500e-4f;
    sum = sum * rest + 1.3981999507e-3f;
    sum = sum * rest + 8.3334519073e-3f;
    sum = sum * rest + 4.1665795894e-2f;
    sum = sum * rest + 1.6666665459e-1f;
    sum = sum * rest + 5.0000001201e-1f;
    sum = sum * rest * rest + rest + 1.0f;
    const uint32_t bits = (uint32_t)(power + 127) << 23;
    float scale;
    __builtin_memcpy(&scale, &bits, sizeof scale);
    return sum * scale;
}

static inline float float_sigmoid(float x)
{
    return 1.0f / (1.0f + float_exp(-x));
}

static inline float float_tanh(float x)
{
    const float size = x < 0.0f ? -x : x;
    if (size < FLOAT_TANH_SMALL) {
        const float square = x * x;
        float sum = -5.70498872745e-3f;
        sum = sum * square + 2.06390887954e-2f;
        sum = sum * square - 5.37397155531e-2f;
        sum = sum * square + 1.33314422036e-1f;
        sum = sum * square - 3.33332819422e-1f;
        return sum * square * x + x;
    }
    const float result = 1.0f - 2.0f / (float_exp(2.0f * size) + 1.0f);
    return x < 0.0f ? -result : result;
}

/* sum + a[0] * b[0] + ... + a[length - 1] * b[length - 1] */
FLOAT_INLINE float float_dot(float sum, const float *a, const float *b, int32_t length)
{
    for (int32_t i = 0; i < length; ++i) {
        sum += a[i] * b[i];
    }
    return sum;
}

#endif
