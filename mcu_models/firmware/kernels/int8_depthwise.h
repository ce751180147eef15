/* Depthwise convolutions over images stored as [rows][columns][depth].
 *
 * For windows of 3x3, a band of the image is laid out by channel, four channels at a time: a plane of words, each two
 * neighbouring columns as int16, the words of a pair of columns below one another. From these, four outputs, two rows
 * and two columns, are summed in registers with the nine weights in six others. */
#ifndef INT8_DEPTHWISE_H
#define INT8_DEPTHWISE_H

#include "int8_convolution.h"

/* Planes at a time, as many as one word of the image has channels. */
#define INT8_PLANES 4

/* Words of a channel's weights: three rows of taps, and the four of its scale.
 * A row's bytes are taps 0, 1, 1, 2 when the stride is 1, and 0, 2, 1 and zero when it is 2. */
#define INT8_DEPTHWISE_WORDS 7

/* What a run of outputs of one channel is computed from; the order is known to the assembly below. */
typedef struct {
    const uint32_t *plane;
    const uint32_t *plane_end;
    int8_t *output;
    int32_t column_pairs;
    const uint32_t *weights;
} int8_depthwise_block;

typedef void (*int8_depthwise_function)(const int8_depthwise_block *block);

#if defined(INT8_HAND_WRITTEN)
/* r4-r6: taps 0 and 1 of the rows; r7-r9: taps 1 and 2, or 2 alone; r2, r3: the sums of a row; r10, r11: of the next.
 * The weights are doubled, and so are the sums. s0 plane, s1 its end, s2 output, s3 twice the bias, s4-s6 scale, s7 pairs of columns left, s8 output, s9 plane. */
#define INT8_LOAD(register, column, row, pitch) \
    "ldr.w " register ", [r12, #(" #column " * " INT8_TEXT(pitch) " + 4 * " #row ")]\n\t"

/* A word of two columns by the weights of a window's row, when the stride is 1: as the left, and as the right word. */
#define INT8_LEFT(word, sum_0, sum_1, low) \
    "smlad " sum_0 ", " word ", " low ", " sum_0 "\n\t" \
    "smlatb " sum_1 ", " word ", " low ", " sum_1 "\n\t"
#define INT8_RIGHT(word, sum_0, sum_1, high) \
    "smlabt " sum_0 ", " word ", " high ", " sum_0 "\n\t" \
    "smlad " sum_1 ", " word ", " high ", " sum_1 "\n\t"

#define INT8_SUMS_BY_1(pitch) \
    INT8_LOAD("r0", 0, 0, pitch) INT8_LOAD("r1", 0, 1, pitch) INT8_LOAD("lr", 0, 2, pitch) \
    INT8_LEFT("r0", "r2", "r3", "r4") \
    INT8_LEFT("r1", "r2", "r3", "r5") INT8_LEFT("r1", "r10", "r11", "r4") \
    INT8_LEFT("lr", "r2", "r3", "r6") INT8_LEFT("lr", "r10", "r11", "r5") \
    INT8_LOAD("r0", 0, 3, pitch) INT8_LOAD("r1", 1, 0, pitch) INT8_LOAD("lr", 1, 1, pitch) \
    INT8_LEFT("r0", "r10", "r11", "r6") \
    INT8_RIGHT("r1", "r2", "r3", "r7") \
    INT8_RIGHT("lr", "r2", "r3", "r8") INT8_RIGHT("lr", "r10", "r11", "r7") \
    INT8_LOAD("r0", 1, 2, pitch) INT8_LOAD("r1", 1, 3, pitch) \
    INT8_RIGHT("r0", "r2", "r3", "r9") INT8_RIGHT("r0", "r10", "r11", "r8") \
    INT8_RIGHT("r1", "r10", "r11", "r9")

