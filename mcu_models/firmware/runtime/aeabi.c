/* The names by which the Arm EABI knows the memory functions (Run-time ABI for the Arm Architecture, 4.3.4). */
#include "memory.h"

#define RUNTIME __attribute__((used))

RUNTIME void __aeabi_memcpy(void *restrict target, const void *restrict source, size_t length);
RUNTIME void __aeabi_memcpy4(void *restrict target, const void *restrict source, size_t length);
RUNTIME void __aeabi_memcpy8(void *restrict target, const void *restrict source, size_t length);
RUNTIME void __aeabi_memmove(void *target, const void *source, size_t length);
RUNTIME void __aeabi_memmove4(void *target, const void *source, size_t length);
RUNTIME void __aeabi_memmove8(void *target, const void *source, size_t length);
RUNTIME void __aeabi_memset(void *target, size_t length, int value);
RUNTIME void __aeabi_memset4(void *target, size_t length, int value);
RUNTIME void __aeabi_memset8(void *target, size_t length, int value);
RUNTIME void __aeabi_memclr(void *target, size_t length);
RUNTIME void __aeabi_memclr4(void *target, size_t length);
RUNTIME void __aeabi_memclr8(void *target, size_t length);

void __aeabi_memcpy(void *restrict target, const void *restrict source, size_t length)
{
    memcpy(target, source, length);
}

void __aeabi_memcpy4(void *restrict target, const void *restrict source, size_t length)
{
    memcpy(target, source, length);
}

void __aeabi_memcpy8(void *restrict target, const void *restrict source, size_t length)
{
    memcpy(target, source, length);
}

void __aeabi_memmove(void *target, const void *source, size_t length)
{
    memmove(target, source, length);
}

void __aeabi_memmove4(void *target, const void *source, size_t length)
{
    memmove(target, source, length);
}

void __aeabi_memmove8(void *target, const void *source, size_t length)
{
    memmove(target, source, length);
}

/* The EABI swaps the value and the length. */
void __aeabi_memset(void *target, size_t length, int value)
{
    memset(target, value, length);
}

void __aeabi_memset4(void *target, size_t length, int value)
{
    memset(target, value, length);
}

void __aeabi_memset8(void *target, size_t length, int value)
{
    memset(target, value, length);
}

void __aeabi_memclr(void *target, size_t length)
{
    memset(target, 0, length);
}

void __aeabi_memclr4(void *target, size_t length)
{
    memset(target, 0, length);
}

void __aeabi_memclr8(void *target, size_t length)
{
    memset(target, 0, length);
}
