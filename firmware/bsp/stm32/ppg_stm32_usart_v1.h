/* First generation of the STM32 USART (F1, F2, F4): one data register; reading it also clears an overrun. */
#ifndef PPG_STM32_USART_H
#define PPG_STM32_USART_H

#include <stdint.h>

#define PPG_USART_STATUS 0x00u
#define PPG_USART_RECEIVE 0x04u
#define PPG_USART_TRANSMIT 0x04u
#define PPG_USART_BAUD 0x08u
#define PPG_USART_CONTROL 0x0Cu
#define PPG_USART_ENABLE (1u << 13)

static inline void ppg_usart_clear_overrun(uint32_t base) {
  (void)base; /* cleared by the status and data reads that come before */
}

#endif
