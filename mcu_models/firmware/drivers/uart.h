/* USART2 transmitter on PA2, 115200 baud 8N1, clocked by HSI16 whatever the system clock. */
#ifndef UART_H
#define UART_H

#include <stdint.h>

void uart_start(void);

/* Add to the line to be sent; what does not fit into it is lost. */
void uart_text(const char *text);
void uart_number(uint32_t number);

/* Send what has been added, by DMA, and sleep until the last bit has left, so that the clock may stop. */
void uart_flush(void);

static inline void uart_say(const char *text)
{
    uart_text(text);
    uart_flush();
}

/* Send bytes from where they are, in the same way; at most 65535. */
void uart_send(const char *bytes, uint32_t count);

#endif
