/* STM32H742, H743, H750, H753 addresses (RM0433, memory map). */
#ifndef PPG_STM32_FAMILY_H
#define PPG_STM32_FAMILY_H

#include "ppg_stm32_usart_v2.h"

#define PPG_RCC_BASE 0x58024400u
#define PPG_RCC_GPIO_ENABLE (PPG_RCC_BASE + 0xE0u) /* AHB4ENR */
#define PPG_GPIO_BASE 0x58020000u

#endif
