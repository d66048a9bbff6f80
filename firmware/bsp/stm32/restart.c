/* Why the chip restarted: flags of RCC_CSR (H7: RCC_RSR). Every reset also pulls NRST low, so the pin's flag counts only
   when no other is set; power-on sets further ones, so it comes first. */
#include <stdint.h>

#include "ppg_bsp.h"
#include "ppg_chip.h"
#include "ppg_registers.h"
#include "ppg_stm32_family.h"

ppg_restart_cause_t ppg_chip_restart_cause(void) {
  const uint32_t flags = ppg_read32(PPG_RCC_RESET_FLAGS);
  ppg_modify32(PPG_RCC_RESET_FLAGS, 0u, PPG_RCC_RESET_REMOVE_FLAGS);
  ppg_modify32(PPG_RCC_RESET_FLAGS, PPG_RCC_RESET_REMOVE_FLAGS, 0u);
  if ((flags & PPG_RCC_RESET_BY_POWER) != 0u) {
    return PPG_RESTART_POWER;
  }
  if ((flags & PPG_RCC_RESET_BY_WATCHDOG) != 0u) {
    return PPG_RESTART_WATCHDOG;
  }
  if ((flags & PPG_RCC_RESET_BY_SOFTWARE) != 0u) {
    return PPG_RESTART_SOFTWARE;
  }
  return (flags & PPG_RCC_RESET_BY_PIN) != 0u ? PPG_RESTART_PIN : PPG_RESTART_UNKNOWN;
}
