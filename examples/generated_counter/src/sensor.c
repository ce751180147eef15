#include "sensor.h"

#include "stm32l476.h"

#define ADDRESS 0x69u
#define FIRST_PIXEL 0x80u
/* 4 MHz: SCL low for 5 us, high for 4 us, and the edges: just below 100 kHz. */
#define TIMING ((2u << 20) | (1u << 16) | (15u << 8) | 19u)
#define CR2_READ BIT(10)
#define CR2_START BIT(13)
#define CR2_BYTES(n) ((uint32_t)(n) << 16)
#define CR2_AUTOEND BIT(25)
#define TXIS BIT(1)
#define RXNE BIT(2)
#define NACKF BIT(4)
#define STOPF BIT(5)
#define TC BIT(6)
#define ICR_ALL 0x3F38u
/* A byte takes 360 cycles of the core, and a look a few of them. */
#define LOOKS 1000u

void sensor_init(void)
{
    RCC_AHB2ENR |= BIT(1);
    RCC_APB1ENR1 |= BIT(21);
    GPIOB_OTYPER |= BIT(8) | BIT(9);
    GPIOB_AFRH = (GPIOB_AFRH & ~0xFFu) | 0x44u;
    GPIOB_MODER = (GPIOB_MODER & ~(0xFu << 16)) | (0xAu << 16);
    I2C1_TIMINGR = TIMING;
    I2C1_CR1 = BIT(0);
}

static bool came(uint32_t flag)
{
    for (uint32_t look = 0u; look < LOOKS; ++look) {
        const uint32_t flags = I2C1_ISR;
        if ((flags & NACKF) != 0u && flag != STOPF) {
            return false;
        }
        if ((flags & flag) != 0u) {
            return true;
        }
    }
    return false;
}

static void begin(uint32_t bytes, uint32_t how)
{
    I2C1_CR2 = (ADDRESS << 1) | CR2_BYTES(bytes) | how | CR2_START;
}

/* Every transfer ends with a STOP; a bus on which none comes is begun anew. */
static bool ended(bool ok)
{
    const bool stopped = came(STOPF);
    const bool refused = (I2C1_ISR & NACKF) != 0u;
    I2C1_ICR = ICR_ALL;
    if (!stopped) {
        I2C1_CR1 = 0u;
        while ((I2C1_CR1 & BIT(0)) != 0u) {
        }
        I2C1_CR1 = BIT(0);
    }
    return ok && stopped && !refused;
}

bool sensor_write(uint8_t reg, uint8_t value)
{
    begin(2u, CR2_AUTOEND);
    bool ok = came(TXIS);
    if (ok) {
        I2C1_TXDR = reg;
        ok = came(TXIS);
    }
    if (ok) {
        I2C1_TXDR = value;
    }
    return ended(ok);
}

static bool received(uint8_t *bytes, uint32_t count)
{
    begin(count, CR2_READ | CR2_AUTOEND);
    for (uint32_t n = 0u; n < count; ++n) {
        if (!came(RXNE)) {
            return ended(false);
        }
        bytes[n] = (uint8_t)I2C1_RXDR;
    }
    return ended(true);
}

bool sensor_read(int16_t pixels[SENSOR_PIXELS])
{
    uint8_t bytes[2 * SENSOR_PIXELS];
    begin(1u, 0u);
    if (!came(TXIS)) {
        return ended(false);
    }
    I2C1_TXDR = FIRST_PIXEL;
    if (!came(TC) || !received(bytes, sizeof bytes)) {
        return false;
    }
    for (uint32_t n = 0u; n < SENSOR_PIXELS; ++n) {
        const uint32_t word = (uint32_t)bytes[2u * n] | ((uint32_t)bytes[2u * n + 1u] << 8);
        pixels[n] = (int16_t)((int32_t)(word << 20) >> 20);
    }
    return true;
}
