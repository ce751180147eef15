#include "i2c.h"

#include "dma.h"
#include "startup.h"
#include "stm32l4.h"

/* RM0351, table "Examples of timings settings for fI2CCLK = 16 MHz", Fast-mode 400 kHz. */
#define TIMING_400_KHZ ((1u << 28) | (3u << 20) | (2u << 16) | (3u << 8) | 9u)
/* A byte takes 23 us; this many looks at the flags last several milliseconds at 16 MHz. */
#define MAX_POLLS 10000u
/* Other interrupts may end a sleep early; the bus is stuck when this many have and the transfer still runs. */
#define MAX_WAKES 16u
#define FAILED (I2C_ISR_NACKF | I2C_ISR_BERR | I2C_ISR_ARLO)

static const dma_route_t rx_route = {.channel = 7u, .request = 3u, .data_register = &I2C1->RXDR, .direction = 0u};

void i2c_start(void)
{
    reg_set(&RCC->AHB2ENR, RCC_AHB2ENR_GPIOBEN);
    GPIOB->OTYPER |= BIT(8) | BIT(9);
    GPIOB->OSPEEDR |= (2u << 16) | (2u << 18);
    GPIOB->AFRH = (GPIOB->AFRH & ~0xFFu) | 0x44u;
    GPIOB->MODER = (GPIOB->MODER & ~(0xFu << 16)) | (0xAu << 16);
    RCC->CCIPR |= RCC_CCIPR_I2C1_HSI;
    reg_set(&RCC->APB1ENR1, RCC_APB1ENR1_I2C1EN);
    I2C1->TIMINGR = TIMING_400_KHZ;
    I2C1->CR1 = I2C_CR1_PE;
    irq_enable(I2C1_EV_IRQ);
}

/* STOP or NACK: the flags stay for whoever waits, the interrupt goes. */
void i2c1_event_handler(void)
{
    reg_clear(&I2C1->CR1, I2C_CR1_STOPIE | I2C_CR1_NACKIE);
}

static bool wait_for(uint32_t flag)
{
    for (uint32_t polls = 0u; polls < MAX_POLLS; ++polls) {
        const uint32_t status = I2C1->ISR;
        if ((status & flag) != 0u) {
            return true;
        }
        if ((status & FAILED) != 0u) {
            return false;
        }
    }
    return false;
}

/* Leave the bus as it was found: after an error, off and on again resets the state machine. */
static bool finish(bool ok)
{
    ok = wait_for(I2C_ISR_STOPF) && ok;
    if (!ok) {
        reg_clear(&I2C1->CR1, I2C_CR1_PE);
        reg_set(&I2C1->CR1, I2C_CR1_PE);
    }
    I2C1->ICR = I2C_ICR_ALL;
    return ok;
}

static void begin(uint8_t address, size_t length, uint32_t flags)
{
    I2C1->CR2 = ((uint32_t)address << 1) | ((uint32_t)length << I2C_CR2_NBYTES_SHIFT) | flags | I2C_CR2_START;
}

static bool send(const uint8_t *data, size_t length)
{
    for (size_t i = 0u; i < length; ++i) {
        if (!wait_for(I2C_ISR_TXIS)) {
            return false;
        }
        I2C1->TXDR = data[i];
    }
    return true;
}

bool i2c_write(uint8_t address, const uint8_t *data, size_t length)
{
    begin(address, length, I2C_CR2_AUTOEND);
    return finish(send(data, length));
}

/* Sleep until the transfer has ended; interrupts stay masked between the check and WFI. */
static bool sleep_until_stop(void)
{
    for (uint32_t wakes = 0u; wakes < MAX_WAKES; ++wakes) {
        disable_interrupts();
        if ((I2C1->ISR & I2C_ISR_STOPF) == 0u) {
            wait_for_interrupt();
        }
        enable_interrupts();
        const uint32_t status = I2C1->ISR;
        if ((status & I2C_ISR_STOPF) != 0u) {
            return (status & FAILED) == 0u;
        }
    }
    return false;
}

static bool receive(uint8_t address, uint8_t *data, size_t length)
{
    dma_begin(&rx_route, data, length);
    reg_set(&I2C1->CR1, I2C_CR1_RXDMAEN | I2C_CR1_STOPIE | I2C_CR1_NACKIE);
    begin(address, length, I2C_CR2_RD_WRN | I2C_CR2_AUTOEND);
    const bool ok = sleep_until_stop() && dma_left(&rx_route) == 0u;
    reg_clear(&I2C1->CR1, I2C_CR1_RXDMAEN | I2C_CR1_STOPIE | I2C_CR1_NACKIE);
    dma_end(&rx_route);
    return ok;
}

bool i2c_read(uint8_t address, uint8_t reg, uint8_t *data, size_t length)
{
    begin(address, 1u, 0u);
    if (!send(&reg, 1u) || !wait_for(I2C_ISR_TC)) {
        return finish(false);
    }
    return finish(receive(address, data, length));
}
