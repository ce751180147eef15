#include "frame_check.h"

#define LOWEST (-80)
#define HIGHEST 400
#define LEAP 15 /* 3.75 degC */
#define ALL_ONES (-1)

static bool is_all(const int16_t frame[AMG8833_PIXELS], int16_t value)
{
    uint32_t i = 0u;
    while (i < AMG8833_PIXELS && frame[i] == value) {
        ++i;
    }
    return i == AMG8833_PIXELS;
}

bool frame_is_possible(const int16_t frame[AMG8833_PIXELS])
{
    for (uint32_t i = 0u; i < AMG8833_PIXELS; ++i) {
        if (frame[i] < LOWEST || frame[i] > HIGHEST) {
            return false;
        }
    }
    return !is_all(frame, 0) && !is_all(frame, ALL_ONES);
}

bool frame_leaps(const int16_t frame[AMG8833_PIXELS], const int16_t before[AMG8833_PIXELS])
{
    uint32_t leaps = 0u;
    for (uint32_t i = 0u; i < AMG8833_PIXELS; ++i) {
        leaps |= (uint32_t)(frame[i] - before[i] + LEAP) > 2u * LEAP ? 1u : 0u;
    }
    return leaps != 0u;
}

bool frame_repeats(const int16_t frame[AMG8833_PIXELS], const int16_t before[AMG8833_PIXELS])
{
    uint32_t i = 0u;
    while (i < AMG8833_PIXELS && frame[i] == before[i]) {
        ++i;
    }
    return i == AMG8833_PIXELS;
}

void frame_copy(int16_t to[AMG8833_PIXELS], const int16_t from[AMG8833_PIXELS])
{
    for (uint32_t i = 0u; i < AMG8833_PIXELS; ++i) {
        to[i] = from[i];
    }
}

/* Insertion into what is sorted already; there are few. */
static int16_t middle(int16_t values[], uint32_t count)
{
    for (uint32_t i = 1u; i < count; ++i) {
        const int16_t value = values[i];
        uint32_t place = i;
        for (; place > 0u && values[place - 1u] > value; --place) {
            values[place] = values[place - 1u];
        }
        values[place] = value;
    }
    return values[count / 2u];
}

bool frame_take_usual(const int16_t readings[][AMG8833_PIXELS], uint32_t count, int16_t frame[AMG8833_PIXELS])
{
    int16_t values[FRAME_READINGS];
    for (uint32_t i = 0u; i < AMG8833_PIXELS; ++i) {
        uint32_t alike = 0u;
        for (uint32_t reading = 0u; reading < count; ++reading) {
            values[reading] = readings[reading][i];
        }
        frame[i] = middle(values, count);
        for (uint32_t reading = 0u; reading < count; ++reading) {
            alike += values[reading] == frame[i] ? 1u : 0u;
        }
        if (alike + 1u < count) {
            return false;
        }
    }
    return true;
}
