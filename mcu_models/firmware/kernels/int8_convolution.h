/* Convolutions over images stored as [rows][columns][depth].
 *
 * The windows of four positions are gathered as int16 into a patch, interleaved by position, and multiplied by two
 * channels at a time: eight sums in registers, two multiplications by each SMLAD. The weights are stored for it: one
 * word holds two taps of two channels. Taps come in the order of the patch: each run of a window that lies together in
 * the image is cut into fours, whose taps 0 and 2 are the first pair and 1 and 3 the second, as SXTB16 takes them. */
#ifndef INT8_CONVOLUTION_H
#define INT8_CONVOLUTION_H

#include "int8_arithmetic.h"

/* Lengths of one layer. The functions are inlined into the layer, where all of these are constants. */
typedef struct {
    int32_t input_rows;
    int32_t input_columns;
    int32_t depth;
    int32_t output_rows;
    int32_t output_columns;
    int32_t channels;
    int32_t window_rows;
    int32_t window_columns;
    int32_t stride_rows;
    int32_t stride_columns;
    int32_t dilation_rows;
    int32_t dilation_columns;
    int32_t top;
    int32_t left;
    int32_t zero_point;
} int8_window;

/* What a block of positions and channels is computed from; the order is known to the assembly below.
 * The weights of two channels are one run of words: their taps, then the first's scale and the second's. */
typedef struct {
    const uint32_t *patch;
    const uint32_t *patch_end;
    const uint32_t *weights;
    const uint32_t *weights_end;
    int8_t *output;
    int32_t output_step;
    int32_t pairs;
} int8_block;

/* How two channels share a word of weights and where they go: stacked, the second's sums stand 256 times above the
 * first's; separate, each has bytes of its own; scattered is stacked, and each channel's number stands above its
 * shift. */
typedef enum { INT8_STACKED, INT8_SEPARATE, INT8_SCATTERED } int8_packing;

/* Words of two channels beside their taps. */
#define INT8_PAIR_WORDS 8

/* Positions gathered in one patch. */
#define INT8_POSITIONS 4

/* Steps of the assembly's loop over taps; a power of two. */
#define INT8_UNROLLED 16

#if defined(INT8_HAND_WRITTEN) && INT8_DUAL_ISSUE
/* Loads run ahead of the multiplications by this many words of the patch, and by one word of the weights. */
#define INT8_AHEAD 2
#define INT8_TAPS_BY(widen_second, multiply) \
    "sxtb16 r3, r2\n\t" widen_second \
    multiply("r8", "r0", "r2") \
    multiply("r9", "r1", "r2") \
    multiply("r4", "r0", "r3") "ldr.w r0, [lr], #4\n\t" \
    multiply("r5", "r1", "r3") "ldr.w r1, [lr], #4\n\t" \
    multiply("r10", "r0", "r2") \
    multiply("r11", "r1", "r2") "ldr.w r2, [r12], #4\n\t" \
    multiply("r6", "r0", "r3") "ldr.w r0, [lr], #4\n\t" \
    multiply("r7", "r1", "r3") "ldr.w r1, [lr], #4\n\t"
#define INT8_BEFORE_TAPS "ldr.w r0, [lr], #4\n\t" "ldr.w r1, [lr], #4\n\t" "ldr.w r2, [r12], #4\n\t"
#define INT8_AFTER_TAPS "sub.w r12, r12, #4\n\t"
#else
#define INT8_AHEAD 0
#define INT8_TAPS_BY(widen_second, multiply) \
    "ldr.w r2, [r12], #4\n\t" "ldr.w r1, [lr, #4]\n\t" "ldr.w r0, [lr], #8\n\t" \
    "sxtb16 r3, r2\n\t" widen_second \
    multiply("r8", "r0", "r2") multiply("r9", "r1", "r2") multiply("r4", "r0", "r3") multiply("r5", "r1", "r3") \
    "ldrd r0, r1, [lr], #8\n\t" \
    multiply("r10", "r0", "r2") multiply("r11", "r1", "r2") multiply("r6", "r0", "r3") multiply("r7", "r1", "r3")
