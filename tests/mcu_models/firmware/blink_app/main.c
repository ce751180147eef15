/* The smallest app that uses everything the builder adds: a network, its front end and the runtime. */
#include "frontend.h"
#include "memory.h"
#include "network.h"

extern uint32_t stack_top;
extern uint32_t data_start, data_end, data_image, bss_start, bss_end;

int main(void);
void reset_handler(void);

volatile int32_t answer;
volatile uint64_t numerator = 1000000007u;
volatile uint64_t denominator = 998244353u;
static int16_t raw[FRONTEND_PIXELS];
static int8_t input[NETWORK_INPUT_SIZE];
static int8_t output[NETWORK_OUTPUT_SIZE];

__attribute__((section(".vectors"), used)) static const void *const vectors[2] = {&stack_top, (const void *)reset_handler};

int main(void)
{
    frontend_prepare(raw, input);
    network_run(input, output);
    answer = network_class(output) + (int32_t)(numerator / denominator);
    for (;;) {
    }
}

void reset_handler(void)
{
    memcpy(&data_start, &data_image, (size_t)((char *)&data_end - (char *)&data_start));
    memset(&bss_start, 0, (size_t)((char *)&bss_end - (char *)&bss_start));
    main();
}
