/* Integer arithmetic of int8 networks, equal in every bit to the reference kernels of TensorFlow Lite
 * with double rounding (gemmlowp's fixed point). */
#ifndef INT8_ARITHMETIC_H
#define INT8_ARITHMETIC_H

#include <stdbool.h>
#include <stdint.h>

#define INT8_INLINE static inline __attribute__((always_inline))

/* What turns one output channel's accumulator into an int8.
 * The bias holds -zero_point * sum(weights) of the input too. The scale is multiplier / 2^31 * 2^(left - right). */
typedef struct {
    int32_t bias;
    int32_t multiplier;
    int16_t left;
    int16_t right;
} int8_channel;

/* How a layer writes its outputs. `only_right`: no channel shifts left, each shifts right by one or more. */
typedef struct {
    int32_t zero_point;
    int32_t lowest;
    int32_t highest;
    bool only_right;
} int8_output;

INT8_INLINE int32_t int8_clamp(int32_t value, int32_t lowest, int32_t highest)
{
    value = value < lowest ? lowest : value;
    return value > highest ? highest : value;
}

/* (2ab + 2^31) / 2^32 rounded down: gemmlowp's SaturatingRoundingDoublingHighMul but for a = b = INT32_MIN. */
INT8_INLINE int32_t int8_high_product(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + (INT64_C(1) << 30)) >> 31);
}

/* The same for |a| < 2^30, where the DSP extension's rounding multiplication gives it at once. */
INT8_INLINE int32_t int8_high_product_small(int32_t a, int32_t b)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t product;
    __asm__("smmulr %0, %1, %2" : "=r"(product) : "r"(a * 2), "r"(b));
    return product;
#else
    return int8_high_product(a, b);
#endif
}

/* value / 2^exponent, halves away from zero; exponent 1 to 31, |value| < 2^30. */
INT8_INLINE int32_t int8_divide_small(int32_t value, int32_t exponent)
{
    return (value + (INT32_C(1) << (exponent - 1)) + (value >> 31)) >> exponent;
}

/* value / 2^exponent, halves away from zero; exponent 0 to 31, any value. */
INT8_INLINE int32_t int8_divide(int32_t value, int32_t exponent)
{
    const int32_t mask = (int32_t)((UINT32_C(1) << exponent) - 1u);
    const int32_t threshold = (mask >> 1) + (value < 0 ? 1 : 0);
    return (value >> exponent) + ((value & mask) > threshold ? 1 : 0);
}

/* The output for an accumulator; the generator has made sure that |accumulator| * 2^left < 2^30. */
INT8_INLINE int8_t int8_rescale(int32_t accumulator, const int8_channel *channel, int8_output output)
{
    int32_t value;
    if (output.only_right) {
        value = int8_divide_small(int8_high_product_small(accumulator, channel->multiplier), channel->right);
    } else {
        const int32_t shifted = accumulator * (INT32_C(1) << channel->left);
        value = int8_divide(int8_high_product_small(shifted, channel->multiplier), channel->right);
    }
    return (int8_t)int8_clamp(value + output.zero_point, output.lowest, output.highest);
}

/* sum + a[0] * b[0] + ... + a[length - 1] * b[length - 1] */
INT8_INLINE int32_t int8_dot(int32_t sum, const int8_t *a, const int8_t *b, int32_t length)
{
    for (int32_t i = 0; i < length; ++i) {
        sum += (int32_t)a[i] * (int32_t)b[i];
    }
    return sum;
}

#endif
