/* Independent watchdog (RM0351, RM0432, RM0090, RM0433, RM0434, chapter IWDG: the same registers everywhere), clocked by
   the 32 kHz oscillator LSI, which it switches on itself. Once started it runs until the next reset, also when a
   bootloader or an option byte has started it: then only its period changes here. */
#include <stdbool.h>
#include <stdint.h>

#include "ppg_chip.h"
#include "ppg_registers.h"
#include "ppg_stm32_family.h"

#define IWDG_KEY (PPG_IWDG_BASE + 0x00u)
#define IWDG_PRESCALER (PPG_IWDG_BASE + 0x04u)
#define IWDG_RELOAD (PPG_IWDG_BASE + 0x08u)
#define IWDG_STATUS (PPG_IWDG_BASE + 0x0Cu)

#define KEY_START 0xCCCCu
#define KEY_UNLOCK 0x5555u
#define KEY_FEED 0xAAAAu
#define PRESCALER_256 6u
#define STATUS_UPDATING 0x3u

/* 30 s at 32 kHz / 256. LSI is 17 to 47 kHz on an F4 (DS8626, table of LSI): 20 to 57 s. */
#define RELOAD_30_S (30u * 32000u / 256u - 1u)

void ppg_chip_watchdog_start(void) {
  ppg_modify32(PPG_DBGMCU_FREEZE, 0u, PPG_DBGMCU_FREEZE_IWDG); /* stands still while a probe halts the core */
  ppg_write32(IWDG_KEY, KEY_START);
  ppg_write32(IWDG_KEY, KEY_UNLOCK);
  ppg_write32(IWDG_PRESCALER, PRESCALER_256);
  ppg_write32(IWDG_RELOAD, RELOAD_30_S);
  (void)ppg_wait32(IWDG_STATUS, STATUS_UPDATING, 0u); /* a few periods of LSI */
  ppg_chip_watchdog_feed();
}

void ppg_chip_watchdog_feed(void) {
  ppg_write32(IWDG_KEY, KEY_FEED);
}

bool ppg_chip_may_sleep(void) {
  return true; /* SysTick counts on in Sleep mode, and its interrupt ends it */
}
