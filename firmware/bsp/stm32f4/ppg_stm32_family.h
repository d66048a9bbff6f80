/* STM32F4 addresses (RM0090, RM0383, RM0390, memory maps). */
#ifndef PPG_STM32_FAMILY_H
#define PPG_STM32_FAMILY_H

#include "ppg_stm32_usart_v1.h"

#define PPG_RCC_BASE 0x40023800u
#define PPG_RCC_GPIO_ENABLE (PPG_RCC_BASE + 0x30u) /* AHB1ENR */
#define PPG_GPIO_BASE 0x40020000u

/* Independent watchdog (RM0090, memory map), and the bit that stops it while the core is halted (DBGMCU_APB1_FZ). */
#define PPG_IWDG_BASE 0x40003000u
#define PPG_DBGMCU_FREEZE 0xE0042008u
#define PPG_DBGMCU_FREEZE_IWDG (1u << 12)

/* RCC_CSR. */
#define PPG_RCC_RESET_FLAGS (PPG_RCC_BASE + 0x74u)
#define PPG_RCC_RESET_REMOVE_FLAGS (1u << 24)
#define PPG_RCC_RESET_BY_PIN (1u << 26)
#define PPG_RCC_RESET_BY_POWER ((1u << 27) | (1u << 25)) /* power-on, brown-out */
#define PPG_RCC_RESET_BY_SOFTWARE (1u << 28)
#define PPG_RCC_RESET_BY_WATCHDOG ((1u << 29) | (1u << 30)) /* independent, window */

#endif
