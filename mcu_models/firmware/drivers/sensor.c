#include "sensor.h"

#include "frame_check.h"
#include "kept.h"
#include "ticker.h"
#include "uart.h"

/* Waits of the wake sequence in ticks of 100 ms, each at least what the reference specification asks (50 ms after
 * power-up, 2 ms after the initial reset, two frames after the flag reset). */
#define TICKS_POWER_UP 1u
#define TICKS_RESET 1u
#define TICKS_FIRST_FRAMES 2u
#define LEAST_READINGS 3u
/* A sensor that has been silent for a second is tried twice a second. */
#define PATIENCE 10u
#define REST 5u
#define TICKS_BETWEEN_QUESTIONS 100u
#define REPEATS_TOLD 20u
#define REPEATS_RESTARTED 600u

static const char silent[] = "sensor does not answer\n";

typedef int16_t frame_t[AMG8833_PIXELS];

static frame_t before;
static bool has_before; /* with which the next may be compared */
static bool is_marked, is_doubtful;
static uint32_t silent_looks, wrong_looks, repeats;

/* A sensor that cannot be marked is used all the same. */
static void mark(void)
{
    is_marked = false;
    if (amg8833_mark() && !amg8833_read_mark(&is_marked)) {
        is_marked = false;
    }
}

/* Take the wake sequence, four ticks, after which the next tick has a frame; false when the sensor does not answer. */
static bool wake(void)
{
    bool ok = amg8833_wake(AMG8833_NORMAL);
    ticker_wait_ticks(TICKS_POWER_UP);
    ok = amg8833_wake(AMG8833_INITIAL_RESET) && ok;
    ticker_wait_ticks(TICKS_RESET);
    ok = amg8833_wake(AMG8833_FLAG_RESET) && ok;
    if (ok) {
        mark();
    }
    ticker_wait_ticks(TICKS_FIRST_FRAMES);
    return ok;
}

static void set_settled(bool is_settled)
{
    kept.is_settled = is_settled;
    kept_seal();
}

void sensor_start(uint32_t settle_ticks)
{
    has_before = false;
    if (kept.is_settled && amg8833_read_mark(&is_marked) && is_marked) {
        return;
    }
    ticker_wait_ticks(TICKS_POWER_UP);
    const uint32_t powered = ticker_now();
    while (!wake()) {
        uart_say(silent);
        ticker_wait_ticks(TICKS_PER_SECOND);
    }
    if (!kept.is_settled) {
        (void)ticker_wait_until(powered + settle_ticks - TICKS_POWER_UP);
        set_settled(true);
    }
}

void sensor_stop(void)
{
    set_settled(false);
}

/* Whether the mark is gone for sure: missing twice, as one reading may have been disturbed. */
static bool has_lost_mark(void)
{
    bool is_there = false;
    for (uint32_t reading = 0u; reading < 2u && !is_there; ++reading) {
        if (!amg8833_read_mark(&is_there)) {
            return false;
        }
    }
    return !is_there;
}

/* A sensor that has lost its supply answers 50 ms later, and has a frame after 100 ms more: one that is read ten times a
 * second is always noticed by a reading that fails or is blank, and need not be asked without cause. One at a low rate goes
 * on at full rate: its frames are right, but it draws more. */
static bool must_restart(bool is_slow)
{
    static uint32_t asked;
    const bool is_due = is_slow && ticker_now() - asked >= TICKS_BETWEEN_QUESTIONS;
    if (!is_due && !is_doubtful) {
        return false;
    }
    asked = ticker_now();
    if (is_marked) {
        return has_lost_mark();
    }
    mark();
    return false;
}

/* Near the frame before, which was right, if there is one. Compared in any case: a look takes as long at every rate. */
static bool goes_on(const frame_t frame)
{
    return !frame_leaps(frame, before) || !has_before;
}

/* Read a frame again until two readings in a row are alike and go on from the frame before: a bus seldom spoils two in the
 * same way, and a sensor that measures between two does not do so again. A frame that does not go on is right where each
 * pixel is the same in all readings but one. */
static bool is_confirmed(frame_t pixels)
{
    static frame_t readings[FRAME_READINGS];
    uint32_t count = 1u;
    frame_copy(readings[0], pixels);
    for (uint32_t reading = 1u; reading < FRAME_READINGS; ++reading) {
        if (!amg8833_read(pixels)) {
            continue;
        }
        if (frame_repeats(pixels, readings[count - 1u]) && goes_on(pixels)) {
            return frame_is_possible(pixels);
        }
        frame_copy(readings[count++], pixels);
    }
    return count >= LEAST_READINGS && frame_take_usual(readings, count, pixels) && frame_is_possible(pixels);
}

/* Say it once while it lasts; a sensor that has hung itself up may be woken by a reset, which costs few frames. */
static bool hangs(const frame_t pixels)
{
    repeats = frame_repeats(pixels, before) ? repeats + 1u : 0u;
    if (repeats == REPEATS_TOLD) {
        uart_say("sensor repeats itself\n");
    }
    return repeats != 0u && repeats % REPEATS_RESTARTED == 0u;
}

static sensor_look_t restart(void)
{
    is_doubtful = true;
    if (!wake()) {
        return SENSOR_NO_FRAME;
    }
    is_doubtful = false;
    uart_say("sensor restarted\n");
    return SENSOR_RESTARTED;
}

/* Count one of the looks in a row that gave no frame, and say so at the first and once a second. */
static sensor_look_t miss(uint32_t *looks, const char *text)
{
    is_doubtful = true;
    if ((*looks)++ % TICKS_PER_SECOND == 0u) {
        uart_say(text);
    }
    return SENSOR_NO_FRAME;
}

sensor_look_t sensor_look(frame_t pixels, bool is_slow)
{
    if (silent_looks > PATIENCE && silent_looks % REST != 0u) {
        ++silent_looks;
        return SENSOR_NO_FRAME;
    }
    if (!amg8833_read(pixels) && !amg8833_read(pixels)) {
        return miss(&silent_looks, silent);
    }
    silent_looks = 0u;
    has_before = has_before && !is_slow;
    const bool is_right = is_confirmed(pixels);
    is_doubtful = is_doubtful || !is_right;
    if (must_restart(is_slow) || (is_right && hangs(pixels))) {
        return restart();
    }
    if (!is_right) {
        return miss(&wrong_looks, "sensor sends wrong frames\n");
    }
    is_doubtful = false;
    wrong_looks = 0u;
    frame_copy(before, pixels);
    has_before = !is_slow;
    return SENSOR_FRAME;
}
