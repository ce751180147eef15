/* Vector table and the first instructions: variables get their values, then main runs at the 4 MHz of the MSI. */
#include <stdint.h>

extern uint32_t stack_top, data_start, data_end, data_load, bss_start, bss_end;

int main(void);
void Reset_Handler(void);
void SysTick_Handler(void);
void I2C1_EV_IRQHandler(void);
void I2C1_ER_IRQHandler(void);
void USART2_IRQHandler(void);

void Default_Handler(void)
{
    for (;;) {
    }
}

typedef void (*handler_t)(void);

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    handler_t system[15];
    handler_t interrupts[82];
} vectors = {
    .stack = &stack_top,
    .system = {Reset_Handler, Default_Handler, Default_Handler, Default_Handler, Default_Handler, Default_Handler, 0, 0,
               0, 0, Default_Handler, Default_Handler, 0, Default_Handler, SysTick_Handler},
    .interrupts = {[0 ... 30] = Default_Handler,
                   [31] = I2C1_EV_IRQHandler,
                   [32] = I2C1_ER_IRQHandler,
                   [33 ... 37] = Default_Handler,
                   [38] = USART2_IRQHandler,
                   [39 ... 81] = Default_Handler},
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
    (void)main();
    Default_Handler();
}
