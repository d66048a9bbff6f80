/* Which clocks run on an STM32, after the family has tried to reach the wished ones. */
#include <stdbool.h>
#include <stdint.h>

#include "ppg_chip.h"
#include "ppg_hardware.h"
#include "ppg_stm32.h"

/* Only on the H7 do the buses run slower than the core before the APB dividers. */
#ifndef PPG_CLOCK_AHB_DIVIDER
#define PPG_CLOCK_AHB_DIVIDER 1u
#endif

static bool runs_from_pll;

bool ppg_chip_clock_init(void) {
  runs_from_pll = ppg_stm32_run_from_pll();
  return runs_from_pll;
}

uint32_t ppg_chip_clock_hz(void) {
  return runs_from_pll ? PPG_CLOCK_HZ : PPG_RESET_CLOCK_HZ;
}

uint32_t ppg_stm32_uart_clock_hz(void) {
  const uint32_t divider = PPG_UART_KERNEL_CLOCK == PPG_KERNEL_CLOCK_PCLK1 ? PPG_CLOCK_APB1_DIVIDER
                                                                           : PPG_CLOCK_APB2_DIVIDER;
  return runs_from_pll ? PPG_CLOCK_HZ / PPG_CLOCK_AHB_DIVIDER / divider : PPG_RESET_CLOCK_HZ;
}
