#include "ticker.h"

#include <stdbool.h>

#include "startup.h"
#include "stm32l4.h"
#include "watchdog.h"

/* The counter runs free: 16 bits of the crystal are two seconds, or twenty ticks. A tick is where it meets CMP. 32768 Hz
 * is not a multiple of 10: four ticks of 3277 and one of 3276 make exactly half a second. CMP must be above 0. */
#define TICKS_PER_ROUND 20u
#define LONG_TICK 3277u
#define LONG_TICKS_PER_SHORT 5u
#define FIRST_COUNT 16u
#define COUNTER_MASK 0xFFFFu
/* A write takes some counts of the crystal to arrive, and must not arrive behind the tick that it moves. */
#define WRITE_COUNTS 16u

static volatile uint32_t ticks;
static volatile uint32_t due;
static volatile uint32_t first;    /* tick at which the counter began */
static volatile uint32_t together; /* the three above, exclusive or */
/* The ticks when the watchdog was last refreshed, and their complement, by which it is known that they are right. */
__attribute__((section(".bss.kept_ticks"))) static volatile uint32_t kept_ticks[2];

/* A word that was damaged before it is changed leaves its trace in `together` for good. */
static void put(volatile uint32_t *word, uint32_t value)
{
    together ^= *word ^ value;
    *word = value;
}

static bool is_sound(void)
{
    disable_interrupts();
    const bool agrees = (ticks ^ due ^ first) == together;
    enable_interrupts();
    return agrees;
}

/* The counter at a tick; every round is alike. */
static uint32_t counter_at(uint32_t tick)
{
    const uint32_t place = (tick - first) % TICKS_PER_ROUND;
    return FIRST_COUNT + place * LONG_TICK - place / LONG_TICKS_PER_SHORT;
}

static void wake_at(uint32_t tick)
{
    put(&due, tick);
    LPTIM1->ICR = LPTIM_ISR_CMPOK;
    LPTIM1->CMP = counter_at(tick);
}

/* Until a write has arrived CMP must not be written again, nor the bus clock that carries it be stopped. Should the
 * crystal have stopped, the watchdog ends the wait. */
static void wait_for_write(void)
{
    while ((LPTIM1->ISR & LPTIM_ISR_CMPOK) == 0u) {
    }
}

/* The counter meets CMP once a round, also on the way to a tick further off. */
void lptim1_handler(void)
{
    LPTIM1->ICR = LPTIM_ISR_CMPM;
    const uint32_t tick = ticks + (due - ticks - 1u) % TICKS_PER_ROUND + 1u;
    put(&ticks, tick);
    if (tick == due) {
        wake_at(tick + 1u);
    }
}

/* By the watchdog's own time, for which the ticks stood still. */
static uint32_t ticks_before_reset(bool was_bitten)
{
    return was_bitten && kept_ticks[0] == ~kept_ticks[1] ? kept_ticks[0] + WATCHDOG_MS / (1000u / TICKS_PER_SECOND) : 0u;
}

/* Damaged ticks would let the node sleep for too long: they are what a reset makes right. */
static void show_progress(void)
{
    if (!is_sound()) {
        watchdog_bite();
    }
    watchdog_refresh();
    kept_ticks[0] = ticks;
    kept_ticks[1] = ~kept_ticks[0];
}

void ticker_start(bool was_bitten)
{
    put(&first, ticks_before_reset(was_bitten));
    put(&ticks, first);
    RCC->CCIPR |= RCC_CCIPR_LPTIM1_LSE;
    reg_set(&RCC->APB1ENR1, RCC_APB1ENR1_LPTIM1EN);
    LPTIM1->IER = LPTIM_ISR_CMPM;
    LPTIM1->CR = LPTIM_CR_ENABLE;
    LPTIM1->ARR = COUNTER_MASK;
    wake_at(first + 1u);
    while ((LPTIM1->ISR & LPTIM_ISR_ARROK) == 0u) {
    }
    wait_for_write();
    irq_enable(LPTIM1_IRQ);
    LPTIM1->CR = LPTIM_CR_ENABLE | LPTIM_CR_CNTSTRT;
    show_progress();
}

/* The counter is clocked by the crystal: what is read twice alike is right (RM0351, 33.7.8). */
static uint32_t counter(void)
{
    uint32_t before, now = LPTIM1->CNT;
    do {
        before = now;
        now = LPTIM1->CNT;
    } while (before != now);
    return now;
}

/* Whether the next tick is far enough off to be moved. */
static bool is_movable(void)
{
    const uint32_t left = (counter_at(due) - counter()) & COUNTER_MASK;
    return left > WRITE_COUNTS && (LPTIM1->ISR & LPTIM_ISR_CMPM) == 0u;
}

static void put_off(uint32_t tick)
{
    wait_for_write();
    disable_interrupts();
    if (is_movable()) {
        wake_at(tick);
    }
    enable_interrupts();
}

/* Interrupts stay masked between the check and WFI, so a tick in between is not slept through. The watchdog is refreshed
 * here alone, before the sleep and behind it: by the main loop that has come back to wait, never by an interrupt. */
static void sleep_beyond(uint32_t seen)
{
    wait_for_write();
    show_progress();
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
    show_progress();
}

uint32_t ticker_now(void)
{
    return ticks;
}

uint32_t ticker_wait(void)
{
    sleep_beyond(ticks);
    return ticks;
}

uint32_t ticker_wait_until(uint32_t tick)
{
    for (uint32_t now = ticks; (int32_t)(tick - now) > 0; now = ticks) {
        if (due != tick) {
            put_off(tick);
        }
        sleep_beyond(now);
    }
    return ticks;
}
