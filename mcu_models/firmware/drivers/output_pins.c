#include "output_pins.h"

/* The latch before the mode, so that the pin never shows a level that is not meant. */
void output_pin_start(uint32_t pin)
{
    reg_set(&RCC->AHB2ENR, RCC_AHB2ENR_GPIOAEN);
    output_pin_lower(pin);
    GPIOA->MODER = (GPIOA->MODER & ~(3u << (2u * pin))) | (GPIO_MODE_OUTPUT << (2u * pin));
}
