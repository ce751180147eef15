/* OmniVision OV7725: 200 x 200 pixels from the middle of QVGA, RGB565, 75 frames a second. */
#ifndef OV7725_H
#define OV7725_H

#include <stdbool.h>

#define OV7725_SIDE 200u

/* Give it a clock, reset it and set it up; false when it does not answer or is another camera. */
bool ov7725_start(void);

/* Read one register of the set-up back, every other time the one that says what is sent: false when the camera says twice
 * that it holds something else. One that does not answer is not told from one that is right. */
bool ov7725_is_set_up(void);

#endif
