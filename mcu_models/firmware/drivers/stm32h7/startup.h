/* What start-up code calls. */
#ifndef STARTUP_H
#define STARTUP_H

/* The camera has sent a frame. */
void dcmi_handler(void);
void systick_handler(void);

#endif
