/* The thermal array kept at work: woken, read, asked whether it still knows its set-up, and woken again when it does not.
 *
 * Noticed: a sensor that does not answer; one that has lost its supply, by a mark that is gone; frames that it cannot
 * have measured, by their values, or since two readings of one differ; a sensor that repeats one frame for two seconds,
 * which noise never does. Not noticed: bytes that are wrong twice alike, since the sensor sends no checksum. */
#ifndef SENSOR_H
#define SENSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "amg8833.h"

typedef enum {
    SENSOR_NO_FRAME,  /* none that can be trusted; it is tried again at the next tick */
    SENSOR_RESTARTED, /* it had lost its set-up and has it again, ten frames a second; the next tick has a frame */
    SENSOR_FRAME,
} sensor_look_t;

/* Wake the sensor, which may be slow to power up: it is tried until it answers. Returns a tick before its first frame may
 * be taken, `settle_ticks` behind the power-up; a sensor that was awake when this chip was reset is not waited for again,
 * nor one that has been settled and lost its supply for a while: its first frames are less exact than later ones. */
void sensor_start(uint32_t settle_ticks);

/* Its supply has been switched off. */
void sensor_stop(void);

/* Look at the frame of this tick. A sensor at a low rate (`is_slow`) is asked for its mark every ten seconds, any other
 * when something was wrong. */
sensor_look_t sensor_look(int16_t pixels[AMG8833_PIXELS], bool is_slow);

#endif
