/* Registers of the STM32L476 that this firmware uses; names and offsets as in RM0351. */
#ifndef STM32L476_H
#define STM32L476_H

#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define BIT(n) (1u << (n))

#define RCC_AHB2ENR REG(0x4002104Cu)
#define RCC_APB1ENR1 REG(0x40021058u)

#define GPIOA_MODER REG(0x48000000u)
#define GPIOA_AFRL REG(0x48000020u)
#define GPIOB_MODER REG(0x48000400u)
#define GPIOB_OTYPER REG(0x48000404u)
#define GPIOB_AFRH REG(0x48000424u)

#define I2C1_CR1 REG(0x40005400u)
#define I2C1_CR2 REG(0x40005404u)
#define I2C1_TIMINGR REG(0x40005410u)
#define I2C1_ISR REG(0x40005418u)
#define I2C1_ICR REG(0x4000541Cu)
#define I2C1_RXDR REG(0x40005424u)
#define I2C1_TXDR REG(0x40005428u)

#define USART2_CR1 REG(0x40004400u)
#define USART2_BRR REG(0x4000440Cu)
#define USART2_ISR REG(0x4000441Cu)
#define USART2_TDR REG(0x40004428u)

#define SYST_CSR REG(0xE000E010u)
#define SYST_RVR REG(0xE000E014u)
#define SYST_CVR REG(0xE000E018u)
#define CPACR REG(0xE000ED88u)

#endif
