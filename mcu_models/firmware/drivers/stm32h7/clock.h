/* System clock: 480 MHz from PLL1 on HSI, in voltage scale 0. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "stm32h7.h"

#define CLOCK_CORE_HZ 480000000u
/* Of AXI and AHB, and of timers. */
#define CLOCK_BUS_HZ 240000000u
#define CLOCK_HSI_HZ 64000000u

/* Supply, voltage scale 0, flash wait states, PLL1, dividers: core 480 MHz, AXI and AHB 240 MHz, APB 120 MHz.
 * Start counting cycles. */
void clock_start(void);

/* Core cycles executed, modulo 2^32; sleep does not count. */
static inline uint32_t clock_cycles(void)
{
    return DWT_CYCCNT;
}

/* Sleep at least so many milliseconds. */
void clock_wait_ms(uint32_t milliseconds);

/* Ring in some milliseconds, unless told so anew before; not while clock_wait_ms is used. */
void clock_alarm_ms(uint32_t milliseconds);

bool clock_alarm_rings(void);

#endif
