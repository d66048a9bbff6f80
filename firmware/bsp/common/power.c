/* What measuring power needs: silence on the line, the gate pin, and pauses that the system timer counts.

   A pause takes the timer over and gives it back as it was, started anew. The timer's own interrupt wakes the core, but
   is not served: interrupts stay masked, and a pending one ends WFI all the same (Armv7-M Architecture Reference
   Manual, B1.5.19). Nothing else wakes it, because the UART is off. The watchdog is fed at the start of every burst, by
   ppg_bsp_run_begin, and has 20 s at least; a pause has PPG_MAX_POWER_PAUSE_MS at most. */
#include <stdbool.h>
#include <stdint.h>

#include "ppg_bsp.h"
#include "ppg_chip.h"
#include "ppg_common.h"
#include "ppg_cortexm.h"
#include "ppg_hardware.h"
#include "ppg_registers.h"

#define LONGEST_TURN 0xFFFFFFu /* of 24 bits */
#define MILLISECONDS_PER_SECOND 1000u
#define TEST_POLLS 1000u

static bool gate_is_output;

static void uart_interrupt(uint32_t set_or_clear) {
  ppg_write32(set_or_clear + 4u * (PPG_UART_INTERRUPT / 32u), 1u << (PPG_UART_INTERRUPT % 32u));
}

void ppg_bsp_silence(void) {
  ppg_chip_uart_drain();
  uart_interrupt(PPG_NVIC_CLEAR_ENABLE);
  ppg_chip_uart_off();
}

void ppg_bsp_speak(void) {
  ppg_chip_uart_init();
  uart_interrupt(PPG_NVIC_CLEAR_PENDING);
  ppg_receive_start();
}

void ppg_bsp_gate(bool high) {
  if (!gate_is_output) {
    ppg_chip_gate_init();
    gate_is_output = true;
  }
  ppg_chip_gate(high);
}

static bool timer_moves(void) {
  const uint32_t first = ppg_read32(PPG_SYSTICK_VALUE);
  for (uint32_t poll = 0u; poll < TEST_POLLS; poll++) {
    if (ppg_read32(PPG_SYSTICK_VALUE) != first) {
      return true;
    }
  }
  return false;
}

/* One turn of the timer. A poll takes several ticks, so that `ticks` polls are more than enough. */
static void wait_turn(uint32_t ticks, bool asleep) {
  ppg_write32(PPG_SYSTICK_CONTROL, 0u);
  ppg_write32(PPG_SYSTICK_RELOAD, ticks - 1u);
  ppg_write32(PPG_SYSTICK_VALUE, 0u);
  (void)ppg_read32(PPG_SYSTICK_CONTROL);
  ppg_write32(PPG_SCB_INTERRUPT_STATE, PPG_SCB_SYSTICK_CLEAR);
  ppg_write32(PPG_SYSTICK_CONTROL, PPG_SYSTICK_CORE_CLOCK | PPG_SYSTICK_ENABLE | (asleep ? PPG_SYSTICK_INTERRUPT : 0u));
  if (!timer_moves()) {
    return;
  }
  for (uint32_t poll = 0u; poll < ticks; poll++) {
    if (asleep) {
      __asm volatile("dsb\n\twfi" ::: "memory");
    }
    if ((ppg_read32(PPG_SYSTICK_CONTROL) & PPG_SYSTICK_REACHED_ZERO) != 0u) {
      return;
    }
  }
}

void ppg_timer_pause(uint32_t milliseconds, bool asleep) {
  const uint32_t control = ppg_read32(PPG_SYSTICK_CONTROL);
  const uint32_t reload = ppg_read32(PPG_SYSTICK_RELOAD);
  uint64_t left = (uint64_t)milliseconds * (ppg_chip_clock_hz() / MILLISECONDS_PER_SECOND);
  while (left > 1u) {
    const uint32_t turn = left < LONGEST_TURN ? (uint32_t)left : LONGEST_TURN;
    wait_turn(turn, asleep);
    left -= turn;
  }
  ppg_write32(PPG_SYSTICK_CONTROL, 0u);
  ppg_write32(PPG_SYSTICK_RELOAD, reload);
  ppg_write32(PPG_SYSTICK_VALUE, 0u);
  ppg_write32(PPG_SCB_INTERRUPT_STATE, PPG_SCB_SYSTICK_CLEAR);
  ppg_write32(PPG_SYSTICK_CONTROL, control & ~PPG_SYSTICK_REACHED_ZERO);
}

void ppg_bsp_pause(uint32_t milliseconds, bool asleep) {
  uint32_t interrupts_were_masked;
  __asm volatile("mrs %0, primask\n\tcpsid i" : "=r"(interrupts_were_masked)::"memory");
  if (asleep && ppg_chip_may_sleep()) {
    ppg_chip_sleep(milliseconds);
  } else {
    ppg_timer_pause(milliseconds, false);
  }
  __asm volatile("msr primask, %0" ::"r"(interrupts_were_masked) : "memory");
}
