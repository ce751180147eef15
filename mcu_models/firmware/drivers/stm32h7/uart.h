/* Lines on USART3, PB10, 115200 baud, 8N1. Its FIFO holds 16 characters: a line of that length is sent while the core
 * goes on. */
#ifndef UART_H
#define UART_H

#include <stdint.h>

void uart_start(void);

/* Add to the line; what does not fit is lost. */
void uart_text(const char *text);
void uart_number(uint32_t number);

/* Send the line; waits while there is no room in the FIFO. */
void uart_flush(void);

static inline void uart_say(const char *text)
{
    uart_text(text);
    uart_flush();
}

#endif
