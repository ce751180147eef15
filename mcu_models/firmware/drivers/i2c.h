/* I2C1 on PB8 (SCL) and PB9 (SDA) at 400 kHz, as the only master. */
#ifndef I2C_H
#define I2C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void i2c_start(void);

/* Write `length` bytes to a device; false when it does not acknowledge or the bus is stuck. */
bool i2c_write(uint8_t address, const uint8_t *data, size_t length);

/* Write `reg`, then read `length` bytes (at most 255) from there on, with a repeated start. DMA moves the bytes while
 * the core sleeps; any interrupt that is enabled may wake it in between. */
bool i2c_read(uint8_t address, uint8_t reg, uint8_t *data, size_t length);

#endif
