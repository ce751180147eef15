/* People counted in infrared frames by rules; mcu_models/people_detection/detection.py says why and is the same in
 * numbers. Whoever includes this defines PEOPLE_DETECTION_ROWS, PEOPLE_DETECTION_COLUMNS (up to 16) and the constants
 * used below.
 *
 * Ranges: pixels, image and background lie in [-LIMIT, LIMIT) = [-2^15, 2^15); differences within 2^16, so that 256
 * times one, and the sum of all of them, fit int32_t. In masks a row of the image is a word, a pixel of it a bit. */
#ifndef PEOPLE_DETECTION_H
#define PEOPLE_DETECTION_H

#include <stdbool.h>
#include <stdint.h>

#define PEOPLE_DETECTION_PIXELS (PEOPLE_DETECTION_ROWS * PEOPLE_DETECTION_COLUMNS)
#define PEOPLE_DETECTION_HEIGHT (2 * PEOPLE_DETECTION_ROWS - 1)
#define PEOPLE_DETECTION_WIDTH (2 * PEOPLE_DETECTION_COLUMNS - 1)
#define PEOPLE_DETECTION_IMAGE (PEOPLE_DETECTION_HEIGHT * PEOPLE_DETECTION_WIDTH)
#define PEOPLE_DETECTION_LIMIT (PEOPLE_DETECTION_LIMIT_STEPS * PEOPLE_DETECTION_VALUES_PER_STEP)

/* All zero at power-on. */
struct people_detection {
    int16_t latest[PEOPLE_DETECTION_SMOOTHED_FRAMES][PEOPLE_DETECTION_PIXELS]; /* 0.25 degC */
    int16_t smooth[PEOPLE_DETECTION_PIXELS];                                   /* 1/256 degC */
    int16_t background[PEOPLE_DETECTION_IMAGE];                                /* 1/256 degC */
    uint8_t place;                                                             /* of the next frame in `latest` */
    bool is_full;                                                              /* `latest` is, and a background there */
};

/* One bit for each pixel of the image, with a row without pixels above and below. */
struct people_detection_mask {
    uint32_t row[PEOPLE_DETECTION_HEIGHT + 2];
};

static inline int32_t people_detection_limited(int32_t value, int32_t lowest, int32_t highest)
{
    value = value < lowest ? lowest : value;
    return value > highest ? highest : value;
}

/* A pixel's mean over the latest frames without its highest and lowest, in 1/256 degC. */
static inline int32_t people_detection_average(const struct people_detection *state, int32_t pixel)
{
    int32_t sorted[PEOPLE_DETECTION_SMOOTHED_FRAMES];
    for (int32_t frame = 0; frame < PEOPLE_DETECTION_SMOOTHED_FRAMES; ++frame) {
        const int32_t value = state->latest[frame][pixel];
        int32_t place = frame;
        for (; place > 0 && sorted[place - 1] > value; --place) {
            sorted[place] = sorted[place - 1];
        }
        sorted[place] = value;
    }
    int32_t sum = 0;
    for (int32_t k = PEOPLE_DETECTION_DROPPED_FRAMES;
         k < PEOPLE_DETECTION_SMOOTHED_FRAMES - PEOPLE_DETECTION_DROPPED_FRAMES; ++k) {
        sum += sorted[k];
    }
    return sum * PEOPLE_DETECTION_VALUES_PER_STEP /
           (PEOPLE_DETECTION_SMOOTHED_FRAMES - 2 * PEOPLE_DETECTION_DROPPED_FRAMES);
}

/* Take a frame in. True when as many as are averaged have come. */
static inline bool people_detection_collect(struct people_detection *state, const int16_t *raw)
{
    for (int32_t i = 0; i < PEOPLE_DETECTION_PIXELS; ++i) {
        state->latest[state->place][i] = (int16_t)people_detection_limited(
            raw[i], -PEOPLE_DETECTION_LIMIT_STEPS, PEOPLE_DETECTION_LIMIT_STEPS - 1);
    }
    const bool was_last = state->place == PEOPLE_DETECTION_SMOOTHED_FRAMES - 1;
    state->place = was_last ? (uint8_t)0 : (uint8_t)(state->place + 1);
    return was_last || state->is_full;
}

