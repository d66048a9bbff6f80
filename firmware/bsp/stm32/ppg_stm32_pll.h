/* Starting the main PLL from HSI: the same steps and PLL bits in RCC_CR of every family; the bits of HSI and the
   PLL's dividers are the family's. Included by a family's clock.c. */
#ifndef PPG_STM32_PLL_H
#define PPG_STM32_PLL_H

#include <stdbool.h>
#include <stdint.h>

#include "ppg_registers.h"
#include "ppg_stm32_family.h"

#define PPG_RCC_CONTROL PPG_RCC_BASE
#define PPG_RCC_PLL_ON (1u << 24)
#define PPG_RCC_PLL_READY (1u << 25)

/* HSI runs and the PLL stands still, so that its dividers may be written. False when a wait gave up. */
static inline bool ppg_stm32_prepare_pll(uint32_t hsi_on, uint32_t hsi_ready) {
  ppg_modify32(PPG_RCC_CONTROL, 0u, hsi_on);
  if (!ppg_wait32(PPG_RCC_CONTROL, hsi_ready, hsi_ready)) {
    return false;
  }
  ppg_modify32(PPG_RCC_CONTROL, PPG_RCC_PLL_ON, 0u);
  return ppg_wait32(PPG_RCC_CONTROL, PPG_RCC_PLL_READY, 0u);
}

/* False when the PLL does not lock in time. */
static inline bool ppg_stm32_start_prepared_pll(void) {
  ppg_modify32(PPG_RCC_CONTROL, 0u, PPG_RCC_PLL_ON);
  return ppg_wait32(PPG_RCC_CONTROL, PPG_RCC_PLL_READY, PPG_RCC_PLL_READY);
}

#endif
