/* A checksum of words, by which memory is known to be what it was. */
#ifndef WORD_SUM_H
#define WORD_SUM_H

#include <stdint.h>

#define WORD_SUM_SEED 0x5EA1EDu /* so that the sum of nothing but zeros is not zero */

/* Words of whatever object: the compiler must not take it for granted that they are another's. */
typedef uint32_t __attribute__((may_alias)) word_sum_t;

/* Of the words from `from` to `end`. Each turns what came before by one bit, so that words that change places are
 * noticed as well. */
static inline uint32_t word_sum(const void *from, const void *end)
{
    const word_sum_t *word = from;
    uint32_t sum = WORD_SUM_SEED;
    while (word < (const word_sum_t *)end) {
        sum = (sum << 1 | sum >> 31) ^ *word++;
    }
    return sum;
}

#endif
