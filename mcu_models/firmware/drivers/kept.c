#include "kept.h"

#include <stdbool.h>

#include "word_sum.h"

extern uint32_t knowledge_start __attribute__((weak)), knowledge_end __attribute__((weak));
extern uint32_t knowledge_spare __attribute__((weak)); /* as long */

__attribute__((section(".bss.kept_numbers"))) struct kept kept;
__attribute__((section(".bss.kept_seals"))) static struct {
    uint32_t numbers, knowledge, spare;
} seals;

static uint32_t sum_of_numbers(void)
{
    return word_sum(&kept, &kept + 1);
}

static uint32_t sum_of_knowledge(void)
{
    return word_sum(&knowledge_start, &knowledge_end);
}

static uint32_t words_of_knowledge(void)
{
    return (uint32_t)(&knowledge_end - &knowledge_start);
}

void kept_begin(void)
{
    if (seals.numbers != sum_of_numbers()) {
        kept = (struct kept){0};
        kept_seal();
    }
    kept_mend_knowledge();
}

void kept_seal(void)
{
    seals.numbers = sum_of_numbers();
}

void kept_mend_knowledge(void)
{
    if (seals.knowledge == sum_of_knowledge()) {
        return;
    }
    const uint32_t words = words_of_knowledge();
    const bool has_spare = seals.spare == word_sum(&knowledge_spare, &knowledge_spare + words);
    for (uint32_t i = 0u; i < words; ++i) {
        (&knowledge_start)[i] = has_spare ? (&knowledge_spare)[i] : 0u;
    }
    kept_seal_knowledge();
}

void kept_seal_knowledge(void)
{
    seals.knowledge = sum_of_knowledge();
    const uint32_t words = words_of_knowledge();
    for (uint32_t i = 0u; i < words; ++i) {
        (&knowledge_spare)[i] = (&knowledge_start)[i];
    }
    seals.spare = seals.knowledge;
}