static inline void people_detection_smooth(struct people_detection *state)
{
    for (int32_t i = 0; i < PEOPLE_DETECTION_PIXELS; ++i) {
        const int32_t average = people_detection_average(state, i);
        const int32_t before = state->smooth[i];
        const int32_t followed = before + PEOPLE_DETECTION_SMOOTHING * (average - before) / 256;
        state->smooth[i] = (int16_t)(state->is_full ? followed : average);
    }
}

/* Put between neighbours their mean, first in rows, then between rows. */
static inline void people_detection_between(const int16_t *pixels, int16_t image[PEOPLE_DETECTION_IMAGE])
{
    for (int32_t row = 0; row < PEOPLE_DETECTION_HEIGHT; row += 2) {
        int16_t *line = &image[row * PEOPLE_DETECTION_WIDTH];
        for (int32_t column = 0; column < PEOPLE_DETECTION_COLUMNS - 1; ++column) {
            line[2 * column] = pixels[column];
            line[2 * column + 1] = (int16_t)((pixels[column] + pixels[column + 1]) / 2);
        }
        line[PEOPLE_DETECTION_WIDTH - 1] = pixels[PEOPLE_DETECTION_COLUMNS - 1];
        pixels += PEOPLE_DETECTION_COLUMNS;
    }
    for (int32_t row = 1; row < PEOPLE_DETECTION_HEIGHT; row += 2) {
        int16_t *line = &image[row * PEOPLE_DETECTION_WIDTH];
        for (int32_t column = 0; column < PEOPLE_DETECTION_WIDTH; ++column) {
            const int32_t above = line[column - PEOPLE_DETECTION_WIDTH];
            line[column] = (int16_t)((above + line[column + PEOPLE_DETECTION_WIDTH]) / 2);
        }
    }
}

/* Set the bits of pixels that are far enough above the background. */
static inline void people_detection_detect(const struct people_detection *state, const int16_t *image,
                                           struct people_detection_mask *detected)
{
    *detected = (struct people_detection_mask){{0u}};
    for (int32_t row = 0, i = 0; row < PEOPLE_DETECTION_HEIGHT; ++row) {
        uint32_t bits = 0u;
        for (int32_t column = 0; column < PEOPLE_DETECTION_WIDTH; ++column, ++i) {
            bits |= (image[i] - state->background[i] >= PEOPLE_DETECTION_THRESHOLD ? 1u : 0u) << column;
        }
        detected->row[row + 1] = bits;
    }
}

/* Let a region grow in one row to what it touches there. True when it grew. */
static inline bool people_detection_grow(struct people_detection_mask *region, const struct people_detection_mask *left,
                                         int32_t row)
{
    const uint32_t before = region->row[row];
    const uint32_t touched = region->row[row - 1] | before | region->row[row + 1];
    const uint32_t grown = (touched | touched << 1 | touched >> 1) & left->row[row];
    region->row[row] = grown;
    return grown != before;
}

/* Fill a region from a pixel of it, down and up again until nothing is added: each pass but the last adds a pixel. */
static inline void people_detection_fill(struct people_detection_mask *region, const struct people_detection_mask *left)
{
    bool grew = true;
    while (grew) {
        grew = false;
        for (int32_t row = 1; row <= PEOPLE_DETECTION_HEIGHT; ++row) {
            grew = people_detection_grow(region, left, row) || grew;
        }
        for (int32_t row = PEOPLE_DETECTION_HEIGHT; grew && row >= 1; --row) {
            (void)people_detection_grow(region, left, row);
        }
    }
}

static inline int32_t people_detection_area(const struct people_detection_mask *region)
{
    int32_t area = 0;
    for (int32_t row = 1; row <= PEOPLE_DETECTION_HEIGHT; ++row) {
        for (uint32_t bits = region->row[row]; bits != 0u; bits &= bits - 1u) {
            ++area;
        }
    }
    return area;
}

static inline void people_detection_clear(struct people_detection_mask *mask,
                                          const struct people_detection_mask *region)
{
    for (int32_t row = 1; row <= PEOPLE_DETECTION_HEIGHT; ++row) {
        mask->row[row] &= ~region->row[row];
    }
}

