/* Integer arithmetic of int8 networks, equal in every bit to the reference kernels of TensorFlow Lite
 * with double rounding (gemmlowp's fixed point). */
#ifndef INT8_ARITHMETIC_H
#define INT8_ARITHMETIC_H

#include <stdbool.h>
#include <stdint.h>

#define INT8_INLINE static inline __attribute__((always_inline))

#define INT8_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define INT8_UNROLL(count) INT8_PRAGMA(clang loop unroll_count(count))
#else
#define INT8_UNROLL(count) INT8_PRAGMA(GCC unroll count)
#endif

/* Hand-written assembly needs the DSP extension, and keeps what it loops over in floating-point registers. */
#if defined(__ARM_FEATURE_DSP) && defined(__ARM_FP) && defined(__thumb2__) && !defined(INT8_PORTABLE)
#define INT8_HAND_WRITTEN
#endif

/* Whether loads can be issued beside multiplications, as on the Cortex-M7: the cores with double precision. */
#ifndef INT8_DUAL_ISSUE
#if defined(__ARM_FP)
#define INT8_DUAL_ISSUE (__ARM_FP >> 3)
#else
#define INT8_DUAL_ISSUE 0
#endif
#endif

/* Where the hottest functions go, such as -D'NETWORK_HOT=__attribute__((section(".itcm")))'. */
#ifndef NETWORK_HOT
#define NETWORK_HOT
#endif

/* A function that is assembly from its first to its last instruction. */
#if defined(__clang__)
#define INT8_NAKED NETWORK_HOT __attribute__((naked, noinline, unused, aligned(8))) static
#else
#define INT8_NAKED NETWORK_HOT __attribute__((naked, noipa, unused, aligned(8))) static
#endif

/* A function that all layers of a kind call. */
#define INT8_SHARED NETWORK_HOT __attribute__((noinline, unused)) static

#define INT8_TEXT_OF(text) #text
#define INT8_TEXT(text) INT8_TEXT_OF(text)

/* Hides what a pointer points to from the compiler. */
#define INT8_OPAQUE(pointer) __asm__("" : "+r"(pointer))

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

/* An output held within its range, which is that of int8 in most layers. */
INT8_INLINE int8_t int8_saturate(int32_t value, int32_t lowest, int32_t highest)
{
#if defined(__ARM_FEATURE_SAT)
    if (lowest == INT8_MIN && highest == INT8_MAX) {
        int32_t saturated;
        __asm__("ssat %0, #8, %1" : "=r"(saturated) : "r"(value));
        return (int8_t)saturated;
    }
#endif
    return (int8_t)int8_clamp(value, lowest, highest);
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
    return (((value + (value >> 31)) >> (exponent - 1)) + 1) >> 1;
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
    return int8_saturate(value + output.zero_point, output.lowest, output.highest);
}

/* The output for a sum when its scale is below one half, held within int8. `scale` is twice the bias, the multiplier,
 * the offset 2^(right - 1) + zero point * 2^right, and right, 1 to 22, in the lowest byte. With the bias added, multiplier * sum / 2^31 is
 * rounded, and this divided by 2^right, as the reference rounds: halves of the latter away from zero, by the sign. It
 * is taken from the sum: that of the product differs where this is 0, which gives 0 by both. */
INT8_INLINE int8_t int8_rescale_right(int32_t sum, const uint32_t *scale)
{
    const int32_t twice = sum * 2 + (int32_t)scale[0];
    const int32_t multiplier = (int32_t)scale[1];
    const int32_t offset = (int32_t)scale[2] + (twice >> 31);
#if defined(__ARM_FEATURE_DSP)
    int32_t value;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(value) : "r"(twice), "r"(multiplier), "r"(offset));
#else
    const int32_t value = (int32_t)(((int64_t)twice * multiplier + (INT64_C(1) << 31)) >> 32) + offset;
#endif
    return int8_saturate(value >> (scale[3] & 31u), INT8_MIN, INT8_MAX);
}

/* Hold outputs within a range narrower than int8. */
INT8_INLINE void int8_clamp_all(int8_t *values, int32_t count, int32_t lowest, int32_t highest)
{
    for (int32_t i = 0; i < count; ++i) {
        values[i] = (int8_t)int8_clamp(values[i], lowest, highest);
    }
}

