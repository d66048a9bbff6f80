/* The system timer, SysTick: it always runs, as a second counter, as the clock of the run limit, and as the hand that
   feeds the watchdog.

   It counts 24 bits down; its interrupt, one every 2^24 ticks, extends it. The watchdog is fed in that interrupt and
   nowhere else: masked interrupts, a core that is locked up, and a run beyond its limit whose report does not come
   through all end in a restart. */
#include <stdbool.h>
#include <stdint.h>

#include "ppg_bsp.h"
#include "ppg_chip.h"
#include "ppg_common.h"
#include "ppg_cortexm.h"
#include "ppg_hardware.h"
#include "ppg_registers.h"

#define TURN_BITS 24u
#define VALUE_MASK 0xFFFFFFu
#define ZERO_POLLS 100u

static bool counts;
static volatile uint32_t turns;       /* since the timer was last restarted */
static volatile uint32_t limit_turns; /* 0 outside of a run */
static uint32_t runs;

void ppg_systick_turn(const uint32_t *frame, uint32_t exception_return);

void ppg_systick_turn(const uint32_t *frame, uint32_t exception_return) {
  turns++;
  if (limit_turns != 0u && turns >= limit_turns) {
    ppg_fault_report(PPG_FAULT_HANG, frame, exception_return);
  }
  ppg_chip_watchdog_feed();
}

/* Passes the frame of the interrupted code: what a hang is reported with. */
__attribute__((naked)) void ppg_systick_handler(void) {
  __asm volatile(
      "mov r0, sp\n\t"
      "mov r1, lr\n\t"
      "b ppg_systick_turn");
}

static void start(uint32_t options) {
  ppg_write32(PPG_SYSTICK_CONTROL, 0u);
  ppg_write32(PPG_SYSTICK_RELOAD, VALUE_MASK);
  ppg_write32(PPG_SYSTICK_VALUE, 0u);
  ppg_write32(PPG_SYSTICK_CONTROL, PPG_SYSTICK_CORE_CLOCK | PPG_SYSTICK_ENABLE | options);
}

static bool moves(void) {
  const uint32_t first = ppg_read32(PPG_SYSTICK_VALUE);
  for (uint32_t poll = 0u; poll < PPG_WAIT_POLLS; poll++) {
    if (ppg_read32(PPG_SYSTICK_VALUE) != first) {
      return true;
    }
  }
  return false;
}

bool ppg_timer_init(void) {
  start(0u);
  counts = moves();
  if (counts) {
    start(PPG_SYSTICK_INTERRUPT);
  } else {
    ppg_write32(PPG_SYSTICK_CONTROL, 0u);
  }
  return counts;
}

uint32_t ppg_timer_elapsed(uint32_t before, uint32_t after) {
  return (before - after) & VALUE_MASK;
}

/* Counts up. The timer counts down and reads 0 for one step at the end of a turn; QEMU lets it read 0 for longer,
   until it has told its interrupt controller. So 0 is waited out: after it, value and pending bit belong together. Not for
   long: an emulator whose timer moves only while it counts instructions may show 0 during a whole run. */
static uint32_t elapsed_of_turn(void) {
  uint32_t value = ppg_read32(PPG_SYSTICK_VALUE);
  for (uint32_t poll = 0u; value == 0u && poll < ZERO_POLLS; poll++) {
    value = ppg_read32(PPG_SYSTICK_VALUE);
  }
  return ppg_timer_elapsed(0u, value);
}

uint32_t ppg_bsp_timer(void) {
  if (!counts) {
    return 0u;
  }
  uint32_t interrupts_were_masked;
  __asm volatile("mrs %0, primask\n\tcpsid i" : "=r"(interrupts_were_masked)::"memory");
  uint32_t elapsed = elapsed_of_turn();
  uint32_t past = turns;
  if ((ppg_read32(PPG_SCB_INTERRUPT_STATE) & PPG_SCB_SYSTICK_PENDING) != 0u) {
    elapsed = elapsed_of_turn(); /* the first reading may be from before the wrap */
    past++;
  }
  __asm volatile("msr primask, %0" ::"r"(interrupts_were_masked) : "memory");
  return (past << TURN_BITS) + elapsed;
}

uint32_t ppg_bsp_run_limit_ms(void) {
  return counts ? PPG_RUN_LIMIT_MS : 0u;
}

/* Rounded up to whole turns, the finest that the interrupt can tell. */
static uint32_t run_limit_turns(void) {
  const uint64_t ticks = (uint64_t)PPG_RUN_LIMIT_MS * (ppg_bsp_clock_hz() / 1000u);
  return (uint32_t)((ticks + VALUE_MASK) >> TURN_BITS);
}

/* The interrupt is asked for once, here: short runs in quick succession restart the timer before its turn ends, and the
   watchdog would starve. It counts a turn, hence the start at one less than 0, and it is over before the run begins. */
void ppg_bsp_run_begin(void) {
  runs++;
  if (!counts) {
    return;
  }
  __asm volatile("cpsid i" ::: "memory");
  start(PPG_SYSTICK_INTERRUPT);
  turns = 0xFFFFFFFFu;
  limit_turns = run_limit_turns();
  ppg_write32(PPG_SCB_INTERRUPT_STATE, PPG_SCB_SYSTICK_PENDING);
  __asm volatile("dsb\n\tcpsie i\n\tisb" ::: "memory");
}

void ppg_bsp_run_end(void) {
  limit_turns = 0u;
}

uint32_t ppg_timer_runs(void) {
  return runs;
}