#define INT8_BEFORE_TAPS ""
#define INT8_AFTER_TAPS ""
#endif

#if defined(INT8_HAND_WRITTEN)
#define INT8_BEGIN(sum, a, b) "smuad " sum ", " a ", " b "\n\t"
#define INT8_ADD(sum, a, b) "smlad " sum ", " a ", " b ", " sum "\n\t"
#define INT8_FOUR_TAPS(widen_second) \
    INT8_TAPS_BY(widen_second, INT8_ADD) INT8_TAPS_BY(widen_second, INT8_ADD) \
    INT8_TAPS_BY(widen_second, INT8_ADD) INT8_TAPS_BY(widen_second, INT8_ADD)

/* Four sums, doubled by `shift`, to int8 in their registers: r0 twice the bias, r1 multiplier, r2 offset, r3 right. */
#define INT8_ADD_BIAS(sum, shift) "add.w " sum ", r0, " sum ", " shift "\n\t"
#define INT8_SCALED(sum) "add.w lr, r2, " sum ", asr #31\n\t" "smmlar " sum ", " sum ", r1, lr\n\t"
#define INT8_SHIFTED(sum) "asr.w " sum ", " sum ", r3\n\t"
#define INT8_SATURATED(sum) "ssat " sum ", #8, " sum "\n\t"
#define INT8_RESCALED_FOUR(a, b, c, d, shift) \
    "ldm.w r12!, {r0, r1, r2, r3}\n\t" \
    INT8_ADD_BIAS(a, shift) INT8_ADD_BIAS(b, shift) INT8_ADD_BIAS(c, shift) INT8_ADD_BIAS(d, shift) \
    INT8_SCALED(a) INT8_SCALED(b) INT8_SCALED(c) INT8_SCALED(d) \
    INT8_SHIFTED(a) INT8_SHIFTED(b) INT8_SHIFTED(c) INT8_SHIFTED(d) \
    INT8_SATURATED(a) INT8_SATURATED(b) INT8_SATURATED(c) INT8_SATURATED(d)

/* Both channels side by side, at four positions. */
#define INT8_STORE_BOTH \
    "vmov r1, s4\n\t" \
    "vmov r0, s5\n\t" \
    "add.w r2, r1, r0\n\t" \
    "add.w r3, r2, r0\n\t" \
    "add.w lr, r3, r0\n\t" \
    "strb.w r4, [r1], #1\n\tstrb.w r8, [r1], #1\n\t" \
    "strb.w r5, [r2]\n\tstrb.w r9, [r2, #1]\n\tvmov s4, r1\n\t" \
    "strb.w r6, [r3]\n\tstrb.w r10, [r3, #1]\n\t" \
    "strb.w r7, [lr]\n\tstrb.w r11, [lr, #1]\n\t"

/* One channel at four positions; which channel, stands above the shift in r3. */
#define INT8_STORE_ONE(a, b, c, d) \
    "vmov r1, s4\n\t" \
    "vmov r0, s5\n\t" \
    "add.w r1, r1, r3, lsr #8\n\t" \
    "add.w r2, r1, r0\n\t" \
    "add.w r3, r2, r0\n\t" \
    "add.w lr, r3, r0\n\t" \
    "strb.w " a ", [r1]\n\tstrb.w " b ", [r2]\n\tstrb.w " c ", [r3]\n\tstrb.w " d ", [lr]\n\t"

/* r4-r7: the first channel's sums of four positions, r8-r11: the second's; lr: patch, r12: weights, r0-r3: operands.
 * s0-s5 hold the block, s8 where the loop over taps is entered, so that its last round is a whole one. The first pair
 * of taps comes before it: there are two pairs at least. `step_bytes`: the length of INT8_TAPS_BY. */
