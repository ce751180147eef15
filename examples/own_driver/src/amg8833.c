#include "amg8833.h"

#include "stm32l476.h"

#define ADDRESS 0x69u
#define FIRST_PIXEL 0x80u
#define FRAME_BYTES (2u * AMG8833_PIXELS)
/* 4 MHz: SCL low for 5 us, high for 4 us, and the edges: just below 100 kHz. */
#define TIMING ((2u << 20) | (1u << 16) | (15u << 8) | 19u)
#define CR1_PE BIT(0)
#define CR1_INTERRUPTS (BIT(1) | BIT(4) | BIT(5) | BIT(6) | BIT(7)) /* TXIE, NACKIE, STOPIE, TCIE, ERRIE */
#define CR1_RXDMAEN BIT(15)
#define CR2_READ BIT(10)
#define CR2_START BIT(13)
#define CR2_BYTES(n) ((uint32_t)(n) << 16)
#define CR2_AUTOEND BIT(25)
#define ISR_TXIS BIT(1)
#define ISR_NACKF BIT(4)
#define ISR_STOPF BIT(5)
#define ISR_TC BIT(6)
#define ICR_ALL 0x3F38u

static volatile amg8833_state_t state;
static volatile bool reads, refused;
static uint8_t to_send[2];
static uint32_t sent;
static uint8_t frame[FRAME_BYTES];

void amg8833_init(void)
{
    RCC_AHB2ENR |= BIT(1);
    RCC_AHB1ENR |= BIT(0);
    RCC_APB1ENR1 |= BIT(21);
    GPIOB_OTYPER |= BIT(8) | BIT(9);
    GPIOB_AFRH = (GPIOB_AFRH & ~0xFFu) | 0x44u;
    GPIOB_MODER = (GPIOB_MODER & ~(0xFu << 16)) | (0xAu << 16);
    DMA1_CSELR = (DMA1_CSELR & ~(0xFu << 24)) | (3u << 24);
    I2C1_TIMINGR = TIMING;
    I2C1_CR1 = CR1_PE | CR1_INTERRUPTS;
    NVIC_ISER0 = BIT(I2C1_EV_IRQ);
    NVIC_ISER1 = BIT(I2C1_ER_IRQ - 32u);
}

static void begin(uint32_t bytes, uint32_t end)
{
    sent = 0u;
    refused = false;
    state = AMG8833_BUSY;
    I2C1_CR2 = (ADDRESS << 1) | CR2_BYTES(bytes) | end | CR2_START;
}

void amg8833_write(uint8_t reg, uint8_t value)
{
    to_send[0] = reg;
    to_send[1] = value;
    reads = false;
    begin(2u, CR2_AUTOEND);
}

void amg8833_read(void)
{
    to_send[0] = FIRST_PIXEL;
    reads = true;
    begin(1u, 0u);
}

amg8833_state_t amg8833_state(void)
{
    return state;
}

static void stop_dma(void)
{
    I2C1_CR1 &= ~CR1_RXDMAEN;
    DMA1_CCR7 = 0u;
}

void amg8833_abort(void)
{
    stop_dma();
    I2C1_CR1 = 0u;
    while ((I2C1_CR1 & CR1_PE) != 0u) {
    }
    I2C1_CR1 = CR1_PE | CR1_INTERRUPTS;
    state = AMG8833_FAILED;
}

int32_t amg8833_pixel(uint32_t n)
{
    const uint32_t word = (uint32_t)frame[2u * n] | ((uint32_t)frame[2u * n + 1u] << 8);
    return (int32_t)(word << 20) >> 20;
}

/* The pointer has been written: a repeated START turns round, and DMA takes what comes. */
static void turn_round(void)
{
    DMA1_IFCR = 0xFu << 24;
    DMA1_CPAR7 = I2C1_RXDR;
    DMA1_CMAR7 = (uint32_t)(uintptr_t)frame;
    DMA1_CNDTR7 = FRAME_BYTES;
    DMA1_CCR7 = BIT(7) | BIT(0);
    I2C1_CR1 |= CR1_RXDMAEN;
    I2C1_CR2 = (ADDRESS << 1) | CR2_BYTES(FRAME_BYTES) | CR2_READ | CR2_AUTOEND | CR2_START;
}

void I2C1_EV_IRQHandler(void)
{
    const uint32_t flags = I2C1_ISR;
    if ((flags & ISR_NACKF) != 0u) {
        I2C1_ICR = ISR_NACKF;
        refused = true;
    }
    if ((flags & ISR_STOPF) != 0u) {
        const bool complete = !refused && (!reads || DMA1_CNDTR7 == 0u);
        I2C1_ICR = ICR_ALL;
        stop_dma();
        state = complete ? AMG8833_DONE : AMG8833_FAILED;
    } else if ((flags & ISR_TC) != 0u) {
        turn_round();
    } else if ((flags & ISR_TXIS) != 0u) {
        I2C1_TXDR = to_send[sent++];
    }
}

void I2C1_ER_IRQHandler(void)
{
    I2C1_ICR = ICR_ALL;
    amg8833_abort();
}
