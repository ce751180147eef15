#include "ticker.h"

#include "startup.h"
#include "stm32l4.h"

/* 32768 Hz is not a multiple of 10: four periods of 3277 and one of 3276 make exactly half a second. */
#define LONG_PERIOD 3277u
#define SHORT_PERIOD 3276u
#define PERIODS_PER_CYCLE 5u

static volatile uint32_t ticks;

static void set_period(uint32_t period)
{
    LPTIM1->ICR = LPTIM_ISR_ARROK;
    LPTIM1->ARR = period - 1u;
}

/* A write takes some ticks of the crystal to arrive; until then ARR must not be written again. */
static void wait_for_period(void)
{
    while ((LPTIM1->ISR & LPTIM_ISR_ARROK) == 0u) {
    }
}

/* The new period is preloaded: it holds from the end of the running one, so it is chosen one tick ahead. */
void lptim1_handler(void)
{
    LPTIM1->ICR = LPTIM_ISR_ARRM;
    ticks = ticks + 1u;
    set_period((ticks + 1u) % PERIODS_PER_CYCLE == PERIODS_PER_CYCLE - 1u ? SHORT_PERIOD : LONG_PERIOD);
}

void ticker_start(void)
{
    RCC->CCIPR |= RCC_CCIPR_LPTIM1_LSE;
    reg_set(&RCC->APB1ENR1, RCC_APB1ENR1_LPTIM1EN);
    LPTIM1->CFGR = LPTIM_CFGR_PRELOAD;
    LPTIM1->IER = LPTIM_ISR_ARRM;
    LPTIM1->CR = LPTIM_CR_ENABLE;
    set_period(LONG_PERIOD);
    wait_for_period();
    irq_enable(LPTIM1_IRQ);
    LPTIM1->CR = LPTIM_CR_ENABLE | LPTIM_CR_CNTSTRT;
}

/* Interrupts stay masked between the check and WFI, so a tick in between is not slept through. The bus clock that
 * carries ARR stops in Stop 2, hence the wait for the period first. */
uint32_t ticker_wait(void)
{
    const uint32_t seen = ticks;
    wait_for_period();
    PWR->CR1 = (PWR->CR1 & ~PWR_CR1_LPMS_MASK) | PWR_CR1_LPMS_STOP2;
    reg_set(&SCB_SCR, SCB_SCR_SLEEPDEEP);
    while (ticks == seen) {
        disable_interrupts();
        if (ticks == seen) {
            wait_for_interrupt();
        }
        enable_interrupts();
    }
    reg_clear(&SCB_SCR, SCB_SCR_SLEEPDEEP);
    return ticks;
}
