/* The counter behind every latency: the debug unit's cycle counter where it really counts, else the system timer.

   Neither is believed without a test. QEMU reads the cycle counter as 0; some chips stop it when no debugger powers
   the debug domain; a chip may lack it. Two stretches of work of different length must both move it, the longer one
   further, and the system timer, where it runs, must agree within a factor of two. The system timer itself has only
   to move: in an emulator that drives it by wall-clock time, the length of a stretch says nothing. */
#include <stdbool.h>
#include <stdint.h>

#include "ppg_bsp.h"
#include "ppg_common.h"
#include "ppg_cortexm.h"
#include "ppg_registers.h"

#define SHORT_STRETCH 64u
#define LONG_STRETCH 1024u

typedef struct {
  uint32_t cycles; /* by the debug unit */
  uint32_t ticks;  /* by the system timer */
} elapsed_t;

static ppg_counter_source_t counter_source = PPG_COUNTER_NONE;

static void dwt_start(void) {
  ppg_modify32(PPG_DEBUG_CONTROL, 0u, PPG_DEBUG_TRACE_ENABLE);
  ppg_write32(PPG_DWT_LOCK, PPG_DWT_LOCK_KEY); /* the M7 ignores other writes until it is unlocked */
  ppg_write32(PPG_DWT_CYCLES, 0u);
  ppg_modify32(PPG_DWT_CONTROL, 0u, PPG_DWT_CYCLES_ENABLE);
}

static elapsed_t measure(uint32_t loops) {
  const uint32_t first_cycles = ppg_read32(PPG_DWT_CYCLES);
  const uint32_t first_value = ppg_read32(PPG_SYSTICK_VALUE);
  for (uint32_t loop = 0u; loop < loops; loop++) {
    __asm volatile("nop");
  }
  const elapsed_t elapsed = {
      .cycles = ppg_read32(PPG_DWT_CYCLES) - first_cycles,
      .ticks = ppg_timer_elapsed(first_value, ppg_read32(PPG_SYSTICK_VALUE)),
  };
  return elapsed;
}

static bool within_factor_two(uint32_t a, uint32_t b) {
  return a / 2u <= b && b / 2u <= a;
}

static bool dwt_counts(void) {
  (void)measure(SHORT_STRETCH); /* fills the flash cache, so that the two stretches below compare */
  const elapsed_t after_short = measure(SHORT_STRETCH);
  const elapsed_t after_long = measure(LONG_STRETCH);
  const bool absent = (ppg_read32(PPG_DWT_CONTROL) & PPG_DWT_CYCLES_ABSENT) != 0u;
  const bool grows_with_work = after_short.cycles != 0u && after_long.cycles / 2u > after_short.cycles;
  const bool contradicted = after_long.ticks != 0u && !within_factor_two(after_long.cycles, after_long.ticks);
  return !absent && grows_with_work && !contradicted;
}

void ppg_counter_init(bool timer_counts) {
  dwt_start();
  if (dwt_counts()) {
    counter_source = PPG_COUNTER_DWT;
  } else {
    counter_source = timer_counts ? PPG_COUNTER_SYSTICK : PPG_COUNTER_NONE;
  }
}

ppg_counter_source_t ppg_bsp_counter_source(void) {
  return counter_source;
}

uint32_t ppg_bsp_counter(void) {
  return counter_source == PPG_COUNTER_DWT ? ppg_read32(PPG_DWT_CYCLES) : ppg_bsp_timer();
}
