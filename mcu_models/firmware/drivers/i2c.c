#include "i2c.h"

#include "clock.h"
#include "dma.h"
#include "startup.h"
#include "stm32l4.h"

/* RM0351, table "Examples of timings settings for fI2CCLK = 16 MHz", Fast-mode 400 kHz. */
#define TIMING_400_KHZ ((1u << 28) | (3u << 20) | (2u << 16) | (3u << 8) | 9u)
/* The bus is stuck when a flag has not come after 5 ms; a byte takes 23 us. */
#define TIMEOUT_CYCLES (CLOCK_SLOW_HZ / 200u)
/* Other interrupts may end a sleep early, a tick every 100 ms; the bus is stuck when this many have and the transfer,
 * which takes 3 ms, still runs. */
#define MAX_WAKES 2u
/* Not BERR, which comes up without cause in master mode (errata sheet ES0335, 2.19.4). */
#define FAILED (I2C_ISR_NACKF | I2C_ISR_ARLO)
#define SCL BIT(8)
#define SDA BIT(9)
#define RELEASE(lines) (lines)
#define PULL_LOW(lines) ((lines) << 16)
#define RECOVERY_CLOCKS 9u
#define HALF_CLOCK_CYCLES (CLOCK_SLOW_HZ / 100000u)

static const dma_route_t rx_route = {.channel = 7u, .request = 3u, .data_register = &I2C1->RXDR, .direction = 0u};

static void set_pins(uint32_t mode)
{
    GPIOB->MODER = (GPIOB->MODER & ~(0xFu << 16)) | (mode << 16) | (mode << 18);
}

void i2c_start(void)
{
    reg_set(&RCC->AHB2ENR, RCC_AHB2ENR_GPIOBEN);
    GPIOB->OTYPER |= SCL | SDA;
    GPIOB->OSPEEDR |= (2u << 16) | (2u << 18);
    GPIOB->AFRH = (GPIOB->AFRH & ~0xFFu) | 0x44u;
    set_pins(GPIO_MODE_ALTERNATE);
    RCC->CCIPR |= RCC_CCIPR_I2C1_HSI;
    reg_set(&RCC->APB1ENR1, RCC_APB1ENR1_I2C1EN);
    I2C1->TIMINGR = TIMING_400_KHZ;
    irq_enable(I2C1_EV_IRQ);
}

/* The flag stays for whoever waits, the interrupt goes. */
void i2c1_event_handler(void)
{
    reg_clear(&I2C1->CR1, I2C_CR1_STOPIE);
}

/* Wait until one of `flags` is up and return the status; without any of them when none comes in time. */
static uint32_t await(uint32_t flags)
{
    const uint32_t begin = clock_cycles();
    uint32_t status;
    do {
        status = I2C1->ISR;
    } while ((status & flags) == 0u && clock_cycles() - begin < TIMEOUT_CYCLES);
    return status;
}

static bool wait_for(uint32_t flag)
{
    return (await(flag | FAILED) & (flag | FAILED)) == flag;
}

static void drive(uint32_t lines)
{
    GPIOB->BSRR = lines;
    const uint32_t begin = clock_cycles();
    while (clock_cycles() - begin < HALF_CLOCK_CYCLES) {
    }
}

/* A device that was interrupted may hold SDA low until it has sent its byte: clock it out by hand, then STOP
 * (NXP UM10204, 3.1.16). */
static void free_bus(void)
{
    drive(RELEASE(SCL | SDA));
    set_pins(GPIO_MODE_OUTPUT);
    for (uint32_t i = 0u; i < RECOVERY_CLOCKS; ++i) {
        drive(PULL_LOW(SCL));
        drive(RELEASE(SCL));
    }
    drive(PULL_LOW(SCL));
    drive(PULL_LOW(SDA));
    drive(RELEASE(SCL));
    drive(RELEASE(SDA));
    set_pins(GPIO_MODE_ALTERNATE);
}

/* On only for a transfer: I2C1 must be off in Stop 2, and going off also resets its state machine and flags. */
static void switch_on(void)
{
    reg_set(&I2C1->CR1, I2C_CR1_PE);
}

/* Every transfer ends with a STOP, also after a NACK; when none comes, the bus is stuck. */
static bool finish(bool ok)
{
    const uint32_t status = await(I2C_ISR_STOPF);
    I2C1->ICR = I2C_ICR_ALL;
    reg_clear(&I2C1->CR1, I2C_CR1_PE);
    if ((status & I2C_ISR_STOPF) == 0u) {
        free_bus();
        return false;
    }
    return ok && (status & FAILED) == 0u;
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
    switch_on();
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
        if ((I2C1->ISR & I2C_ISR_STOPF) != 0u) {
            return true;
        }
    }
    return false;
}

static bool receive(uint8_t address, uint8_t *data, size_t length)
{
    dma_begin(&rx_route, data, length);
    reg_set(&I2C1->CR1, I2C_CR1_RXDMAEN | I2C_CR1_STOPIE);
    begin(address, length, I2C_CR2_RD_WRN | I2C_CR2_AUTOEND);
    const bool ok = sleep_until_stop() && dma_left(&rx_route) == 0u;
    reg_clear(&I2C1->CR1, I2C_CR1_RXDMAEN | I2C_CR1_STOPIE);
    dma_end(&rx_route);
    return ok;
}

bool i2c_read(uint8_t address, uint8_t reg, uint8_t *data, size_t length)
{
    switch_on();
    begin(address, 1u, 0u);
    if (!send(&reg, 1u) || !wait_for(I2C_ISR_TC)) {
        return finish(false);
    }
    return finish(receive(address, data, length));
}
