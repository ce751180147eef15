/* Outputs of port A besides the timing pin: what switches the sensor's supply, and what wakes a radio. */
#ifndef OUTPUT_PINS_H
#define OUTPUT_PINS_H

/* PA5: high closes the load switch in the sensor's supply. */
#define SENSOR_SWITCH_PIN 5u
/* PA6: a pulse hands the text sent last to the radio. */
#define RADIO_PIN 6u

#include "stm32l4.h"

/* Drive a pin, low. The level stays through Stop 2. */
void output_pin_start(uint32_t pin);

static inline void output_pin_raise(uint32_t pin)
{
    GPIOA->BSRR = BIT(pin);
}

static inline void output_pin_lower(uint32_t pin)
{
    GPIOA->BSRR = BIT(pin + 16u);
}

#endif
