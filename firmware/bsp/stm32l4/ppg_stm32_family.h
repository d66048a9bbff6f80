/* STM32L4 and L4+ addresses (RM0351 and RM0432, memory map). */
#ifndef PPG_STM32_FAMILY_H
#define PPG_STM32_FAMILY_H

#include "ppg_stm32_usart_v2.h"

#define PPG_RCC_BASE 0x40021000u
#define PPG_RCC_GPIO_ENABLE (PPG_RCC_BASE + 0x4Cu) /* AHB2ENR */
#define PPG_GPIO_BASE 0x48000000u

/* Port G is fed from VDDIO2 and isolated until software says that this supply is there. */
#define PPG_GPIO_INDEPENDENT_PORT 6u

/* Independent watchdog (RM0351, RM0432, memory map), and the bit that stops it while the core is halted (DBGMCU_APB1FZR1). */
#define PPG_IWDG_BASE 0x40003000u
#define PPG_DBGMCU_FREEZE 0xE0042008u
#define PPG_DBGMCU_FREEZE_IWDG (1u << 12)

/* RCC_CSR. */
#define PPG_RCC_RESET_FLAGS (PPG_RCC_BASE + 0x94u)
#define PPG_RCC_RESET_REMOVE_FLAGS (1u << 23)
#define PPG_RCC_RESET_BY_PIN (1u << 26)
#define PPG_RCC_RESET_BY_POWER (1u << 27) /* power-on, brown-out */
#define PPG_RCC_RESET_BY_SOFTWARE (1u << 28)
#define PPG_RCC_RESET_BY_WATCHDOG ((1u << 29) | (1u << 30)) /* independent, window */

#endif
