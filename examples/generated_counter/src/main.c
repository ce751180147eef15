/* Says ten times a second how many people are in view: "FRAME PEOPLE". */
#include <stdint.h>

#include "counter.h"
#include "sensor.h"
#include "stm32l476.h"

#define CORE_HZ 4000000u
#define TICKS_PER_SECOND 10u
#define BAUD 115200u

static volatile uint32_t ticks;

void SysTick_Handler(void)
{
    ++ticks;
}

static void wait_ticks(uint32_t count)
{
    for (const uint32_t begin = ticks; ticks - begin < count;) {
        __asm volatile("wfi");
    }
}

static void put(char character)
{
    while ((USART2_ISR & BIT(7)) == 0u) {
    }
    USART2_TDR = (uint32_t)character;
}

static void say(const char *text)
{
    while (*text != '\0') {
        put(*text++);
    }
}

static void say_number(uint32_t number)
{
    if (number >= 10u) {
        say_number(number / 10u);
    }
    put((char)('0' + number % 10u));
}

static void start(void)
{
    RCC_AHB2ENR |= BIT(0);
    RCC_APB1ENR1 |= BIT(17);
    GPIOA_AFRL = (GPIOA_AFRL & ~0xF00u) | 0x700u;
    GPIOA_MODER = (GPIOA_MODER & ~(3u << 4)) | (2u << 4);
    USART2_BRR = (CORE_HZ + BAUD / 2u) / BAUD;
    USART2_CR1 = BIT(0) | BIT(3);
    SYST_RVR = CORE_HZ / TICKS_PER_SECOND - 1u;
    SYST_CVR = 0u;
    SYST_CSR = 7u;
    sensor_init();
}

/* Normal mode, initial reset, flag reset, and two frames (reference specification, 4.4). */
static bool wake_sensor(void)
{
    bool ok = sensor_write(0x00u, 0x00u);
    wait_ticks(1u);
    ok = sensor_write(0x01u, 0x3Fu) && ok;
    wait_ticks(1u);
    ok = sensor_write(0x01u, 0x30u) && ok;
    wait_ticks(2u);
    return ok;
}

int main(void)
{
    static int16_t pixels[SENSOR_PIXELS];
    uint32_t frame = 0u;
    bool is_awake = false;
    start();
    say("own counter\n");
    wait_ticks(1u);
    for (;;) {
        if (!is_awake) {
            is_awake = wake_sensor();
            counter_reset();
        }
        wait_ticks(1u);
        if (!sensor_read(pixels)) {
            say("sensor lost\n");
            is_awake = false;
            continue;
        }
        say_number(frame++);
        put(' ');
        say_number((uint32_t)counter_count(pixels));
        put('\n');
    }
}
