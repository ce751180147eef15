#include "sccb.h"

#include "clock.h"
#include "stm32h7.h"

#define CAMERA 0x21u
#define SCL BIT(8)
#define SDA BIT(9)
#define RELEASE(lines) (lines)
#define PULL_LOW(lines) ((lines) << 16)
#define RECOVERY_CLOCKS 9u
#define HALF_CLOCK_CYCLES (CLOCK_CORE_HZ / 200000u)
#define AHB4ENR_GPIOBEN BIT(1)
#define APB1LENR_I2C1EN BIT(21)
#define I2C123_HSI (2u << 12)
#define I2C_FUNCTION 4u
/* 64 MHz / 16 = 4 MHz: SCL low for 20 and high for 16 of these, with the edges just below 100 kHz. */
#define TIMING ((15u << 28) | (4u << 20) | (2u << 16) | (15u << 8) | 19u)
#define CR1_PE BIT(0)
#define CR2_READ BIT(10)
#define CR2_START BIT(13)
#define CR2_NBYTES_SHIFT 16u
#define CR2_AUTOEND BIT(25)
#define ISR_TXIS BIT(1)
#define ISR_RXNE BIT(2)
#define ISR_NACKF BIT(4)
#define ISR_STOPF BIT(5)
#define ICR_ALL 0x3F38u
/* The bus is stuck when a flag has not come after so many looks, a third of a millisecond at least; two bytes take
 * 180 us. */
#define MAX_LOOKS 30000u

static void drive(uint32_t lines)
{
    GPIOB->BSRR = lines;
    const uint32_t begin = clock_cycles();
    while (clock_cycles() - begin < HALF_CLOCK_CYCLES) {
    }
}

static void set_pins(uint32_t mode)
{
    GPIOB->MODER = (GPIOB->MODER & ~(0xFu << 16)) | (mode << 16) | (mode << 18);
}

/* A camera that was interrupted may hold SDA low until it has sent its byte: clock it out by hand, then STOP
 * (NXP UM10204, 3.1.16). */
static void free_bus(void)
{
    drive(RELEASE(SCL | SDA));
    set_pins(GPIO_OUTPUT);
    for (uint32_t i = 0u; i < RECOVERY_CLOCKS; ++i) {
        drive(PULL_LOW(SCL));
        drive(RELEASE(SCL));
    }
    drive(PULL_LOW(SCL));
    drive(PULL_LOW(SDA));
    drive(RELEASE(SCL));
    drive(RELEASE(SDA));
    set_pins(GPIO_ALTERNATE);
}

void sccb_start(void)
{
    reg_set(&RCC_AHB4ENR, AHB4ENR_GPIOBEN);
    GPIOB->OTYPER |= SCL | SDA;
    pin_alternate(GPIOB, 8u, I2C_FUNCTION);
    pin_alternate(GPIOB, 9u, I2C_FUNCTION);
    RCC_D2CCIP2R = (RCC_D2CCIP2R & ~(3u << 12)) | I2C123_HSI;
    reg_set(&RCC_APB1LENR, APB1LENR_I2C1EN);
    I2C1->TIMINGR = TIMING;
    reg_set(&I2C1->CR1, CR1_PE);
}

/* Wait until one of `flags` is up and return the status; without any of them when none comes in time. */
static uint32_t await(uint32_t flags)
{
    uint32_t status, looks = 0u;
    do {
        status = I2C1->ISR;
    } while ((status & flags) == 0u && ++looks < MAX_LOOKS);
    return status;
}

static bool wait_for(uint32_t flag)
{
    return (await(flag | ISR_NACKF | ISR_STOPF) & flag) != 0u;
}

static void begin(uint32_t length, uint32_t direction)
{
    I2C1->ICR = ICR_ALL;
    I2C1->CR2 = (CAMERA << 1) | (length << CR2_NBYTES_SHIFT) | direction | CR2_AUTOEND | CR2_START;
}

/* Every transfer ends with a STOP, also after a NACK. A bus that is stuck is let go. */
static bool finish(bool ok)
{
    const uint32_t status = await(ISR_STOPF);
    if ((status & ISR_STOPF) == 0u) {
        reg_clear(&I2C1->CR1, CR1_PE);
        free_bus();
        reg_set(&I2C1->CR1, CR1_PE);
        return false;
    }
    return ok && (status & ISR_NACKF) == 0u;
}

static bool send(const uint8_t *bytes, uint32_t length)
{
    begin(length, 0u);
    bool ok = true;
    for (uint32_t i = 0u; i < length && ok; ++i) {
        ok = wait_for(ISR_TXIS);
        if (ok) {
            I2C1->TXDR = bytes[i];
        }
    }
    return finish(ok);
}

bool sccb_write(uint8_t reg, uint8_t value)
{
    const uint8_t bytes[2] = {reg, value};
    return send(bytes, sizeof bytes);
}

/* SCCB knows no repeated START. */
bool sccb_read(uint8_t reg, uint8_t *value)
{
    if (!send(&reg, 1u)) {
        return false;
    }
    begin(1u, CR2_READ);
    const bool ok = wait_for(ISR_RXNE);
    if (ok) {
        *value = (uint8_t)I2C1->RXDR;
    }
    return finish(ok);
}
