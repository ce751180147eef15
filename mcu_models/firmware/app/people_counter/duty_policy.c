#include "duty_policy.h"

/* 15 s until the sensor's output is stable (datasheet page 2), behind the wake sequence. */
const struct duty_policy duty_policy = {
    .kind = DUTY_ALWAYS_ON,
    .settle_ticks = 155u,
};
