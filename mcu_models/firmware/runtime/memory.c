/* Memory functions without a C library. The builder compiles this file so that the compiler does not
 * turn their loops into calls of themselves. Cortex-M4 and M7 load and store unaligned words. */
#include "memory.h"

#include <stdint.h>

#define RUNTIME __attribute__((used, noinline))

typedef uint32_t __attribute__((aligned(1), may_alias)) unaligned_word;

RUNTIME void *memcpy(void *restrict target, const void *restrict source, size_t length)
{
    uint8_t *to = target;
    const uint8_t *from = source;
    for (; length >= sizeof(uint32_t); length -= sizeof(uint32_t)) {
        *(unaligned_word *)to = *(const unaligned_word *)from;
        to += sizeof(uint32_t);
        from += sizeof(uint32_t);
    }
    for (; length > 0; --length) {
        *to++ = *from++;
    }
    return target;
}

RUNTIME void *memmove(void *target, const void *source, size_t length)
{
    uint8_t *to = target;
    const uint8_t *from = source;
    if ((uintptr_t)to <= (uintptr_t)from) {
        for (size_t i = 0; i < length; ++i) {
            to[i] = from[i];
        }
    } else {
        for (size_t i = length; i > 0; --i) {
            to[i - 1] = from[i - 1];
        }
    }
    return target;
}

RUNTIME void *memset(void *target, int value, size_t length)
{
    uint8_t *to = target;
    const uint32_t word = (uint32_t)(uint8_t)value * UINT32_C(0x01010101);
    for (; length >= sizeof(uint32_t); length -= sizeof(uint32_t)) {
        *(unaligned_word *)to = word;
        to += sizeof(uint32_t);
    }
    for (; length > 0; --length) {
        *to++ = (uint8_t)value;
    }
    return target;
}

RUNTIME int memcmp(const void *left, const void *right, size_t length)
{
    const uint8_t *a = left;
    const uint8_t *b = right;
    for (size_t i = 0; i < length; ++i) {
        if (a[i] != b[i]) {
            return a[i] - b[i];
        }
    }
    return 0;
}
