/* A crash, a hang, or an interrupt nobody asked for is recorded, told over the UART, and ends in a restart: never in
   silence. A fault in here locks the core up; then the watchdog, which is no longer fed, restarts it. */
#include <stdbool.h>
#include <stdint.h>

#include "ppg_bsp.h"
#include "ppg_common.h"
#include "ppg_cortexm.h"
#include "ppg_registers.h"

/* What the core stacks on every exception (Armv7-M Architecture Reference Manual, B1.5.6, B1.5.7): r0-r3, r12, lr, pc,
   xpsr; with floating point 18 words more, and one for alignment when bit 9 of the stacked xpsr says so. */
#define FRAME_WORDS 8u
#define FRAME_WORDS_WITH_FPU 26u
#define FRAME_LINK_REGISTER 5u
#define FRAME_PROGRAM_COUNTER 6u
#define FRAME_STATUS 7u
#define STATUS_PADDED (1u << 9)
#define RETURN_WITHOUT_FPU (1u << 4) /* of EXC_RETURN */

/* CFSR, same manual, B3.2.15. */
#define MEMORY_STACKING_ERROR (1u << 4)
#define MEMORY_ADDRESS_VALID (1u << 7)
#define BUS_STACKING_ERROR (1u << 12)
#define BUS_ADDRESS_VALID (1u << 15)
#define STACKING_ERROR (MEMORY_STACKING_ERROR | BUS_STACKING_ERROR)

static uint32_t interrupted_stack_pointer(const uint32_t *frame, uint32_t exception_return, bool is_readable) {
  const bool has_fpu = (exception_return & RETURN_WITHOUT_FPU) == 0u;
  uint32_t words = has_fpu ? FRAME_WORDS_WITH_FPU : FRAME_WORDS;
  if (is_readable && (frame[FRAME_STATUS] & STATUS_PADDED) != 0u) {
    words++;
  }
  return (uint32_t)(uintptr_t)frame + 4u * words;
}

static uint32_t bus_address(uint32_t fault_status) {
  if ((fault_status & BUS_ADDRESS_VALID) != 0u) {
    return ppg_read32(PPG_SCB_BUS_FAULT_ADDRESS);
  }
  return (fault_status & MEMORY_ADDRESS_VALID) != 0u ? ppg_read32(PPG_SCB_MEMORY_FAULT_ADDRESS) : 0u;
}

void ppg_fault_report(ppg_fault_kind_t kind, const uint32_t *frame, uint32_t exception_return) {
  const uint32_t fault_status = ppg_read32(PPG_SCB_FAULT_STATUS);
  const bool lies_in_the_stack = frame >= _stack_limit && frame + FRAME_WORDS <= _estack;
  const bool is_readable = lies_in_the_stack && (fault_status & STACKING_ERROR) == 0u;
  ppg_fault_t fault = {
      .kind = (uint32_t)kind,
      .fault_status = fault_status,
      .hard_fault_status = ppg_read32(PPG_SCB_HARD_FAULT_STATUS),
      .bus_address = bus_address(fault_status),
      .stack_pointer = interrupted_stack_pointer(frame, exception_return, is_readable),
      .runs = ppg_timer_runs(),
  };
  __asm volatile("mrs %0, ipsr" : "=r"(fault.exception));
  if (is_readable) {
    fault.program_counter = frame[FRAME_PROGRAM_COUNTER];
    fault.link_register = frame[FRAME_LINK_REGISTER];
  } else if (kind == PPG_FAULT_EXCEPTION) {
    fault.kind = PPG_FAULT_STACK_OVERFLOW;
  }
  ppg_fault_remember(&fault);
  ppg_bsp_fault_hook(&fault);
  for (;;) {
    ppg_bsp_reset();
  }
}

/* After a stack overflow there is no room for the report's own frames: with fewer than 512 bytes left, the report
   runs on the top of the stack, far from the frame it reads. */
__attribute__((naked)) void ppg_fault_handler(void) {
  __asm volatile(
      "mov r1, sp\n\t"
      "mov r2, lr\n\t"
      "movw r3, #:lower16:_stack_limit\n\t"
      "movt r3, #:upper16:_stack_limit\n\t"
      "add r3, r3, #512\n\t"
      "cmp r1, r3\n\t"
      "bhs 1f\n\t"
      "movw r3, #:lower16:_estack\n\t"
      "movt r3, #:upper16:_estack\n\t"
      "mov sp, r3\n\t"
      "1: movs r0, #1\n\t" /* PPG_FAULT_EXCEPTION */
      "b ppg_fault_report");
}
