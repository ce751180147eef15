#include "uart.h"

#include <stdbool.h>

#include "clock.h"
#include "dma.h"
#include "startup.h"
#include "stm32l4.h"

#define BAUD 115200u
#define LINE_BYTES 64u
/* Ticks every 100 ms, too, end a sleep; when so many have and the text is still not out it never will be. */
#define MAX_WAKES 4u
#define READY_CYCLES (CLOCK_SLOW_HZ / 1000u) /* for the transmitter, which takes a character's time, 87 us */

/* The channel that I2C1 receives with, in turn. */
static const dma_route_t tx_route = {
    .channel = 7u, .request = 2u, .data_register = &USART2->TDR, .direction = DMA_CCR_DIR};

static char line[LINE_BYTES];
static uint32_t length;

void uart_start(void)
{
    reg_set(&RCC->AHB2ENR, RCC_AHB2ENR_GPIOAEN);
    GPIOA->AFRL = (GPIOA->AFRL & ~0xF00u) | 0x700u;
    GPIOA->PUPDR = (GPIOA->PUPDR & ~(3u << 4)) | (1u << 4); /* the line idles high while the transmitter is off */
    GPIOA->MODER = (GPIOA->MODER & ~(3u << 4)) | (2u << 4);
    RCC->CCIPR |= RCC_CCIPR_USART2_HSI;
    reg_set(&RCC->APB1ENR1, RCC_APB1ENR1_USART2EN);
    USART2->BRR = (CLOCK_SLOW_HZ + BAUD / 2u) / BAUD;
    USART2->CR3 = USART_CR3_DMAT;
    USART2->CR1 = USART_CR1_TE;
    irq_enable(USART2_IRQ);
}

static void add(char character)
{
    if (length < LINE_BYTES) {
        line[length++] = character;
    }
}

void uart_text(const char *text)
{
    while (*text != '\0') {
        add(*text++);
    }
}

void uart_number(uint32_t number)
{
    char digits[10];
    uint32_t count = 0u;
    do {
        digits[count++] = (char)('0' + number % 10u);
        number /= 10u;
    } while (number != 0u);
    while (count > 0u) {
        add(digits[--count]);
    }
}

/* The flag stays for whoever waits, the interrupt goes. */
void usart2_handler(void)
{
    reg_clear(&USART2->CR1, USART_CR1_TCIE);
}

static bool is_sending(void)
{
    return (USART2->ISR & USART_ISR_TC) == 0u || dma_left(&tx_route) != 0u;
}

static void switch_on(void)
{
    reg_set(&USART2->CR1, USART_CR1_UE);
    const uint32_t begin = clock_cycles();
    while ((USART2->ISR & USART_ISR_TEACK) == 0u && clock_cycles() - begin < READY_CYCLES) {
    }
}

/* On only while it sends: USART2 must be off in Stop 2 (RM0351, 5.3.8). */
void uart_send(const char *bytes, uint32_t count)
{
    switch_on();
    USART2->ICR = USART_ICR_TCCF;
    dma_begin(&tx_route, (void *)(uintptr_t)bytes, count);
    reg_set(&USART2->CR1, USART_CR1_TCIE);
    for (uint32_t wakes = 0u; wakes < MAX_WAKES && is_sending(); ++wakes) {
        disable_interrupts();
        if ((USART2->ISR & USART_ISR_TC) == 0u) {
            wait_for_interrupt();
        }
        enable_interrupts();
    }
    reg_clear(&USART2->CR1, USART_CR1_TCIE | USART_CR1_UE);
    dma_end(&tx_route);
}

void uart_flush(void)
{
    if (length == 0u) {
        return;
    }
    uart_send(line, length);
    length = 0u;
}
