/* Registers of the STM32H743 that this firmware uses. Names and offsets: RM0433 rev 8; core: ARMv7-M (DDI 0403E). */
#ifndef STM32H7_H
#define STM32H7_H

#include <stdint.h>

typedef volatile uint32_t reg32_t;

#define REG(address) (*(reg32_t *)(address))
#define BIT(n) (1u << (n))

#define RCC_CR REG(0x58024400u)
#define RCC_CFGR REG(0x58024410u)
#define RCC_D1CFGR REG(0x58024418u)
#define RCC_D2CFGR REG(0x5802441Cu)
#define RCC_D3CFGR REG(0x58024420u)
#define RCC_PLLCKSELR REG(0x58024428u)
#define RCC_PLLCFGR REG(0x5802442Cu)
#define RCC_PLL1DIVR REG(0x58024430u)
#define RCC_D2CCIP2R REG(0x58024454u)
#define RCC_RSR REG(0x580244D0u)
#define RCC_AHB1ENR REG(0x580244D8u)
#define RCC_AHB2ENR REG(0x580244DCu)
#define RCC_AHB4ENR REG(0x580244E0u)
#define RCC_APB1LENR REG(0x580244E8u)
#define RCC_APB4ENR REG(0x580244F4u)

#define PWR_CSR1 REG(0x58024804u)
#define PWR_CR3 REG(0x5802480Cu)
#define PWR_D3CR REG(0x58024818u)
#define SYSCFG_PWRCR REG(0x5800042Cu)
#define FLASH_ACR REG(0x52002000u)

typedef struct {
    reg32_t MODER, OTYPER, OSPEEDR, PUPDR, IDR, ODR, BSRR, LCKR, AFRL, AFRH;
} gpio_t;

typedef struct {
    reg32_t CR1, CR2, OAR1, OAR2, TIMINGR, TIMEOUTR, ISR, ICR, PECR, RXDR, TXDR;
} i2c_t;

typedef struct {
    reg32_t CR1, CR2, CR3, BRR, GTPR, RTOR, RQR, ISR, ICR, RDR, TDR;
} usart_t;

typedef struct {
    reg32_t CR, NDTR, PAR, M0AR, M1AR, FCR;
} dma_stream_t;

typedef struct {
    reg32_t LISR, HISR, LIFCR, HIFCR;
    dma_stream_t STREAM[8];
} dma_t;

typedef struct {
    reg32_t CR, SR, RIS, IER, MIS, ICR, ESCR, ESUR, CWSTRT, CWSIZE, DR;
} dcmi_t;

typedef struct {
    reg32_t KR, PR, RLR, SR, WINR;
} iwdg_t;

#define GPIOA ((gpio_t *)0x58020000u)
#define GPIOB ((gpio_t *)0x58020400u)
#define GPIOC ((gpio_t *)0x58020800u)
#define GPIOE ((gpio_t *)0x58021000u)
#define I2C1 ((i2c_t *)0x40005400u)
#define USART3 ((usart_t *)0x40004800u)
#define DMA1 ((dma_t *)0x40020000u)
#define DMAMUX1_CCR(stream) REG(0x40020800u + 4u * (stream))
#define DCMI ((dcmi_t *)0x48020000u)
#define IWDG1 ((iwdg_t *)0x58004800u)

#define NVIC_ISER(irq) REG(0xE000E100u + 4u * ((irq) / 32u))
#define SCB_CCR REG(0xE000ED14u)
#define SCB_CCSIDR REG(0xE000ED80u)
#define SCB_CSSELR REG(0xE000ED84u)
#define SCB_CPACR REG(0xE000ED88u)
#define SCB_ICIALLU REG(0xE000EF50u)
#define SCB_DCIMVAC REG(0xE000EF5Cu)
#define SCB_DCISW REG(0xE000EF60u)
#define SYST_CSR REG(0xE000E010u)
#define SYST_RVR REG(0xE000E014u)
#define SYST_CVR REG(0xE000E018u)

#define DEMCR REG(0xE000EDFCu)
#define DWT_CTRL REG(0xE0001000u)
#define DWT_CYCCNT REG(0xE0001004u)
#define DWT_LAR REG(0xE0001FB0u)

#define DCMI_IRQ 78u

#define RCC_RSR_RMVF BIT(16)
#define RCC_RSR_IWDG1RSTF BIT(26)

#define IWDG_KR_REFRESH 0xAAAAu
#define IWDG_KR_UNLOCK 0x5555u
#define IWDG_KR_START 0xCCCCu
#define IWDG_PR_32 3u

#define GPIO_OUTPUT 1u
#define GPIO_ALTERNATE 2u

/* Bits on or off, read back so that the write has reached the peripheral bus. */
static inline void reg_set(reg32_t *reg, uint32_t mask)
{
    *reg |= mask;
    (void)*reg;
}

static inline void reg_clear(reg32_t *reg, uint32_t mask)
{
    *reg &= ~mask;
    (void)*reg;
}

static inline void irq_enable(uint32_t irq)
{
    NVIC_ISER(irq) = BIT(irq % 32u);
}

static inline void wait_for_interrupt(void)
{
    __asm volatile("dsb\n\twfi\n\tisb" ::: "memory");
}

static inline void disable_interrupts(void)
{
    __asm volatile("cpsid i" ::: "memory");
}

static inline void enable_interrupts(void)
{
    __asm volatile("cpsie i\n\tisb" ::: "memory");
}

/* Hand a pin over to a peripheral, fast. */
static inline void pin_alternate(gpio_t *port, uint32_t pin, uint32_t function)
{
    reg32_t *const select = pin < 8u ? &port->AFRL : &port->AFRH;
    *select = (*select & ~(0xFu << (4u * (pin % 8u)))) | (function << (4u * (pin % 8u)));
    port->OSPEEDR |= 2u << (2u * pin);
    port->MODER = (port->MODER & ~(3u << (2u * pin))) | (GPIO_ALTERNATE << (2u * pin));
}

#endif
