/* STM32WB55 addresses (RM0434, memory map). */
#ifndef PPG_STM32_FAMILY_H
#define PPG_STM32_FAMILY_H

#include "ppg_stm32_usart_v2.h"

#define PPG_RCC_BASE 0x58000000u
#define PPG_RCC_GPIO_ENABLE (PPG_RCC_BASE + 0x4Cu) /* AHB2ENR */
#define PPG_GPIO_BASE 0x48000000u

#endif
