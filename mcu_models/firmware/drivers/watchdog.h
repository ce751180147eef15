/* The independent watchdog: resets the chip when the main loop no longer comes back to wait for a tick.
 *
 * It counts the LSI, in Stop 2 as well. The LSI is 29.5 to 34 kHz over temperature and supply (DS11584, table of its
 * characteristics): WATCHDOG_MS are 2.26 to 2.60 s, longer than the two seconds between two wakes and short enough for
 * answers to be right again within three seconds. */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#include <stdbool.h>

#include "stm32l4.h"

#define WATCHDOG_MS 2400u

/* Whether this start follows a reset by the watchdog. */
bool watchdog_has_bitten(void);

/* Start it, with 8 s for a crystal to start in; forget why the chip was reset. */
void watchdog_start(void);

/* From the second refresh from now on it bites after WATCHDOG_MS. */
void watchdog_shorten(void);

/* Reset the chip by it within some milliseconds. */
_Noreturn void watchdog_bite(void);

static inline void watchdog_refresh(void)
{
    IWDG->KR = IWDG_KR_REFRESH;
}

#endif
