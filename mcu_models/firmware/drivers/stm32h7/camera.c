#include "camera.h"

#include <stdbool.h>

#include "cache.h"
#include "clock.h"
#include "door_pins.h"
#include "startup.h"
#include "stm32h7.h"

#define WORDS (CAMERA_BYTES / 4u)
#define FRAME_STREAM 0u
#define STREAM_FLAGS 0x3Du
#define REQUEST_DCMI 75u /* RM0433, table 121 */
#define AHB1ENR_DMA1EN BIT(0)
#define AHB2ENR_DCMIEN BIT(0)
#define AHB4ENR_GPIO_A_B_C_E (BIT(0) | BIT(1) | BIT(2) | BIT(4))
#define DCMI_FUNCTION 13u
#define CR_CAPTURE BIT(0)
#define CR_SNAPSHOT BIT(1)
#define CR_CLOCK_RISING BIT(5)
#define CR_VSYNC_HIGH BIT(7)
#define CR_ENABLE BIT(14)
#define EVENT_FRAME BIT(0)
#define EVENTS_ALL 0x1Fu
#define SCR_EN BIT(0)
#define SCR_WORDS ((2u << 11) | (2u << 13))
#define SCR_MINC BIT(10)
#define SCR_BURST_OF_4 (1u << 23)
#define SCR_VERY_HIGH (3u << 16)
#define PATIENCE_MS 60u
#define MAX_TORN_FRAMES 4u
#define END_CYCLES (CLOCK_CORE_HZ / 10000u) /* for a stream to empty its FIFO of four words */
#define FCR_FIFO_FULL (BIT(2) | 3u)

/* In AXI SRAM, behind the data cache. Whole cache lines, which the core never writes: so no line of them is ever dirty,
 * and to forget them after the DMA has written is safe. */
__attribute__((section(".axi_sram.camera"), aligned(CACHE_LINE_BYTES))) static uint32_t frames[2][WORDS];
_Static_assert(CAMERA_BYTES % CACHE_LINE_BYTES == 0u, "a buffer ends with a cache line");

static volatile bool has_come;
static uint32_t filling;

static void start_pins(void)
{
    static const struct {
        gpio_t *port;
        uint8_t pin;
    } pins[] = {
        {GPIOA, 4u}, {GPIOB, 7u}, {GPIOA, 6u},                           /* HSYNC, VSYNC, PIXCLK */
        {GPIOC, 6u}, {GPIOC, 7u}, {GPIOE, 0u}, {GPIOE, 1u},              /* D0 to D3 */
        {GPIOE, 4u}, {GPIOB, 6u}, {GPIOE, 5u}, {GPIOE, 6u},              /* D4 to D7 */
    };
    reg_set(&RCC_AHB4ENR, AHB4ENR_GPIO_A_B_C_E);
    for (uint32_t i = 0u; i < sizeof pins / sizeof pins[0]; ++i) {
        pin_alternate(pins[i].port, pins[i].pin, DCMI_FUNCTION);
    }
}

/* A whole frame is one transfer of 20,000 words. */
static void take(void)
{
    dma_stream_t *const stream = &DMA1->STREAM[FRAME_STREAM];
    DMA1->LIFCR = STREAM_FLAGS;
    stream->NDTR = WORDS;
    stream->M0AR = (uint32_t)(uintptr_t)frames[filling];
    stream->CR = SCR_VERY_HIGH | SCR_BURST_OF_4 | SCR_WORDS | SCR_MINC | SCR_EN;
    pin_raise(CAPTURE_PIN);
    reg_set(&DCMI->CR, CR_CAPTURE);
}

void camera_start(void)
{
    start_pins();
    reg_set(&RCC_AHB1ENR, AHB1ENR_DMA1EN);
    reg_set(&RCC_AHB2ENR, AHB2ENR_DCMIEN);
    DMAMUX1_CCR(FRAME_STREAM) = REQUEST_DCMI;
    DMA1->STREAM[FRAME_STREAM].PAR = (uint32_t)(uintptr_t)&DCMI->DR;
    DMA1->STREAM[FRAME_STREAM].FCR = FCR_FIFO_FULL;
    DCMI->IER = EVENT_FRAME;
    /* VSYNC is high between frames, HREF low between rows, data change with the falling edge. */
    DCMI->CR = CR_SNAPSHOT | CR_CLOCK_RISING | CR_VSYNC_HIGH;
    reg_set(&DCMI->CR, CR_ENABLE);
    irq_enable(DCMI_IRQ);
    has_come = false;
    take();
}

void dcmi_handler(void)
{
    DCMI->ICR = EVENTS_ALL;
    pin_lower(CAPTURE_PIN);
    has_come = true;
}

/* Interrupts stay masked between the check and WFI, so a frame in between is not slept through. False when none comes. */
static bool sleep_until_frame(void)
{
    clock_alarm_ms(PATIENCE_MS);
    while (!has_come && !clock_alarm_rings()) {
        disable_interrupts();
        if (!has_come && !clock_alarm_rings()) {
            wait_for_interrupt();
        }
        enable_interrupts();
    }
    const bool came = has_come;
    has_come = false;
    return came;
}

/* Switch the stream off, which empties its FIFO into memory; false when words of the frame were lost. */
static bool end_transfer(void)
{
    dma_stream_t *const stream = &DMA1->STREAM[FRAME_STREAM];
    stream->CR = 0u;
    const uint32_t begin = clock_cycles();
    while ((stream->CR & SCR_EN) != 0u && clock_cycles() - begin < END_CYCLES) {
    }
    return stream->NDTR == 0u;
}

void camera_stop(void)
{
    reg_clear(&DCMI->CR, CR_ENABLE);
    (void)end_transfer();
    DCMI->ICR = EVENTS_ALL;
    pin_lower(CAPTURE_PIN);
}

static bool wait_for_whole_frame(void)
{
    for (uint32_t torn = 0u; torn < MAX_TORN_FRAMES; ++torn) {
        if (!sleep_until_frame()) {
            return false;
        }
        if (end_transfer()) {
            return true;
        }
        take();
    }
    return false;
}

const uint32_t *camera_frame(void)
{
    if (!wait_for_whole_frame()) {
        return 0;
    }
    const uint32_t *const frame = frames[filling];
    filling ^= 1u;
    take();
    cache_forget(frame, CAMERA_BYTES);
    return frame;
}
