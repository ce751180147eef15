#include "watchdog.h"

#define MS_PER_COUNT 2u /* 32 kHz / 64 */

bool watchdog_has_bitten(void)
{
    return (RCC->CSR & RCC_CSR_IWDGRSTF) != 0u;
}

/* The counter begins at 4095, the value after reset; a prescaler may be written at once, but a second time only when
 * SR says so (RM0351, 36.4.2). */
void watchdog_start(void)
{
    IWDG->KR = IWDG_KR_START;
    IWDG->KR = IWDG_KR_UNLOCK;
    IWDG->PR = IWDG_PR_64;
    watchdog_refresh();
    reg_set(&RCC->CSR, RCC_CSR_RMVF);
}

void watchdog_shorten(void)
{
    IWDG->KR = IWDG_KR_UNLOCK;
    IWDG->RLR = WATCHDOG_MS / MS_PER_COUNT - 1u;
    watchdog_refresh();
}

/* A reload value must have arrived before the refresh that takes it (RM0351, 36.3.3). */
void watchdog_bite(void)
{
    IWDG->KR = IWDG_KR_UNLOCK;
    IWDG->RLR = 0u;
    while ((IWDG->SR & IWDG_SR_RVU) != 0u) {
    }
    watchdog_refresh();
    for (;;) {
    }
}
