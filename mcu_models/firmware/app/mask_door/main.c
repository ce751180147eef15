/* Mask door: looks at every frame of the camera; the door's pin is high while the last frames show somebody near with a
 * mask worn correctly.
 *
 * A line is "FRAME SCORE DECISION": frames since the first, the network's answer from 0 to 255 (a mask for certain), 1
 * while the door is to be open. Each step has a pin that is high while it runs: times are measured from outside.
 * Between frames the core sleeps, while DMA fetches the next one into the other buffer. */
#include <stdbool.h>
#include <stdint.h>

#include "camera.h"
#include "clock.h"
#include "door_pins.h"
#include "door_policy.h"
#include "network.h"
#include "ov7725.h"
#include "picture.h"
#include "sccb.h"
#include "startup.h"
#include "uart.h"
#include "watchdog.h"
#include "word_sum.h"

#ifndef NETWORK_CODE
#define NETWORK_CODE
#endif

#define AREA_FRAME_SIDE ((int32_t)OV7725_SIDE)
#define AREA_PICTURE_SIDE PICTURE_SIDE
#define AREA_CODE NETWORK_CODE __attribute__((noinline))
#include "area_scale.h"

#define DOOR_PIXELS (PICTURE_SIDE * PICTURE_SIDE)
#define DOOR_CODE NETWORK_CODE __attribute__((noinline))
#include "door_decision.h"

#define RETRY_MS 250u
#define TRIES_TOLD 4u
#define SETTLE_MS 300u
#define FRAMES_PER_CHECK 25u
#define MAX_REPEATS 75u /* a second's; noise does not let 40,000 pixels repeat once */

_Static_assert(NETWORK_INPUT_SIZE == 3 * DOOR_PIXELS, "the network takes the small picture");

_Alignas(uint32_t) static uint8_t picture[3 * DOOR_PIXELS];
static int8_t input[NETWORK_INPUT_SIZE];
static int8_t output[NETWORK_OUTPUT_SIZE];
/* Kept through a reset by the watchdog, which leaves the memory as it is: the number of the next frame, and the usual
 * picture. Each has a checksum; it is written last and as a whole word, so that what the memory had not taken yet is there. */
__attribute__((section(".bss.kept_frame"))) static uint32_t frame[2];
__attribute__((section(".bss.kept_state"), aligned(4))) static struct door_state state;
__attribute__((section(".bss.kept_sum"))) static uint32_t state_sum;
_Static_assert(sizeof state % 4u == 0u, "whole words");

static void scale(const uint32_t *frame)
{
    pin_raise(SCALE_PIN);
    area_scale(frame, picture);
    for (int32_t i = 0; i < NETWORK_INPUT_SIZE; ++i) {
        input[i] = picture_codes[picture[i]];
    }
    pin_lower(SCALE_PIN);
}

static int32_t infer(void)
{
    pin_raise(INFERENCE_PIN);
    network_run(input, output);
    pin_lower(INFERENCE_PIN);
    return output[0];
}

static bool decide(int32_t code)
{
    pin_raise(DECISION_PIN);
    const bool open = door_next(&state, picture, code);
    if (open) {
        pin_raise(DOOR_PIN);
    } else {
        pin_lower(DOOR_PIN);
    }
    pin_lower(DECISION_PIN);
    return open;
}

static void report(int32_t code, bool open)
{
    uart_number(frame[0]);
    uart_text(" ");
    uart_number((uint32_t)(code - INT8_MIN));
    uart_say(open ? " 1\n" : " 0\n");
    ++frame[0];
    frame[1] = ~frame[0];
}

bool startup_keeps_memory(void)
{
    return watchdog_has_bitten();
}

static uint32_t sum_of_state(void)
{
    return word_sum(&state, &state + 1);
}

/* What was kept goes on; what was not begins as at power-on. */
static void begin_or_resume(void)
{
    if (frame[1] != ~frame[0]) {
        frame[0] = 0u;
    }
    if (state_sum != sum_of_state()) {
        state = (struct door_state){0};
    }
}

/* Frames before a pause say nothing about who is there now: the door is closed, and votes begin anew. */
static void close_door(void)
{
    pin_lower(DOOR_PIN);
    state.history = 0u;
    state_sum = sum_of_state();
}

static void start_camera(void)
{
    close_door();
    for (uint32_t try = 0u; !ov7725_start(); ++try) {
        if (try % TRIES_TOLD == 0u) {
            uart_say("camera does not answer\n");
        }
        watchdog_refresh();
        clock_wait_ms(RETRY_MS);
    }
    watchdog_refresh();
    clock_wait_ms(SETTLE_MS); /* exposure and white balance */
    camera_start();
}

static void restart_camera(const char *why)
{
    uart_say(why);
    camera_stop();
    start_camera();
}

/* How often in a row the small picture has been the same. */
static uint32_t count_repeats(void)
{
    static uint32_t last, repeats;
    const uint32_t now = word_sum(picture, picture + sizeof picture);
    repeats = now == last ? repeats + 1u : 0u;
    last = now;
    return repeats;
}

static void look(void)
{
    static uint32_t looks;
    const uint32_t *const taken = camera_frame();
    if (taken == 0) {
        restart_camera("camera sends no frames\n");
        return;
    }
    if (++looks % FRAMES_PER_CHECK == 0u && !ov7725_is_set_up()) {
        restart_camera("camera lost its set-up\n");
        return;
    }
    scale(taken);
    const uint32_t repeats = count_repeats();
    if (repeats >= MAX_REPEATS) {
        if (repeats % MAX_REPEATS == 0u) {
            restart_camera("camera repeats itself\n");
        }
        return;
    }
    const int32_t code = infer();
    const bool open = decide(code);
    state_sum = sum_of_state();
    report(code, open);
}

int main(void)
{
    const bool was_bitten = watchdog_has_bitten();
    watchdog_start();
    clock_start();
    uart_start();
    door_pins_start();
    sccb_start();
    begin_or_resume();
    uart_say("mask door\n");
    if (was_bitten) {
        uart_say("restarted by watchdog\n");
    }
    start_camera();
    for (;;) {
        watchdog_refresh();
        look();
    }
}
