/* People who pass a line in the image; mcu_models/people_tracking/tracker.py says why and is the same in numbers.
 * Whoever includes this defines the constants of warm_spots.h and those used below.
 *
 * Ranges: a spot lies within [8, 120] and a track within the gate (at most 128) of it when it is seen, so that its speed
 * stays within 2^8; it is forgotten after 16 frames unseen, so that places stay within 2^13 and squares fit int32_t. */
#ifndef DOORWAY_H
#define DOORWAY_H

#include <stdbool.h>
#include <stdint.h>

#include "doorway_answer.h"
#include "warm_spots.h"

#define DOORWAY_MOST_TRACKS 8
#define DOORWAY_TOTALS 10000u
#define DOORWAY_LONGEST 65535

/* Where the line lies in the image, as an installer sets it. */
struct doorway_line {
    int32_t axis;   /* 0: people pass from row to row; 1: from column to column */
    int32_t place;  /* the line's row or column, in sixteenths of a pixel */
    int32_t inward; /* 1: who comes in goes to higher rows or columns; -1: to lower ones */
    int32_t first;  /* people who pass the line from here ... */
    int32_t last;   /* ... to here count, in sixteenths of a pixel along it */
};

/* Somebody who is followed; `age` 0 for nobody. */
struct doorway_track {
    int16_t place[2]; /* row and column */
    int16_t speed[2]; /* the same in a frame */
    uint16_t age;     /* frames in which it was seen */
    uint16_t waited;  /* frames since it was beyond the band on its side */
    uint8_t unseen;   /* frames since it was seen */
    int8_t side;      /* -1 outside, 1 inside, 0 not yet beyond the band */
};

/* All zero at power-on. */
struct doorway {
    struct doorway_track track[DOORWAY_MOST_TRACKS];
    struct doorway_answer answer;
};

static inline void doorway_predict(struct doorway *state)
{
    for (int32_t k = 0; k < DOORWAY_MOST_TRACKS; ++k) {
        struct doorway_track *track = &state->track[k];
        if (track->age != 0u) {
            track->place[0] = (int16_t)(track->place[0] + track->speed[0]);
            track->place[1] = (int16_t)(track->place[1] + track->speed[1]);
            ++track->unseen;
        }
    }
}

static inline int32_t doorway_squared(const struct doorway_track *track, const struct warm_spot *spot)
{
    const int32_t down = spot->row - track->place[0], right = spot->column - track->place[1];
    return down * down + right * right;
}

static inline void doorway_approach(struct doorway_track *track, int32_t axis, int16_t place)
{
    const int32_t off = place - track->place[axis];
    track->speed[axis] = (int16_t)(track->speed[axis] + ((off * DOORWAY_SPEED_SHARE) >> 8));
    track->place[axis] = place;
}

static inline void doorway_see(struct doorway_track *track, const struct warm_spot *spot)
{
    doorway_approach(track, 0, spot->row);
    doorway_approach(track, 1, spot->column);
    track->age = (uint16_t)(track->age < DOORWAY_LONGEST ? track->age + 1 : DOORWAY_LONGEST);
    track->unseen = 0u;
}

/* Join the nearest pair of a track and a spot within the gate that are both free. False when there is none. */
static inline bool doorway_join_nearest(struct doorway *state, const struct warm_spot *spots, int32_t count,
                                        uint32_t *taken)
{
    int32_t nearest = DOORWAY_GATE * DOORWAY_GATE + 1, joined = -1, found = -1;
    for (int32_t k = 0; k < DOORWAY_MOST_TRACKS; ++k) {
        const struct doorway_track *track = &state->track[k];
        if (track->age == 0u || track->unseen == 0u) {
            continue;
        }
        for (int32_t spot = 0; spot < count; ++spot) {
            const int32_t away = doorway_squared(track, &spots[spot]);
            if ((*taken >> spot & 1u) == 0u && away < nearest) {
                nearest = away;
                joined = k;
                found = spot;
            }
        }
    }
    if (joined < 0) {
        return false;
    }
    *taken |= 1u << found;
    doorway_see(&state->track[joined], &spots[found]);
    return true;
}