#define INT8_BLOCK_FUNCTION(name, widen_second, step_bytes, separate, shift, store_first, store) \
    INT8_NAKED void name(__attribute__((unused)) const int8_block *block) \
    { \
        __asm__ volatile( \
            "push {r4-r11, lr}\n\t" \
            "vldm r0, {s0-s5}\n\t" \
            "vmov r12, s2\n\t" \
            "ldr.w r1, [r0, #24]\n\t" \
            "sub.w r1, r1, #2\n\t" \
            "and r1, r1, #" INT8_TEXT(INT8_UNROLLED - 1) "\n\t" \
            "add.w r1, r1, #1\n\t" \
            "mov.w r2, #" INT8_TEXT(step_bytes) "\n\t" \
            "mul r1, r1, r2\n\t" \
            "adr.w r2, 3f\n\t" \
            "sub.w r2, r2, r1\n\t" \
            "orr r2, r2, #1\n\t" \
            "vmov s8, r2\n\t" \
            ".p2align 2\n" \
            "1:\n\t" \
            "vmov lr, s0\n\t" INT8_BEFORE_TAPS INT8_TAPS_BY(widen_second, INT8_BEGIN) \
            "vmov r3, s8\n\t" \
            "bx r3\n\t" \
            ".p2align 2\n" \
            "2:\n\t" \
            INT8_FOUR_TAPS(widen_second) INT8_FOUR_TAPS(widen_second) \
            INT8_FOUR_TAPS(widen_second) INT8_FOUR_TAPS(widen_second) \
            "3:\n\t" \
            "vmov r3, s1\n\t" \
            "cmp.w lr, r3\n\t" \
            "bne.w 2b\n\t" INT8_AFTER_TAPS separate \
            INT8_RESCALED_FOUR("r4", "r5", "r6", "r7", "lsl #1") store_first \
            INT8_RESCALED_FOUR("r8", "r9", "r10", "r11", shift) store \
            "vmov r0, s3\n\t" \
            "cmp.w r12, r0\n\t" \
            "bne.w 1b\n\t" \
            "pop {r4-r11, pc}\n\t" ::: "memory"); \
    }

/* The second channel's weights stand 256 times above the first's, and its sums with them: they are taken apart at the
 * end, which holds below 2^23. */
#define INT8_TAKE_APART "sub.w r8, r8, r4\n\tsub.w r9, r9, r5\n\tsub.w r10, r10, r6\n\tsub.w r11, r11, r7\n\t"
INT8_BLOCK_FUNCTION(int8_block_stacked, "", 52 + 2 * INT8_AHEAD, INT8_TAKE_APART, "asr #7", "", INT8_STORE_BOTH)
/* The same, where channels are left out that are the same for every input. */
INT8_BLOCK_FUNCTION(int8_block_scattered, "", 52 + 2 * INT8_AHEAD, INT8_TAKE_APART, "asr #7",
                    INT8_STORE_ONE("r4", "r5", "r6", "r7"), INT8_STORE_ONE("r8", "r9", "r10", "r11"))
/* The second channel's weights are the odd bytes. */
INT8_BLOCK_FUNCTION(int8_block_separate, "sxtb16 r2, r2, ror #8\n\t", 56 + 2 * INT8_AHEAD, "", "lsl #1", "",
                    INT8_STORE_BOTH)
#endif

/* Add the products of a pair of taps to the sums of two channels. */
INT8_INLINE void int8_add_taps(uint32_t sums[2], uint32_t word, uint32_t input, int8_packing packing)
{
    sums[1] = int8_dot_pair_wrapping(sums[1], input, packing != INT8_SEPARATE ? word : int8_odd_bytes(word));
    sums[0] = int8_dot_pair_wrapping(sums[0], input, int8_even_bytes(word));
}

