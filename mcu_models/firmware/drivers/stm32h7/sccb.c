#include "sccb.h"

#include "clock.h"
#include "stm32h7.h"

#define CAMERA 0x21u
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
/* The bus is stuck when a flag has not come after so many looks, some milliseconds; a byte takes 90 us. */
#define MAX_LOOKS 1000000u

void sccb_start(void)
{
    reg_set(&RCC_AHB4ENR, AHB4ENR_GPIOBEN);
    GPIOB->OTYPER |= BIT(8) | BIT(9);
    pin_alternate(GPIOB, 8u, I2C_FUNCTION);
    pin_alternate(GPIOB, 9u, I2C_FUNCTION);
    RCC_D2CCIP2R = (RCC_D2CCIP2R & ~(3u << 12)) | I2C123_HSI;
    reg_set(&RCC_APB1LENR, APB1LENR_I2C1EN);
    I2C1->TIMINGR = TIMING;
    reg_set(&I2C1->CR1, CR1_PE);
}

static bool wait_for(uint32_t flag)
{
    for (uint32_t look = 0u; look < MAX_LOOKS; ++look) {
        const uint32_t status = I2C1->ISR;
        if ((status & flag) != 0u) {
            return true;
        }
        if ((status & (ISR_NACKF | ISR_STOPF)) != 0u) {
            return false;
        }
    }
    return false;
}

static void begin(uint32_t length, uint32_t direction)
{
    I2C1->ICR = ICR_ALL;
    I2C1->CR2 = (CAMERA << 1) | (length << CR2_NBYTES_SHIFT) | direction | CR2_AUTOEND | CR2_START;
}

/* Every transfer ends with a STOP, also after a NACK. A bus that is stuck is let go. */
static bool finish(bool ok)
{
    for (uint32_t look = 0u; (I2C1->ISR & ISR_STOPF) == 0u; ++look) {
        if (look == MAX_LOOKS) {
            reg_clear(&I2C1->CR1, CR1_PE);
            reg_set(&I2C1->CR1, CR1_PE);
            return false;
        }
    }
    return ok && (I2C1->ISR & ISR_NACKF) == 0u;
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
