/* Vector table and start-up of a Cortex-M4F without an operating system. */
#include "startup.h"

#include <stdint.h>

#include "stm32l4.h"

#define SYSTEM_VECTORS 16u
#define INTERRUPTS 91u

extern uint32_t stack_top;
extern uint32_t data_start, data_end, data_load, bss_start, bss_end;
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
void i2c1_event_handler(void) __attribute__((weak, alias("default_handler")));
void usart2_handler(void) __attribute__((weak, alias("default_handler")));
void lptim1_handler(void) __attribute__((weak, alias("default_handler")));

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
        [0 ... I2C1_EV_IRQ - 1u] = default_handler,
        [I2C1_EV_IRQ] = i2c1_event_handler,
        [I2C1_EV_IRQ + 1u ... USART2_IRQ - 1u] = default_handler,
        [USART2_IRQ] = usart2_handler,
        [USART2_IRQ + 1u ... LPTIM1_IRQ - 1u] = default_handler,
        [LPTIM1_IRQ] = lptim1_handler,
        [LPTIM1_IRQ + 1u ... INTERRUPTS - 1u] = default_handler,
    },
};

static void zero(uint32_t *to, const uint32_t *end)
{
    while (to < end) {
        *to++ = 0u;
    }
}

void reset_handler(void)
{
    const uint32_t *from = &data_load;
    for (uint32_t *to = &data_start; to < &data_end; ++to) {
        *to = *from++;
    }
    zero(&bss_start, &bss_end);
    if (!startup_keeps_memory()) {
        zero(&kept_start, &kept_end);
    }
    reg_set(&SCB_CPACR, 0xFu << 20); /* the floating-point unit, in case the compiler uses it */
    __asm volatile("dsb\n\tisb" ::: "memory");
    (void)main();
    default_handler();
}
