/* STM32WB55 addresses (RM0434, memory map). */
#ifndef PPG_STM32_FAMILY_H
#define PPG_STM32_FAMILY_H

#include "ppg_stm32_usart_v2.h"

#define PPG_RCC_BASE 0x58000000u
#define PPG_RCC_GPIO_ENABLE (PPG_RCC_BASE + 0x4Cu) /* AHB2ENR */
#define PPG_GPIO_BASE 0x48000000u

/* Independent watchdog (RM0434, memory map), and the bit that stops it while the core is halted (DBGMCU_APB1FZR1, of CPU1). */
#define PPG_IWDG_BASE 0x40003000u
#define PPG_DBGMCU_FREEZE 0xE004203Cu
#define PPG_DBGMCU_FREEZE_IWDG (1u << 12)

/* RCC_CSR. */
#define PPG_RCC_RESET_FLAGS (PPG_RCC_BASE + 0x94u)
#define PPG_RCC_RESET_REMOVE_FLAGS (1u << 23)
#define PPG_RCC_RESET_BY_PIN (1u << 26)
#define PPG_RCC_RESET_BY_POWER (1u << 27) /* power-on, brown-out */
#define PPG_RCC_RESET_BY_SOFTWARE (1u << 28)
#define PPG_RCC_RESET_BY_WATCHDOG ((1u << 29) | (1u << 30)) /* independent, window */

#endif
