/* Frames of the camera by DCMI and DMA into two buffers: while one is looked at, the other is filled. */
#ifndef CAMERA_H
#define CAMERA_H

#include <stdint.h>

#include "ov7725.h"

#define CAMERA_BYTES (2u * OV7725_SIDE * OV7725_SIDE)

/* Begin to take frames. */
void camera_start(void);

/* Take no more frames. */
void camera_stop(void);

/* Sleep until a frame has come, and begin to take the next into the other buffer. What is returned stays as it is
 * until the next call. Zero when no frame came in the time of four, or none was whole. */
const uint32_t *camera_frame(void);

#endif
