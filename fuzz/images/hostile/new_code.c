/* Writes code into RAM and jumps to it, at ever other places and of ever other lengths: endless new blocks and edges. */
#include "start.h"

static uint16_t *const code = (uint16_t *)0x20010000u;

void reset_handler(void)
{
    for (uint32_t round = 0;; round++) {
        for (uint32_t at = 0; at < 50000u; at += 1u) {
            const uint32_t length = round % 30u;
            for (uint32_t i = 0; i < length; i++) {
                code[at + i] = 0xBF00u; /* nop */
            }
            code[at + length] = 0x4770u;
            ((void (*)(void))((uintptr_t)&code[at] | 1u))();
        }
    }
}
