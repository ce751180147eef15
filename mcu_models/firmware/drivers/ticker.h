/* LPTIM1 as the ten-times-a-second heartbeat that also runs in Stop 2, and beats slower while nobody needs it. */
#ifndef TICKER_H
#define TICKER_H

#include <stdbool.h>
#include <stdint.h>

#define TICKS_PER_SECOND 10u

/* Start the heartbeat; needs the 32768 Hz crystal. When the watchdog has bitten (`was_bitten`) ticks go on where they
 * were, its time added: they are right to its clock's error, a quarter of a second. */
void ticker_start(bool was_bitten);

/* Ticks since power-on. Whoever waits below refreshes the watchdog. */
uint32_t ticker_now(void);

/* Sleep in Stop 2 until the next tick; return ticks since power-on. */
uint32_t ticker_wait(void);

/* Sleep in Stop 2 until a tick, if it is still to come, waking every two seconds; return ticks since power-on. */
uint32_t ticker_wait_until(uint32_t tick);

/* Sleep in the same way for so many ticks. */
static inline void ticker_wait_ticks(uint32_t count)
{
    (void)ticker_wait_until(ticker_now() + count);
}

#endif
