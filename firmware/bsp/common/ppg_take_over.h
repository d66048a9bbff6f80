/* What a bootloader may have left behind, put back to the state after reset. */
#ifndef PPG_TAKE_OVER_H
#define PPG_TAKE_OVER_H

#include "ppg_common.h"
#include "ppg_cortexm.h"
#include "ppg_hardware.h"
#include "ppg_registers.h"

/* Interrupts of the bootloader must not run on our vectors, and its stack may lie where our data will. First of all in
   the reset handler, before the vector table is switched. */
__attribute__((always_inline)) static inline void ppg_take_over_core(void) {
  __asm volatile(
      "cpsid i\n\t"
      "msr msp, %0\n\t"
      "msr control, %1\n\t" /* privileged, main stack, no floating-point context */
      "isb" ::"r"(_estack),
      "r"(0)
      : "memory");
  ppg_write32(PPG_SYSTICK_CONTROL, 0u);
  ppg_write32(PPG_SCB_INTERRUPT_STATE, PPG_SCB_CLEAR_PENDING);
  for (uint32_t word = 0u; word < (PPG_INTERRUPTS + 31u) / 32u; word++) {
    ppg_write32(PPG_NVIC_CLEAR_ENABLE + 4u * word, 0xFFFFFFFFu);
    ppg_write32(PPG_NVIC_CLEAR_PENDING + 4u * word, 0xFFFFFFFFu);
  }
}

/* When the vector table is ours. */
__attribute__((always_inline)) static inline void ppg_take_over_done(void) {
  __asm volatile("cpsie i" ::: "memory");
}

#endif
