/* Registers of the nRF52832 and nRF52840 that the board support uses: the same addresses on both, except port 1.

   Sources: nRF52840 product specification, chapters CLOCK, POWER, NVMC, GPIO, FICR, UICR, and AP-Protect; names as
   there. Checked against Nordic's MDK headers, where they can be read in public. */
#ifndef PPG_NRF52_H
#define PPG_NRF52_H

#include <stdint.h>

/* Tasks are started by writing 1; events read as 1 once they have happened, until 0 is written. */
#define PPG_NRF_TRIGGER 1u
#define PPG_NRF_HAPPENED 1u

#define PPG_NRF_CLOCK_TASKS_HFCLKSTART 0x40000000u
#define PPG_NRF_CLOCK_EVENTS_HFCLKSTARTED 0x40000100u

#define PPG_NRF_APPROTECT_DISABLE 0x40000558u /* from silicon revision 3 on */

#define PPG_NRF_POWER_DCDCEN 0x40000578u

#define PPG_NRF_NVMC_ICACHECNF 0x4001E540u
#define PPG_NRF_NVMC_CACHE_ENABLE (1u << 0)

/* Pins of port 1 exist on the nRF52840 only. */
#define PPG_NRF_GPIO_PORT0 0x50000000u
#define PPG_NRF_GPIO_PORT1 0x50000300u
#define PPG_NRF_GPIO_OUTSET 0x508u
#define PPG_NRF_GPIO_PIN_CNF 0x700u
#define PPG_NRF_GPIO_OUTPUT 0x3u         /* DIR output, input buffer disconnected */
#define PPG_NRF_GPIO_INPUT_PULL_UP 0xCu  /* DIR input, input buffer connected, pull-up */

/* Where MDK's nrf52_erratas.h reads the chip and its revision. */
#define PPG_NRF_FICR_PART 0x10000130u
#define PPG_NRF_FICR_REVISION 0x10000134u
#define PPG_PART_NRF52832 0x06u
#define PPG_PART_NRF52840 0x08u
#define PPG_NRF_UICR_APPROTECT 0x10001208u

/* PSEL registers: pin in bits 4:0, port in bit 5, bit 31 clear = connected. */
static inline uint32_t ppg_nrf52_psel(uint32_t port, uint32_t pin) {
  return (port << 5) | pin;
}

#endif
