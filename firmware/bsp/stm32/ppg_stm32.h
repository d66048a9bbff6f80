/* What every STM32 family shares. A family folder adds ppg_stm32_family.h (addresses, UART generation) and one
   function, ppg_stm32_run_from_pll. */
#ifndef PPG_STM32_H
#define PPG_STM32_H

#include <stdbool.h>
#include <stdint.h>

/* Values of PPG_UART_KERNEL_CLOCK. */
#define PPG_KERNEL_CLOCK_PCLK1 1
#define PPG_KERNEL_CLOCK_PCLK2 2

/* Runs the core from the PLL at PPG_CLOCK_HZ with the bus dividers of ppg_hardware.h. False when a wait gave up: then
   the reset clock runs and every bus divider is 1. */
bool ppg_stm32_run_from_pll(void);

/* Clock that feeds the console UART now. */
uint32_t ppg_stm32_uart_clock_hz(void);

/* Hands a pin to a peripheral: alternate function, fast edges, pull-up. Port 0 is A. */
void ppg_stm32_pin_to_function(uint32_t port, uint32_t pin, uint32_t function);

/* Only where the family has pins on a supply of their own (PPG_GPIO_INDEPENDENT_PORT): ends their isolation. */
void ppg_stm32_connect_independent_port(void);

/* Prescaler field of APB buses, the same code in every family: 1 -> 0, 2 -> 4, 4 -> 5, 8 -> 6, 16 -> 7. */
static inline uint32_t ppg_stm32_apb_code(uint32_t divider) {
  uint32_t code = 3u;
  while (divider > 1u) {
    divider /= 2u;
    code++;
  }
  return code == 3u ? 0u : code;
}

#endif
