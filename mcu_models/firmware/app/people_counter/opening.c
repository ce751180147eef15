#include "opening.h"

#include "duty_policy.h"
#include "ticker.h"

#define DAY_TICKS (86400u * TICKS_PER_SECOND)
#define DAYS 7u

static uint32_t week_tick(uint32_t tick)
{
    return (policy()->power_on_tick + tick) % (DAYS * DAY_TICKS);
}

static bool is_on_day(uint32_t day)
{
    return (policy()->days >> day % DAYS & 1u) != 0u;
}

bool opening_is_open(uint32_t tick)
{
    if ((duty_policy.has & DUTY_HAS_HOURS) == 0u) {
        return true;
    }
    const uint32_t now = week_tick(tick), of_day = now % DAY_TICKS;
    return is_on_day(now / DAY_TICKS) && of_day >= policy()->opens_tick && of_day < policy()->closes_tick;
}

uint32_t opening_next(uint32_t tick)
{
    const uint32_t now = week_tick(tick), today = now / DAY_TICKS;
    const uint32_t midnight = tick - now % DAY_TICKS;
    for (uint32_t day = 0u; day <= DAYS; ++day) {
        const uint32_t opens = midnight + day * DAY_TICKS + policy()->opens_tick;
        if (is_on_day(today + day) && (int32_t)(opens - tick) > 0) {
            return opens;
        }
    }
    return tick + DAY_TICKS;
}
