/* Panasonic AMG8833 (Grid-EYE) on I2C1: wake sequence and frames. */
#ifndef AMG8833_H
#define AMG8833_H

#include <stdbool.h>
#include <stdint.h>

#define AMG8833_PIXELS 64u
typedef enum {
    AMG8833_NORMAL,
    AMG8833_INITIAL_RESET,
    AMG8833_FLAG_RESET,
} amg8833_step_t;

typedef enum {
    AMG8833_TEN_HZ,
    AMG8833_ONE_HZ,      /* each frame the mean of ten */
    AMG8833_STANDBY_10S, /* a frame every 10 s */
    AMG8833_STANDBY_60S,
} amg8833_rate_t;

/* Take one step of the wake sequence; the caller waits before the next. */
bool amg8833_wake(amg8833_step_t step);

/* Go from ten frames a second to a lower rate; false when the sensor does not answer. */
bool amg8833_slow_down(amg8833_rate_t rate);

/* Go back from that rate to ten frames a second. */
bool amg8833_speed_up(amg8833_rate_t rate);

/* Put a mark where the sensor keeps it until it loses its supply; false when it does not answer. */
bool amg8833_mark(void);

/* Read the mark; false when the sensor does not answer. */
bool amg8833_read_mark(bool *is_there);

/* Read all pixels in one burst, in steps of 0.25 degC; false when the sensor does not answer. */
bool amg8833_read(int16_t pixels[AMG8833_PIXELS]);

#endif
