/* STM32L4 and L4+ addresses (RM0351 and RM0432, memory map). */
#ifndef PPG_STM32_FAMILY_H
#define PPG_STM32_FAMILY_H

#include "ppg_stm32_usart_v2.h"

#define PPG_RCC_BASE 0x40021000u
#define PPG_RCC_GPIO_ENABLE (PPG_RCC_BASE + 0x4Cu) /* AHB2ENR */
#define PPG_GPIO_BASE 0x48000000u

/* Port G is fed from VDDIO2 and isolated until software says that this supply is there. */
#define PPG_GPIO_INDEPENDENT_PORT 6u

#endif
