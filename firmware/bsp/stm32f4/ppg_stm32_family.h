/* STM32F4 addresses (RM0090, RM0383, RM0390, memory maps). */
#ifndef PPG_STM32_FAMILY_H
#define PPG_STM32_FAMILY_H

#include "ppg_stm32_usart_v1.h"

#define PPG_RCC_BASE 0x40023800u
#define PPG_RCC_GPIO_ENABLE (PPG_RCC_BASE + 0x30u) /* AHB1ENR */
#define PPG_GPIO_BASE 0x40020000u

#endif
