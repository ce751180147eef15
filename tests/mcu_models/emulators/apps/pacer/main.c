/* Loops of known length at two clocks, then a sleep and a stop of known length, and the cycles it counted itself. */
#include <stdint.h>

#include "clock.h"
#include "startup.h"
#include "stm32l4.h"
#include "timing_pin.h"
#include "uart.h"

#define SLOW_TURNS 400000u
#define FAST_TURNS 2000000u
/* Of LSI, 32 kHz. */
#define SLEEP_TICKS 3200u
#define STOP_TICKS 6400u

#define RCC_CSR_LSION BIT(0)
#define RCC_CSR_LSIRDY BIT(1)
#define RCC_CCIPR_LPTIM1_LSI (1u << 18)
#define LPTIM_CR_SNGSTRT BIT(1)

int main(void);

/* What memory holds in the end. */
volatile uint32_t memory_words[2] = {0x12345678u, 0u};
static volatile uint32_t has_rung;

/* Two instructions a turn, three cycles. */
static void spin(uint32_t turns)
{
    timing_pin_raise();
    __asm volatile("1: subs %0, #1\n\tbne 1b" : "+l"(turns) : : "cc");
    timing_pin_lower();
}

void lptim1_handler(void)
{
    LPTIM1->ICR = LPTIM_ISR_ARRM;
    has_rung = 1u;
}

static void start_alarm_clock(void)
{
    reg_set(&RCC->CSR, RCC_CSR_LSION);
    while ((RCC->CSR & RCC_CSR_LSIRDY) == 0u) {
    }
    RCC->CCIPR |= RCC_CCIPR_LPTIM1_LSI;
    reg_set(&RCC->APB1ENR1, RCC_APB1ENR1_LPTIM1EN);
    LPTIM1->IER = LPTIM_ISR_ARRM;
    irq_enable(LPTIM1_IRQ);
}

static void sleep_for(uint32_t ticks)
{
    LPTIM1->CR = LPTIM_CR_ENABLE;
    LPTIM1->ICR = LPTIM_ISR_ARROK;
    LPTIM1->ARR = ticks - 1u;
    while ((LPTIM1->ISR & LPTIM_ISR_ARROK) == 0u) {
    }
    has_rung = 0u;
    timing_pin_raise();
    LPTIM1->CR = LPTIM_CR_ENABLE | LPTIM_CR_SNGSTRT;
    disable_interrupts();
    while (has_rung == 0u) {
        wait_for_interrupt();
        enable_interrupts();
        disable_interrupts();
    }
    enable_interrupts();
    timing_pin_lower();
    LPTIM1->CR = 0u;
}

static void stop_for(uint32_t ticks)
{
    PWR->CR1 = (PWR->CR1 & ~PWR_CR1_LPMS_MASK) | PWR_CR1_LPMS_STOP2;
    reg_set(&SCB_SCR, SCB_SCR_SLEEPDEEP);
    sleep_for(ticks);
    reg_clear(&SCB_SCR, SCB_SCR_SLEEPDEEP);
}

int main(void)
{
    clock_start();
    timing_pin_start();
    const uint32_t begin = clock_cycles();
    spin(SLOW_TURNS);
    const uint32_t slow = clock_cycles();
    clock_fast();
    const uint32_t switched = clock_cycles();
    spin(FAST_TURNS);
    const uint32_t fast = clock_cycles();
    clock_slow();
    start_alarm_clock();
    const uint32_t awake = clock_cycles();
    sleep_for(SLEEP_TICKS);
    stop_for(STOP_TICKS);
    const uint32_t rested = clock_cycles();
    memory_words[1] = ~memory_words[0];
    uart_start();
    const uint32_t counted[] = {slow - begin, switched - slow, fast - switched, rested - awake};
    for (uint32_t i = 0u; i < 4u; ++i) {
        uart_number(counted[i]);
        uart_text(i < 3u ? " " : "\n");
    }
    uart_flush();
    for (;;) {
        wait_for_interrupt();
    }
}
