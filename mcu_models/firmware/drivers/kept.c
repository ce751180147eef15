#include "kept.h"

#include "word_sum.h"

extern uint32_t knowledge_start __attribute__((weak)), knowledge_end __attribute__((weak));

__attribute__((section(".bss.kept_numbers"))) struct kept kept;
__attribute__((section(".bss.kept_seals"))) static struct {
    uint32_t numbers, knowledge;
} seals;

static uint32_t sum_of_numbers(void)
{
    return word_sum(&kept, &kept + 1);
}

void kept_begin(void)
{
    if (seals.numbers != sum_of_numbers()) {
        kept = (struct kept){0};
        kept_seal();
    }
    if (seals.knowledge != word_sum(&knowledge_start, &knowledge_end)) {
        for (uint32_t *word = &knowledge_start; word < &knowledge_end; ++word) {
            *word = 0u;
        }
        kept_seal_knowledge();
    }
}

void kept_seal(void)
{
    seals.numbers = sum_of_numbers();
}

void kept_seal_knowledge(void)
{
    seals.knowledge = word_sum(&knowledge_start, &knowledge_end);
}
