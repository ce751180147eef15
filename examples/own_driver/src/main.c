/* Says ten times a second how many pixels are warmer than the room: "FRAME WARM". */
#include <stdint.h>

#include "amg8833.h"
#include "stm32l476.h"

#define CORE_HZ 4000000u
#define TICKS_PER_SECOND 10u
#define BAUD 115200u
#define WARMER_STEPS 6 /* 1.5 K */
#define LONGEST_TICKS 3u
#define QUEUE 128u

static volatile uint32_t ticks;
static char queue[QUEUE];
static volatile uint32_t queued, sent;

void SysTick_Handler(void)
{
    ++ticks;
}

void USART2_IRQHandler(void)
{
    if (sent != queued) {
        USART2_TDR = (uint32_t)queue[sent % QUEUE];
        sent = sent + 1u;
    } else {
        USART2_CR1 &= ~BIT(7); /* TXEIE */
    }
}

static void put(char character)
{
    while (queued - sent == QUEUE) {
        __asm volatile("wfi");
    }
    queue[queued % QUEUE] = character;
    queued = queued + 1u;
    USART2_CR1 |= BIT(7);
}

static void say(const char *text)
{
    while (*text != '\0') {
        put(*text++);
    }
}

static void say_number(uint32_t number)
{
    char digits[10];
    uint32_t count = 0u;
    do {
        digits[count++] = (char)('0' + number % 10u);
        number /= 10u;
    } while (number != 0u);
    while (count > 0u) {
        put(digits[--count]);
    }
}

static void start_uart(void)
{
    RCC_AHB2ENR |= BIT(0);
    RCC_APB1ENR1 |= BIT(17);
    GPIOA_AFRL = (GPIOA_AFRL & ~0xF00u) | 0x700u;
    GPIOA_MODER = (GPIOA_MODER & ~(3u << 4)) | (2u << 4);
    USART2_BRR = (CORE_HZ + BAUD / 2u) / BAUD;
    USART2_CR1 = BIT(0) | BIT(3);
    NVIC_ISER1 = BIT(USART2_IRQ - 32u);
}

static void start_ticks(void)
{
    SYST_RVR = CORE_HZ / TICKS_PER_SECOND - 1u;
    SYST_CVR = 0u;
    SYST_CSR = 7u;
}

static void wait_ticks(uint32_t count)
{
    for (const uint32_t begin = ticks; ticks - begin < count;) {
        __asm volatile("wfi");
    }
}

/* Sleep until the transfer has ended; one that takes too long is given up. */
static bool finished(void)
{
    for (const uint32_t begin = ticks; amg8833_state() == AMG8833_BUSY;) {
        if (ticks - begin >= LONGEST_TICKS) {
            amg8833_abort();
        } else {
            __asm volatile("wfi");
        }
    }
    return amg8833_state() == AMG8833_DONE;
}

static bool written(uint8_t reg, uint8_t value)
{
    amg8833_write(reg, value);
    return finished();
}

/* Normal mode, initial reset, flag reset, and two frames (reference specification, 4.4). */
static bool wake_sensor(void)
{
    bool ok = written(0x00u, 0x00u);
    wait_ticks(1u);
    ok = written(0x01u, 0x3Fu) && ok;
    wait_ticks(1u);
    ok = written(0x01u, 0x30u) && ok;
    wait_ticks(2u);
    return ok;
}

/* How many pixels are warmer than the mean of all. */
__attribute__((noinline)) uint32_t warm_pixels(void)
{
    int32_t sum = 0;
    for (uint32_t n = 0u; n < AMG8833_PIXELS; ++n) {
        sum += amg8833_pixel(n);
    }
    const int32_t mean = sum / (int32_t)AMG8833_PIXELS;
    uint32_t warm = 0u;
    for (uint32_t n = 0u; n < AMG8833_PIXELS; ++n) {
        warm += amg8833_pixel(n) > mean + WARMER_STEPS ? 1u : 0u;
    }
    return warm;
}

int main(void)
{
    uint32_t frame = 0u;
    start_uart();
    start_ticks();
    amg8833_init();
    say("warm pixels\n");
    wait_ticks(1u);
    bool is_awake = false;
    for (;;) {
        if (!is_awake) {
            is_awake = wake_sensor();
        }
        wait_ticks(1u);
        amg8833_read();
        if (!finished()) {
            say("sensor lost\n");
            is_awake = false;
            continue;
        }
        say_number(frame++);
        put(' ');
        say_number(warm_pixels());
        put('\n');
    }
}
