/* SCCB, the camera's control bus, as I2C1 on PB8 (SCL) and PB9 (SDA) at 100 kHz. */
#ifndef SCCB_H
#define SCCB_H

#include <stdbool.h>
#include <stdint.h>

void sccb_start(void);

/* Write a register; false when the camera does not acknowledge. */
bool sccb_write(uint8_t reg, uint8_t value);

/* Read a register; false when the camera does not acknowledge. */
bool sccb_read(uint8_t reg, uint8_t *value);

#endif
