/* A crash, or an interrupt nobody asked for, is told over the UART and ends in a restart: never in silence. */
#include <stdint.h>

#include "ppg_bsp.h"
#include "ppg_chip.h"
#include "ppg_common.h"
#include "ppg_cortexm.h"
#include "ppg_fault.h"
#include "ppg_registers.h"

#define FRAME_WORDS 8u /* r0-r3, r12, lr, pc, xpsr: stacked by the core on every exception */
#define FRAME_LINK_REGISTER 5u
#define FRAME_PROGRAM_COUNTER 6u

void ppg_fault_report(const uint32_t *frame);

static void write_bytes(const char *text, uint32_t length) {
  ppg_bsp_uart_write((const uint8_t *)text, length);
}

/* With lengths known at compile time: counting characters would pull in the C library's strlen. */
#define WRITE_TEXT(text) write_bytes(text, sizeof text - 1u)
#define WRITE_FIELD(name, value) write_field(name, sizeof name - 1u, value)

static void write_field(const char *name, uint32_t name_length, uint32_t value) {
  char digits[8];
  for (uint32_t index = 0u; index < sizeof digits; index++) {
    digits[index] = "0123456789abcdef"[(value >> (28u - 4u * index)) & 0xFu];
  }
  write_bytes(name, name_length);
  write_bytes(digits, sizeof digits);
}

__attribute__((weak)) void ppg_bsp_fault_hook(const ppg_fault_t *fault) {
  WRITE_TEXT("\r\nPPG-FAULT");
  WRITE_FIELD(" exception=", fault->exception);
  WRITE_FIELD(" cfsr=", fault->fault_status);
  WRITE_FIELD(" hfsr=", fault->hard_fault_status);
  WRITE_FIELD(" bfar=", fault->bus_address);
  WRITE_FIELD(" pc=", fault->program_counter);
  WRITE_FIELD(" lr=", fault->link_register);
  WRITE_TEXT("\r\n");
}

void ppg_fault_report(const uint32_t *frame) {
  ppg_fault_t fault = {
      .fault_status = ppg_read32(PPG_SCB_FAULT_STATUS),
      .hard_fault_status = ppg_read32(PPG_SCB_HARD_FAULT_STATUS),
      .bus_address = ppg_read32(PPG_SCB_BUS_FAULT_ADDRESS),
  };
  __asm volatile("mrs %0, ipsr" : "=r"(fault.exception));
  if (frame >= _stack_limit && frame + FRAME_WORDS <= _estack) {
    fault.program_counter = frame[FRAME_PROGRAM_COUNTER];
    fault.link_register = frame[FRAME_LINK_REGISTER];
  }
  ppg_bsp_fault_hook(&fault);
  for (;;) {
    ppg_bsp_reset();
  }
}

/* After a stack overflow there is no room for the report's own frames: with fewer than 512 bytes left, the report
   runs on the top of the stack, far from the frame it reads. */
__attribute__((naked)) void ppg_fault_handler(void) {
  __asm volatile(
      "mov r0, sp\n\t"
      "movw r1, #:lower16:_stack_limit\n\t"
      "movt r1, #:upper16:_stack_limit\n\t"
      "add r1, r1, #512\n\t"
      "cmp r0, r1\n\t"
      "bhs 1f\n\t"
      "movw r1, #:lower16:_estack\n\t"
      "movt r1, #:upper16:_estack\n\t"
      "mov sp, r1\n\t"
      "1: b ppg_fault_report");
}
