/* STM32H742, H743, H750, H753 addresses (RM0433, memory map). */
#ifndef PPG_STM32_FAMILY_H
#define PPG_STM32_FAMILY_H

#include "ppg_stm32_usart_v2.h"

#define PPG_RCC_BASE 0x58024400u
#define PPG_RCC_GPIO_ENABLE (PPG_RCC_BASE + 0xE0u) /* AHB4ENR */
#define PPG_GPIO_BASE 0x58020000u

/* Independent watchdog (RM0433, memory map), and the bit that stops it while the core is halted (DBGMCU_APB4FZ1). */
#define PPG_IWDG_BASE 0x58004800u
#define PPG_DBGMCU_FREEZE 0x5C001054u
#define PPG_DBGMCU_FREEZE_IWDG (1u << 18)

/* RCC_RSR. */
#define PPG_RCC_RESET_FLAGS (PPG_RCC_BASE + 0xD0u)
#define PPG_RCC_RESET_REMOVE_FLAGS (1u << 16)
#define PPG_RCC_RESET_BY_PIN (1u << 22)
#define PPG_RCC_RESET_BY_POWER ((1u << 23) | (1u << 21)) /* power-on, brown-out */
#define PPG_RCC_RESET_BY_SOFTWARE (1u << 24)
#define PPG_RCC_RESET_BY_WATCHDOG ((1u << 26) | (1u << 28)) /* independent, window */

#endif