static inline void doorway_forget(struct doorway *state)
{
    for (int32_t k = 0; k < DOORWAY_MOST_TRACKS; ++k) {
        if (state->track[k].unseen > DOORWAY_LONGEST_GAP) {
            state->track[k] = (struct doorway_track){0};
        }
    }
}

/* Let a spot begin a track, if there is room. */
static inline void doorway_begin(struct doorway *state, const struct warm_spot *spot)
{
    for (int32_t k = 0; k < DOORWAY_MOST_TRACKS; ++k) {
        if (state->track[k].age == 0u) {
            state->track[k] = (struct doorway_track){.place = {spot->row, spot->column}, .age = 1u};
            return;
        }
    }
}

static inline void doorway_follow(struct doorway *state, const struct warm_spot *spots, int32_t count)
{
    uint32_t taken = 0u;
    doorway_predict(state);
    while (doorway_join_nearest(state, spots, count, &taken)) {
    }
    doorway_forget(state);
    for (int32_t spot = 0; spot < count; ++spot) {
        if ((taken >> spot & 1u) == 0u) {
            doorway_begin(state, &spots[spot]);
        }
    }
}

static inline int8_t doorway_side(const struct doorway_track *track, const volatile struct doorway_line *line)
{
    const int32_t depth = line->inward * (track->place[line->axis] - line->place);
    return (int8_t)(depth >= DOORWAY_BAND ? 1 : depth <= -DOORWAY_BAND ? -1 : 0);
}

static inline bool doorway_counts(const struct doorway_track *track, const volatile struct doorway_line *line)
{
    const int32_t along = track->place[1 - line->axis];
    const bool is_ripe = track->age >= DOORWAY_LEAST_AGE && track->waited <= DOORWAY_LONGEST_PASSAGE;
    return is_ripe && along >= line->first && along <= line->last;
}

static inline void doorway_tell(struct doorway_answer *answer, int8_t side, int32_t along)
{
    uint32_t *total = side > 0 ? &answer->in : &answer->out;
    *total = (*total + 1u) % DOORWAY_TOTALS;
    answer->at = (uint32_t)along;
}

/* Take the side on which a track is seen. False if somebody has passed and cannot be told of in this frame. */
static inline bool doorway_take_side(struct doorway_track *track, const volatile struct doorway_line *line,
                                     struct doorway_answer *answer, bool may_tell)
{
    const int8_t side = doorway_side(track, line);
    if (track->unseen > 0u || side == 0) {
        return true;
    }
    if (side == -track->side && doorway_counts(track, line)) {
        if (!may_tell) {
            return false;
        }
        doorway_tell(answer, side, track->place[1 - line->axis]);
    }
    track->side = side;
    track->waited = 0u;
    return true;
}

static inline void doorway_pass(struct doorway *state, const volatile struct doorway_line *line)
{
    const struct doorway_answer before = state->answer;
    for (int32_t k = 0; k < DOORWAY_MOST_TRACKS; ++k) {
        struct doorway_track *track = &state->track[k];
        if (track->age != 0u) {
            const bool may_tell = state->answer.in == before.in && state->answer.out == before.out;
            track->waited = (uint16_t)(track->waited < DOORWAY_LONGEST ? track->waited + 1 : DOORWAY_LONGEST);
            (void)doorway_take_side(track, line, &state->answer, may_tell);
        }
    }
}

/* Follow everybody into the next frame, in 1/256 degC above its background. */
static inline void doorway_next(struct doorway *state, const int16_t above[WARM_SPOTS_PIXELS],
                                const volatile struct doorway_line *line)
{
    struct warm_spot spots[WARM_SPOTS_MOST];
    const int32_t count = warm_spots_find(above, spots);
    doorway_follow(state, spots, count);
    doorway_pass(state, line);
}

#endif
