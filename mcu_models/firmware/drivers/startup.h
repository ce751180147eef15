/* What start-up offers: interrupt handlers that an application may define. */
#ifndef STARTUP_H
#define STARTUP_H

void default_handler(void);
void systick_handler(void);
void i2c1_event_handler(void);
void usart2_handler(void);
void lptim1_handler(void);

#endif
