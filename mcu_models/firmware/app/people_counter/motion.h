/* Whether something moves: a block of 2 x 2 pixels has changed since the frame that was kept a second ago, or the last
 * one of a slow sensor. The mean of four halves a pixel's noise. */
#ifndef MOTION_H
#define MOTION_H

#include <stdbool.h>
#include <stdint.h>

#include "amg8833.h"

/* Forget what was kept; the next frame counts as motion. */
void motion_reset(void);

/* Look at the next frame; a frame that is `kept`, and every tenth, is what later ones are compared with. */
bool motion_seen(const int16_t pixels[AMG8833_PIXELS], bool kept);

#endif