/* The words of three pairs of columns by the weights of a window's row, when the stride is 2. */
#define INT8_ROW_BY_2(sum_0, sum_1, low, high) \
    "smlad " sum_0 ", r0, " low ", " sum_0 "\n\t" \
    "smlad " sum_1 ", r1, " low ", " sum_1 "\n\t" \
    "smlabb " sum_0 ", r1, " high ", " sum_0 "\n\t" \
    "smlabb " sum_1 ", lr, " high ", " sum_1 "\n\t"
#define INT8_LOAD_ROW(row, pitch) \
    INT8_LOAD("r0", 0, row, pitch) INT8_LOAD("r1", 1, row, pitch) INT8_LOAD("lr", 2, row, pitch)
#define INT8_SUMS_BY_2(pitch) \
    INT8_LOAD_ROW(0, pitch) INT8_ROW_BY_2("r2", "r3", "r4", "r7") \
    INT8_LOAD_ROW(1, pitch) INT8_ROW_BY_2("r2", "r3", "r5", "r8") \
    INT8_LOAD_ROW(2, pitch) INT8_ROW_BY_2("r2", "r3", "r6", "r9") INT8_ROW_BY_2("r10", "r11", "r4", "r7") \
    INT8_LOAD_ROW(3, pitch) INT8_ROW_BY_2("r10", "r11", "r5", "r8") \
    INT8_LOAD_ROW(4, pitch) INT8_ROW_BY_2("r10", "r11", "r6", "r9")

#define INT8_RESCALED_BY_R0(sum) "add.w lr, r1, " sum ", asr #31\n\t" "smmlar " sum ", " sum ", r0, lr\n\t"

/* A function for one layer: `step` bytes lie between its channels' neighbouring columns, `row` between rows, `pitch`
 * between the plane's pairs of columns; `sums` is INT8_SUMS_BY_1 or INT8_SUMS_BY_2, and `stride` what it says. */
#define INT8_DEPTHWISE_FUNCTION(name, sums, stride, step, row, pitch) \
    INT8_NAKED void name(__attribute__((unused)) const int8_depthwise_block *block) \
    { \
        __asm__ volatile( \
            "push {r4-r11, lr}\n\t" \
            "vldm r0!, {s0-s2}\n\t" \
            "ldrd r1, r2, [r0]\n\t" \
            "vmov s7, r1\n\t" \
            "ldm.w r2!, {r3, r10, r11}\n\t" \
            "vldm r2, {s3-s6}\n\t" \
            "sxtb16 r4, r3\n\tsxtb16 r5, r10\n\tsxtb16 r6, r11\n\t" \
            "sxtb16 r7, r3, ror #8\n\tsxtb16 r8, r10, ror #8\n\tsxtb16 r9, r11, ror #8\n\t" \
            "sadd16 r4, r4, r4\n\tsadd16 r5, r5, r5\n\tsadd16 r6, r6, r6\n\t" \
            "sadd16 r7, r7, r7\n\tsadd16 r8, r8, r8\n\tsadd16 r9, r9, r9\n\t" \
            "vmov r12, s0\n\t" \
            "vmov r0, s2\n\t" \
            ".p2align 2\n" \
            "1:\n\t" \
            "vmov s8, r0\n\t" \
            "2:\n\t" \
            "vmov r2, s3\n\t" \
            "mov.w r3, r2\n\tmov.w r10, r2\n\tmov.w r11, r2\n\t" sums(pitch) \
            "add.w r12, r12, #(8 * " #stride ")\n\t" \
            "vmov r0, s4\n\tvmov r1, s5\n\tvmov s9, r12\n\tvmov r12, s6\n\t" \
            INT8_RESCALED_BY_R0("r2") INT8_RESCALED_BY_R0("r3") \
            INT8_RESCALED_BY_R0("r10") INT8_RESCALED_BY_R0("r11") \
            "asr.w r2, r2, r12\n\tasr.w r3, r3, r12\n\tasr.w r10, r10, r12\n\tasr.w r11, r11, r12\n\t" \
            "ssat r2, #8, r2\n\tssat r3, #8, r3\n\tssat r10, #8, r10\n\tssat r11, #8, r11\n\t" \
            "vmov r0, s8\n\tvmov r1, s1\n\tvmov r12, s9\n\t" \
            "strb.w r2, [r0]\n\tstrb.w r3, [r0, #" INT8_TEXT(step) "]\n\t" \
            "strb.w r10, [r0, #" INT8_TEXT(row) "]\n\tstrb.w r11, [r0, #(" INT8_TEXT(row) " + " INT8_TEXT(step) ")]\n\t" \
            "addw r0, r0, #(2 * " INT8_TEXT(row) ")\n\t" \
            "cmp.w r12, r1\n\t" \
            "vmov s8, r0\n\t" \
            "bne.w 2b\n\t" \
            "vmov r12, s0\n\tvmov r0, s2\n\tvmov r3, s7\n\t" \
            "addw r12, r12, #(" #stride " * " INT8_TEXT(pitch) ")\n\t" \
            "addw r1, r1, #(" #stride " * " INT8_TEXT(pitch) ")\n\t" \
            "addw r0, r0, #(2 * " INT8_TEXT(step) ")\n\t" \
            "subs.w r3, r3, #1\n\t" \
            "vmov s0, r12\n\tvmov s1, r1\n\tvmov s2, r0\n\tvmov s7, r3\n\t" \
            "bne.w 1b\n\t" \
            "pop {r4-r11, pc}\n\t" ::: "memory"); \
    }
