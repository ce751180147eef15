/* Panasonic AMG8833 (Grid-EYE) on I2C1: wake sequence and frames. */
#ifndef AMG8833_H
#define AMG8833_H

#include <stdbool.h>
#include <stdint.h>

#define AMG8833_PIXELS 64u
/* Start-up of the output, datasheet page 2: 15 s until it is stable. */
#define AMG8833_SETTLE_S 15u

typedef enum {
    AMG8833_NORMAL,
    AMG8833_INITIAL_RESET,
    AMG8833_FLAG_RESET,
} amg8833_step_t;

/* Take one step of the wake sequence; the caller waits before the next. */
bool amg8833_wake(amg8833_step_t step);

/* Read all pixels in one burst, in steps of 0.25 degC; false when the sensor does not answer. */
bool amg8833_read(int16_t pixels[AMG8833_PIXELS]);

#endif
