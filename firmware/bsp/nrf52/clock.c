/* nRF52 clock and power: the core runs at 64 MHz from reset, from an internal oscillator of a few percent. The crystal
   makes the baud rate and every latency exact; without it the firmware goes on and says so. */
#include <stdbool.h>
#include <stdint.h>

#include "ppg_chip.h"
#include "ppg_hardware.h"
#include "ppg_nrf52.h"
#include "ppg_registers.h"

/* First revisions that close the debug port at every reset until the firmware opens it: configuration 249 in MDK's
   nrf52_erratas.h. */
#define NRF52832_WITH_SOFT_PROTECTION 0x07u
#define NRF52840_WITH_SOFT_PROTECTION 0x05u

/* Without this, the next flashing by a probe would have to erase the whole chip first, a bootloader included. What is
   copied is the owner's choice: a chip that was protected on purpose stays protected. */
static void keep_debug_port_as_configured(void) {
  const uint32_t part = ppg_read32(PPG_NRF_FICR_PART);
  const uint32_t revision = ppg_read32(PPG_NRF_FICR_REVISION);
  if ((part == PPG_PART_NRF52832 && revision >= NRF52832_WITH_SOFT_PROTECTION) ||
      (part == PPG_PART_NRF52840 && revision >= NRF52840_WITH_SOFT_PROTECTION)) {
    ppg_write32(PPG_NRF_APPROTECT_DISABLE, ppg_read32(PPG_NRF_UICR_APPROTECT));
  }
}

bool ppg_chip_clock_init(void) {
  keep_debug_port_as_configured();
  ppg_write32(PPG_NRF_NVMC_ICACHECNF, PPG_CLOCK_INSTRUCTION_CACHE != 0u ? PPG_NRF_NVMC_CACHE_ENABLE : 0u);
  ppg_write32(PPG_NRF_POWER_DCDCEN, PPG_CLOCK_DCDC != 0u ? 1u : 0u);
  ppg_write32(PPG_NRF_CLOCK_EVENTS_HFCLKSTARTED, 0u);
  ppg_write32(PPG_NRF_CLOCK_TASKS_HFCLKSTART, PPG_NRF_TRIGGER);
  return ppg_wait32(PPG_NRF_CLOCK_EVENTS_HFCLKSTARTED, PPG_NRF_HAPPENED, PPG_NRF_HAPPENED);
}

uint32_t ppg_chip_clock_hz(void) {
  return PPG_CLOCK_HZ; /* crystal or not */
}
