/* System clock: 480 MHz from PLL1 on HSI, in voltage scale 0. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

#define CLOCK_CORE_HZ 480000000u
/* Of AXI and AHB, and of timers. */
#define CLOCK_BUS_HZ 240000000u
#define CLOCK_HSI_HZ 64000000u

/* Supply, voltage scale 0, flash wait states, PLL1, dividers: core 480 MHz, AXI and AHB 240 MHz, APB 120 MHz. */
void clock_start(void);

/* Sleep at least so many milliseconds. */
void clock_wait_ms(uint32_t milliseconds);

#endif
