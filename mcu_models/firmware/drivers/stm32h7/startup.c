/* Vector table and start-up of an STM32H743 without an operating system: memories, floating-point unit, caches. */
#include "startup.h"

#include <stdint.h>

#include "cache.h"
#include "stm32h7.h"

#define SYSTEM_VECTORS 16u
#define INTERRUPTS 150u

extern uint32_t stack_top;
extern uint32_t data_start, data_end, data_load, bss_start, bss_end;
extern uint32_t itcm_start, itcm_end, itcm_load;
/* A linker script that has no such memory leaves both zero. */
extern uint32_t kept_start __attribute__((weak)), kept_end __attribute__((weak));

int main(void);

void reset_handler(void);

/* A handler nobody wrote stops here, where a debugger finds it. */
void default_handler(void)
{
    for (;;) {
        __asm volatile("bkpt 0");
    }
}

__attribute__((weak)) bool startup_keeps_memory(void)
{
    return false;
}

void systick_handler(void) __attribute__((weak, alias("default_handler")));
void dcmi_handler(void) __attribute__((weak, alias("default_handler")));

typedef void (*vector_t)(void);

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    vector_t system[SYSTEM_VECTORS - 1u];
    vector_t interrupts[INTERRUPTS];
} vectors = {
    .stack = &stack_top,
    .system = {
        reset_handler, default_handler, default_handler, default_handler, default_handler,
        default_handler, 0, 0, 0, 0, default_handler, default_handler, 0, default_handler,
        systick_handler,
    },
    .interrupts = {
        [0 ... DCMI_IRQ - 1u] = default_handler,
        [DCMI_IRQ] = dcmi_handler,
        [DCMI_IRQ + 1u ... INTERRUPTS - 1u] = default_handler,
    },
};

static void copy(const uint32_t *from, uint32_t *to, const uint32_t *end)
{
    while (to < end) {
        *to++ = *from++;
    }
}

static void zero(uint32_t *to, const uint32_t *end)
{
    while (to < end) {
        *to++ = 0u;
    }
}

void reset_handler(void)
{
    copy(&itcm_load, &itcm_start, &itcm_end);
    copy(&data_load, &data_start, &data_end);
    zero(&bss_start, &bss_end);
    if (!startup_keeps_memory()) {
        zero(&kept_start, &kept_end);
    }
    reg_set(&SCB_CPACR, 0xFu << 20); /* the network's kernels keep values in floating-point registers */
    __asm volatile("dsb\n\tisb" ::: "memory");
    caches_start();
    (void)main();
    default_handler();
}
