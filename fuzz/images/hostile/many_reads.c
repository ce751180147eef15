/* Reads a large unmodelled peripheral register by register from ever other places of the code, and writes nothing. */
#include "start.h"

static uint16_t code[4096];

void reset_handler(void)
{
    REGISTER(0x4002104Cu) = 0xFFFFFFFFu;
    for (uint32_t at = 0; at < 4096u; at += 2u) {
        code[at] = 0x6800u;
        code[at + 1u] = 0x4770u;
    }
    for (uint32_t at = 0;; at = (at + 2u) % 4096u) {
        for (uint32_t address = 0x50000000u; address < 0x50010000u; address += 4u) {
            ((uint32_t (*)(uint32_t))((uintptr_t)&code[at] | 1u))(address);
        }
    }
}
