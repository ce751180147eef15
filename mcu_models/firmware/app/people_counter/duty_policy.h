/* When the node looks, when it sleeps and when it reports. The bytes of `duty_policy` may be replaced in the image: they
 * are read from flash whenever they are needed, and no code is built for one policy only. Ticks are of 100 ms. */
#ifndef DUTY_POLICY_H
#define DUTY_POLICY_H

#include <stdint.h>

#define DUTY_ALWAYS_ON 0u
#define DUTY_GATED 1u
#define DUTY_UNTIL_MOTION 2u

#define DUTY_HAS_SWITCH 1u  /* the sensor's supply is switched by SENSOR_SWITCH_PIN */
#define DUTY_HAS_HOURS 2u   /* closed outside opening hours */
#define DUTY_HAS_RADIO 4u   /* every line that is not batched is a message, too */

struct duty_policy {
    uint32_t kind;
    uint32_t has;
    uint32_t settle_ticks;  /* from power-up of the sensor until its frames are taken */
    uint32_t period_ticks;  /* gated: from power-up to power-up */
    uint32_t look_frames;   /* gated: frames each time */
    uint32_t idle_rate;     /* until motion: amg8833_rate_t without motion */
    uint32_t motion_sum;    /* until motion: change of four pixels together, in steps of 0.25 degC */
    uint32_t hold_ticks;    /* until motion: at full rate after the last motion */
    uint32_t report_every;  /* ticks, looks if gated; 0: a line for each frame */
    uint32_t opens_tick;    /* of the day */
    uint32_t closes_tick;   /* of the day */
    uint32_t days;          /* bit 0 is Monday */
    uint32_t power_on_tick; /* of the week, which begins on Monday */
};

extern const struct duty_policy duty_policy;

/* What stands in flash, whatever the sources say; an object that is volatile itself would be placed in RAM. */
static inline const volatile struct duty_policy *policy(void)
{
    return &duty_policy;
}

#endif
