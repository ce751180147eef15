/* Does what single characters at its UART tell it, says what came of it, and is ready for the next. */
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "i2c.h"
#include "stm32l4.h"
#include "timing_pin.h"
#include "uart.h"

#define COUNTER 0x69u /* counts up from the register it was pointed at */
#define SHY 0x20u     /* does not acknowledge its address */
#define PICKY 0x21u   /* does not acknowledge the byte 2 */
#define NOBODY 0x33u
#define BYTES 6u
#define FREE_PIN 5u /* of port B */

#define USART_CR1_RE BIT(2)
#define USART_ISR_RXNE BIT(5)
#define I2C_ISR_RXNE BIT(2)

int main(void);

/* The UART driver is on only while it sends; here the receiver listens all the time between. */
static void listen(void)
{
    reg_set(&USART2->CR1, USART_CR1_UE | USART_CR1_RE);
}

static char hear(void)
{
    while ((USART2->ISR & USART_ISR_RXNE) == 0u) {
    }
    return (char)USART2->RDR;
}

static void put(char character)
{
    while ((USART2->ISR & USART_ISR_TXE) == 0u) {
    }
    USART2->TDR = (uint8_t)character;
}

static void say(const char *text)
{
    while (*text != '\0') {
        put(*text++);
    }
    while ((USART2->ISR & USART_ISR_TC) == 0u) {
    }
}

static void echo(void)
{
    char line[32];
    uint32_t length = 0u;
    do {
        line[length] = hear();
    } while (line[length++] != '\n' && length < sizeof line - 1u);
    line[length] = '\0';
    say(line);
}

static void say_by_dma(const char *text)
{
    uart_text(text);
    timing_pin_raise();
    uart_flush();
    timing_pin_lower();
    listen();
}

static void say_by_hand(const char *text)
{
    timing_pin_raise();
    say(text);
    timing_pin_lower();
}

static void report(const char *what, uint32_t value)
{
    uart_text(what);
    uart_text(" ");
    uart_number(value);
    uart_text("\n");
    uart_flush();
}

static void report_bytes(const char *what, const uint8_t *data)
{
    uart_text(what);
    for (uint32_t i = 0u; i < BYTES; ++i) {
        uart_text(" ");
        uart_number(data[i]);
    }
    uart_text("\n");
    uart_flush();
}

static void await(uint32_t flag)
{
    while ((I2C1->ISR & flag) == 0u) {
    }
}

/* As i2c_read, but each byte is fetched by hand. */
static void read_by_hand(uint8_t reg, uint8_t *data)
{
    reg_set(&I2C1->CR1, I2C_CR1_PE);
    I2C1->CR2 = (COUNTER << 1) | (1u << I2C_CR2_NBYTES_SHIFT) | I2C_CR2_START;
    await(I2C_ISR_TXIS);
    I2C1->TXDR = reg;
    await(I2C_ISR_TC);
    I2C1->CR2 =
        (COUNTER << 1) | (BYTES << I2C_CR2_NBYTES_SHIFT) | I2C_CR2_RD_WRN | I2C_CR2_AUTOEND | I2C_CR2_START;
    for (uint32_t i = 0u; i < BYTES; ++i) {
        await(I2C_ISR_RXNE);
        data[i] = (uint8_t)I2C1->RXDR;
    }
    await(I2C_ISR_STOPF);
    I2C1->ICR = I2C_ICR_ALL;
    reg_clear(&I2C1->CR1, I2C_CR1_PE);
}

static void use_bus(void)
{
    static uint8_t data[BYTES];
    static const uint8_t bytes[] = {1u, 2u, 3u};
    report("nobody", i2c_write(NOBODY, bytes, sizeof bytes));
    report("shy", i2c_write(SHY, bytes, sizeof bytes));
    report("picky", i2c_write(PICKY, bytes, sizeof bytes));
    report("counter", i2c_write(COUNTER, bytes, sizeof bytes));
    report("read", i2c_read(COUNTER, 0x80u, data, BYTES));
    report_bytes("dma", data);
    read_by_hand(0xFEu, data);
    report_bytes("hand", data);
    report("read shy", i2c_read(SHY, 1u, data, BYTES));
    listen();
}

static void set_mode(uint32_t mode)
{
    GPIOB->MODER = (GPIOB->MODER & ~(3u << (2u * FREE_PIN))) | (mode << (2u * FREE_PIN));
}

/* Edges are what a pin shows as an output: up, and down again, three times, and twice with its neighbour. */
static void move_pins(void)
{
    GPIOB->BSRR = BIT(FREE_PIN); /* not yet an output */
    set_mode(GPIO_MODE_OUTPUT);
    GPIOB->BSRR = BIT(FREE_PIN); /* it is high already */
    set_mode(0u);
    set_mode(GPIO_MODE_OUTPUT);
    GPIOB->BRR = BIT(FREE_PIN);
    GPIOB->ODR ^= BIT(FREE_PIN);
    set_mode(GPIO_MODE_ALTERNATE);
    GPIOB->BRR = BIT(FREE_PIN);
    set_mode(GPIO_MODE_OUTPUT);
    set_mode(0u);
}

static void obey(char command)
{
    if (command == 'e') {
        echo();
    } else if (command == 'd') {
        say_by_dma("abcdefghijklmnopqrstuvwxyz\nxyz\n\n");
    } else if (command == 'h') {
        say_by_hand("abcdefghijklmnopqrstuvwxyz\nxyz\n\n");
    } else if (command == 'i') {
        use_bus();
    } else if (command == 'p') {
        move_pins();
    }
}

int main(void)
{
    clock_start();
    uart_start();
    timing_pin_start();
    i2c_start();
    listen();
    for (;;) {
        say("ready\n");
        obey(hear());
    }
}
