/* What start-up offers: functions that an application may define. */
#ifndef STARTUP_H
#define STARTUP_H

#include <stdbool.h>

/* Whether the memory that a reset need not lose is left as it is; without such a function it is zeroed. */
bool startup_keeps_memory(void);

void default_handler(void);
void systick_handler(void);
void i2c1_event_handler(void);
void usart2_handler(void);
void lptim1_handler(void);

#endif
