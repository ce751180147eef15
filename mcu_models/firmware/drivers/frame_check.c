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

bool frame_is_blank(const int16_t frame[AMG8833_PIXELS])
{
    return is_all(frame, 0) || is_all(frame, ALL_ONES);
}

bool frame_is_possible(const int16_t frame[AMG8833_PIXELS])
{
    for (uint32_t i = 0u; i < AMG8833_PIXELS; ++i) {
        if (frame[i] < LOWEST || frame[i] > HIGHEST) {
            return false;
        }
    }
    return !frame_is_blank(frame);
}

bool frame_leaps(const int16_t frame[AMG8833_PIXELS], const int16_t before[AMG8833_PIXELS])
{
    for (uint32_t i = 0u; i < AMG8833_PIXELS; ++i) {
        if ((uint32_t)(frame[i] - before[i] + LEAP) > 2u * LEAP) {
            return true;
        }
    }
    return false;
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

static int16_t lower(int16_t a, int16_t b)
{
    return a < b ? a : b;
}

static int16_t higher(int16_t a, int16_t b)
{
    return a < b ? b : a;
}

void frame_take_middle(const int16_t first[AMG8833_PIXELS], const int16_t second[AMG8833_PIXELS],
                       int16_t last[AMG8833_PIXELS])
{
    for (uint32_t i = 0u; i < AMG8833_PIXELS; ++i) {
        const int16_t low = lower(first[i], second[i]), high = higher(first[i], second[i]);
        last[i] = higher(low, lower(high, last[i]));
    }
}
