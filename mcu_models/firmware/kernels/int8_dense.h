/* Fully connected layers.
 *
 * Four outputs are summed at a time, straight from the int8 inputs: of four inputs, 0 and 2 are a pair and 1 and 3, as
 * SXTB16 takes them. One word of weights holds two taps of two outputs: the second output's weights stand 256 times
 * above the first's, and its sums with them. They are taken apart after INT8_DENSE_SPAN inputs at the latest. */
#ifndef INT8_DENSE_H
#define INT8_DENSE_H

#include "int8_arithmetic.h"

/* A multiple of four, so many that the products of any int8 weights and inputs, each at most 2^14, sum to less than
 * 2^23: 512 of -128 times -128 would reach it. */
#define INT8_DENSE_SPAN 508

#if defined(INT8_HAND_WRITTEN)
#define INT8_PRODUCTS(weights, inputs, low, high) \
    "sxtb16 r0, " weights "\n\t" \
    "smlad " high ", " inputs ", " weights ", " high "\n\t" \
    "smlad " low ", " inputs ", r0, " low "\n\t"

#if INT8_DUAL_ISSUE
/* Loads run ahead by one word of the inputs and two of the weights: the last four inputs are left to the caller. */
#define INT8_DENSE_LEFT 1
#define INT8_DENSE_FIRST "ldr.w r8, [r1], #4\n\t" "ldr.w r9, [r2], #4\n\t" "ldr.w r10, [r2], #4\n\t"
#define INT8_FOUR_INPUTS \
    "sxtb16 lr, r8\n\t" "ldr.w r11, [r2], #4\n\t" \
    "sxtb16 r8, r8, ror #8\n\t" "ldr.w r12, [r2], #4\n\t" \
    INT8_PRODUCTS("r9", "lr", "r4", "r5") "ldr.w r9, [r2], #4\n\t" \
    INT8_PRODUCTS("r10", "r8", "r4", "r5") "ldr.w r10, [r2], #4\n\t" \
    INT8_PRODUCTS("r11", "lr", "r6", "r7") \
    INT8_PRODUCTS("r12", "r8", "r6", "r7") "ldr.w r8, [r1], #4\n\t"
#define INT8_DENSE_AHEAD_BYTES 4
#else
#define INT8_DENSE_LEFT 0
#define INT8_DENSE_FIRST ""
#define INT8_FOUR_INPUTS \
    "ldr.w r8, [r1], #4\n\t" "ldr.w r10, [r2, #4]\n\t" "ldr.w r11, [r2, #8]\n\t" "ldr.w r12, [r2, #12]\n\t" \
    "ldr.w r9, [r2], #16\n\t" \
    "sxtb16 lr, r8\n\t" "sxtb16 r8, r8, ror #8\n\t" \
    INT8_PRODUCTS("r9", "lr", "r4", "r5") INT8_PRODUCTS("r10", "r8", "r4", "r5") \
    INT8_PRODUCTS("r11", "lr", "r6", "r7") INT8_PRODUCTS("r12", "r8", "r6", "r7")
#define INT8_DENSE_AHEAD_BYTES 0
#endif

/* Add the products of `fours` (one or more) times four inputs to four sums; weights are four words for each four. */
INT8_NAKED void int8_dense_sums(__attribute__((unused)) uint32_t sums[4], __attribute__((unused)) const int8_t *input,
                                __attribute__((unused)) const uint32_t *weights, __attribute__((unused)) int32_t fours)
{
    __asm__ volatile(
        "push {r0, r4-r11, lr}\n\t"
        "ldm.w r0, {r4-r7}\n\t"
        "add.w r0, r1, r3, lsl #2\n\t"
        "add.w r0, r0, #" INT8_TEXT(INT8_DENSE_AHEAD_BYTES) "\n\t"
        "vmov s0, r0\n\t"
        "sub.w r3, r3, #1\n\t"
        "and r3, r3, #3\n\t"
        "add.w r3, r3, #1\n\t"
        "mov.w r0, #(2f - 1f) / 4\n\t"
        "mul r0, r0, r3\n\t"
        "adr.w r3, 2f\n\t"
        "sub.w r3, r3, r0\n\t"
        "orr r3, r3, #1\n\t" INT8_DENSE_FIRST
        "bx r3\n\t"
        ".p2align 2\n"
        "1:\n\t" INT8_FOUR_INPUTS INT8_FOUR_INPUTS INT8_FOUR_INPUTS INT8_FOUR_INPUTS
        "2:\n\t"
        "vmov r0, s0\n\t"
        "cmp.w r1, r0\n\t"
        "bne.w 1b\n\t"
        "pop {r0}\n\t"
        "stm.w r0, {r4-r7}\n\t"
        "pop {r4-r11, pc}\n\t" ::: "memory");
}
#else
#define INT8_DENSE_LEFT 0
#endif

