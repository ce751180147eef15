/* Vector table and the first instructions: the FPU goes on, variables get their values, then main runs at 4 MHz (MSI). */
#include <stdint.h>

#include "stm32l476.h"

extern uint32_t stack_top, data_start, data_end, data_load, bss_start, bss_end;

int main(void);
void Reset_Handler(void);
void SysTick_Handler(void);

void Default_Handler(void)
{
    for (;;) {
    }
}

typedef void (*handler_t)(void);

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    handler_t system[15];
} vectors = {
    .stack = &stack_top,
    .system = {Reset_Handler, Default_Handler, Default_Handler, Default_Handler, Default_Handler, Default_Handler, 0, 0,
               0, 0, Default_Handler, Default_Handler, 0, Default_Handler, SysTick_Handler},
};

void Reset_Handler(void)
{
    const uint32_t *from = &data_load;
    for (uint32_t *to = &data_start; to < &data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = &bss_start; to < &bss_end;) {
        *to++ = 0u;
    }
    CPACR |= 0xFu << 20; /* the network keeps values in registers of the FPU */
    __asm volatile("dsb\n\tisb" ::: "memory");
    (void)main();
    Default_Handler();
}
