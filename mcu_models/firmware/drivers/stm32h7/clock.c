#include "clock.h"

#include "startup.h"
#include "stm32h7.h"

#define CR3_LDOEN BIT(1)
#define CR3_SCUEN BIT(2)
#define CR3_BYPASS BIT(0)
#define CSR1_ACTVOSRDY BIT(13)
#define D3CR_VOS_1 (3u << 14)
#define D3CR_VOSRDY BIT(13)
#define APB4ENR_SYSCFGEN BIT(1)
#define PWRCR_ODEN BIT(0)
/* Four wait states up to 240 MHz of AXI in scale 0, WRHIGHFREQ 2: RM0433, table 17. */
#define ACR_240_MHZ 0x24u
#define CR_PLL1ON BIT(24)
#define CR_PLL1RDY BIT(25)
/* HSI 64 MHz / 4 = 16 MHz, x 60 = 960 MHz in the VCO, / 2. */
#define PLL_M 4u
#define PLL_N 60u
#define PLL_P 2u
#define PLLCFGR_VALUE ((3u << 2) | BIT(16)) /* input of 8 to 16 MHz, wide VCO, output P */
#define CFGR_SW_PLL1 3u
#define DIVIDE_HCLK_BY_2 8u
#define DIVIDE_PCLK_BY_2 4u
/* 24 bits of the core's clock are 34 ms. */
#define LONG_PERIOD_MS 30u
#define SYST_CORE_CLOCK BIT(2)
#define SYST_INTERRUPT BIT(1)
#define SYST_ENABLE BIT(0)

static volatile uint32_t periods_left;

/* Here as below: without supply or clock there is nothing to be done, and the watchdog ends the wait.
 *
 * Scale 0 is scale 1 with the over-drive on top (RM0433, 6.6.2). */
static void raise_voltage(void)
{
    PWR_CR3 = (PWR_CR3 & ~(CR3_SCUEN | CR3_BYPASS)) | CR3_LDOEN;
    while ((PWR_CSR1 & CSR1_ACTVOSRDY) == 0u) {
    }
    PWR_D3CR |= D3CR_VOS_1;
    while ((PWR_D3CR & D3CR_VOSRDY) == 0u) {
    }
    reg_set(&RCC_APB4ENR, APB4ENR_SYSCFGEN);
    reg_set(&SYSCFG_PWRCR, PWRCR_ODEN);
    while ((PWR_D3CR & D3CR_VOSRDY) == 0u) {
    }
}

static void start_pll(void)
{
    RCC_PLLCKSELR = (RCC_PLLCKSELR & ~(3u | (0x3Fu << 4))) | (PLL_M << 4); /* from HSI */
    RCC_PLLCFGR = (RCC_PLLCFGR & ~(0xFu | (7u << 16))) | PLLCFGR_VALUE;
    RCC_PLL1DIVR = (PLL_N - 1u) | ((PLL_P - 1u) << 9) | (1u << 16) | (1u << 24);
    reg_set(&RCC_CR, CR_PLL1ON);
    while ((RCC_CR & CR_PLL1RDY) == 0u) {
    }
}

/* The lock is the Cortex-M7's own (DDI 0489F, table of the DWT's registers). */
static void start_cycle_counter(void)
{
    DEMCR |= BIT(24);
    DWT_LAR = 0xC5ACCE55u;
    DWT_CYCCNT = 0u;
    DWT_CTRL |= BIT(0);
}

void clock_start(void)
{
    start_cycle_counter();
    raise_voltage();
    start_pll();
    FLASH_ACR = ACR_240_MHZ;
    while (FLASH_ACR != ACR_240_MHZ) {
    }
    RCC_D1CFGR = DIVIDE_HCLK_BY_2 | (DIVIDE_PCLK_BY_2 << 4);
    RCC_D2CFGR = (DIVIDE_PCLK_BY_2 << 4) | (DIVIDE_PCLK_BY_2 << 8);
    RCC_D3CFGR = DIVIDE_PCLK_BY_2 << 4;
    RCC_CFGR = (RCC_CFGR & ~7u) | CFGR_SW_PLL1;
    while (((RCC_CFGR >> 3) & 7u) != CFGR_SW_PLL1) {
    }
}

void systick_handler(void)
{
    if (periods_left > 0u) {
        --periods_left;
    }
}

static void start_periods(uint32_t milliseconds, uint32_t count)
{
    periods_left = count;
    SYST_RVR = CLOCK_CORE_HZ / 1000u * milliseconds - 1u;
    SYST_CVR = 0u;
    SYST_CSR = SYST_CORE_CLOCK | SYST_INTERRUPT | SYST_ENABLE;
}

void clock_wait_ms(uint32_t milliseconds)
{
    start_periods(1u, milliseconds + 1u); /* the first one is not whole */
    while (periods_left > 0u) {
        wait_for_interrupt();
    }
    SYST_CSR = 0u;
}

void clock_alarm_ms(uint32_t milliseconds)
{
    start_periods(LONG_PERIOD_MS, (milliseconds + LONG_PERIOD_MS - 1u) / LONG_PERIOD_MS);
}

bool clock_alarm_rings(void)
{
    return periods_left == 0u;
}
