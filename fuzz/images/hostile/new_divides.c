/* Wants divides by zero to trap, and divides at ever other addresses in RAM, where every divide is watched. */
#include "start.h"

static uint16_t *const code = (uint16_t *)0x20010000u;

void reset_handler(void)
{
    REGISTER(0xE000ED14u) |= 1u << 4; /* CCR.DIV_0_TRP */
    for (;;) {
        for (uint32_t at = 0; at < 90000u; at += 1u) {
            code[at] = 0xFB90u; /* sdiv r0, r0, r1 */
            code[at + 1u] = 0xF0F1u;
            code[at + 2u] = 0x4770u;
            ((uint32_t (*)(uint32_t, uint32_t))((uintptr_t)&code[at] | 1u))(at, 3u);
        }
    }
}
