#include "motion.h"

#include "duty_policy.h"

#define SIDE 8u
#define BLOCKS ((SIDE - 1u) * (SIDE - 1u))
#define KEPT_FRAMES 10u

static int16_t kept_sums[BLOCKS];
static uint32_t age; /* frames since one was kept; none yet when 0 */

static int32_t block_sum(const int16_t pixels[AMG8833_PIXELS], uint32_t block)
{
    const int16_t *corner = &pixels[block / (SIDE - 1u) * SIDE + block % (SIDE - 1u)];
    return corner[0] + corner[1] + corner[SIDE] + corner[SIDE + 1u];
}

static bool is_changed(int32_t change)
{
    return (uint32_t)(change < 0 ? -change : change) >= policy()->motion_sum;
}

void motion_reset(void)
{
    age = 0u;
}

bool motion_seen(const int16_t pixels[AMG8833_PIXELS], bool kept)
{
    const bool first = age == 0u, keep = first || kept || age >= KEPT_FRAMES;
    bool seen = first;
    for (uint32_t block = 0u; block < BLOCKS; ++block) {
        const int32_t sum = block_sum(pixels, block);
        seen = is_changed(sum - kept_sums[block]) || seen;
        if (keep) {
            kept_sums[block] = (int16_t)sum;
        }
    }
    age = keep ? 1u : age + 1u;
    return seen;
}
