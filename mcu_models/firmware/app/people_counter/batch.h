/* Answers that wait for the next report: one line "BATCH FIRST_FRAME DIGITS" with a digit for each. A long line is sent in
 * pieces that fit between two frames. */
#ifndef BATCH_H
#define BATCH_H

#include <stdbool.h>
#include <stdint.h>

void batch_note(int32_t people);

/* Begin a line with all that was noted since the last, if there was anything. */
void batch_report(void);

/* After a reset: a line that was broken off is reported anew, and whole. */
void batch_resume(void);

/* Send the next piece; whether more of the line is left. The end of a line is handed to the radio. */
bool batch_send(void);

#endif
