/* Why the chip restarted: POWER.RESETREAS, which gathers reasons until ones are written to it. Power-on and brown-out
   leave it at 0 (nRF52840 product specification, chapter POWER). */
#include <stdint.h>

#include "ppg_bsp.h"
#include "ppg_chip.h"
#include "ppg_nrf52.h"
#include "ppg_registers.h"

#define RESETREAS 0x40000400u
#define BY_PIN (1u << 0)
#define BY_WATCHDOG (1u << 1)
#define BY_SOFTWARE (1u << 2)
#define BY_LOCK_UP (1u << 3)

ppg_restart_cause_t ppg_chip_restart_cause(void) {
  const uint32_t reasons = ppg_read32(RESETREAS);
  ppg_write32(RESETREAS, reasons);
  if (reasons == 0u) {
    return PPG_RESTART_POWER;
  }
  if ((reasons & (BY_WATCHDOG | BY_LOCK_UP)) != 0u) {
    return PPG_RESTART_WATCHDOG;
  }
  if ((reasons & BY_SOFTWARE) != 0u) {
    return PPG_RESTART_SOFTWARE;
  }
  return (reasons & BY_PIN) != 0u ? PPG_RESTART_PIN : PPG_RESTART_UNKNOWN;
}
