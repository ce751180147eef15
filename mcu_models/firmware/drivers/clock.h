/* System clock: 16 MHz from HSI16 for moving data, 80 MHz from the PLL for computing. */
#ifndef CLOCK_H
#define CLOCK_H

/* Start HSI16, make it the system clock, now and after every Stop mode. */
void clock_start(void);

/* 80 MHz: HSI16 x 10 / 2, four flash wait states, voltage range 1. */
void clock_fast(void);

/* Back to 16 MHz, PLL off, no wait states. */
void clock_slow(void);

/* Start the 32768 Hz crystal and wait until it is stable. */
void clock_start_crystal(void);

#endif
