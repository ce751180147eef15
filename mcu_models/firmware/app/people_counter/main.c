/* People counter: looks at frames of the thermal array as its duty policy says, one answer for each.
 *
 * A line is "FRAME COUNT": answers since the first, people counted; or "BATCH FIRST_FRAME COUNTS", a digit each, where the
 * policy gathers answers. The timing pin is high while the counter works, front end and network alike: its time is
 * measured from outside.
 * Between frames the core is in Stop 2; it moves data at 16 MHz and computes at 80 MHz. */
#include <stdbool.h>
#include <stdint.h>

#include "amg8833.h"
#include "batch.h"
#include "clock.h"
#include "counter.h"
#include "duty_policy.h"
#include "i2c.h"
#include "motion.h"
#include "opening.h"
#include "output_pins.h"
#include "ticker.h"
#include "timing_pin.h"
#include "uart.h"

/* Waits of the wake sequence in ticks of 100 ms, each at least what the reference specification asks (50 ms after
 * power-up, 2 ms after the initial reset, two frames after the flag reset). */
#define TICKS_POWER_UP 1u
#define TICKS_RESET 1u
#define TICKS_FIRST_FRAMES 2u

static int16_t pixels[AMG8833_PIXELS];

static bool policy_has(uint32_t what)
{
    return (duty_policy.has & what) != 0u;
}

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

/* Not static and not inlined, so that profiles and traces show an inference under its name. */
int32_t people_count(const int16_t frame[AMG8833_PIXELS]);

__attribute__((noinline)) int32_t people_count(const int16_t frame[AMG8833_PIXELS])
{
    clock_fast();
    timing_pin_raise();
    const int32_t people = counter_count(frame);
    timing_pin_lower();
    clock_slow();
    return people;
}

static void switch_off_sensor(void)
{
    if (policy_has(DUTY_HAS_SWITCH)) {
        output_pin_lower(SENSOR_SWITCH_PIN);
    }
}

/* The sensor may be slow to power up or lose its supply: try again until it answers. Returns a tick before its first
 * frame may be taken. */
static void start_sensor(void)
{
    if (policy_has(DUTY_HAS_SWITCH)) {
        output_pin_raise(SENSOR_SWITCH_PIN);
    }
    wait_ticks(TICKS_POWER_UP);
    uint32_t woken = ticker_now();
    while (!wake_sensor()) {
        say("sensor does not answer\n");
        wait_ticks(TICKS_PER_SECOND);
        woken = ticker_now();
    }
    (void)ticker_wait_until(woken + policy()->settle_ticks - TICKS_POWER_UP);
}

static void answer(int32_t people)
{
    static uint32_t frame;
    if (policy()->report_every != 0u) {
        batch_note(people);
        return;
    }
    uart_number(frame++);
    uart_text(" ");
    uart_number((uint32_t)people);
    say("\n");
    if (policy_has(DUTY_HAS_RADIO)) {
        output_pin_raise(RADIO_PIN);
        output_pin_lower(RADIO_PIN);
    }
}

static void report_all(void)
{
    batch_report();
    while (batch_send()) {
    }
}

/* Look a few times, with the sensor powered for no longer; what was learnt before still holds. */
static void glance(void)
{
    static uint32_t looks;
    const uint32_t begun = ticker_now();
    start_sensor();
    for (uint32_t left = policy()->look_frames; left > 0u && opening_is_open(ticker_wait()); --left) {
        if (!amg8833_read(pixels)) {
            say("sensor does not answer\n");
            counter_reset();
            break;
        }
        if (left == 1u) {
            switch_off_sensor();
        }
        answer(people_count(pixels));
    }
    switch_off_sensor();
    if (policy()->report_every != 0u && ++looks % policy()->report_every == 0u) {
        report_all();
    }
    (void)ticker_wait_until(begun + policy()->period_ticks);
}

