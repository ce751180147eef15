/* What a reset by the watchdog does not lose: numbers of answers, and what the counter knows of earlier frames.
 *
 * RAM keeps its contents through such a reset. Numbers and knowledge have a checksum each: numbers that were being changed
 * when the chip was reset, or were damaged before, are forgotten alone; knowledge is then what it was before the last frame,
 * of which there is a spare. The linker script places both; where it does not, they are lost. */
#ifndef KEPT_H
#define KEPT_H

#include <stdint.h>

struct kept {
    uint32_t answers;    /* since power-on */
    uint32_t looks;      /* of a gated node */
    uint32_t is_settled; /* the sensor has been powered long enough */
    uint32_t noted, sent, reported, line; /* of a report: answers noted, sent, meant to be sent, first of its line */
};

extern struct kept kept;

/* After start-up: keep what is right, and make the rest zero, as at power-on. */
void kept_begin(void);

/* Numbers have changed. */
void kept_seal(void);

/* Before the counter looks at what it knows: where that is damaged, take the spare; where that is, too, forget it. */
void kept_mend_knowledge(void);

/* What the counter knows has changed. */
void kept_seal_knowledge(void);

#endif
