/* Access to 32-bit hardware registers, and the bounded wait that every ready flag goes through: a flag that never
   comes (a missing crystal, an emulator without that peripheral) must end in a report, never in a hang. */
#ifndef PPG_REGISTERS_H
#define PPG_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

/* Polls of one ready flag. The slowest flag here, PLL lock, takes at most 300 us, and is waited for at the reset clock:
   100000 polls, of ten cycles or more, last 15 ms at 64 MHz. At 400 MHz they still last 2.5 ms, 28 bytes of UART. */
#define PPG_WAIT_POLLS 100000u

static inline uint32_t ppg_read32(uint32_t address) {
  return *(volatile uint32_t *)(uintptr_t)address;
}

static inline void ppg_write32(uint32_t address, uint32_t value) {
  *(volatile uint32_t *)(uintptr_t)address = value;
}

static inline void ppg_modify32(uint32_t address, uint32_t clear, uint32_t set) {
  ppg_write32(address, (ppg_read32(address) & ~clear) | set);
}

/* Sets bits, then reads the register back so that the write has arrived before the next access (clock enables). */
static inline void ppg_set_and_confirm32(uint32_t address, uint32_t set) {
  ppg_modify32(address, 0u, set);
  (void)ppg_read32(address);
}

/* True when the masked register reached `wanted` within PPG_WAIT_POLLS polls. */
static inline bool ppg_wait32(uint32_t address, uint32_t mask, uint32_t wanted) {
  for (uint32_t poll = 0u; poll < PPG_WAIT_POLLS; poll++) {
    if ((ppg_read32(address) & mask) == wanted) {
      return true;
    }
  }
  return false;
}

#endif
