/* Registers of the STM32L4A6 that this firmware uses. Names and offsets: RM0351 rev 9; core: ARMv7-M (DDI 0403E). */
#ifndef STM32L4_H
#define STM32L4_H

#include <stdint.h>

typedef volatile uint32_t reg32_t;

typedef struct {
    reg32_t CR, ICSCR, CFGR, PLLCFGR, PLLSAI1CFGR, PLLSAI2CFGR, CIER, CIFR, CICR, reserved0;
    reg32_t AHB1RSTR, AHB2RSTR, AHB3RSTR, reserved1, APB1RSTR1, APB1RSTR2, APB2RSTR, reserved2;
    reg32_t AHB1ENR, AHB2ENR, AHB3ENR, reserved3, APB1ENR1, APB1ENR2, APB2ENR, reserved4;
    reg32_t AHB1SMENR, AHB2SMENR, AHB3SMENR, reserved5, APB1SMENR1, APB1SMENR2, APB2SMENR, reserved6;
    reg32_t CCIPR, reserved7, BDCR, CSR;
} rcc_t;

typedef struct {
    reg32_t CR1, CR2, CR3, CR4, SR1, SR2, SCR;
} pwr_t;

typedef struct {
    reg32_t ACR;
} flash_t;

typedef struct {
    reg32_t MODER, OTYPER, OSPEEDR, PUPDR, IDR, ODR, BSRR, LCKR, AFRL, AFRH, BRR;
} gpio_t;

typedef struct {
    reg32_t CR1, CR2, OAR1, OAR2, TIMINGR, TIMEOUTR, ISR, ICR, PECR, RXDR, TXDR;
} i2c_t;

typedef struct {
    reg32_t CR1, CR2, CR3, BRR, GTPR, RTOR, RQR, ISR, ICR, RDR, TDR;
} usart_t;

typedef struct {
    reg32_t ISR, ICR, IER, CFGR, CR, CMP, ARR, CNT;
} lptim_t;

typedef struct {
    reg32_t KR, PR, RLR, SR, WINR;
} iwdg_t;

typedef struct {
    reg32_t CCR, CNDTR, CPAR, CMAR, reserved;
} dma_channel_t;

typedef struct {
    reg32_t ISR, IFCR;
    dma_channel_t CHANNEL[7];
    reg32_t reserved[5];
    reg32_t CSELR;
} dma_t;

#define RCC ((rcc_t *)0x40021000u)
#define PWR ((pwr_t *)0x40007000u)
#define FLASH ((flash_t *)0x40022000u)
#define GPIOA ((gpio_t *)0x48000000u)
#define GPIOB ((gpio_t *)0x48000400u)
#define I2C1 ((i2c_t *)0x40005400u)
#define USART2 ((usart_t *)0x40004400u)
#define LPTIM1 ((lptim_t *)0x40007C00u)
#define IWDG ((iwdg_t *)0x40003000u)

#define DMA1 ((dma_t *)0x40020000u)

#define NVIC_ISER ((reg32_t *)0xE000E100u)
#define SCB_SCR (*(reg32_t *)0xE000ED10u)
#define SCB_CPACR (*(reg32_t *)0xE000ED88u)
#define DEMCR (*(reg32_t *)0xE000EDFCu)
#define DWT_CTRL (*(reg32_t *)0xE0001000u)
#define DWT_CYCCNT (*(reg32_t *)0xE0001004u)

#define I2C1_EV_IRQ 31u
#define USART2_IRQ 38u
#define LPTIM1_IRQ 65u

#define BIT(n) (1u << (n))

