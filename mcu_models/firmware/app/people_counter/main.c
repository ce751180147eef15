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
#include "kept.h"
#include "motion.h"
#include "opening.h"
#include "output_pins.h"
#include "sensor.h"
#include "startup.h"
#include "ticker.h"
#include "timing_pin.h"
#include "uart.h"
#include "watchdog.h"

static int16_t pixels[AMG8833_PIXELS];

static bool policy_has(uint32_t what)
{
    return (duty_policy.has & what) != 0u;
}

/* Not static and not inlined, so that profiles and traces show an inference under its name. */
int32_t people_count(const int16_t frame[AMG8833_PIXELS]);

__attribute__((noinline)) int32_t people_count(const int16_t frame[AMG8833_PIXELS])
{
    clock_fast();
    kept_mend_knowledge();
    timing_pin_raise();
    const int32_t people = counter_count(frame);
    timing_pin_lower();
    kept_seal_knowledge();
    clock_slow();
    return people;
}

static void switch_off_sensor(void)
{
    if (policy_has(DUTY_HAS_SWITCH)) {
        output_pin_lower(SENSOR_SWITCH_PIN);
        sensor_stop();
    }
}

static void start_sensor(void)
{
    if (policy_has(DUTY_HAS_SWITCH)) {
        output_pin_raise(SENSOR_SWITCH_PIN);
    }
    sensor_start(policy()->settle_ticks);
}

static void answer(int32_t people)
{
    if (policy()->report_every != 0u) {
        batch_note(people);
        return;
    }
    uart_number(kept.answers);
    uart_text(" ");
    uart_number((uint32_t)people);
    uart_say("\n");
    ++kept.answers;
    kept_seal();
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

/* Sleep until a tick, but no longer than the policy has a reason to: a tick that was damaged costs no more than that. */
static uint32_t wait_until(uint32_t tick, uint32_t longest)
{
    const uint32_t now = ticker_now();
    return ticker_wait_until((int32_t)(tick - now) > (int32_t)longest ? now + longest : tick);
}

/* Look a few times, with the sensor powered for no longer; what was learnt before still holds. */
static void glance(void)
{
    const uint32_t begun = ticker_now();
    start_sensor();
    for (uint32_t left = policy()->look_frames; left > 0u && opening_is_open(ticker_wait());) {
        if (sensor_look(pixels, false) != SENSOR_FRAME) {
            continue;
        }
        if (--left == 0u) {
            switch_off_sensor();
        }
        answer(people_count(pixels));
    }
    switch_off_sensor();
    ++kept.looks;
    kept_seal();
    if (policy()->report_every != 0u && kept.looks % policy()->report_every == 0u) {
        report_all();
    }
    (void)wait_until(begun + policy()->period_ticks, policy()->period_ticks);
}

/* What `follow` knows of the sensor's rate and of motion. */
struct pace {
    bool is_slow;
    uint32_t tick, wait; /* of the last frame, and from it to the next */
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

__attribute__((noinline)) static uint32_t wait_for_frame(const struct pace *pace)
{
    const bool is_far = pace->is_slow && pace->wait != 1u;
    return is_far ? wait_until(pace->tick + pace->wait, slow_ticks() + 1u) : ticker_wait();
}

static void report_when_due(struct pace *pace)
{
    if (policy()->report_every == 0u) {
        return;
    }
    if ((int32_t)(pace->tick - pace->report) >= 0) {
        batch_report();
        do {
            pace->report += policy()->report_every;
        } while ((int32_t)(pace->tick - pace->report) >= 0);
    }
    while (batch_send() && pace->is_slow) {
    }
}

/* The sensor measures ten frames a second, and nothing is known of motion. */
static void follow_anew(struct pace *pace)
{
    motion_reset();
    pace->is_slow = false;
    pace->wait = 1u;
    pace->tick = pace->moved = ticker_now();
}

/* Look at the frame of a tick. A frame that could not be had is left out: what was learnt before it still holds.
 *
 * Not inlined, so that little is in registers while the core sleeps, and nothing that would not be set anew. */
__attribute__((noinline)) static void follow_tick(struct pace *pace, uint32_t tick)
{
    pace->tick = tick;
    pace->wait = 1u;
    const sensor_look_t look = sensor_look(pixels, pace->is_slow);
    if (look == SENSOR_FRAME) {
        const int32_t people = people_count(pixels);
        if (policy()->kind == DUTY_UNTIL_MOTION) {
            pace->wait = choose_rate(pace, tick);
        }
        answer(people);
    } else if (look == SENSOR_RESTARTED) {
        follow_anew(pace);
    }
    report_when_due(pace);
}

/* Look at every frame the sensor has, at the rate that motion asks for, until the node closes. */
static void follow(void)
{
    start_sensor();
    static struct pace pace;
    follow_anew(&pace);
    pace.report = pace.tick + policy()->report_every;
    for (uint32_t tick; opening_is_open(tick = wait_for_frame(&pace));) {
        follow_tick(&pace, tick);
    }
}

static void stay_closed(void)
{
    switch_off_sensor();
    report_all();
    counter_reset();
    kept_seal_knowledge();
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

bool startup_keeps_memory(void)
{
    return watchdog_has_bitten();
}

int main(void)
{
    const bool was_bitten = watchdog_has_bitten();
    watchdog_start();
    clock_start();
    uart_start();
    start_outputs();
    i2c_start();
    kept_begin();
    batch_resume();
    clock_start_crystal();
    watchdog_shorten();
    ticker_start(was_bitten);
    uart_say(was_bitten ? "people counter\nrestarted by watchdog\n" : "people counter\n");
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
