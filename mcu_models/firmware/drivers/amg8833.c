#include "amg8833.h"

#include "i2c.h"

#define ADDRESS 0x69u /* AD_SELECT at VDD */
#define REG_POWER 0x00u
#define REG_RESET 0x01u
#define REG_RATE 0x02u
#define REG_UPPER_LEVEL 0x08u /* of an interrupt that is never switched on; zero after power-on */
#define REG_PIXELS 0x80u
#define MARK 0xA5u
#define POWER_NORMAL 0x00u
#define POWER_STANDBY_60S 0x20u
#define POWER_STANDBY_10S 0x21u
#define RATE_10_HZ 0x00u
#define RATE_1_HZ 0x01u
#define RESET_INITIAL 0x3Fu
#define RESET_FLAGS 0x30u

bool amg8833_wake(amg8833_step_t step)
{
    static const uint8_t commands[][2] = {
        [AMG8833_NORMAL] = {REG_POWER, POWER_NORMAL},
        [AMG8833_INITIAL_RESET] = {REG_RESET, RESET_INITIAL},
        [AMG8833_FLAG_RESET] = {REG_RESET, RESET_FLAGS},
    };
    return i2c_write(ADDRESS, commands[step], sizeof commands[step]);
}

bool amg8833_slow_down(amg8833_rate_t rate)
{
    static const uint8_t commands[][2] = {
        [AMG8833_TEN_HZ] = {REG_RATE, RATE_10_HZ},
        [AMG8833_ONE_HZ] = {REG_RATE, RATE_1_HZ},
        [AMG8833_STANDBY_10S] = {REG_POWER, POWER_STANDBY_10S},
        [AMG8833_STANDBY_60S] = {REG_POWER, POWER_STANDBY_60S},
    };
    return i2c_write(ADDRESS, commands[rate], sizeof commands[rate]);
}

bool amg8833_speed_up(amg8833_rate_t rate)
{
    static const uint8_t full_rate[2] = {REG_RATE, RATE_10_HZ}, normal[2] = {REG_POWER, POWER_NORMAL};
    return i2c_write(ADDRESS, rate == AMG8833_ONE_HZ ? full_rate : normal, sizeof normal);
}

bool amg8833_mark(void)
{
    static const uint8_t mark[2] = {REG_UPPER_LEVEL, MARK};
    return i2c_write(ADDRESS, mark, sizeof mark);
}

bool amg8833_read_mark(bool *is_there)
{
    uint8_t level;
    if (!i2c_read(ADDRESS, REG_UPPER_LEVEL, &level, 1u)) {
        return false;
    }
    *is_there = level == MARK;
    return true;
}

/* 12-bit two's complement, low byte first; the upper four bits are unspecified. */
static int16_t pixel(const uint8_t bytes[2])
{
    const uint32_t word = (uint32_t)bytes[0] | ((uint32_t)bytes[1] << 8);
    return (int16_t)((int32_t)(word << 20) >> 20);
}

bool amg8833_read(int16_t pixels[AMG8833_PIXELS])
{
    uint8_t bytes[2u * AMG8833_PIXELS];
    if (!i2c_read(ADDRESS, REG_PIXELS, bytes, sizeof bytes)) {
        return false;
    }
    for (uint32_t i = 0u; i < AMG8833_PIXELS; ++i) {
        pixels[i] = pixel(&bytes[2u * i]);
    }
    return true;
}
