/* Ends lines on every UART of an STM32L4 as fast as the baud rate allows, which is as high as it goes. */
#include "start.h"

#define RCC 0x40021000u

static const uint32_t uarts[] = {0x40013800u, 0x40004400u, 0x40004800u, 0x40004C00u, 0x40005000u, 0x40008000u};

void reset_handler(void)
{
    REGISTER(RCC + 0x58u) = 0xFFFFFFFFu;
    REGISTER(RCC + 0x5Cu) = 0xFFFFFFFFu;
    REGISTER(RCC + 0x60u) = 0xFFFFFFFFu;
    for (uint32_t i = 0; i < 6u; i++) {
        REGISTER(uarts[i] + 0x0Cu) = i == 5u ? 0x300u : 16u; /* BRR */
        REGISTER(uarts[i]) = 9u;                             /* CR1: UE, TE */
    }
    for (;;) {
        for (uint32_t i = 0; i < 6u; i++) {
            if (REGISTER(uarts[i] + 0x1Cu) & 0x80u) {
                REGISTER(uarts[i] + 0x28u) = '\n';
            }
        }
    }
}
