/* People counter: ten times a second, one frame of the thermal array, one answer, one line of text.
 *
 * A line is "FRAME COUNT": frames since the first, people counted. The timing pin is high while the counter works, front
 * end and network alike: its time is measured from outside.
 * Between frames the core is in Stop 2; it moves data at 16 MHz and computes at 80 MHz. */
#include <stdbool.h>
#include <stdint.h>

#include "amg8833.h"
#include "clock.h"
#include "counter.h"
#include "i2c.h"
#include "ticker.h"
#include "timing_pin.h"
#include "uart.h"

/* Waits of the wake sequence in ticks of 100 ms, each at least what the reference specification asks (50 ms after
 * power-up, 2 ms after the initial reset, two frames after the flag reset). */
#define TICKS_POWER_UP 1u
#define TICKS_RESET 1u
#define TICKS_FIRST_FRAMES 2u

static void wait_ticks(uint32_t count)
{
    while (count-- > 0u) {
        (void)ticker_wait();
    }
}

static bool wake_sensor(void)
{
    bool ok = amg8833_wake(AMG8833_NORMAL);
    wait_ticks(TICKS_POWER_UP);
    ok = amg8833_wake(AMG8833_INITIAL_RESET) && ok;
    wait_ticks(TICKS_RESET);
    ok = amg8833_wake(AMG8833_FLAG_RESET) && ok;
    wait_ticks(TICKS_FIRST_FRAMES);
    return ok;
}

static void say(const char *text)
{
    uart_text(text);
    uart_flush();
}

static void report(uint32_t frame, int32_t people)
{
    uart_number(frame);
    uart_text(" ");
    uart_number((uint32_t)people);
    say("\n");
}

/* Not static and not inlined, so that profiles and traces show an inference under its name. */
int32_t people_count(const int16_t pixels[AMG8833_PIXELS]);

__attribute__((noinline)) int32_t people_count(const int16_t pixels[AMG8833_PIXELS])
{
    clock_fast();
    timing_pin_raise();
    const int32_t people = counter_count(pixels);
    timing_pin_lower();
    clock_slow();
    return people;
}

/* The sensor may be slow to power up or lose its supply: try again until it answers. What was seen before is forgotten,
 * for nobody knows how long it was off. */
static void start_sensor(void)
{
    wait_ticks(TICKS_POWER_UP);
    while (!wake_sensor()) {
        say("sensor does not answer\n");
        wait_ticks(TICKS_PER_SECOND);
    }
    wait_ticks(AMG8833_SETTLE_S * TICKS_PER_SECOND);
    counter_reset();
}

int main(void)
{
    static int16_t pixels[AMG8833_PIXELS];
    clock_start();
    uart_start();
    timing_pin_start();
    i2c_start();
    clock_start_crystal();
    ticker_start();
    say("people counter\n");
    start_sensor();
    for (uint32_t frame = 0u;;) {
        (void)ticker_wait();
        if (amg8833_read(pixels)) {
            report(frame, people_count(pixels));
            ++frame;
        } else {
            say("sensor does not answer\n");
            start_sensor();
        }
    }
}
