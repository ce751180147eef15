#include "door_pins.h"

#define AHB4ENR_GPIOBEN BIT(1)

/* The latch before the mode, so that no pin ever shows a level that is not meant. */
void door_pins_start(void)
{
    reg_set(&RCC_AHB4ENR, AHB4ENR_GPIOBEN);
    for (uint32_t pin = DECISION_PIN; pin <= DOOR_PIN; ++pin) {
        pin_lower(pin);
        GPIOB->MODER = (GPIOB->MODER & ~(3u << (2u * pin))) | (GPIO_OUTPUT << (2u * pin));
    }
}
