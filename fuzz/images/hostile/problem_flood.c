/* Reads one register after the other that nothing answers, from ever other places of the code: each is a new complaint. */
#include "start.h"

static uint16_t code[4096];

void reset_handler(void)
{
    for (uint32_t address = 0x40000000u;; address += 4u) {
        if (address >= 0x40030000u) {
            address = 0x40000000u;
        }
        static uint32_t at;
        at = (at + 2u) % 4094u;
        code[at] = 0x6800u;      /* ldr r0, [r0] */
        code[at + 1u] = 0x4770u; /* bx lr */
        ((uint32_t (*)(uint32_t))((uintptr_t)&code[at] | 1u))(address);
    }
}
