/* The last frames as one input of a network, the oldest first; mcu_models/compiler/window.py is the same in numbers.
 * Whoever includes this defines FRAME_WINDOW_CODE (the type of a value), FRAME_WINDOW_FRAMES (2 to 9), FRAME_WINDOW_PIXELS
 * and, in values of the input, FRAME_WINDOW_PIXEL_STRIDE from pixel to pixel and FRAME_WINDOW_FRAME_STRIDE from frame to
 * frame. */
#ifndef FRAME_WINDOW_H
#define FRAME_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define FRAME_WINDOW_KEPT (FRAME_WINDOW_FRAMES - 1)

/* The frames before the newest, in a ring. All zero at power-on. */
struct frame_window {
    FRAME_WINDOW_CODE codes[FRAME_WINDOW_KEPT][FRAME_WINDOW_PIXELS];
    uint8_t oldest;
    bool has_begun;
};

static inline void frame_window_put(FRAME_WINDOW_CODE *input, int32_t position, const FRAME_WINDOW_CODE *codes)
{
    FRAME_WINDOW_CODE *place = input + position * FRAME_WINDOW_FRAME_STRIDE;
    for (int32_t i = 0; i < FRAME_WINDOW_PIXELS; ++i) {
        place[i * FRAME_WINDOW_PIXEL_STRIDE] = codes[i];
    }
}

static inline void frame_window_keep(FRAME_WINDOW_CODE *kept, const FRAME_WINDOW_CODE *codes)
{
    for (int32_t i = 0; i < FRAME_WINDOW_PIXELS; ++i) {
        kept[i] = codes[i];
    }
}

/* Write the input that ends with this frame. Places before the first frame hold the first. */
static inline void frame_window_next(struct frame_window *window, const FRAME_WINDOW_CODE *codes, FRAME_WINDOW_CODE *input)
{
    for (int32_t k = 0; k < FRAME_WINDOW_KEPT && !window->has_begun; ++k) {
        frame_window_keep(window->codes[k], codes);
    }
    window->has_begun = true;
    int32_t next = window->oldest;
    for (int32_t position = 0; position < FRAME_WINDOW_KEPT; ++position) {
        frame_window_put(input, position, window->codes[next]);
        next = next + 1 < FRAME_WINDOW_KEPT ? next + 1 : 0;
    }
    frame_window_put(input, FRAME_WINDOW_KEPT, codes);
    frame_window_keep(window->codes[next], codes);
    window->oldest = (uint8_t)(next + 1 < FRAME_WINDOW_KEPT ? next + 1 : 0);
}

#endif
