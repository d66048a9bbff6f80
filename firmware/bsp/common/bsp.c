/* Start of the board in the right order, its status, and restart. */
#include <stdbool.h>
#include <stdint.h>

#include "ppg_bsp.h"
#include "ppg_chip.h"
#include "ppg_common.h"
#include "ppg_cortexm.h"
#include "ppg_registers.h"

#define RESET_GRACE_POLLS 1000u

static uint32_t bsp_status;
static ppg_restart_cause_t restart_cause;

void ppg_bsp_init(void) {
  ppg_stack_paint();
  bsp_status = 0u;
  if (!ppg_chip_clock_init()) {
    bsp_status |= PPG_BSP_CLOCK_FALLBACK;
  }
  ppg_chip_uart_init();
  ppg_receive_start();
  const bool timer_counts = ppg_timer_init();
  ppg_counter_init(timer_counts);
  if (timer_counts) {
    ppg_chip_watchdog_start();
  }
  if (ppg_bsp_counter_source() == PPG_COUNTER_NONE) {
    bsp_status |= PPG_BSP_NO_COUNTER;
  }
  restart_cause = ppg_chip_restart_cause();
  if (ppg_fault_caused_restart()) {
    restart_cause = PPG_RESTART_FAULT;
  }
}

uint32_t ppg_bsp_status(void) {
  return bsp_status;
}

uint32_t ppg_bsp_clock_hz(void) {
  return ppg_chip_clock_hz();
}

ppg_restart_cause_t ppg_bsp_restart_cause(void) {
  return restart_cause;
}

void ppg_bsp_reset(void) {
  ppg_chip_uart_drain();
  __asm volatile("dsb" ::: "memory");
  ppg_write32(PPG_SCB_RESET_CONTROL, PPG_SCB_RESET_REQUEST);
  __asm volatile("dsb" ::: "memory");
  /* hardware restarts within a few cycles; an emulator without this register must get its caller back */
  for (uint32_t poll = 0u; poll < RESET_GRACE_POLLS; poll++) {
    __asm volatile("nop");
  }
}
