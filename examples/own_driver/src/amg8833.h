/* AMG8833 thermal array on I2C1 (PB8, PB9): interrupts lead the transfer, DMA moves the pixels. */
#ifndef AMG8833_H
#define AMG8833_H

#include <stdbool.h>
#include <stdint.h>

#define AMG8833_PIXELS 64u

typedef enum { AMG8833_IDLE, AMG8833_BUSY, AMG8833_DONE, AMG8833_FAILED } amg8833_state_t;

void amg8833_init(void);

/* Write one register; the bus is busy until `amg8833_state` says otherwise. */
void amg8833_write(uint8_t reg, uint8_t value);

/* Read all pixels into memory of the driver; they are there when the state is AMG8833_DONE. */
void amg8833_read(void);

amg8833_state_t amg8833_state(void);

/* Give a transfer up that does not end, and begin anew. */
void amg8833_abort(void);

/* Pixel `n` of the last frame that was read, in steps of 0.25 degC. */
int32_t amg8833_pixel(uint32_t n);

#endif