/* Four inputs, of which only `count` exist. */
INT8_INLINE uint32_t int8_load_some(const int8_t *input, int32_t count)
{
    uint32_t word = 0;
    for (int32_t i = 0; i < count; ++i) {
        word |= (uint32_t)(uint8_t)input[i] << (8 * i);
    }
    return word;
}

/* Add the products of four inputs to `pairs` pairs of sums. */
INT8_INLINE void int8_dense_four(uint32_t sums[4], uint32_t inputs, const uint32_t *weights, int32_t pairs)
{
    const uint32_t even = int8_even_bytes(inputs);
    const uint32_t odd = int8_odd_bytes(inputs);
    for (int32_t i = 0; i < pairs; ++i) {
        const uint32_t a = weights[2 * i];
        const uint32_t b = weights[2 * i + 1];
        sums[2 * i] = int8_dot_pair_wrapping(sums[2 * i], even, int8_even_bytes(a));
        sums[2 * i] = int8_dot_pair_wrapping(sums[2 * i], odd, int8_even_bytes(b));
        sums[2 * i + 1] = int8_dot_pair_wrapping(sums[2 * i + 1], even, a);
        sums[2 * i + 1] = int8_dot_pair_wrapping(sums[2 * i + 1], odd, b);
    }
}

/* Add the products of at most INT8_DENSE_SPAN inputs; every second sum stands 256 times above the one before. */
INT8_INLINE void int8_dense_span(uint32_t sums[4], const int8_t *input, const uint32_t *weights, int32_t length,
                                 int32_t pairs)
{
    int32_t fours = length / 4;
#if defined(INT8_HAND_WRITTEN)
    if (pairs == 2 && fours > INT8_DENSE_LEFT) {
        const int32_t done = fours - INT8_DENSE_LEFT;
        int8_dense_sums(sums, input, weights, done);
        input += 4 * done;
        weights += 4 * done;
        fours = INT8_DENSE_LEFT;
    }
#endif
    for (; fours > 0; --fours) {
        int8_dense_four(sums, int8_load_four(input), weights, pairs);
        input += 4;
        weights += 2 * pairs;
    }
    if (length % 4 != 0) {
        int8_dense_four(sums, int8_load_some(input, length % 4), weights, pairs);
    }
}

/* Twice `pairs` outputs: their taps, two words for each pair and four inputs, then each output's scale. */
INT8_INLINE void int8_dense_block(const int8_t *restrict input, int8_t *restrict output, const uint32_t *weights,
                                  int32_t inputs, int32_t pairs)
{
    uint32_t totals[4] = {0, 0, 0, 0};
    for (int32_t first = 0; first < inputs; first += INT8_DENSE_SPAN) {
        const int32_t length = inputs - first < INT8_DENSE_SPAN ? inputs - first : INT8_DENSE_SPAN;
        uint32_t sums[4] = {0, 0, 0, 0};
        int8_dense_span(sums, input + first, weights, length, pairs);
        weights += (length + 3) / 4 * 2 * pairs;
        for (int32_t i = 0; i < 2 * pairs; i += 2) {
            totals[i] += sums[i];
            totals[i + 1] += (uint32_t)((int32_t)(sums[i + 1] - sums[i]) / 256);
        }
    }
    for (int32_t i = 0; i < 2 * pairs; ++i) {
        output[i] = int8_rescale_right((int32_t)totals[i], weights + 4 * i);
    }
}

/* Scales below one half. Outputs come in fours, what is left in pairs; the last of an odd number is computed with the
 * one before it. */
INT8_INLINE void int8_fully_connected(const int8_t *restrict input, int8_t *restrict output, const uint32_t *weights,
                                      int32_t inputs, int32_t outputs)
{
    const int32_t words = (inputs + 3) / 4 * 2 + 8;
    int32_t done = 0;
    for (; done + 4 <= outputs; done += 4) {
        int8_dense_block(input, output + done, weights, inputs, 2);
        weights += 2 * words;
    }
    for (; done < outputs; done += 2) {
        done = done + 1 == outputs ? done - 1 : done;
        int8_dense_block(input, output + done, weights, inputs, 1);
        weights += words;
    }
}

/* Any scale. Weights are [outputs][inputs]. */
INT8_INLINE void int8_fully_connected_any(const int8_t *restrict input, int8_t *restrict output,
                                          const int8_t *restrict weights, const int8_channel *restrict channels,
                                          int32_t inputs, int32_t outputs, int8_output form)
{
    for (int32_t c = 0; c < outputs; ++c) {
        const int32_t sum = int8_dot(channels[c].bias, input, weights + c * inputs, inputs);
        output[c] = int8_rescale(sum, &channels[c], form);
    }
}

#endif
