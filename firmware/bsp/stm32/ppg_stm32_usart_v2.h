/* Second generation of the STM32 USART and LPUART (L4, H7, WB): separate data registers, flags cleared by writing. */
#ifndef PPG_STM32_USART_H
#define PPG_STM32_USART_H

#include <stdint.h>

#include "ppg_registers.h"

#define PPG_USART_CONTROL 0x00u
#define PPG_USART_BAUD 0x0Cu
#define PPG_USART_STATUS 0x1Cu
#define PPG_USART_CLEAR 0x20u
#define PPG_USART_RECEIVE 0x24u
#define PPG_USART_TRANSMIT 0x28u
#define PPG_USART_ENABLE (1u << 0)

static inline void ppg_usart_clear_overrun(uint32_t base) {
  ppg_write32(base + PPG_USART_CLEAR, 1u << 3);
}

#endif
