/* AMG8833 thermal array on I2C1 (PB8, PB9), read by polling: as simple as it gets. */
#ifndef SENSOR_H
#define SENSOR_H

#include <stdbool.h>
#include <stdint.h>

#define SENSOR_PIXELS 64

void sensor_init(void);

/* Write one register; false when nobody answers. */
bool sensor_write(uint8_t reg, uint8_t value);

/* Read all pixels, in steps of 0.25 degC; false when nobody answers. */
bool sensor_read(int16_t pixels[SENSOR_PIXELS]);

#endif