/* Four int8 at any address as one word, the first in the lowest byte. */
INT8_INLINE uint32_t int8_load_four(const int8_t *values)
{
    uint32_t word;
    __builtin_memcpy(&word, values, sizeof word);
    return word;
}

INT8_INLINE void int8_store_four(int8_t *values, uint32_t word)
{
    __builtin_memcpy(values, &word, sizeof word);
}

/* Two int16 in one word, the first in the lower half. */
INT8_INLINE uint32_t int8_pair(int32_t first, int32_t second)
{
    return ((uint32_t)first & UINT32_C(0xFFFF)) | ((uint32_t)second << 16);
}

/* The lower halves of two words in one, the first's below; and the higher halves. */
INT8_INLINE uint32_t int8_lower_halves(uint32_t a, uint32_t b)
{
#if defined(__ARM_FEATURE_DSP)
    uint32_t halves;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(halves) : "r"(a), "r"(b));
    return halves;
#else
    return (a & UINT32_C(0xFFFF)) | (b << 16);
#endif
}

INT8_INLINE uint32_t int8_higher_halves(uint32_t a, uint32_t b)
{
#if defined(__ARM_FEATURE_DSP)
    uint32_t halves;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(halves) : "r"(b), "r"(a));
    return halves;
#else
    return (a >> 16) | (b & UINT32_C(0xFFFF0000));
#endif
}

/* sum + the products of the halves of two pairs. */
INT8_INLINE int32_t int8_dot_pair(int32_t sum, uint32_t a, uint32_t b)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t total;
    __asm__("smlad %0, %1, %2, %3" : "=r"(total) : "r"(a), "r"(b), "r"(sum));
    return total;
#else
    return sum + (int32_t)(int16_t)a * (int32_t)(int16_t)b + (int32_t)(int16_t)(a >> 16) * (int32_t)(int16_t)(b >> 16);
#endif
}

/* The same for sums that may pass the ends of int32_t on the way. */
INT8_INLINE uint32_t int8_dot_pair_wrapping(uint32_t sum, uint32_t a, uint32_t b)
{
#if defined(__ARM_FEATURE_DSP)
    return (uint32_t)int8_dot_pair((int32_t)sum, a, b);
#else
    return sum + (uint32_t)((int32_t)(int16_t)a * (int32_t)(int16_t)b)
         + (uint32_t)((int32_t)(int16_t)(a >> 16) * (int32_t)(int16_t)(b >> 16));
#endif
}

/* Bytes 0 and 2 of a word as a pair of int16. */
INT8_INLINE uint32_t int8_even_bytes(uint32_t word)
{
#if defined(__ARM_FEATURE_DSP)
    uint32_t pair;
    __asm__("sxtb16 %0, %1" : "=r"(pair) : "r"(word));
    return pair;
#else
    return int8_pair((int8_t)word, (int8_t)(word >> 16));
#endif
}

/* Bytes 1 and 3 of a word as a pair of int16. */
INT8_INLINE uint32_t int8_odd_bytes(uint32_t word)
{
#if defined(__ARM_FEATURE_DSP)
    uint32_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(word));
    return pair;
#else
    return int8_pair((int8_t)(word >> 8), (int8_t)(word >> 24));
#endif
}

/* sum + a[0] * b[0] + ... + a[length - 1] * b[length - 1] */
INT8_INLINE int32_t int8_dot(int32_t sum, const int8_t *a, const int8_t *b, int32_t length)
{
    int32_t i = 0;
#if defined(__ARM_FEATURE_DSP)
    INT8_UNROLL(8)
    for (; i + 4 <= length; i += 4) {
        const uint32_t four_a = int8_load_four(a + i);
        const uint32_t four_b = int8_load_four(b + i);
        sum = int8_dot_pair(sum, int8_even_bytes(four_a), int8_even_bytes(four_b));
        sum = int8_dot_pair(sum, int8_odd_bytes(four_a), int8_odd_bytes(four_b));
    }
#endif
    for (; i < length; ++i) {
        sum += (int32_t)a[i] * (int32_t)b[i];
    }
    return sum;
}

#endif
