/* What every image here begins with: a vector table whose handlers all return at once. */
#include <stdint.h>

extern uint32_t stack_top;
void reset_handler(void);
void any_handler(void);

#ifndef ANY_HANDLER
void any_handler(void)
{
}
#endif

#define INTERRUPTS 150

typedef void (*handler_t)(void);

__attribute__((section(".vectors"), used)) static const handler_t vectors[16 + INTERRUPTS] = {
    (handler_t)&stack_top,
    reset_handler,
    [2 ... 15 + INTERRUPTS] = any_handler,
};

#define REGISTER(address) (*(volatile uint32_t *)(address))
