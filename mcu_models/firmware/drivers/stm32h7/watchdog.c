#include "watchdog.h"

#define LIMIT_MS 1000u /* counts of 32 kHz / 32 */

bool watchdog_has_bitten(void)
{
    return (RCC_RSR & RCC_RSR_IWDG1RSTF) != 0u;
}

/* Prescaler and limit may be written once without a look at SR (RM0433, 48.4.2). */
void watchdog_start(void)
{
    IWDG1->KR = IWDG_KR_START;
    IWDG1->KR = IWDG_KR_UNLOCK;
    IWDG1->PR = IWDG_PR_32;
    IWDG1->RLR = LIMIT_MS - 1u;
    watchdog_refresh();
    reg_set(&RCC_RSR, RCC_RSR_RMVF);
}
