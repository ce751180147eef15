/* System clock: 16 MHz from HSI16 for moving data, 80 MHz from the PLL for computing. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

#include "stm32l4.h"

/* Core clock between clock_slow and clock_fast. */
#define CLOCK_SLOW_HZ 16000000u

/* Start HSI16, make it the system clock, now and after every Stop mode; start counting cycles. */
void clock_start(void);

/* Core cycles executed, modulo 2^32; sleep does not count. */
static inline uint32_t clock_cycles(void)
{
    return DWT_CYCCNT;
}

/* 80 MHz: HSI16 x 10 / 2, four flash wait states, voltage range 1. */
void clock_fast(void);

/* Back to 16 MHz, PLL off, no wait states. */
void clock_slow(void);

/* Start the 32768 Hz crystal and wait until it is stable. */
void clock_start_crystal(void);

#endif
