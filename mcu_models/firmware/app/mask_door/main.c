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
#include "uart.h"

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

#define RETRY_MS 1000u
#define SETTLE_MS 300u

_Static_assert(NETWORK_INPUT_SIZE == 3 * DOOR_PIXELS, "the network takes the small picture");

static uint8_t picture[3 * DOOR_PIXELS];
static int8_t input[NETWORK_INPUT_SIZE];
static int8_t output[NETWORK_OUTPUT_SIZE];
static struct door_state state;

static void say(const char *text)
{
    uart_text(text);
    uart_flush();
}

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
    static uint32_t frame;
    uart_number(frame++);
    uart_text(" ");
    uart_number((uint32_t)(code - INT8_MIN));
    say(open ? " 1\n" : " 0\n");
}

int main(void)
{
    clock_start();
    uart_start();
    door_pins_start();
    sccb_start();
    say("mask door\n");
    while (!ov7725_start()) {
        say("camera does not answer\n");
        clock_wait_ms(RETRY_MS);
    }
    clock_wait_ms(SETTLE_MS); /* exposure and white balance */
    camera_start();
    for (;;) {
        scale(camera_frame());
        const int32_t code = infer();
        report(code, decide(code));
    }
}
