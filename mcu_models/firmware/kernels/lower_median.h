/* The lower median of a frame's pixels. Where the core has instructions for two halfwords at once they are used; the
 * results are the same. */
#ifndef LOWER_MEDIAN_H
#define LOWER_MEDIAN_H

#include <stdint.h>

#if defined(__ARM_FEATURE_DSP)
static inline uint32_t lower_median_pair(const int16_t *values)
{
    uint32_t pair;
    __builtin_memcpy(&pair, values, sizeof pair);
    return pair;
}

/* The larger of each of two values. */
static inline uint32_t lower_median_larger(uint32_t a, uint32_t b)
{
    uint32_t larger;
    __asm__("ssub16 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(larger) : "r"(a), "r"(b) : "cc");
    return larger;
}

static inline uint32_t lower_median_smaller(uint32_t a, uint32_t b)
{
    uint32_t smaller;
    __asm__("ssub16 %0, %1, %2\n\tsel %0, %2, %1" : "=&r"(smaller) : "r"(a), "r"(b) : "cc");
    return smaller;
}

/* One in each half whose value is less than that half of `limits`. */
static inline uint32_t lower_median_below(uint32_t pair, uint32_t limits)
{
    uint32_t below;
    __asm__("ssub16 %0, %1, %2\n\tsel %0, %3, %4"
            : "=&r"(below)
            : "r"(pair), "r"(limits), "r"(0u), "r"(0x10001u)
            : "cc");
    return below;
}
#endif

/* Find the smallest and the largest value. */
static inline void lower_median_range(const int16_t *values, int32_t length, int32_t *low, int32_t *high)
{
    int32_t i = 0;
    *low = values[0];
    *high = values[0];
#if defined(__ARM_FEATURE_DSP)
    if (length >= 2) {
        uint32_t smallest = lower_median_pair(values);
        uint32_t largest = smallest;
        for (i = 2; i + 2 <= length; i += 2) {
            const uint32_t pair = lower_median_pair(values + i);
            smallest = lower_median_smaller(smallest, pair);
            largest = lower_median_larger(largest, pair);
        }
        *low = (int16_t)lower_median_smaller(smallest, smallest >> 16);
        *high = (int16_t)lower_median_larger(largest, largest >> 16);
    }
#endif
    for (; i < length; ++i) {
        *low = values[i] < *low ? values[i] : *low;
        *high = values[i] > *high ? values[i] : *high;
    }
}

/* How many values are at most `middle`, which is less than the largest. */
static inline int32_t lower_median_count(const int16_t *values, int32_t length, int32_t middle)
{
    int32_t count = 0;
    int32_t i = 0;
#if defined(__ARM_FEATURE_DSP)
    const uint32_t limits = ((uint32_t)(middle + 1) & 0xFFFFu) * 0x10001u;
    uint32_t pairs = 0u;
    for (; i + 4 <= length; i += 4) {
        pairs += lower_median_below(lower_median_pair(values + i), limits);
        pairs += lower_median_below(lower_median_pair(values + i + 2), limits);
    }
    count = (int32_t)((pairs & 0xFFFFu) + (pairs >> 16));
#endif
    for (; i < length; ++i) {
        count += values[i] <= middle ? 1 : 0;
    }
    return count;
}

/* The smallest value that at least half of the values do not exceed, by halving the range of values:
 * at most 16 passes over them, and about log2(largest - smallest + 1) for a frame. */
static inline int32_t lower_median(const int16_t *values, int32_t length)
{
    const int32_t rank = (length + 1) / 2;
    int32_t low;
    int32_t high;
    lower_median_range(values, length, &low, &high);
    while (low < high) {
        const int32_t middle = (low + high) >> 1;
        if (lower_median_count(values, length, middle) >= rank) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

#endif
