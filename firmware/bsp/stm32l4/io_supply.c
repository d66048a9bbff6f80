/* Pins of port G have a supply of their own, VDDIO2, and stay isolated from it after reset (RM0351 and RM0432,
   independent I/O supply rail): without this bit, a UART on them is silent. */
#include "ppg_registers.h"
#include "ppg_stm32.h"
#include "ppg_stm32_family.h"

#define RCC_APB1_ENABLE (PPG_RCC_BASE + 0x58u)
#define RCC_POWER_ENABLE (1u << 28)

#define PWR_CONTROL_2 0x40007004u
#define PWR_IO_SUPPLY_VALID (1u << 9) /* IOSV */

void ppg_stm32_connect_independent_port(void) {
  ppg_set_and_confirm32(RCC_APB1_ENABLE, RCC_POWER_ENABLE);
  ppg_set_and_confirm32(PWR_CONTROL_2, PWR_IO_SUPPLY_VALID);
}
