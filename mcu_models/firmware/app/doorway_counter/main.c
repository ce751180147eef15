/* Doorway counter: looks at every frame of the thermal array, and tells who has passed its line.
 *
 * A line is "FRAME IN n OUT n AT p": answers since the first, who came in and who went out since power-on (9999 is
 * followed by 0), and where along the line the last one passed it, in sixteenths of a pixel. The timing pin is high while
 * people are followed: its time is measured from outside.
 * Between frames the core is in Stop 2; it moves data at 16 MHz and computes at 80 MHz. */
#include <stdbool.h>
#include <stdint.h>

#include "amg8833.h"
#include "clock.h"
#include "doorway_answer.h"
#include "i2c.h"
#include "passages.h"
#include "ticker.h"
#include "timing_pin.h"
#include "uart.h"

/* Waits of the wake sequence in ticks of 100 ms, each at least what the reference specification asks (50 ms after
 * power-up, 2 ms after the initial reset, two frames after the flag reset). */
#define TICKS_POWER_UP 1u
#define TICKS_RESET 1u
#define TICKS_FIRST_FRAMES 2u
/* 15 s until the sensor's output is stable (datasheet page 2), behind the wake sequence. */
#define TICKS_SETTLE 155u

static int16_t pixels[AMG8833_PIXELS];

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

/* The sensor may be slow to power up or lose its supply: try again until it answers. Returns a tick before its first
 * frame may be taken. What was seen before is forgotten, for nobody knows how long the sensor was off. */
static void start_sensor(void)
{
    wait_ticks(TICKS_POWER_UP);
    uint32_t woken = ticker_now();
    while (!wake_sensor()) {
        uart_text("sensor does not answer\n");
        uart_flush();
        wait_ticks(TICKS_PER_SECOND);
        woken = ticker_now();
    }
    (void)ticker_wait_until(woken + TICKS_SETTLE - TICKS_POWER_UP);
    passages_reset();
}

/* Not static and not inlined, so that profiles and traces show it under its name. */
const struct doorway_answer *doorway_count(const int16_t frame[AMG8833_PIXELS]);

__attribute__((noinline)) const struct doorway_answer *doorway_count(const int16_t frame[AMG8833_PIXELS])
{
    clock_fast();
    timing_pin_raise();
    const struct doorway_answer *answer = passages_next(frame);
    timing_pin_lower();
    clock_slow();
    return answer;
}

static void tell(const struct doorway_answer *answer)
{
    static uint32_t frame;
    uart_number(frame++);
    uart_text(" IN ");
    uart_number(answer->in);
    uart_text(" OUT ");
    uart_number(answer->out);
    uart_text(" AT ");
    uart_number(answer->at);
    uart_text("\n");
    uart_flush();
}

int main(void)
{
    clock_start();
    uart_start();
    timing_pin_start();
    i2c_start();
    clock_start_crystal();
    ticker_start();
    uart_text("doorway counter\n");
    uart_flush();
    start_sensor();
    for (;;) {
        (void)ticker_wait();
        if (amg8833_read(pixels)) {
            tell(doorway_count(pixels));
        } else {
            uart_text("sensor does not answer\n");
            uart_flush();
            start_sensor();
        }
    }
}
