/* Whether a frame of the thermal array can be what it has measured. Steps are of 0.25 degC. */
#ifndef FRAME_CHECK_H
#define FRAME_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "amg8833.h"

/* So many readings of a frame are held beside each other at most. */
#define FRAME_READINGS 5u

/* Whether a frame is neither all zeros, as the registers are after a reset, nor all ones, as a bus is that nobody drives, and
 * no pixel is beyond -20 to 100 degC, the widest range of the family (datasheet page 1). */
bool frame_is_possible(const int16_t frame[AMG8833_PIXELS]);

/* Whether a pixel is more than 3.75 degC from the one before: in a tenth of a second it is in none of 3,520 recorded frames of
 * people (LINAIGE, sessions 2 and 3), 2.75 degC at most. */
bool frame_leaps(const int16_t frame[AMG8833_PIXELS], const int16_t before[AMG8833_PIXELS]);

bool frame_repeats(const int16_t frame[AMG8833_PIXELS], const int16_t before[AMG8833_PIXELS]);

void frame_copy(int16_t to[AMG8833_PIXELS], const int16_t from[AMG8833_PIXELS]);

/* Put the usual value of up to FRAME_READINGS readings of each pixel into a frame; false when it is not the same in all but
 * one of them. */
bool frame_take_usual(const int16_t readings[][AMG8833_PIXELS], uint32_t count, int16_t frame[AMG8833_PIXELS]);

#endif
