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
#include "kept.h"
#include "passages.h"
#include "sensor.h"
#include "startup.h"
#include "ticker.h"
#include "timing_pin.h"
#include "uart.h"
#include "watchdog.h"

/* So many missed frames change little (assumed); behind more nobody knows who has turned back. */
#define MISSED_FORGIVEN 10u
/* 15 s until the sensor's output is stable (datasheet page 2), behind the wake sequence. */
#define TICKS_SETTLE 155u

static int16_t pixels[AMG8833_PIXELS];

/* Not static and not inlined, so that profiles and traces show it under its name. */
const struct doorway_answer *doorway_count(const int16_t frame[AMG8833_PIXELS]);

__attribute__((noinline)) const struct doorway_answer *doorway_count(const int16_t frame[AMG8833_PIXELS])
{
    clock_fast();
    kept_mend_knowledge();
    timing_pin_raise();
    const struct doorway_answer *answer = passages_next(frame);
    timing_pin_lower();
    kept_seal_knowledge();
    clock_slow();
    return answer;
}

static void tell(const struct doorway_answer *answer)
{
    uart_number(kept.answers);
    uart_text(" IN ");
    uart_number(answer->in);
    uart_text(" OUT ");
    uart_number(answer->out);
    uart_text(" AT ");
    uart_number(answer->at);
    uart_say("\n");
    ++kept.answers;
    kept_seal();
}

bool startup_keeps_memory(void)
{
    return watchdog_has_bitten();
}

static void look(void)
{
    static uint32_t missed;
    if (sensor_look(pixels, false) != SENSOR_FRAME) {
        ++missed;
        return;
    }
    if (missed > MISSED_FORGIVEN) {
        passages_reset();
        kept_seal_knowledge();
    }
    missed = 0u;
    tell(doorway_count(pixels));
}

int main(void)
{
    const bool was_bitten = watchdog_has_bitten();
    watchdog_start();
    clock_start();
    uart_start();
    timing_pin_start();
    i2c_start();
    kept_begin();
    clock_start_crystal();
    watchdog_shorten();
    ticker_start(was_bitten);
    uart_say(was_bitten ? "doorway counter\nrestarted by watchdog\n" : "doorway counter\n");
    sensor_start(TICKS_SETTLE);
    for (;;) {
        (void)ticker_wait();
        look();
    }
}
