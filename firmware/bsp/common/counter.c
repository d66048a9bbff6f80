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

#define SYSTICK_BITS 24u
#define SYSTICK_MASK 0xFFFFFFu
#define SHORT_STRETCH 64u
#define LONG_STRETCH 1024u

typedef struct {
  uint32_t cycles; /* by the debug unit */
  uint32_t ticks;  /* by the system timer */
} elapsed_t;

static ppg_counter_source_t counter_source = PPG_COUNTER_NONE;
static volatile uint32_t systick_wraps;

void ppg_systick_handler(void) {
  systick_wraps++;
}

/* Counts up. The timer counts down and reads 0 for one step at the end of a turn; QEMU lets it read 0 for longer,
   until it has told its interrupt controller. So 0 is waited out: after it, value and pending bit belong together. */
static uint32_t systick_elapsed(void) {
  uint32_t value = ppg_read32(PPG_SYSTICK_VALUE);
  for (uint32_t poll = 0u; value == 0u && poll < PPG_WAIT_POLLS; poll++) {
    value = ppg_read32(PPG_SYSTICK_VALUE);
  }
  return (0u - value) & SYSTICK_MASK;
}

static void systick_start(uint32_t options) {
  ppg_write32(PPG_SYSTICK_CONTROL, 0u);
  ppg_write32(PPG_SYSTICK_RELOAD, SYSTICK_MASK);
  ppg_write32(PPG_SYSTICK_VALUE, 0u);
  ppg_write32(PPG_SYSTICK_CONTROL, PPG_SYSTICK_CORE_CLOCK | PPG_SYSTICK_ENABLE | options);
}

static bool systick_moves(void) {
  const uint32_t first = ppg_read32(PPG_SYSTICK_VALUE);
  for (uint32_t poll = 0u; poll < PPG_WAIT_POLLS; poll++) {
    if (ppg_read32(PPG_SYSTICK_VALUE) != first) {
      return true;
    }
  }
  return false;
}

static void dwt_start(void) {
  ppg_modify32(PPG_DEBUG_CONTROL, 0u, PPG_DEBUG_TRACE_ENABLE);
  ppg_write32(PPG_DWT_LOCK, PPG_DWT_LOCK_KEY); /* the M7 ignores other writes until it is unlocked */
  ppg_write32(PPG_DWT_CYCLES, 0u);
  ppg_modify32(PPG_DWT_CONTROL, 0u, PPG_DWT_CYCLES_ENABLE);
}

static elapsed_t measure(uint32_t loops) {
  const uint32_t first_cycles = ppg_read32(PPG_DWT_CYCLES);
  const uint32_t first_ticks = ppg_read32(PPG_SYSTICK_VALUE);
  for (uint32_t loop = 0u; loop < loops; loop++) {
    __asm volatile("nop");
  }
  const elapsed_t elapsed = {
      .cycles = ppg_read32(PPG_DWT_CYCLES) - first_cycles,
      .ticks = (first_ticks - ppg_read32(PPG_SYSTICK_VALUE)) & SYSTICK_MASK,
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

void ppg_counter_init(void) {
  dwt_start();
  systick_start(0u);
  const bool systick_counts = systick_moves();
  if (dwt_counts()) {
    ppg_write32(PPG_SYSTICK_CONTROL, 0u); /* no interrupt disturbs a measurement */
    counter_source = PPG_COUNTER_DWT;
  } else if (systick_counts) {
    systick_start(PPG_SYSTICK_INTERRUPT);
    counter_source = PPG_COUNTER_SYSTICK;
  } else {
    ppg_write32(PPG_SYSTICK_CONTROL, 0u);
    counter_source = PPG_COUNTER_NONE;
  }
}

static uint32_t systick_counter(void) {
  uint32_t interrupts_were_masked;
  __asm volatile("mrs %0, primask\n\tcpsid i" : "=r"(interrupts_were_masked)::"memory");
  uint32_t elapsed = systick_elapsed();
  uint32_t wraps = systick_wraps;
  if ((ppg_read32(PPG_SCB_INTERRUPT_STATE) & PPG_SCB_SYSTICK_PENDING) != 0u) {
    elapsed = systick_elapsed(); /* the first reading may be from before the wrap */
    wraps++;
  }
  __asm volatile("msr primask, %0" ::"r"(interrupts_were_masked) : "memory");
  return (wraps << SYSTICK_BITS) + elapsed;
}

ppg_counter_source_t ppg_bsp_counter_source(void) {
  return counter_source;
}

uint32_t ppg_bsp_counter(void) {
  switch (counter_source) {
    case PPG_COUNTER_DWT:
      return ppg_read32(PPG_DWT_CYCLES);
    case PPG_COUNTER_SYSTICK:
      return systick_counter();
    case PPG_COUNTER_NONE:
    default:
      return 0u;
  }
}