#else
#define INT8_DEPTHWISE_FUNCTION(name, sums, stride, step, row, pitch) \
    static const int8_depthwise_function name = 0;
#endif

/* A band of the image as planes. */
typedef struct {
    int32_t output_rows; /* of the band */
    int32_t rows;        /* of the planes */
    int32_t pairs;       /* of columns */
} int8_band;

/* Two neighbouring pixels' words of four channels to four planes. */
INT8_INLINE void int8_lay_out_pair(uint32_t a, uint32_t b, uint32_t *restrict planes, int32_t plane_words)
{
    const uint32_t first = int8_lower_halves(a, b);
    const uint32_t second = int8_higher_halves(a, b);
    planes[0] = int8_even_bytes(first);
    planes[plane_words] = int8_odd_bytes(first);
    planes[2 * plane_words] = int8_even_bytes(second);
    planes[3 * plane_words] = int8_odd_bytes(second);
}

/* The channels of a pixel, of which there may be less than four, or the zero point beside the image. */
INT8_INLINE uint32_t int8_pixel(const int8_t *restrict row, int32_t column, int32_t lanes, int8_window w)
{
    if (column < 0 || column >= w.input_columns) {
        return ((uint32_t)w.zero_point & UINT32_C(0xFF)) * UINT32_C(0x01010101);
    }
    if (lanes == INT8_PLANES) {
        return int8_load_four(row + column * w.depth);
    }
    uint32_t word = 0;
    for (int32_t k = 0; k < lanes; ++k) {
        word |= (uint32_t)(uint8_t)row[column * w.depth + k] << (8 * k);
    }
    return word;
}

INT8_INLINE void int8_lay_out_row(const int8_t *restrict row, uint32_t *restrict planes, int32_t lanes, int8_window w,
                                  int8_band band)
{
    const int32_t plane_words = band.pairs * band.rows;
    const int32_t before = (w.left + 1) / 2;
    const int32_t inside = (w.input_columns + w.left) / 2;
    const int32_t whole = inside < band.pairs ? inside : band.pairs;
    for (int32_t j = 0; j < before; ++j) {
        int8_lay_out_pair(int8_pixel(row, 2 * j - w.left, lanes, w), int8_pixel(row, 2 * j + 1 - w.left, lanes, w),
                          planes + j * band.rows, plane_words);
    }
    INT8_UNROLL(2)
    for (int32_t j = before; j < whole; ++j) {
        int8_lay_out_pair(int8_pixel(row, 2 * j - w.left, lanes, w), int8_pixel(row, 2 * j + 1 - w.left, lanes, w),
                          planes + j * band.rows, plane_words);
    }
    for (int32_t j = whole; j < band.pairs; ++j) {
        int8_lay_out_pair(int8_pixel(row, 2 * j - w.left, lanes, w), int8_pixel(row, 2 * j + 1 - w.left, lanes, w),
                          planes + j * band.rows, plane_words);
    }
}

