/* Sends lines that are as long as lines get, of characters that take the most memory once they are text. */
#include "start.h"

#define RCC 0x40021000u

static const uint32_t uarts[] = {0x40013800u, 0x40004400u, 0x40004800u, 0x40004C00u, 0x40005000u};
static const uint8_t emoji[] = {0xF0u, 0x9Fu, 0x98u, 0x80u};

void reset_handler(void)
{
    REGISTER(RCC + 0x58u) = 0xFFFFFFFFu;
    REGISTER(RCC + 0x60u) = 0xFFFFFFFFu;
    for (uint32_t i = 0; i < 5u; i++) {
        REGISTER(uarts[i] + 0x0Cu) = 16u;
        REGISTER(uarts[i]) = 9u;
    }
    for (uint32_t sent = 0;; sent++) {
        for (uint32_t i = 0; i < 5u; i++) {
            while ((REGISTER(uarts[i] + 0x1Cu) & 0x80u) == 0u) {
            }
            REGISTER(uarts[i] + 0x28u) = sent % 16384u < 4u ? emoji[sent % 4u] : 0x80u;
        }
    }
}
