/* Softmax in fixed point, after gemmlowp's exp_on_negative_values and one_over_one_plus_x_for_x_in_0_1
 * (https://github.com/google/gemmlowp/blob/master/fixedpoint/fixedpoint.h).
 * Qm.n below: m integer and n fraction bits in an int32_t. */
#ifndef INT8_SOFTMAX_H
#define INT8_SOFTMAX_H

#include "int8_arithmetic.h"

#define INT8_EXP_TERMS 7

/* The difference to the largest input is scaled to Q5.26; below `smallest` its exponential counts as nothing. */
typedef struct {
    int32_t rows;
    int32_t classes;
    int32_t multiplier;
    int32_t left;
    int32_t smallest;
} int8_softmax_shape;

/* value * 2^exponent, held at the ends of int32_t. */
INT8_INLINE int32_t int8_shift_saturated(int32_t value, int32_t exponent)
{
    const int64_t shifted = (int64_t)value * (INT64_C(1) << exponent);
    return shifted > INT32_MAX ? INT32_MAX : shifted < INT32_MIN ? INT32_MIN : (int32_t)shifted;
}

/* exp(a) in Q0.31 for a in Q0.31 from -1/4 up to 0: a Taylor series around -1/8. */
static inline int32_t int8_exp_quarter(int32_t a)
{
    const int32_t exp_of_minus_eighth = 1895147668;
    const int32_t third = 715827883;
    const int32_t x = a + (INT32_C(1) << 28);
    const int32_t x2 = int8_high_product(x, x);
    const int32_t x3 = int8_high_product(x2, x);
    const int32_t x4 = int8_high_product(x2, x2);
    const int32_t higher = int8_high_product(int8_divide(x4, 2) + x3, third) + x2;
    return exp_of_minus_eighth + int8_high_product(exp_of_minus_eighth, x + int8_divide(higher, 1));
}

/* exp(a) in Q0.31 for a <= 0 in Q5.26: the last quarter by series, each binary digit above by one factor. */
static inline int32_t int8_exp_negative(int32_t a)
{
    /* exp(-1/4), exp(-1/2), exp(-1), ..., exp(-16) in Q0.31 */
    static const int32_t factors[INT8_EXP_TERMS] = {1672461947, 1302514674, 790015084, 290630308,
                                                    39332535,   720401,     242};
    const int32_t quarter = INT32_C(1) << 24;
    if (a == 0) {
        return INT32_MAX;
    }
    const int32_t last = (a & (quarter - 1)) - quarter;
    const int32_t digits = last - a;
    int32_t result = int8_exp_quarter(last * 32);
    for (int32_t i = 0; i < INT8_EXP_TERMS; ++i) {
        if ((digits & (quarter << i)) != 0) {
            result = int8_high_product(result, factors[i]);
        }
    }
    return result;
}

/* 1 / (1 + a) in Q0.31 for a in Q0.31 from 0 up to 1: three Newton steps on half of 1 + a. */
static inline int32_t int8_reciprocal_of_one_plus(int32_t a)
{
    const int32_t start = 1515870810;  /* 48/17 in Q2.29 */
    const int32_t slope = -1010580540; /* -32/17 in Q2.29 */
    const int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
    int32_t x = start + int8_high_product(half, slope);
    for (int32_t step = 0; step < 3; ++step) {
        const int32_t error = (INT32_C(1) << 29) - int8_high_product(half, x);
        x += int8_shift_saturated(int8_high_product(x, error), 2);
    }
    return int8_shift_saturated(x, 1);
}

INT8_INLINE int32_t int8_softmax_exp(int32_t difference, int8_softmax_shape s)
{
    return int8_exp_negative(int8_high_product(difference * (INT32_C(1) << s.left), s.multiplier));
}

/* The output may lie where the input lies. */
INT8_INLINE void int8_softmax_row(const int8_t *input, int8_t *output, int8_softmax_shape s)
{
    int32_t largest = INT8_MIN;
    for (int32_t i = 0; i < s.classes; ++i) {
        largest = input[i] > largest ? input[i] : largest;
    }
    int32_t sum = 0; /* Q12.19 */
    for (int32_t i = 0; i < s.classes; ++i) {
        if (input[i] - largest >= s.smallest) {
            sum += int8_divide(int8_softmax_exp(input[i] - largest, s), 12);
        }
    }
    const int32_t headroom = __builtin_clz((uint32_t)sum);
    const int32_t fraction = (int32_t)(((uint32_t)sum << headroom) - (UINT32_C(1) << 31));
    const int32_t scale = int8_reciprocal_of_one_plus(fraction);
    for (int32_t i = 0; i < s.classes; ++i) {
        int32_t value = INT8_MIN;
        if (input[i] - largest >= s.smallest) {
            const int32_t product = int8_high_product(scale, int8_softmax_exp(input[i] - largest, s));
            value += int8_divide(product, 12 - headroom + 31 - 8);
        }
        output[i] = (int8_t)int8_clamp(value, INT8_MIN, INT8_MAX);
    }
}

INT8_INLINE void int8_softmax(const int8_t *input, int8_t *output, int8_softmax_shape s)
{
    for (int32_t row = 0; row < s.rows; ++row) {
        int8_softmax_row(input + row * s.classes, output + row * s.classes, s);
    }
}

#endif
