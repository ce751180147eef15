/* The four functions that a freestanding compiler may call; declared here since there is no <string.h>. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stddef.h>

void *memcpy(void *restrict target, const void *restrict source, size_t length);
void *memmove(void *target, const void *source, size_t length);
void *memset(void *target, int value, size_t length);
int memcmp(const void *left, const void *right, size_t length);

#endif
