/* The independent watchdog: resets the chip when the main loop has not looked at a frame, nor for a camera, for a second.
 *
 * It counts the LSI, 29.8 to 33.6 kHz over temperature and supply (DS12110, table of its characteristics): 0.95 to 1.08 s.
 * The longest that the main loop is away is the 300 ms in which a camera settles. */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#include <stdbool.h>

#include "stm32h7.h"

/* Whether this start follows a reset by the watchdog. */
bool watchdog_has_bitten(void);

/* Start it; forget why the chip was reset. */
void watchdog_start(void);

static inline void watchdog_refresh(void)
{
    IWDG1->KR = IWDG_KR_REFRESH;
}

#endif
