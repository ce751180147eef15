/* Does with registers what a table says, over and over: the low bits of an address say whether a word is written, a
 * byte is written, a word is read, or a word is written and an interrupt waited for. */
#include "start.h"

#define ENTRIES 256

typedef struct {
    uint32_t address;
    uint32_t value;
} entry_t;

extern const volatile entry_t table[ENTRIES];
const volatile entry_t table[ENTRIES] = {{0u, 0u}};

void reset_handler(void)
{
    for (;;) {
        for (uint32_t i = 0; i < ENTRIES; i++) {
            const uint32_t address = table[i].address & ~3u;
            if (address == 0u) {
                continue;
            }
            switch (table[i].address & 3u) {
            case 1u:
                *(volatile uint8_t *)(address) = (uint8_t)table[i].value;
                break;
            case 2u:
                (void)REGISTER(address);
                break;
            case 3u:
                REGISTER(address) = table[i].value;
                __asm volatile("wfi");
                break;
            default:
                REGISTER(address) = table[i].value;
                break;
            }
        }
    }
}