INT8_INLINE void int8_lay_out(const int8_t *restrict input, uint32_t *restrict planes, int32_t top, int32_t lanes,
                              int8_window w, int8_band band)
{
    for (int32_t r = 0; r < band.rows; ++r) {
        if (top + r >= 0 && top + r < w.input_rows) {
            int8_lay_out_row(input + (top + r) * w.input_columns * w.depth, planes + r, lanes, w, band);
            continue;
        }
        for (int32_t i = 0; i < lanes * band.pairs; ++i) {
            planes[i * band.rows + r] = int8_pair(w.zero_point, w.zero_point);
        }
    }
}

/* One output of a plane, by its row in the band and its column. */
INT8_INLINE int8_t int8_depthwise_point(const uint32_t *plane, const uint32_t *weights, int32_t row, int32_t column,
                                        int8_window w, int8_band band)
{
    int32_t sum = 0;
    const int32_t at = column * w.stride_columns;
    const uint32_t *words = plane + at / 2 * band.rows + row * w.stride_rows;
    for (int32_t y = 0; y < 3; ++y) {
        const uint32_t left = words[y];
        const uint32_t right = words[y + band.rows];
        const uint32_t low = int8_even_bytes(weights[y]);
        const uint32_t high = int8_odd_bytes(weights[y]);
        if (at % 2 == 0) {
            sum = int8_dot_pair(sum, left, low);
            sum += (int32_t)(int16_t)right * (int32_t)(w.stride_columns == 1 ? (int16_t)(high >> 16) : (int16_t)high);
        } else {
            sum += (int32_t)(int16_t)(left >> 16) * (int32_t)(int16_t)low;
            sum = int8_dot_pair(sum, right, high);
        }
    }
    return int8_rescale_right(sum, weights + 3);
}

INT8_INLINE void int8_depthwise_points(const uint32_t *plane, const uint32_t *weights, int8_t *output,
                                       int32_t first_row, int32_t first_column, int8_window w, int8_band band)
{
    for (int32_t row = first_row; row < band.output_rows; ++row) {
        for (int32_t column = first_column; column < w.output_columns; ++column) {
            output[(row * w.output_columns + column) * w.channels] =
                int8_depthwise_point(plane, weights, row, column, w, band);
        }
    }
}

#if defined(INT8_HAND_WRITTEN)
/* Pairs of rows from `row` on, pairs of columns from `column` on. */
INT8_INLINE void int8_depthwise_run(int8_depthwise_function function, const uint32_t *plane, const uint32_t *weights,
                                    int8_t *output, int32_t row, int32_t row_pairs, int32_t column,
                                    int32_t column_pairs, int8_window w, int8_band band)
{
    if (row_pairs > 0 && column_pairs > 0) {
        const uint32_t *first = plane + column * w.stride_columns / 2 * band.rows + row * w.stride_rows;
        const int8_depthwise_block block = {first, first + 2 * w.stride_rows * row_pairs,
                                            output + (row * w.output_columns + column) * w.channels, column_pairs,
                                            weights};
        function(&block);
    }
}

/* All outputs of a channel in a band, two rows by two columns. An odd last row is computed with the one before it. An
 * odd last column comes first, for what is computed beside it falls on the first column of the next row; below the
 * image's last row that would be outside, so there it is done alone. */
