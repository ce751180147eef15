/* LPTIM1 as the ten-times-a-second heartbeat that also runs in Stop 2, and beats slower while nobody needs it. */
#ifndef TICKER_H
#define TICKER_H

#include <stdint.h>

#define TICKS_PER_SECOND 10u

/* Start the heartbeat; needs the 32768 Hz crystal. */
void ticker_start(void);

/* Ticks since the start. */
uint32_t ticker_now(void);

/* Sleep in Stop 2 until the next tick; return ticks since the start. */
uint32_t ticker_wait(void);

/* Sleep in Stop 2 until a tick, if it is still to come, waking every two seconds; return ticks since the start. */
uint32_t ticker_wait_until(uint32_t tick);

#endif
