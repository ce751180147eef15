/* Spots in a frame of 8 x 8 pixels that are warmer or colder than the background; mcu_models/people_tracking/spots.py
 * says why and is the same in numbers. Whoever includes this defines WARM_SPOTS_LOW, WARM_SPOTS_HIGH and
 * WARM_SPOTS_PROMINENCE in 1/256 degC.
 *
 * Ranges: pixels lie within 2^14, so that 16 of them, and 64 weights of up to 2^14 + 1 times 8 * 15, fit int32_t. */
#ifndef WARM_SPOTS_H
#define WARM_SPOTS_H

#include <stdbool.h>
#include <stdint.h>

#define WARM_SPOTS_SIDE 8
#define WARM_SPOTS_PIXELS (WARM_SPOTS_SIDE * WARM_SPOTS_SIDE)
#define WARM_SPOTS_MOST 8
#define WARM_SPOTS_PER_PIXEL 16
#define WARM_SPOTS_NOWHERE (-1)

/* A place in the image, in sixteenths of a pixel. */
struct warm_spot {
    int16_t row;
    int16_t column;
};

/* The hill that each pixel belongs to, and each hill's peak. */
struct warm_spots_hills {
    int8_t hill[WARM_SPOTS_PIXELS];
    int16_t peak[WARM_SPOTS_MOST];
    int32_t begun;
};

static inline int32_t warm_spots_within(int32_t value)
{
    value = value < 0 ? 0 : value;
    return value < WARM_SPOTS_SIDE ? value : WARM_SPOTS_SIDE - 1;
}

/* A pixel with those to its left and right. */
static inline int32_t warm_spots_three(const int16_t *line, int32_t column)
{
    return line[warm_spots_within(column - 1)] + 2 * line[column] + line[warm_spots_within(column + 1)];
}

static inline void warm_spots_smooth(const int16_t above[WARM_SPOTS_PIXELS], int16_t image[WARM_SPOTS_PIXELS])
{
    for (int32_t row = 0; row < WARM_SPOTS_SIDE; ++row) {
        const int16_t *upper = &above[warm_spots_within(row - 1) * WARM_SPOTS_SIDE];
        const int16_t *here = &above[row * WARM_SPOTS_SIDE];
        const int16_t *lower = &above[warm_spots_within(row + 1) * WARM_SPOTS_SIDE];
        for (int32_t column = 0; column < WARM_SPOTS_SIDE; ++column) {
            const int32_t total = warm_spots_three(upper, column) + 2 * warm_spots_three(here, column) +
                                  warm_spots_three(lower, column);
            const int32_t value = (total + 8) >> 4;
            image[row * WARM_SPOTS_SIDE + column] = (int16_t)(value < 0 ? -value : value);
        }
    }
}

/* Find the pixels at or above the lower threshold, the warmest first and of equal ones the first; return how many. */
static inline int32_t warm_spots_sorted(const int16_t image[WARM_SPOTS_PIXELS], uint8_t order[WARM_SPOTS_PIXELS])
{
    int32_t count = 0;
    for (int32_t pixel = 0; pixel < WARM_SPOTS_PIXELS; ++pixel) {
        if (image[pixel] < WARM_SPOTS_LOW) {
            continue;
        }
        int32_t place = count++;
        for (; place > 0 && image[order[place - 1]] < image[pixel]; --place) {
            order[place] = order[place - 1];
        }
        order[place] = (uint8_t)pixel;
    }
    return count;
}

/* Write down a pixel's neighbours that belong to hills, row by row; return how many. */
static inline int32_t warm_spots_around(const struct warm_spots_hills *hills, int32_t pixel, uint8_t around[8])
{
    const int32_t row = pixel / WARM_SPOTS_SIDE, column = pixel % WARM_SPOTS_SIDE;
    int32_t count = 0;
    for (int32_t beside = row - 1; beside <= row + 1; ++beside) {
        for (int32_t other = column - 1; other <= column + 1; ++other) {
            if (beside != warm_spots_within(beside) || other != warm_spots_within(other)) {
                continue;
            }
            const int32_t place = beside * WARM_SPOTS_SIDE + other;
            if (hills->hill[place] != WARM_SPOTS_NOWHERE) {
                around[count++] = (uint8_t)place;
            }
        }
    }
    return count;
}

