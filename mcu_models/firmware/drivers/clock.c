#include "clock.h"

#define WAIT_STATES_80_MHZ 4u
#define PLL_N 10u /* 16 MHz / 1 x 10 / 2 = 80 MHz; VCO at 160 MHz */

static void set_wait_states(uint32_t wait_states)
{
    FLASH->ACR = (FLASH->ACR & ~FLASH_ACR_LATENCY_MASK) | wait_states | FLASH_ACR_PRFTEN | FLASH_ACR_ICEN |
                 FLASH_ACR_DCEN;
    while ((FLASH->ACR & FLASH_ACR_LATENCY_MASK) != wait_states) {
    }
}

static void switch_to(uint32_t source)
{
    RCC->CFGR = (RCC->CFGR & ~RCC_CFGR_SW_MASK) | source;
    while (((RCC->CFGR >> RCC_CFGR_SWS_SHIFT) & RCC_CFGR_SW_MASK) != source) {
    }
}

static void start_cycle_counter(void)
{
    DEMCR |= BIT(24);
    DWT_CYCCNT = 0u;
    DWT_CTRL |= BIT(0);
}

void clock_start(void)
{
    start_cycle_counter();
    reg_set(&RCC->APB1ENR1, RCC_APB1ENR1_PWREN);
    reg_set(&RCC->CR, RCC_CR_HSION);
    while ((RCC->CR & RCC_CR_HSIRDY) == 0u) {
    }
    RCC->CFGR |= RCC_CFGR_STOPWUCK;
    clock_slow();
    reg_clear(&RCC->CR, RCC_CR_MSION);
    RCC->PLLCFGR = RCC_PLLCFGR_SRC_HSI | (PLL_N << RCC_PLLCFGR_N_SHIFT) | RCC_PLLCFGR_REN;
}

void clock_fast(void)
{
    reg_set(&RCC->CR, RCC_CR_PLLON);
    set_wait_states(WAIT_STATES_80_MHZ);
    while ((RCC->CR & RCC_CR_PLLRDY) == 0u) {
    }
    switch_to(RCC_CFGR_SW_PLL);
}

void clock_slow(void)
{
    switch_to(RCC_CFGR_SW_HSI);
    reg_clear(&RCC->CR, RCC_CR_PLLON);
    set_wait_states(0u);
}

void clock_start_crystal(void)
{
    reg_set(&PWR->CR1, PWR_CR1_DBP);
    while ((PWR->CR1 & PWR_CR1_DBP) == 0u) {
    }
    reg_set(&RCC->BDCR, RCC_BDCR_LSEON);
    /* Seconds: kept a plain loop, which an emulator can recognise and skip. */
#pragma GCC unroll 1
    while ((RCC->BDCR & RCC_BDCR_LSERDY) == 0u) {
    }
}
