/* Who has passed a door: what an app is told. */
#ifndef DOORWAY_ANSWER_H
#define DOORWAY_ANSWER_H

#include <stdint.h>

/* Totals since power-on, modulo 10000. */
struct doorway_answer {
    uint32_t in;
    uint32_t out;
    uint32_t at; /* where along the line the last one passed it, in sixteenths of a pixel */
};

#endif