INT8_INLINE void int8_depthwise_plane(int8_depthwise_function function, const uint32_t *plane, const uint32_t *weights,
                                      int8_t *output, bool last, int8_window w, int8_band band)
{
    const int32_t even_rows = band.output_rows / 2;
    const int32_t odd_row = band.output_rows % 2;
    const int32_t even_columns = w.output_columns / 2;
    if (w.output_columns % 2 != 0) {
        const int32_t column = w.output_columns - 1;
        const int32_t safe = even_rows - (last && odd_row == 0 ? 1 : 0);
        int8_depthwise_run(function, plane, weights, output, 0, safe, column, 1, w, band);
        if (last) {
            int8_depthwise_points(plane, weights, output, 2 * safe, column, w, band);
        } else if (odd_row != 0) {
            int8_depthwise_run(function, plane, weights, output, band.output_rows - 2, 1, column, 1, w, band);
        }
    }
    int8_depthwise_run(function, plane, weights, output, 0, even_rows, 0, even_columns, w, band);
    if (odd_row != 0) {
        int8_depthwise_run(function, plane, weights, output, band.output_rows - 2, 1, 0, even_columns, w, band);
    }
}
#else
INT8_INLINE void int8_depthwise_plane(int8_depthwise_function function, const uint32_t *plane, const uint32_t *weights,
                                      int8_t *output, bool last, int8_window w, int8_band band)
{
    (void)function;
    (void)last;
    int8_depthwise_points(plane, weights, output, 0, 0, w, band);
}
#endif

/* Windows of 3x3, not dilated, stride 1 or 2 along both axes. Weights are INT8_DEPTHWISE_WORDS for each channel.
 * `scratch`: INT8_PLANES planes. The last band ends with the image, and may begin within the one before. */
INT8_INLINE void int8_depthwise_3x3(const int8_t *restrict input, int8_t *restrict output,
                                    const uint32_t *restrict weights, uint32_t *restrict scratch,
                                    int8_depthwise_function function, int8_window w, int8_band band)
{
    const int32_t multiplier = w.channels / w.depth;
    for (int32_t start = 0; start < w.output_rows; start += band.output_rows) {
        const bool last = start + band.output_rows >= w.output_rows;
        const int32_t row = last ? w.output_rows - band.output_rows : start;
        int8_t *target = output + row * w.output_columns * w.channels;
        for (int32_t k = 0; k < w.depth; k += INT8_PLANES) {
            const int32_t lanes = w.depth - k < INT8_PLANES ? w.depth % INT8_PLANES : INT8_PLANES;
            int8_lay_out(input + k, scratch, row * w.stride_rows - w.top, lanes, w, band);
            for (int32_t i = 0; i < lanes * multiplier; ++i) {
                const int32_t channel = k * multiplier + i;
                int8_depthwise_plane(function, scratch + i / multiplier * band.pairs * band.rows,
                                     weights + channel * INT8_DEPTHWISE_WORDS, target + channel, last, w, band);
            }
        }
    }
}

/* Four channels of one position: four sums, two to a pair of registers. Returns where the next weights are. */
INT8_INLINE const uint32_t *int8_depthwise_four(const int8_t *const *pixels, int32_t channel,
                                                const uint32_t *restrict weights, int8_t *restrict output,
                                                int32_t taps)
{
    int32_t sums[4] = {0, 0, 0, 0};
    for (int32_t tap = 0; tap < taps; ++tap) {
        const uint32_t four = int8_load_four(pixels[tap] + channel);
        const uint32_t even = int8_even_bytes(four);
        const uint32_t odd = int8_odd_bytes(four);
        const uint32_t low = int8_even_bytes(weights[tap]);
        const uint32_t high = int8_odd_bytes(weights[tap]);
        sums[0] += (int32_t)(int16_t)even * (int32_t)(int16_t)low;
        sums[1] += (int32_t)(int16_t)odd * (int32_t)(int16_t)high;
        sums[2] += ((int32_t)even >> 16) * ((int32_t)low >> 16);
        sums[3] += ((int32_t)odd >> 16) * ((int32_t)high >> 16);
    }
    weights += taps;
    for (int32_t i = 0; i < 4; ++i) {
        output[channel + i] = int8_rescale_right(sums[i], weights + 4 * i);
    }
    return weights + 16;
}

