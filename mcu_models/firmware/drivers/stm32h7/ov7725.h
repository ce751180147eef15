/* OmniVision OV7725: 200 x 200 pixels from the middle of QVGA, RGB565, 75 frames a second. */
#ifndef OV7725_H
#define OV7725_H

#include <stdbool.h>

#define OV7725_SIDE 200u

/* Give it a clock, reset it and set it up; false when it does not answer or is another camera. */
bool ov7725_start(void);

#endif
