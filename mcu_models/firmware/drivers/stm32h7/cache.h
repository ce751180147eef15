/* The core's caches. */
#ifndef CACHE_H
#define CACHE_H

#include <stdint.h>

#define CACHE_LINE_BYTES 32u

/* Empty both caches, and switch them on. */
void caches_start(void);

/* Forget what the data cache holds of `bytes` at `address`, which DMA has written. Both must be multiples of
 * CACHE_LINE_BYTES, and the core must not have written there: what it wrote would be lost. */
void cache_forget(const void *address, uint32_t bytes);

#endif
