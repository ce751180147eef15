#include "timing_pin.h"

#include "stm32l4.h"

#define MODE_SHIFT (2u * TIMING_PIN)

/* The latch before the mode, so that the pin never shows a level that is not meant. */
void timing_pin_start(void)
{
    reg_set(&RCC->AHB2ENR, RCC_AHB2ENR_GPIOAEN);
    timing_pin_lower();
    GPIOA->MODER = (GPIOA->MODER & ~(3u << MODE_SHIFT)) | (GPIO_MODE_OUTPUT << MODE_SHIFT);
}