/* What `follow` knows of the sensor's rate and of motion. */
struct pace {
    bool is_slow;
    uint32_t moved;  /* tick of the last motion */
    uint32_t report; /* tick of the next report */
};

/* Ticks from one frame of a slow sensor to the next. */
static uint32_t slow_ticks(void)
{
    static const uint16_t ticks[] = {
        [AMG8833_TEN_HZ] = 1u, [AMG8833_ONE_HZ] = 10u, [AMG8833_STANDBY_10S] = 100u, [AMG8833_STANDBY_60S] = 600u};
    return ticks[policy()->idle_rate];
}

/* A sensor in stand-by measures some time after the tick at which it was put there: it is read one later. */
static uint32_t slow_down(struct pace *pace)
{
    const amg8833_rate_t rate = (amg8833_rate_t)policy()->idle_rate;
    pace->is_slow = amg8833_slow_down(rate);
    return pace->is_slow ? slow_ticks() + (rate == AMG8833_ONE_HZ ? 0u : 1u) : 1u;
}

/* Change the sensor's rate as motion in the frame of this tick asks for it; return the ticks to the next frame. */
static uint32_t choose_rate(struct pace *pace, uint32_t tick)
{
    const bool moves = motion_seen(pixels, pace->is_slow);
    if (moves) {
        pace->moved = tick;
    }
    if (!pace->is_slow) {
        return tick - pace->moved < duty_policy.hold_ticks ? 1u : slow_down(pace);
    }
    if (!moves) {
        return slow_ticks();
    }
    pace->is_slow = !amg8833_speed_up((amg8833_rate_t)policy()->idle_rate);
    return 1u;
}

static void report_when_due(struct pace *pace, uint32_t tick)
{
    if (policy()->report_every == 0u) {
        return;
    }
    if ((int32_t)(tick - pace->report) >= 0) {
        batch_report();
        do {
            pace->report += policy()->report_every;
        } while ((int32_t)(tick - pace->report) >= 0);
    }
    while (batch_send() && pace->is_slow) {
    }
}

/* What was seen before the sensor was started is forgotten, for nobody knows how long it was off. */
static struct pace begin_anew(void)
{
    start_sensor();
    counter_reset();
    motion_reset();
    const uint32_t now = ticker_now();
    return (struct pace){.is_slow = false, .moved = now, .report = now + policy()->report_every};
}

/* Look at every frame the sensor has, at the rate that motion asks for, until the node closes. */
static void follow(void)
{
    struct pace pace = begin_anew();
    uint32_t tick = ticker_now(), wait = 1u;
    for (;;) {
        tick = wait == 1u ? ticker_wait() : ticker_wait_until(tick + wait);
        if (!opening_is_open(tick)) {
            return;
        }
        wait = 1u;
        if (!amg8833_read(pixels)) {
            say("sensor does not answer\n");
            pace = begin_anew();
            continue;
        }
        const int32_t people = people_count(pixels);
        if (policy()->kind == DUTY_UNTIL_MOTION) {
            wait = choose_rate(&pace, tick);
        }
        answer(people);
        report_when_due(&pace, tick);
    }
}

static void stay_closed(void)
{
    switch_off_sensor();
    report_all();
    counter_reset();
    (void)ticker_wait_until(opening_next(ticker_now()));
}

static void start_outputs(void)
{
    timing_pin_start();
    if (policy_has(DUTY_HAS_SWITCH)) {
        output_pin_start(SENSOR_SWITCH_PIN);
    }
    if (policy_has(DUTY_HAS_RADIO) || policy()->report_every != 0u) {
        output_pin_start(RADIO_PIN);
    }
}

int main(void)
{
    clock_start();
    uart_start();
    start_outputs();
    i2c_start();
    clock_start_crystal();
    ticker_start();
    say("people counter\n");
    for (;;) {
        if (!opening_is_open(ticker_now())) {
            stay_closed();
        } else if (policy()->kind == DUTY_GATED) {
            glance();
        } else {
            follow();
        }
    }
}
