/* Watchdog WDT (nRF52840 product specification, chapter WDT), clocked by 32.768 kHz.

   It pauses while the core sleeps, because SysTick, which feeds it, stands still then, too; and while a probe halts the
   core. A soft reset does not stop it, and nothing changes it once it runs: one that a bootloader has started is fed
   as it is. If that one does not pause in sleep, the core must not sleep. */
#include <stdbool.h>
#include <stdint.h>

#include "ppg_chip.h"
#include "ppg_nrf52.h"
#include "ppg_registers.h"

#define WDT_BASE 0x40010000u
#define WDT_TASKS_START (WDT_BASE + 0x000u)
#define WDT_RUNSTATUS (WDT_BASE + 0x400u)
#define WDT_CRV (WDT_BASE + 0x504u)
#define WDT_RREN (WDT_BASE + 0x508u)
#define WDT_CONFIG (WDT_BASE + 0x50Cu)
#define WDT_RR (WDT_BASE + 0x600u) /* eight of them */

#define RUNS 1u
#define RELOAD_30_S (30u * 32768u - 1u)
#define ENABLE_RR0 1u
#define REQUESTS 8u
#define REQUEST_KEY 0x6E524635u
#define CONFIG_PAUSE_IN_SLEEP_AND_HALT 0u
#define CONFIG_RUN_IN_SLEEP (1u << 0)

void ppg_chip_watchdog_start(void) {
  if ((ppg_read32(WDT_RUNSTATUS) & RUNS) == 0u) {
    ppg_write32(WDT_CONFIG, CONFIG_PAUSE_IN_SLEEP_AND_HALT);
    ppg_write32(WDT_CRV, RELOAD_30_S);
    ppg_write32(WDT_RREN, ENABLE_RR0);
    ppg_write32(WDT_TASKS_START, PPG_NRF_TRIGGER);
  }
  ppg_chip_watchdog_feed();
}

void ppg_chip_watchdog_feed(void) {
  const uint32_t enabled = ppg_read32(WDT_RREN);
  for (uint32_t request = 0u; request < REQUESTS; request++) {
    if ((enabled & (1u << request)) != 0u) {
      ppg_write32(WDT_RR + 4u * request, REQUEST_KEY);
    }
  }
}

bool ppg_chip_may_sleep(void) {
  return (ppg_read32(WDT_RUNSTATUS) & RUNS) == 0u || (ppg_read32(WDT_CONFIG) & CONFIG_RUN_IN_SLEEP) == 0u;
}