/* One position of a block, the first of its patch. */
INT8_INLINE void int8_block_one(const int8_block *block, int8_packing packing)
{
    const uint32_t *weights = block->weights;
    int8_t *output = block->output;
    while (weights != block->weights_end) {
        uint32_t sums[2] = {0, 0};
        const uint32_t *taps = block->patch;
        int32_t left = block->pairs;
        /* Loads from the same memory stand together: they hide behind one another. */
        INT8_UNROLL(1)
        for (; left >= 4; left -= 4) {
            const uint32_t words[4] = {weights[0], weights[1], weights[2], weights[3]};
            const uint32_t inputs[4] = {taps[0], taps[INT8_POSITIONS], taps[2 * INT8_POSITIONS],
                                        taps[3 * INT8_POSITIONS]};
            for (int32_t i = 0; i < 4; ++i) {
                int8_add_taps(sums, words[i], inputs[i], packing);
            }
            weights += 4;
            taps += 4 * INT8_POSITIONS;
        }
        INT8_UNROLL(1)
        for (; left > 0; --left) {
            int8_add_taps(sums, *weights++, *taps, packing);
            taps += INT8_POSITIONS;
        }
        const int32_t second = packing != INT8_SEPARATE ? (int32_t)(sums[1] - sums[0]) / 256 : (int32_t)sums[1];
        output[packing == INT8_SCATTERED ? weights[3] >> 8 : 0] = int8_rescale_right((int32_t)sums[0], weights);
        output[packing == INT8_SCATTERED ? weights[7] >> 8 : 1] = int8_rescale_right(second, weights + 4);
        weights += INT8_PAIR_WORDS;
        output += packing == INT8_SCATTERED ? 0 : 2;
    }
}

INT8_SHARED void int8_block_one_stacked(const int8_block *block)
{
    int8_block_one(block, INT8_STACKED);
}

INT8_SHARED void int8_block_one_separate(const int8_block *block)
{
    int8_block_one(block, INT8_SEPARATE);
}

INT8_SHARED void int8_block_one_scattered(const int8_block *block)
{
    int8_block_one(block, INT8_SCATTERED);
}

/* All channels of `positions` positions, at most 4. */
INT8_INLINE void int8_block_run(int8_block *block, int32_t positions, int8_packing packing)
{
#if defined(INT8_HAND_WRITTEN)
    if (positions == INT8_POSITIONS) {
        (packing == INT8_STACKED     ? int8_block_stacked
         : packing == INT8_SCATTERED ? int8_block_scattered
                                     : int8_block_separate)(block);
        return;
    }
#endif
    for (int32_t i = 0; i < positions; ++i) {
        (packing == INT8_STACKED     ? int8_block_one_stacked
         : packing == INT8_SCATTERED ? int8_block_one_scattered
                                     : int8_block_one_separate)(block);
        ++block->patch;
        block->output += block->output_step;
    }
}

/* All channels. Unless they are scattered, an odd number begins with a pair whose second channel is computed again. */
INT8_INLINE void int8_compute_block(const uint32_t *patch, int32_t positions, const uint32_t *weights, int8_t *output,
                                    int32_t pairs, int32_t channels, int32_t channel_pairs, int8_packing packing)
{
    const int32_t words = pairs + INT8_PAIR_WORDS;
    const uint32_t *patch_end = patch + INT8_POSITIONS * pairs + INT8_AHEAD;
    const int32_t odd = packing == INT8_SCATTERED ? 0 : channels % 2;
    if (odd != 0) {
        int8_block block = {patch, patch_end, weights, weights + words, output, channels, pairs};
        int8_block_run(&block, positions, packing);
    }
    int8_block block = {patch, patch_end, weights + odd * words, weights + channel_pairs * words, output + odd,
                        channels, pairs};
    int8_block_run(&block, positions, packing);
}

/* Channels that are the same everywhere: each constant is a channel times 256, plus its byte. */
INT8_INLINE void int8_write_constants(int8_t *output, const uint32_t *constants, int32_t count, int32_t positions,
                                      int32_t channels)
{
    for (int32_t i = 0; i < count; ++i) {
        int8_t *place = output + (constants[i] >> 8);
        const int8_t value = (int8_t)constants[i];
        for (int32_t position = 0; position < positions; ++position) {
            *place = value;
            place += channels;
        }
    }
}

INT8_INLINE uint32_t *int8_widen_four(uint32_t four, uint32_t *patch)
{
    patch[0] = int8_even_bytes(four);
    patch[INT8_POSITIONS] = int8_odd_bytes(four);
    return patch + 2 * INT8_POSITIONS;
}

