/* Port B towards the outside: the door, and what is timed, each pin high while its step runs.
 * In brackets the name at the header of the OpenMV Cam H7. */
#ifndef DOOR_PINS_H
#define DOOR_PINS_H

#include "stm32h7.h"

#define DOOR_PIN 15u      /* P0: high while the door is to be open */
#define CAPTURE_PIN 14u   /* P1: a frame comes into memory, or is waited for */
#define SCALE_PIN 13u     /* P2 */
#define INFERENCE_PIN 12u /* P3 */
#define DECISION_PIN 11u  /* P5 */

/* Drive the pins, low. */
void door_pins_start(void);

/* One store each. Memory accesses stay on their side of an edge. */
static inline void pin_raise(uint32_t pin)
{
    __asm volatile("" ::: "memory");
    GPIOB->BSRR = BIT(pin);
    __asm volatile("" ::: "memory");
}

static inline void pin_lower(uint32_t pin)
{
    __asm volatile("" ::: "memory");
    GPIOB->BSRR = BIT(pin + 16u);
    __asm volatile("" ::: "memory");
}

#endif
