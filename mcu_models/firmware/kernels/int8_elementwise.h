/* Operators that compute each value from the values at its place, equal in every bit to the reference kernels.
 * An output may lie where an operand of the same shape lies. */
#ifndef INT8_ELEMENTWISE_H
#define INT8_ELEMENTWISE_H

#include "int8_arithmetic.h"

#define INT8_AXES 4

/* How one operand's value is brought to the common scale of a sum: multiplier / 2^31 / 2^right. */
typedef struct {
    int32_t zero_point;
    int32_t multiplier;
    int32_t right;
} int8_term;

/* A sum or a difference: the second operand's sign is in its multiplier. */
typedef struct {
    int8_term first;
    int8_term second;
    int8_term output;
    int32_t lowest;
    int32_t highest;
} int8_sum;

/* A product: its scale is multiplier / 2^31 * 2^(left - right). */
typedef struct {
    int32_t first_zero_point;
    int32_t second_zero_point;
    int32_t zero_point;
    int32_t multiplier;
    int32_t left;
    int32_t right;
    int32_t lowest;
    int32_t highest;
} int8_product;

/* Lengths of the output's axes and the operands' steps along them; a step of 0 repeats an operand. */
typedef struct {
    int32_t lengths[INT8_AXES];
    int32_t first[INT8_AXES];
    int32_t second[INT8_AXES];
} int8_broadcast;

/* Bits by which operands are shifted left, so that a sum keeps its precision. */
#define INT8_SUM_LEFT 20

/* |value| is below 2^30 and the scale at most 1. */
INT8_INLINE int32_t int8_scale_term(int32_t value, int8_term term)
{
    const int32_t product = int8_high_product_small(value, term.multiplier);
    return term.right == 0 ? product : int8_divide_small(product, term.right);
}

INT8_INLINE int8_t int8_add_one(int32_t a, int32_t b, int8_sum s)
{
    const int32_t first = int8_scale_term((a - s.first.zero_point) * (1 << INT8_SUM_LEFT), s.first);
    const int32_t second = int8_scale_term((b - s.second.zero_point) * (1 << INT8_SUM_LEFT), s.second);
    const int32_t total = int8_scale_term(first + second, s.output);
    return int8_saturate(total + s.output.zero_point, s.lowest, s.highest);
}

INT8_INLINE int8_t int8_multiply_one(int32_t a, int32_t b, int8_product p)
{
    const int32_t product = (a - p.first_zero_point) * (b - p.second_zero_point);
    const int32_t high = int8_high_product_small(product * (INT32_C(1) << p.left), p.multiplier);
    return int8_saturate(int8_divide(high, p.right) + p.zero_point, p.lowest, p.highest);
}

#define INT8_FOR_EACH_PAIR(one)                                                                                    \
    for (int32_t i = 0; i < s.lengths[0]; ++i) {                                                                   \
        for (int32_t j = 0; j < s.lengths[1]; ++j) {                                                               \
            for (int32_t k = 0; k < s.lengths[2]; ++k) {                                                           \
                const int8_t *a = first + i * s.first[0] + j * s.first[1] + k * s.first[2];                        \
                const int8_t *b = second + i * s.second[0] + j * s.second[1] + k * s.second[2];                    \
                INT8_UNROLL(4)                                                                                     \
                for (int32_t l = 0; l < s.lengths[3]; ++l) {                                                       \
                    *output++ = one(a[l * s.first[3]], b[l * s.second[3]], form);                                  \
                }                                                                                                  \
            }                                                                                                      \
        }                                                                                                          \
    }

INT8_INLINE void int8_add(const int8_t *first, const int8_t *second, int8_t *output, int8_broadcast s, int8_sum form)
{
    INT8_FOR_EACH_PAIR(int8_add_one)
}

INT8_INLINE void int8_multiply(const int8_t *first, const int8_t *second, int8_t *output, int8_broadcast s,
                               int8_product form)
{
    INT8_FOR_EACH_PAIR(int8_multiply_one)
}

/* table[code + 128] is the output for an input's code. */
INT8_INLINE void int8_look_up(const int8_t *input, int8_t *output, const int8_t *restrict table, int32_t count)
{
    for (int32_t i = 0; i < count; ++i) {
        output[i] = table[input[i] + 128];
    }
}

#endif