/* `length` values as pairs into every fourth word; returns where the next go. */
INT8_INLINE uint32_t *int8_widen(const int8_t *restrict source, uint32_t *restrict patch, int32_t length)
{
    int32_t i = 0;
    /* Loads that stand together hide behind one another. */
    INT8_UNROLL(1)
    for (; i + 16 <= length; i += 16) {
        const uint32_t a = int8_load_four(source);
        const uint32_t b = int8_load_four(source + 4);
        const uint32_t c = int8_load_four(source + 8);
        const uint32_t d = int8_load_four(source + 12);
        patch = int8_widen_four(a, patch);
        patch = int8_widen_four(b, patch);
        patch = int8_widen_four(c, patch);
        patch = int8_widen_four(d, patch);
        source += 16;
    }
    INT8_UNROLL(4)
    for (; i + 4 <= length; i += 4) {
        patch = int8_widen_four(int8_load_four(source), patch);
        source += 4;
    }
    for (; i < length; i += 2) {
        *patch = int8_pair(source[0], i + 1 < length ? source[1] : 0);
        patch += INT8_POSITIONS;
        source += 2;
    }
    return patch;
}

INT8_INLINE uint32_t *int8_fill(uint32_t *patch, int32_t length, int32_t value)
{
    const uint32_t pair = int8_pair(value, value);
    INT8_UNROLL(4)
    for (int32_t i = 0; i < length; i += 2) {
        *patch = pair;
        patch += INT8_POSITIONS;
    }
    return patch;
}

INT8_INLINE bool int8_inside(int32_t first, int32_t reach, int32_t length)
{
    return first >= 0 && first + reach <= length;
}

/* A row of a window that lies partly outside the image, and whose depth does not come in fours. */
INT8_INLINE uint32_t *int8_gather_edge(const int8_t *restrict row, uint32_t *restrict patch, int32_t left,
                                       int8_window w)
{
    const int32_t run = w.window_columns * w.depth;
    int32_t values[4];
    for (int32_t i = 0; i < run; i += 4) {
        for (int32_t k = 0; k < 4; ++k) {
            const int32_t at = left * w.depth + i + k;
            const bool inside = i + k < run && at >= 0 && at < w.input_columns * w.depth;
            values[k] = inside ? row[at] : w.zero_point;
        }
        const bool whole = i + 4 <= run;
        *patch = int8_pair(values[0], values[whole ? 2 : 1]);
        patch += INT8_POSITIONS;
        if (i + 2 < run) {
            *patch = int8_pair(values[whole ? 1 : 2], values[3]);
            patch += INT8_POSITIONS;
        }
    }
    return patch;
}

/* One row of a window. */
INT8_INLINE uint32_t *int8_gather_row(const int8_t *restrict row, uint32_t *restrict patch, int32_t left,
                                      bool inside, int8_window w)
{
    if (w.dilation_columns == 1 && inside) {
        return int8_widen(row + left * w.depth, patch, w.window_columns * w.depth);
    }
    if (w.dilation_columns == 1 && w.depth % 4 != 0) {
        return int8_gather_edge(row, patch, left, w);
    }
    for (int32_t x = 0; x < w.window_columns; ++x) {
        const int32_t column = left + x * w.dilation_columns;
        if (column >= 0 && column < w.input_columns) {
            patch = int8_widen(row + column * w.depth, patch, w.depth);
        } else {
            patch = int8_fill(patch, w.depth, w.zero_point);
        }
    }
    return patch;
}

/* The taps of a run, rounded up to pairs. */
INT8_INLINE int32_t int8_run_pairs(int8_window w)
{
    return w.dilation_columns == 1 ? (w.window_columns * w.depth + 1) / 2 : w.window_columns * ((w.depth + 1) / 2);
}

