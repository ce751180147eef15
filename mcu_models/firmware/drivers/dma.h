/* DMA1 channels between memory and the data register of a peripheral, a byte an item. */
#ifndef DMA_H
#define DMA_H

#include <stdint.h>

#include "stm32l4.h"

typedef struct {
    uint32_t channel; /* 1 to 7 */
    uint32_t request; /* RM0351, table 43 */
    reg32_t *data_register;
    uint32_t direction; /* DMA_CCR_DIR towards the peripheral, 0 from it */
} dma_route_t;

/* Give the channel of `route` its request and `length` bytes at `memory`, and enable it. */
void dma_begin(const dma_route_t *route, void *memory, uint32_t length);

/* Bytes still to move. */
uint32_t dma_left(const dma_route_t *route);

/* Disable the channel. */
void dma_end(const dma_route_t *route);

#endif
