/* What start-up code calls. */
#ifndef STARTUP_H
#define STARTUP_H

#include <stdbool.h>

/* Whether the memory that a reset need not lose is left as it is; an application may define it, else it is zeroed. */
bool startup_keeps_memory(void);

/* The camera has sent a frame. */
void dcmi_handler(void);
void systick_handler(void);

#endif