#define RCC_CR_MSION BIT(0)
#define RCC_CR_HSION BIT(8)
#define RCC_CR_HSIRDY BIT(10)
#define RCC_CR_PLLON BIT(24)
#define RCC_CR_PLLRDY BIT(25)
#define RCC_CFGR_SW_MASK 3u
#define RCC_CFGR_SW_HSI 1u
#define RCC_CFGR_SW_PLL 3u
#define RCC_CFGR_SWS_SHIFT 2u
#define RCC_CFGR_STOPWUCK BIT(15)
#define RCC_PLLCFGR_SRC_HSI 2u
#define RCC_PLLCFGR_N_SHIFT 8u
#define RCC_PLLCFGR_REN BIT(24)
#define RCC_AHB1ENR_DMA1EN BIT(0)
#define RCC_AHB2ENR_GPIOAEN BIT(0)
#define RCC_AHB2ENR_GPIOBEN BIT(1)
#define RCC_APB1ENR1_USART2EN BIT(17)
#define RCC_APB1ENR1_I2C1EN BIT(21)
#define RCC_APB1ENR1_PWREN BIT(28)
#define RCC_APB1ENR1_LPTIM1EN BIT(31)
#define RCC_CCIPR_USART2_HSI (2u << 2)
#define RCC_CCIPR_I2C1_HSI (2u << 12)
#define RCC_CCIPR_LPTIM1_LSE (3u << 18)
#define RCC_BDCR_LSEON BIT(0)
#define RCC_BDCR_LSERDY BIT(1)
#define RCC_CSR_RMVF BIT(23)
#define RCC_CSR_IWDGRSTF BIT(29)

#define PWR_CR1_LPMS_MASK 7u
#define PWR_CR1_LPMS_STOP2 2u
#define PWR_CR1_DBP BIT(8)

#define GPIO_MODE_OUTPUT 1u
#define GPIO_MODE_ALTERNATE 2u

#define FLASH_ACR_LATENCY_MASK 7u
#define FLASH_ACR_PRFTEN BIT(8)
#define FLASH_ACR_ICEN BIT(9)
#define FLASH_ACR_DCEN BIT(10)

#define I2C_CR1_PE BIT(0)
#define I2C_CR1_STOPIE BIT(5)
#define I2C_CR1_RXDMAEN BIT(15)
#define I2C_CR2_RD_WRN BIT(10)
#define I2C_CR2_START BIT(13)
#define I2C_CR2_NBYTES_SHIFT 16u
#define I2C_CR2_AUTOEND BIT(25)
#define I2C_ISR_TXIS BIT(1)
#define I2C_ISR_NACKF BIT(4)
#define I2C_ISR_STOPF BIT(5)
#define I2C_ISR_TC BIT(6)
#define I2C_ISR_ARLO BIT(9)
#define I2C_ICR_ALL 0x3F38u

#define USART_CR1_UE BIT(0)
#define USART_CR1_TCIE BIT(6)
#define USART_CR3_DMAT BIT(7)
#define USART_ICR_TCCF BIT(6)
#define USART_CR1_TE BIT(3)
#define USART_ISR_TC BIT(6)
#define USART_ISR_TXE BIT(7)
#define USART_ISR_TEACK BIT(21)

#define DMA_CCR_EN BIT(0)
#define DMA_CCR_DIR BIT(4)
#define DMA_CCR_MINC BIT(7)

#define LPTIM_ISR_ARRM BIT(1)
#define LPTIM_ISR_CMPM BIT(0)
#define LPTIM_ISR_CMPOK BIT(3)
#define LPTIM_ISR_ARROK BIT(4)
#define LPTIM_CR_ENABLE BIT(0)
#define LPTIM_CR_CNTSTRT BIT(2)

#define IWDG_KR_REFRESH 0xAAAAu
#define IWDG_KR_UNLOCK 0x5555u
#define IWDG_KR_START 0xCCCCu
#define IWDG_PR_64 4u
#define IWDG_SR_RVU BIT(1)

#define SCB_SCR_SLEEPDEEP BIT(2)

/* Bits on while `mask` is to be set, read back so that the write has reached the peripheral bus. */
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
    NVIC_ISER[irq / 32u] = BIT(irq % 32u);
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

#endif
