/* The most frequent of the last counts, of equally frequent ones the latest; mcu_models/compiler/vote.py is the same.
 * Whoever includes this defines VOTES (2 to 9). */
#ifndef VOTE_H
#define VOTE_H

#include <stdint.h>

/* All zero at power-on. */
struct votes {
    int16_t count[VOTES]; /* the latest first */
    int16_t length;
};

static inline int32_t votes_for(const struct votes *votes, int32_t count)
{
    int32_t found = 0;
    for (int32_t i = 0; i < votes->length; ++i) {
        found += votes->count[i] == count ? 1 : 0;
    }
    return found;
}

/* Take a count, and return the answer. */
static inline int32_t vote_next(struct votes *votes, int32_t count)
{
    for (int32_t i = VOTES - 1; i > 0; --i) {
        votes->count[i] = votes->count[i - 1];
    }
    votes->count[0] = (int16_t)count;
    votes->length = (int16_t)(votes->length < VOTES ? votes->length + 1 : VOTES);
    int32_t answer = count;
    int32_t most = votes_for(votes, count);
    for (int32_t i = 1; i < votes->length; ++i) {
        const int32_t often = votes_for(votes, votes->count[i]);
        answer = often > most ? votes->count[i] : answer;
        most = often > most ? often : most;
    }
    return answer;
}

#endif
