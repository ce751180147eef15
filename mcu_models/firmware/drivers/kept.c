#include "kept.h"

#include <stdbool.h>

#define HASH_SEED 2166136261u /* FNV-1a */
#define HASH_PRIME 16777619u

extern uint32_t knowledge_start[] __attribute__((weak)), knowledge_end[] __attribute__((weak));
extern uint32_t knowledge_spare[] __attribute__((weak)); /* as long */

__attribute__((section(".bss.kept_numbers"))) struct kept kept;
__attribute__((section(".bss.kept_seals"))) static struct {
    uint32_t numbers, knowledge, spare;
} seals;

/* The compiler puts no store from one side on the other. */
static void in_order(void)
{
    __asm volatile("" ::: "memory");
}

/* Words of whatever object: the compiler must not take it for granted that they are another's. */
typedef uint32_t __attribute__((may_alias)) word_t;

/* FNV-1a, a word at a time. A sum of turned words is faster, but does not see that pixels which are all equally old have
 * all grown older. */
static uint32_t hash(const void *from, const void *end)
{
    uint32_t hash = HASH_SEED;
    for (const word_t *word = from; word < (const word_t *)end; ++word) {
        hash = (hash ^ *word) * HASH_PRIME;
    }
    return hash;
}

static uint32_t hash_of_numbers(void)
{
    return hash(&kept, &kept + 1);
}

static uint32_t hash_of_knowledge(void)
{
    return hash(knowledge_start, knowledge_end);
}

static uint32_t words_of_knowledge(void)
{
    return (uint32_t)(knowledge_end - knowledge_start);
}

void kept_begin(void)
{
    if (seals.numbers != hash_of_numbers()) {
        kept = (struct kept){0};
        kept_seal();
    }
    kept_mend_knowledge();
}

void kept_seal(void)
{
    seals.numbers = hash_of_numbers();
}

void kept_mend_knowledge(void)
{
    if (seals.knowledge == hash_of_knowledge()) {
        return;
    }
    const uint32_t words = words_of_knowledge();
    const bool has_spare = knowledge_spare != 0 && seals.spare == hash(knowledge_spare, knowledge_spare + words);
    for (uint32_t i = 0u; i < words; ++i) {
        knowledge_start[i] = has_spare ? knowledge_spare[i] : 0u;
    }
    kept_seal_knowledge();
}

void kept_seal_knowledge(void)
{
    seals.knowledge = hash_of_knowledge();
    if (knowledge_spare == 0) {
        return;
    }
    in_order(); /* a reset from here on spoils the spare alone */
    const uint32_t words = words_of_knowledge();
    for (uint32_t i = 0u; i < words; ++i) {
        knowledge_spare[i] = knowledge_start[i];
    }
    in_order();
    seals.spare = seals.knowledge;
}
