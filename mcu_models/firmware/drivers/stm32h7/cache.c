#include "cache.h"

#include "stm32h7.h"

#define CCR_DC BIT(16)
#define CCR_IC BIT(17)
#define WAY_SHIFT 30u
#define SET_SHIFT 5u

static void barrier(void)
{
    __asm volatile("dsb\n\tisb" ::: "memory");
}

/* Lines come up with any content after power-on (DDI 0489F, 5.3). */
void caches_start(void)
{
    SCB_ICIALLU = 0u;
    SCB_CSSELR = 0u;
    barrier();
    const uint32_t size = SCB_CCSIDR, sets = (size >> 13) & 0x7FFFu, ways = (size >> 3) & 0x3FFu;
    for (uint32_t set = 0u; set <= sets; ++set) {
        for (uint32_t way = 0u; way <= ways; ++way) {
            SCB_DCISW = (way << WAY_SHIFT) | (set << SET_SHIFT);
        }
    }
    barrier();
    SCB_CCR |= CCR_DC | CCR_IC;
    barrier();
}

void cache_forget(const void *address, uint32_t bytes)
{
    barrier();
    const uint32_t begin = (uint32_t)(uintptr_t)address;
    for (uint32_t line = begin; line < begin + bytes; line += CACHE_LINE_BYTES) {
        SCB_DCIMVAC = line;
    }
    barrier();
}