/* The window whose first row is `top` and whose first column is `left`. */
INT8_INLINE void int8_gather(const int8_t *restrict input, uint32_t *restrict patch, int32_t top, int32_t left,
                             int8_window w)
{
    const bool inside = int8_inside(left, (w.window_columns - 1) * w.dilation_columns + 1, w.input_columns);
    if (inside && w.dilation_columns == 1
        && int8_inside(top, (w.window_rows - 1) * w.dilation_rows + 1, w.input_rows)) {
        const int8_t *row = input + (top * w.input_columns + left) * w.depth;
        for (int32_t y = 0; y < w.window_rows; ++y) {
            patch = int8_widen(row, patch, w.window_columns * w.depth);
            row += w.dilation_rows * w.input_columns * w.depth;
        }
        return;
    }
    for (int32_t y = 0; y < w.window_rows; ++y) {
        const int32_t row = top + y * w.dilation_rows;
        if (row >= 0 && row < w.input_rows) {
            patch = int8_gather_row(input + row * w.input_columns * w.depth, patch, left, inside, w);
        } else {
            patch = int8_fill(patch, 2 * int8_run_pairs(w), w.zero_point);
        }
    }
}

/* The windows of `count` positions, from `first` on. */
INT8_INLINE void int8_gather_all(const int8_t *restrict input, uint32_t *restrict patch, int32_t first, int32_t count,
                                 int8_window w)
{
    const bool together = w.output_rows * w.output_columns == w.input_rows * w.input_columns && w.window_rows == 1
                       && w.window_columns == 1;
    if (together) {
        for (int32_t i = 0; i < count; ++i) {
            int8_widen(input + (first + i) * w.depth, patch + i, w.depth);
        }
        return;
    }
    int32_t top = first / w.output_columns * w.stride_rows - w.top;
    int32_t left = first % w.output_columns * w.stride_columns - w.left;
    INT8_UNROLL(1)
    for (int32_t i = 0; i < count; ++i) {
        int8_gather(input, patch + i, top, left, w);
        left += w.stride_columns;
        if (left == w.output_columns * w.stride_columns - w.left) {
            left = -w.left;
            top += w.stride_rows;
        }
    }
}

/* `scratch`: INT8_POSITIONS words for each pair of taps, and INT8_AHEAD words more. */
INT8_INLINE void int8_conv_2d(const int8_t *restrict input, int8_t *restrict output, const uint32_t *restrict weights,
                              uint32_t *restrict scratch, int8_window w, int32_t channel_pairs,
                              int8_packing packing)
{
    const int32_t pairs = w.window_rows * int8_run_pairs(w);
    const int32_t positions = w.output_rows * w.output_columns;
    int32_t first = 0;
    while (first < positions) {
        int32_t count = positions - first;
        if (count > 1 && positions >= INT8_POSITIONS) {
            first = count < INT8_POSITIONS ? positions - INT8_POSITIONS : first;
            count = INT8_POSITIONS;
        }
        int8_gather_all(input, scratch, first, count, w);
        int8_compute_block(scratch, count, weights, output + first * w.channels, pairs, w.channels, channel_pairs,
                           packing);
        first += count;
    }
}

/* Any scale. Weights are [channels][window_rows][window_columns][depth]. */
INT8_INLINE void int8_conv_2d_any(const int8_t *restrict input, int8_t *restrict output,
                                  const int8_t *restrict weights, const int8_channel *restrict channels,
                                  int8_window w, int8_output form)
{
    for (int32_t position = 0; position < w.output_rows * w.output_columns; ++position) {
        const int32_t top = position / w.output_columns * w.stride_rows - w.top;
        const int32_t left = position % w.output_columns * w.stride_columns - w.left;
        const int8_t *taps = weights;
        for (int32_t c = 0; c < w.channels; ++c) {
            int32_t sum = channels[c].bias;
            for (int32_t tap = 0; tap < w.window_rows * w.window_columns; ++tap) {
                const int32_t row = top + tap / w.window_columns * w.dilation_rows;
                const int32_t column = left + tap % w.window_columns * w.dilation_columns;
                const bool inside = row >= 0 && row < w.input_rows && column >= 0 && column < w.input_columns;
                const int8_t *pixel = input + (row * w.input_columns + column) * w.depth;
                for (int32_t k = 0; k < w.depth; ++k) {
                    sum += *taps++ * (inside ? pixel[k] : w.zero_point);
                }
            }
            *output++ = int8_rescale(sum, &channels[c], form);
        }
    }
}

#endif