static inline void warm_spots_rename(struct warm_spots_hills *hills, int8_t from, int8_t to)
{
    for (int32_t pixel = 0; pixel < WARM_SPOTS_PIXELS; ++pixel) {
        if (hills->hill[pixel] == from) {
            hills->hill[pixel] = to;
        }
    }
}

/* Make a pixel part of the hill of its warmest neighbour; hills that it joins and that hardly rise are one. */
static inline void warm_spots_join(struct warm_spots_hills *hills, const int16_t image[WARM_SPOTS_PIXELS],
                                   int32_t pixel)
{
    uint8_t around[8];
    const int32_t count = warm_spots_around(hills, pixel, around);
    int8_t highest = WARM_SPOTS_MOST;
    for (int32_t k = 0; k < count; ++k) {
        highest = hills->hill[around[k]] < highest ? hills->hill[around[k]] : highest;
    }
    int32_t warmest = WARM_SPOTS_NOWHERE;
    for (int32_t k = 0; k < count; ++k) {
        const int8_t number = hills->hill[around[k]];
        if (number != highest && hills->peak[number] - image[pixel] < WARM_SPOTS_PROMINENCE) {
            warm_spots_rename(hills, number, highest);
        }
        warmest = warmest == WARM_SPOTS_NOWHERE || image[around[k]] > image[warmest] ? around[k] : warmest;
    }
    if (warmest != WARM_SPOTS_NOWHERE) {
        hills->hill[pixel] = hills->hill[warmest];
    }
}

static inline void warm_spots_climb(struct warm_spots_hills *hills, const int16_t image[WARM_SPOTS_PIXELS])
{
    uint8_t order[WARM_SPOTS_PIXELS];
    const int32_t count = warm_spots_sorted(image, order);
    hills->begun = 0;
    for (int32_t pixel = 0; pixel < WARM_SPOTS_PIXELS; ++pixel) {
        hills->hill[pixel] = WARM_SPOTS_NOWHERE;
    }
    for (int32_t k = 0; k < count; ++k) {
        const int32_t pixel = order[k];
        warm_spots_join(hills, image, pixel);
        const bool is_alone = hills->hill[pixel] == WARM_SPOTS_NOWHERE;
        if (is_alone && image[pixel] >= WARM_SPOTS_HIGH && hills->begun < WARM_SPOTS_MOST) {
            hills->peak[hills->begun] = image[pixel];
            hills->hill[pixel] = (int8_t)hills->begun++;
        }
    }
}

/* Find the mean place of a hill's pixels; false if it has none. */
static inline bool warm_spots_place(const struct warm_spots_hills *hills, const int16_t image[WARM_SPOTS_PIXELS],
                                    int32_t number, struct warm_spot *spot)
{
    int32_t weight = 0, row = 0, column = 0;
    for (int32_t pixel = 0; pixel < WARM_SPOTS_PIXELS; ++pixel) {
        if (hills->hill[pixel] == number) {
            const int32_t above = image[pixel] - WARM_SPOTS_LOW + 1;
            weight += above;
            row += above * (2 * (pixel / WARM_SPOTS_SIDE) + 1);
            column += above * (2 * (pixel % WARM_SPOTS_SIDE) + 1);
        }
    }
    if (weight == 0) {
        return false;
    }
    spot->row = (int16_t)(WARM_SPOTS_PER_PIXEL / 2 * row / weight);
    spot->column = (int16_t)(WARM_SPOTS_PER_PIXEL / 2 * column / weight);
    return true;
}

/* Find the spots of a frame in 1/256 degC above its background, the one farthest from it first; return how many. */
static inline int32_t warm_spots_find(const int16_t above[WARM_SPOTS_PIXELS], struct warm_spot spots[WARM_SPOTS_MOST])
{
    int16_t image[WARM_SPOTS_PIXELS];
    struct warm_spots_hills hills;
    int32_t count = 0;
    warm_spots_smooth(above, image);
    warm_spots_climb(&hills, image);
    for (int32_t number = 0; number < hills.begun; ++number) {
        count += warm_spots_place(&hills, image, number, &spots[count]) ? 1 : 0;
    }
    return count;
}

#endif
