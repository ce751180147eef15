/* A square RGB565 frame to a small RGB picture by area; mcu_models/compiler/area_scale.py is the same.
 * Whoever includes this defines AREA_FRAME_SIDE and AREA_PICTURE_SIDE. The frame is as the camera sends it: of each
 * pixel the upper byte first. Its side must be even, and its address that of a word.
 *
 * Of each colour two pixels are added up side by side in one word, down the rows of the frame that a row of the picture
 * covers, then across. */
#ifndef AREA_SCALE_H
#define AREA_SCALE_H

#include <stdint.h>

#ifndef AREA_CODE
#define AREA_CODE
#endif

/* Parts of a pixel of the frame, and of one of the picture, along a side: the sides without what divides both. */
#define AREA_DIVIDES(n) (AREA_FRAME_SIDE % (n) == 0 && AREA_PICTURE_SIDE % (n) == 0)
#define AREA_COMMON                                                                                                    \
    (AREA_DIVIDES(32)   ? 32                                                                                           \
     : AREA_DIVIDES(16) ? 16                                                                                           \
     : AREA_DIVIDES(8)  ? 8                                                                                            \
     : AREA_DIVIDES(4)  ? 4                                                                                            \
     : AREA_DIVIDES(2)  ? 2                                                                                            \
                        : 1)
#define AREA_SMALL (AREA_PICTURE_SIDE / AREA_COMMON)
#define AREA_LARGE (AREA_FRAME_SIDE / AREA_COMMON)
#define AREA_TOTAL ((uint32_t)(AREA_LARGE * AREA_LARGE))
#define AREA_PAIRS (AREA_FRAME_SIDE / 2)

_Static_assert(AREA_FRAME_SIDE % 2 == 0, "pixels are taken in pairs");
_Static_assert(AREA_LARGE * 255 <= UINT16_MAX, "a sum down the rows must fit half a word");

/* Sums down the rows; each word holds those of two columns. */
struct area_sums {
    uint32_t red[AREA_PAIRS], green[AREA_PAIRS], blue[AREA_PAIRS];
};

/* The bytes of both halves of a word exchanged. */
static inline uint32_t area_words(uint32_t bytes)
{
#if defined(__ARM_FEATURE_DSP)
    uint32_t words;
    __asm__("rev16 %0, %1" : "=r"(words) : "r"(bytes));
    return words;
#else
    return ((bytes & UINT32_C(0x00FF00FF)) << 8) | ((bytes >> 8) & UINT32_C(0x00FF00FF));
#endif
}

/* Parts of the frame's row or column `index` in `place` of the picture. */
static inline uint32_t area_weight(int32_t index, int32_t place)
{
    const int32_t first = index * AREA_SMALL, begin = place * AREA_LARGE;
    const int32_t from = first > begin ? first : begin;
    const int32_t to = first + AREA_SMALL < begin + AREA_LARGE ? first + AREA_SMALL : begin + AREA_LARGE;
    return (uint32_t)(to - from);
}

static inline int32_t area_first(int32_t place)
{
    return place * AREA_LARGE / AREA_SMALL;
}

/* One behind the last. */
static inline int32_t area_behind(int32_t place)
{
    return ((place + 1) * AREA_LARGE + AREA_SMALL - 1) / AREA_SMALL;
}

/* So many rows of the frame at most lie below a row of the picture. */
#define AREA_ROWS ((AREA_LARGE + AREA_SMALL - 2) / AREA_SMALL + 1)

/* Add up the rows of the frame below row `place` of the picture. Where there are fewer, the rest counts nothing. */
static inline void area_down(const uint32_t *frame, int32_t place, struct area_sums *sums)
{
    const int32_t first = area_first(place), rows = area_behind(place) - first;
    uint32_t weights[AREA_ROWS];
    const uint32_t *top[AREA_ROWS];
    for (int32_t row = 0; row < AREA_ROWS; ++row) {
        weights[row] = row < rows ? area_weight(first + row, place) : 0u;
        top[row] = frame + (first + (row < rows ? row : 0)) * AREA_PAIRS;
    }
    for (int32_t pair = 0; pair < AREA_PAIRS; ++pair) {
        uint32_t red = 0u, green = 0u, blue = 0u;
        for (int32_t row = 0; row < AREA_ROWS; ++row) {
            const uint32_t words = area_words(top[row][pair]);
            const uint32_t r = (words >> 11) & UINT32_C(0x001F001F);
            const uint32_t g = (words >> 5) & UINT32_C(0x003F003F);
            const uint32_t b = words & UINT32_C(0x001F001F);
            red += weights[row] * ((r << 3) | ((r >> 2) & UINT32_C(0x00070007)));
            green += weights[row] * ((g << 2) | ((g >> 4) & UINT32_C(0x00030003)));
            blue += weights[row] * ((b << 3) | ((b >> 2) & UINT32_C(0x00070007)));
        }
        sums->red[pair] = red;
        sums->green[pair] = green;
        sums->blue[pair] = blue;
    }
}

static inline uint32_t area_half(const uint32_t *pairs, int32_t column)
{
    return (pairs[column / 2] >> (16 * (column % 2))) & UINT32_C(0xFFFF);
}

static inline uint8_t area_across(const uint32_t *pairs, int32_t place)
{
    uint32_t sum = AREA_TOTAL / 2u;
    for (int32_t column = area_first(place); column < area_behind(place); ++column) {
        sum += area_weight(column, place) * area_half(pairs, column);
    }
    return (uint8_t)(sum / AREA_TOTAL);
}

/* Scale a frame; the picture is written row by row, red, green and blue of a pixel together. */
static AREA_CODE void area_scale(const uint32_t frame[AREA_FRAME_SIDE * AREA_PAIRS],
                                 uint8_t picture[AREA_PICTURE_SIDE * AREA_PICTURE_SIDE * 3])
{
    static struct area_sums sums;
    for (int32_t row = 0; row < AREA_PICTURE_SIDE; ++row) {
        area_down(frame, row, &sums);
        for (int32_t place = 0; place < AREA_PICTURE_SIDE; ++place) {
            *picture++ = area_across(sums.red, place);
            *picture++ = area_across(sums.green, place);
            *picture++ = area_across(sums.blue, place);
        }
    }
}

#endif