/* Count the regions that are humans, and clear those too small to be anything. */
static inline int32_t people_detection_humans(struct people_detection_mask *detected)
{
    struct people_detection_mask left = *detected;
    int32_t humans = 0;
    for (int32_t row = 1; row <= PEOPLE_DETECTION_HEIGHT; ++row) {
        while (left.row[row] != 0u) {
            struct people_detection_mask region = {{0u}};
            region.row[row] = left.row[row] & (~left.row[row] + 1u);
            people_detection_fill(&region, &left);
            people_detection_clear(&left, &region);
            const int32_t area = people_detection_area(&region);
            if (area <= PEOPLE_DETECTION_DROPPED_AREA) {
                people_detection_clear(detected, &region);
            } else if (area > PEOPLE_DETECTION_HUMAN_AREA) {
                ++humans;
            }
        }
    }
    return humans;
}

/* Add the pixels above, below, left and right. */
static inline void people_detection_widen(const struct people_detection_mask *detected,
                                          struct people_detection_mask *held)
{
    for (int32_t row = 1; row <= PEOPLE_DETECTION_HEIGHT; ++row) {
        const uint32_t bits = detected->row[row];
        held->row[row] = bits | bits << 1 | bits >> 1 | detected->row[row - 1] | detected->row[row + 1];
    }
}

/* The mean of what pixels that are not held have above the background. False when all are held. */
static inline bool people_detection_mean(const struct people_detection *state, const int16_t *image,
                                         const struct people_detection_mask *held, int32_t *mean)
{
    int32_t sum = 0;
    int32_t count = 0;
    for (int32_t row = 0, i = 0; row < PEOPLE_DETECTION_HEIGHT; ++row) {
        uint32_t free = ~held->row[row + 1];
        for (int32_t column = 0; column < PEOPLE_DETECTION_WIDTH; ++column, ++i, free >>= 1) {
            const int32_t is_free = (int32_t)(free & 1u);
            sum += is_free * (image[i] - state->background[i]);
            count += is_free;
        }
    }
    *mean = count > 0 ? sum / count : 0;
    return count > 0;
}

/* Move the background: to the image where it is free, elsewhere as the free pixels move on average. */
static inline void people_detection_learn(struct people_detection *state, const int16_t *image,
                                          const struct people_detection_mask *held)
{
    int32_t mean;
    if (!people_detection_mean(state, image, held, &mean)) {
        return;
    }
    for (int32_t row = 0, i = 0; row < PEOPLE_DETECTION_HEIGHT; ++row) {
        uint32_t bits = held->row[row + 1];
        for (int32_t column = 0; column < PEOPLE_DETECTION_WIDTH; ++column, ++i, bits >>= 1) {
            const int32_t before = state->background[i];
            const int32_t above = (bits & 1u) != 0u ? mean : image[i] - before;
            state->background[i] =
                (int16_t)people_detection_limited(before + PEOPLE_DETECTION_BACKGROUND_RATE * above / 256,
                                                  -PEOPLE_DETECTION_LIMIT, PEOPLE_DETECTION_LIMIT - 1);
        }
    }
}

/* Count the people in the next frame, in steps of 0.25 degC, and learn from it. */
static inline int32_t people_detection_next(struct people_detection *state, const int16_t *raw)
{
    int16_t image[PEOPLE_DETECTION_IMAGE];
    struct people_detection_mask detected;
    struct people_detection_mask held;
    if (!people_detection_collect(state, raw)) {
        return 0;
    }
    people_detection_smooth(state);
    if (!state->is_full) {
        people_detection_between(state->smooth, state->background);
        state->is_full = true;
        return 0;
    }
    people_detection_between(state->smooth, image);
    people_detection_detect(state, image, &detected);
    const int32_t humans = people_detection_humans(&detected);
    people_detection_widen(&detected, &held);
    people_detection_learn(state, image, &held);
    return humans < PEOPLE_DETECTION_LARGEST_COUNT ? humans : PEOPLE_DETECTION_LARGEST_COUNT;
}

#endif
