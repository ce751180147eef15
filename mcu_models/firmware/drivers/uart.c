#include "uart.h"

#include "stm32l4.h"

#define HSI_HZ 16000000u
#define BAUD 115200u

void uart_start(void)
{
    reg_set(&RCC->AHB2ENR, RCC_AHB2ENR_GPIOAEN);
    GPIOA->AFRL = (GPIOA->AFRL & ~0xF00u) | 0x700u;
    GPIOA->MODER = (GPIOA->MODER & ~(3u << 4)) | (2u << 4);
    RCC->CCIPR |= RCC_CCIPR_USART2_HSI;
    reg_set(&RCC->APB1ENR1, RCC_APB1ENR1_USART2EN);
    USART2->BRR = (HSI_HZ + BAUD / 2u) / BAUD;
    USART2->CR1 = USART_CR1_UE | USART_CR1_TE;
}

static void put(char character)
{
    while ((USART2->ISR & USART_ISR_TXE) == 0u) {
    }
    USART2->TDR = (uint8_t)character;
}

void uart_text(const char *text)
{
    while (*text != '\0') {
        put(*text++);
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
        put(digits[--count]);
    }
}

void uart_flush(void)
{
    while ((USART2->ISR & USART_ISR_TC) == 0u) {
    }
}
