#include "dma.h"

static dma_channel_t *channel_of(const dma_route_t *route)
{
    return &DMA1->CHANNEL[route->channel - 1u];
}

void dma_begin(const dma_route_t *route, void *memory, uint32_t length)
{
    const uint32_t shift = 4u * (route->channel - 1u);
    dma_channel_t *const channel = channel_of(route);
    reg_set(&RCC->AHB1ENR, RCC_AHB1ENR_DMA1EN);
    DMA1->IFCR = 0xFu << shift; /* a channel with an error flag cannot be enabled */
    DMA1->CSELR = (DMA1->CSELR & ~(0xFu << shift)) | (route->request << shift);
    channel->CPAR = (uint32_t)(uintptr_t)route->data_register;
    channel->CMAR = (uint32_t)(uintptr_t)memory;
    channel->CNDTR = length;
    channel->CCR = DMA_CCR_MINC | route->direction | DMA_CCR_EN;
}

uint32_t dma_left(const dma_route_t *route)
{
    return channel_of(route)->CNDTR;
}

void dma_end(const dma_route_t *route)
{
    channel_of(route)->CCR = 0u;
}
