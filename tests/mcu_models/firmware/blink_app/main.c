/* The smallest app that uses everything the builder adds: a network, its front end and the runtime. */
#include "frontend.h"
#include "memory.h"
#include "network.h"

int main(void);

volatile int32_t answer;
volatile int64_t numerator = 1000000007;
volatile int64_t denominator = -998244353;
volatile uint64_t bytes = UINT64_C(1) << 40;
volatile size_t length = FRONTEND_PIXELS;
/* Called through pointers, or the compiler would write their loops here. */
static void *(*volatile copy)(void *restrict, const void *restrict, size_t) = memcpy;
static void *(*volatile fill)(void *, int, size_t) = memset;
static void *(*volatile move)(void *, const void *, size_t) = memmove;
static int (*volatile compare)(const void *, const void *, size_t) = memcmp;
static int16_t raw[FRONTEND_PIXELS];
static int8_t input[NETWORK_INPUT_SIZE];
static int8_t output[NETWORK_OUTPUT_SIZE];

int main(void)
{
    fill(raw, 1, length);
    copy(raw + 1, raw, sizeof raw[0]);
    move(raw, raw + 1, length);
    answer = compare(raw, raw + 1, length);
    frontend_reset();
    frontend_prepare(raw, input);
    network_run(input, output);
    answer = network_class(output) + (int32_t)(numerator / denominator) + (int32_t)(bytes / (uint64_t)-denominator);
    for (;;) {
    }
}
