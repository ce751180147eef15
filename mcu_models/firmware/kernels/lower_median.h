/* The lower median of a frame's pixels. */
#ifndef LOWER_MEDIAN_H
#define LOWER_MEDIAN_H

#include <stdint.h>

/* The smallest value that at least `rank` of the values do not exceed, by halving the range of values:
 * at most 16 passes over them, and about log2(largest - smallest + 1) for a frame. */
static inline int32_t lower_median(const int16_t *values, int32_t length)
{
    const int32_t rank = (length + 1) / 2;
    int32_t low = values[0];
    int32_t high = values[0];
    for (int32_t i = 1; i < length; ++i) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    while (low < high) {
        const int32_t middle = (low + high) >> 1;
        int32_t count = 0;
        for (int32_t i = 0; i < length; ++i) {
            count += values[i] <= middle ? 1 : 0;
        }
        if (count >= rank) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

#endif
