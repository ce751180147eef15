/* Something of everything that an image may hold: functions that call each other, data, floats, a sleep, a crash. */
#include "start.h"

static volatile uint32_t counted;
static const uint32_t steps[] = {1u, 2u, 3u, 5u, 8u};

__attribute__((noinline)) static uint32_t sum(const uint32_t *values, uint32_t length)
{
    uint32_t total = 0u;
    for (uint32_t i = 0; i < length; i++) {
        total += values[i] * values[i];
    }
    return total;
}

__attribute__((noinline)) static void crash(void)
{
    REGISTER(0x60000001u) = counted;
}

void reset_handler(void)
{
    REGISTER(0xE000ED88u) |= 0xFu << 20; /* CPACR: the floating-point unit is on */
    REGISTER(0xE000E014u) = 3999u;       /* SysTick every millisecond at 4 MHz */
    REGISTER(0xE000E010u) = 7u;
    for (uint32_t round = 0; round < 2u; round++) {
        counted += sum(steps, sizeof steps / sizeof steps[0]);
        __asm volatile("wfi");
    }
    volatile float half = (float)counted / 2.0f;
    counted = (uint32_t)half;
    crash();
    for (;;) {
    }
}
