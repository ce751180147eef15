#include "uart.h"

#include "clock.h"
#include "stm32h7.h"

#define BAUD 115200u
#define LINE_BYTES 64u
#define TIMEOUT_CYCLES (CLOCK_CORE_HZ / 1000u) /* for a character, which takes 87 us */
#define AHB4ENR_GPIOBEN BIT(1)
#define APB1LENR_USART3EN BIT(18)
#define USART234578_HSI 3u
#define UART_FUNCTION 7u
#define CR1_UE BIT(0)
#define CR1_TE BIT(3)
#define CR1_FIFOEN BIT(29)
#define ISR_TXFNF BIT(7)

static char line[LINE_BYTES];
static uint32_t length;

void uart_start(void)
{
    reg_set(&RCC_AHB4ENR, AHB4ENR_GPIOBEN);
    pin_alternate(GPIOB, 10u, UART_FUNCTION);
    RCC_D2CCIP2R = (RCC_D2CCIP2R & ~7u) | USART234578_HSI;
    reg_set(&RCC_APB1LENR, APB1LENR_USART3EN);
    USART3->BRR = (CLOCK_HSI_HZ + BAUD / 2u) / BAUD;
    USART3->CR1 = CR1_FIFOEN | CR1_TE;
    reg_set(&USART3->CR1, CR1_UE);
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

static void wait_for_room(void)
{
    const uint32_t begin = clock_cycles();
    while ((USART3->ISR & ISR_TXFNF) == 0u && clock_cycles() - begin < TIMEOUT_CYCLES) {
    }
}

void uart_flush(void)
{
    for (uint32_t i = 0u; i < length; ++i) {
        wait_for_room();
        USART3->TDR = (uint8_t)line[i];
    }
    length = 0u;
}
