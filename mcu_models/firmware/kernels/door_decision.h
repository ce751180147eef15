/* Whether the door opens, from scores of several frames and whether somebody is near;
 * mcu_models/compiler/door_decision.py is the same and says what the numbers mean. Whoever includes this defines
 * DOOR_PIXELS and, with door_policy.h, the DOOR_ numbers. */
#ifndef DOOR_DECISION_H
#define DOOR_DECISION_H

#include <stdbool.h>
#include <stdint.h>

#ifndef DOOR_CODE
#define DOOR_CODE
#endif

#define DOOR_FRACTION_BITS 8

/* All zero at power-on. */
struct door_state {
    uint32_t history; /* a bit for each frame, the latest lowest */
    bool has_usual;
    bool is_near;
    uint16_t usual[DOOR_PIXELS];
};

static inline int32_t door_level(const uint8_t *rgb)
{
    return (77 * rgb[0] + 150 * rgb[1] + 29 * rgb[2]) >> 8;
}

/* Rounds down, as >> does of what may be negative. */
static inline int32_t door_mean(int32_t sum)
{
    const int32_t quotient = sum / DOOR_PIXELS;
    return sum % DOOR_PIXELS < 0 ? quotient - 1 : quotient;
}

static inline void door_learn(struct door_state *state, const uint8_t *picture, int32_t shift)
{
    for (int32_t i = 0; i < DOOR_PIXELS; ++i) {
        const int32_t usual = state->usual[i];
        state->usual[i] = (uint16_t)(usual + (((door_level(picture + 3 * i) << DOOR_FRACTION_BITS) - usual) >> shift));
    }
}

static inline bool door_looks_near(struct door_state *state, const uint8_t *picture)
{
    if (!state->has_usual) {
        state->has_usual = true;
        door_learn(state, picture, 0);
        return false;
    }
    static int16_t apart[DOOR_PIXELS];
    int32_t sum = 0, changed = 0;
    for (int32_t i = 0; i < DOOR_PIXELS; ++i) {
        const int32_t levels = door_level(picture + 3 * i) - (state->usual[i] >> DOOR_FRACTION_BITS);
        apart[i] = (int16_t)levels;
        sum += levels;
    }
    const int32_t common = door_mean(sum);
    for (int32_t i = 0; i < DOOR_PIXELS; ++i) {
        const int32_t levels = apart[i] - common;
        changed += (levels < 0 ? -levels : levels) > DOOR_PIXEL_LEVELS ? 1 : 0;
    }
    const bool is_near = changed >= DOOR_NEAR_PIXELS;
    door_learn(state, picture, is_near ? DOOR_NEAR_SHIFT : DOOR_EMPTY_SHIFT);
    return is_near;
}

static inline int32_t door_ones(uint32_t bits)
{
    int32_t ones = 0;
    for (; bits != 0u; bits &= bits - 1u) {
        ++ones;
    }
    return ones;
}

/* Take the picture and the network's answer of a frame; whether the door opens. */
static DOOR_CODE bool door_next(struct door_state *state, const uint8_t picture[3 * DOOR_PIXELS], int32_t code)
{
    state->is_near = door_looks_near(state, picture);
    const uint32_t shown = state->is_near && code >= DOOR_LEAST_CODE ? 1u : 0u;
    state->history = ((state->history << 1) | shown) & (UINT32_MAX >> (32 - DOOR_FRAMES));
    return state->is_near && door_ones(state->history) >= DOOR_NEEDED;
}

#endif
