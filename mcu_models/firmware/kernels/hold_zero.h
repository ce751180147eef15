/* A background for each pixel, learnt as frames come; mcu_models/compiler/hold_zero.py says why and is the same in
 * numbers. Whoever includes this defines HOLD_ZERO_ROWS, HOLD_ZERO_COLUMNS (up to 32) and the constants used below.
 *
 * Ranges: with |background| <= LIMIT * 2^8 = 2^22 and pixels in [-LIMIT, LIMIT), differences lie in [-2^15, 2^15) and fit
 * int16_t; values lie within LIMIT, so that value * 2^8 and what is added to the background lie within 2^22, too. */
#ifndef HOLD_ZERO_H
#define HOLD_ZERO_H

#include <stdint.h>

#include "lower_median.h"

#define HOLD_ZERO_PIXELS (HOLD_ZERO_ROWS * HOLD_ZERO_COLUMNS)
#define HOLD_ZERO_STEPS (HOLD_ZERO_LIMIT / HOLD_ZERO_VALUES_PER_STEP)
#define HOLD_ZERO_BACKGROUND (1 << HOLD_ZERO_BACKGROUND_BITS)

/* All zero at power-on: a flat background. */
struct hold_zero {
    int32_t background[HOLD_ZERO_PIXELS]; /* 1/65536 degC */
    int16_t mean[HOLD_ZERO_PIXELS];       /* 1/256 degC */
    uint8_t age[HOLD_ZERO_PIXELS];        /* frames */
};

static inline int32_t hold_zero_limited(int32_t value, int32_t lowest, int32_t highest)
{
    value = value < lowest ? lowest : value;
    return value > highest ? highest : value;
}

static inline int32_t hold_zero_whole(int32_t background)
{
    return (background + HOLD_ZERO_BACKGROUND / 2) >> HOLD_ZERO_BACKGROUND_BITS;
}

/* What a frame has above background and level, in 1/256 degC. */
static inline void hold_zero_above(const struct hold_zero *state, const int16_t *raw, int16_t *value)
{
    for (int32_t i = 0; i < HOLD_ZERO_PIXELS; ++i) {
        const int32_t kept = hold_zero_limited(raw[i], -HOLD_ZERO_STEPS, HOLD_ZERO_STEPS - 1);
        value[i] = (int16_t)(kept * HOLD_ZERO_VALUES_PER_STEP - hold_zero_whole(state->background[i]));
    }
    const int32_t level = lower_median(value, HOLD_ZERO_PIXELS);
    for (int32_t i = 0; i < HOLD_ZERO_PIXELS; ++i) {
        value[i] = (int16_t)hold_zero_limited(value[i] - level, -HOLD_ZERO_LIMIT, HOLD_ZERO_LIMIT);
    }
}

/* Follow the means, and set a bit for each pixel that is warm or beside a warm one in its row. */
static inline void hold_zero_warm(struct hold_zero *state, const int16_t *value, uint32_t warm[HOLD_ZERO_ROWS])
{
    for (int32_t row = 0; row < HOLD_ZERO_ROWS; ++row) {
        uint32_t bits = 0u;
        for (int32_t column = 0; column < HOLD_ZERO_COLUMNS; ++column) {
            const int32_t i = row * HOLD_ZERO_COLUMNS + column;
            int32_t mean = state->mean[i];
            mean += (value[i] - mean + (1 << HOLD_ZERO_MEAN_SHIFT) / 2) >> HOLD_ZERO_MEAN_SHIFT;
            state->mean[i] = (int16_t)mean;
            bits |= (mean > HOLD_ZERO_WARM ? 1u : 0u) << column;
        }
        warm[row] = bits | bits << 1 | bits >> 1;
    }
}

/* The power of two by which a pixel's value is divided before it is added to its background. */
static inline int32_t hold_zero_shift(struct hold_zero *state, int32_t i, uint32_t held)
{
    static const uint8_t ages[] = {HOLD_ZERO_AGES};
    const int32_t age = state->age[i];
    if (held != 0u) {
        return HOLD_ZERO_HELD_SHIFT;
    }
    if (state->mean[i] < -HOLD_ZERO_WARM) {
        state->age[i] = (uint8_t)(age < HOLD_ZERO_COLD_AGE ? age : HOLD_ZERO_COLD_AGE);
        return HOLD_ZERO_COLD_SHIFT;
    }
    int32_t shift = HOLD_ZERO_FIRST_SHIFT;
    for (uint32_t k = 0u; k < sizeof ages; ++k) {
        shift += age >= ages[k] ? 1 : 0;
    }
    state->age[i] = (uint8_t)(age < HOLD_ZERO_LARGEST_AGE ? age + 1 : age);
    return shift;
}

static inline void hold_zero_learn(struct hold_zero *state, const int16_t *value, const uint32_t warm[HOLD_ZERO_ROWS])
{
    for (int32_t row = 0; row < HOLD_ZERO_ROWS; ++row) {
        uint32_t held = warm[row];
        held |= row > 0 ? warm[row - 1] : 0u;
        held |= row < HOLD_ZERO_ROWS - 1 ? warm[row + 1] : 0u;
        for (int32_t column = 0; column < HOLD_ZERO_COLUMNS; ++column) {
            const int32_t i = row * HOLD_ZERO_COLUMNS + column;
            const int32_t shift = hold_zero_shift(state, i, held >> column & 1u);
            state->background[i] += (value[i] * HOLD_ZERO_BACKGROUND) >> shift;
        }
    }
}

/* Bring the background's mean back to zero by whole steps, which changes no frame. */
static inline void hold_zero_centre(struct hold_zero *state)
{
    int32_t total = 0;
    for (int32_t i = 0; i < HOLD_ZERO_PIXELS; ++i) {
        total += hold_zero_whole(state->background[i]);
    }
    const int32_t mean = total / HOLD_ZERO_PIXELS * HOLD_ZERO_BACKGROUND;
    const int32_t limit = HOLD_ZERO_LIMIT * HOLD_ZERO_BACKGROUND;
    for (int32_t i = 0; i < HOLD_ZERO_PIXELS; ++i) {
        state->background[i] = hold_zero_limited(state->background[i] - mean, -limit, limit);
    }
}

/* Turn the next frame, in steps of 0.25 degC, into what it has above the background, and learn from it. */
static inline void hold_zero_next(struct hold_zero *state, const int16_t *raw, int16_t *value)
{
    uint32_t warm[HOLD_ZERO_ROWS];
    hold_zero_above(state, raw, value);
    hold_zero_warm(state, value, warm);
    hold_zero_learn(state, value, warm);
    hold_zero_centre(state);
}

#endif
