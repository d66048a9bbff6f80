/* Baud rate registers of STM32 UARTs, rounded to nearest. No register access, so that a host test can check them. */
#ifndef PPG_STM32_BAUD_H
#define PPG_STM32_BAUD_H

#include <stdint.h>

/* USART with 16-fold oversampling, both generations: mantissa and fraction together are clock / baud. */
static inline uint32_t ppg_stm32_usart_divider(uint32_t clock_hz, uint32_t baud) {
  return (clock_hz + baud / 2u) / baud;
}

/* LPUART: 256 * clock / baud. */
static inline uint32_t ppg_stm32_lpuart_divider(uint32_t clock_hz, uint32_t baud) {
  return (uint32_t)((256u * (uint64_t)clock_hz + baud / 2u) / baud);
}

#endif
