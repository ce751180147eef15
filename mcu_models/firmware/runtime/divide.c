/* 64-bit division for clang, whose own helpers come with a megabyte of debug information; gcc brings libgcc.
 * Run-time ABI for the Arm Architecture, 4.3.1: quotient in r0:r1, remainder in r2:r3. */
#if defined(__clang__)

#include <stdint.h>

#define RUNTIME __attribute__((used))

RUNTIME uint64_t runtime_divide(uint64_t numerator, uint64_t denominator, uint64_t *remainder);
RUNTIME int64_t runtime_divide_signed(int64_t numerator, int64_t denominator, int64_t *remainder);
void __aeabi_uldivmod(void);
void __aeabi_ldivmod(void);

/* A zero denominator gives zero and leaves the numerator, as the core's own division does. */
uint64_t runtime_divide(uint64_t numerator, uint64_t denominator, uint64_t *remainder)
{
    uint64_t quotient = 0;
    if (((numerator | denominator) >> 32) == 0 && denominator != 0) {
        const uint32_t n = (uint32_t)numerator;
        const uint32_t d = (uint32_t)denominator;
        *remainder = n % d;
        return n / d;
    }
    if (denominator != 0 && numerator >= denominator) {
        int32_t shift = __builtin_clzll(denominator) - __builtin_clzll(numerator);
        uint64_t part = denominator << shift;
        for (; shift >= 0; --shift) {
            quotient <<= 1;
            if (numerator >= part) {
                numerator -= part;
                quotient |= 1u;
            }
            part >>= 1;
        }
    }
    *remainder = numerator;
    return quotient;
}

int64_t runtime_divide_signed(int64_t numerator, int64_t denominator, int64_t *remainder)
{
    const uint64_t n = numerator < 0 ? 0u - (uint64_t)numerator : (uint64_t)numerator;
    const uint64_t d = denominator < 0 ? 0u - (uint64_t)denominator : (uint64_t)denominator;
    uint64_t rest;
    const uint64_t quotient = runtime_divide(n, d, &rest);
    *remainder = (int64_t)(numerator < 0 ? 0u - rest : rest);
    return (int64_t)((numerator < 0) != (denominator < 0) ? 0u - quotient : quotient);
}

/* Calls `function` with the address of a remainder on the stack, then loads it. */
#define DIVIDE_AND_LOAD(function)                                                                                      \
    __asm__ volatile("push {r6, lr}\n"                                                                                 \
                     "sub sp, sp, #16\n"                                                                               \
                     "add r6, sp, #8\n"                                                                                \
                     "str r6, [sp]\n"                                                                                  \
                     "bl " function "\n"                                                                               \
                     "ldr r2, [sp, #8]\n"                                                                              \
                     "ldr r3, [sp, #12]\n"                                                                             \
                     "add sp, sp, #16\n"                                                                               \
                     "pop {r6, pc}\n")

RUNTIME __attribute__((naked)) void __aeabi_uldivmod(void)
{
    DIVIDE_AND_LOAD("runtime_divide");
}

RUNTIME __attribute__((naked)) void __aeabi_ldivmod(void)
{
    DIVIDE_AND_LOAD("runtime_divide_signed");
}

#else
typedef int runtime_divide_comes_with_libgcc;
#endif