/* Any window; channels in fours, each with an input of its own. Weights are, for four channels, a word for each tap and
 * then four scales. `scratch`: a pointer for each tap, and a pixel of zero points for the taps beside the image. */
INT8_INLINE void int8_depthwise_by_four(const int8_t *restrict input, int8_t *restrict output,
                                        const uint32_t *restrict weights, int8_t *restrict scratch, int8_window w)
{
    const int32_t taps = w.window_rows * w.window_columns;
    const uintptr_t misplaced = (uintptr_t)scratch % sizeof(const int8_t *);
    const uintptr_t gap = misplaced == 0 ? 0 : sizeof(const int8_t *) - misplaced;
    const int8_t **pixels = (const int8_t **)(void *)(scratch + gap);
    int8_t *zero = (int8_t *)(void *)(pixels + taps);
    for (int32_t k = 0; k < w.depth; ++k) {
        zero[k] = (int8_t)w.zero_point;
    }
    for (int32_t position = 0; position < w.output_rows * w.output_columns; ++position) {
        const int32_t top = position / w.output_columns * w.stride_rows - w.top;
        const int32_t left = position % w.output_columns * w.stride_columns - w.left;
        for (int32_t y = 0; y < w.window_rows; ++y) {
            const int32_t row = top + y * w.dilation_rows;
            for (int32_t x = 0; x < w.window_columns; ++x) {
                const int32_t column = left + x * w.dilation_columns;
                const bool inside = row >= 0 && row < w.input_rows && column >= 0 && column < w.input_columns;
                const int8_t *pixel = input + (row * w.input_columns + column) * w.depth;
                pixels[y * w.window_columns + x] = inside ? pixel : zero;
            }
        }
        const uint32_t *words = weights;
        INT8_OPAQUE(words);
        INT8_UNROLL(1)
        for (int32_t channel = 0; channel < w.depth; channel += 4) {
            words = int8_depthwise_four(pixels, channel, words, output, taps);
        }
        output += w.channels;
    }
}

/* Any scale and window. Weights are [window_rows][window_columns][channels]; `channels / depth` of them read the same
 * input. */
INT8_INLINE void int8_depthwise_conv_2d_any(const int8_t *restrict input, int8_t *restrict output,
                                            const int8_t *restrict weights, const int8_channel *restrict channels,
                                            int8_window w, int8_output form)
{
    const int32_t multiplier = w.channels / w.depth;
    for (int32_t position = 0; position < w.output_rows * w.output_columns; ++position) {
        const int32_t top = position / w.output_columns * w.stride_rows - w.top;
        const int32_t left = position % w.output_columns * w.stride_columns - w.left;
        for (int32_t c = 0; c < w.channels; ++c) {
            int32_t sum = channels[c].bias;
            for (int32_t tap = 0; tap < w.window_rows * w.window_columns; ++tap) {
                const int32_t row = top + tap / w.window_columns * w.dilation_rows;
                const int32_t column = left + tap % w.window_columns * w.dilation_columns;
                const bool inside = row >= 0 && row < w.input_rows && column >= 0 && column < w.input_columns;
                const int32_t at = (row * w.input_columns + column) * w.depth + c / multiplier;
                sum += weights[tap * w.channels + c] * (inside ? input[at] : w.zero_point);
            }
            *output++ = int8_rescale(sum, &channels[c], form);
        }
    }
}

#endif
