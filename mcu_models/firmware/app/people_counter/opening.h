/* Opening hours, by a clock of the week that knows from the policy when the node was powered on. */
#ifndef OPENING_H
#define OPENING_H

#include <stdbool.h>
#include <stdint.h>

bool opening_is_open(uint32_t tick);

/* The next tick at which the node opens. */
uint32_t opening_next(uint32_t tick);

#endif
