/* PA8 as the output by which work is timed from outside: high while it runs, for a logic analyser or an emulator. */
#ifndef TIMING_PIN_H
#define TIMING_PIN_H

#include "stm32l4.h"

#define TIMING_PIN 8u

/* Drive the pin, low. The level stays through Stop 2, and at an open header it costs no current. */
void timing_pin_start(void);

/* One store each. Memory accesses stay on their side of an edge: work in a register may be moved across by the
 * compiler, a call cannot. */
static inline void timing_pin_raise(void)
{
    __asm volatile("" ::: "memory");
    GPIOA->BSRR = BIT(TIMING_PIN);
    __asm volatile("" ::: "memory");
}

static inline void timing_pin_lower(void)
{
    __asm volatile("" ::: "memory");
    GPIOA->BSRR = BIT(TIMING_PIN + 16u);
    __asm volatile("" ::: "memory");
}

#endif
