/* Where a stack overflowed: the core cannot save where it was, but the calls that led there are still on the stack. */
#include <stdbool.h>
#include <stdint.h>

#include "ppg_common.h"
#include "ppg_cortexm.h"
#include "ppg_registers.h"

/* Words of the innermost frames that are looked through. */
#define SEARCHED_WORDS 128u

/* Encodings: Armv7-M Architecture Reference Manual, A7.7.18 (BL, T1) and A7.7.19 (BLX register, T1). */
#define IS_CALL_FIRST_HALF(code) (((code) & 0xF800u) == 0xF000u)
#define IS_CALL_SECOND_HALF(code) (((code) & 0xD000u) == 0xD000u)
#define IS_CALL_BY_REGISTER(code) (((code) & 0xFF87u) == 0x4780u)

extern uint32_t _sidata[]; /* behind the code and the constants */

/* True when `word` is an address in Thumb state right behind a call. */
static bool is_return_address(uint32_t word) {
  const uint32_t code_start = ppg_read32(PPG_SCB_VECTOR_TABLE);
  if ((word & 1u) == 0u || word < code_start + 4u || word >= (uint32_t)(uintptr_t)_sidata) {
    return false;
  }
  const volatile uint16_t *code = (const volatile uint16_t *)(uintptr_t)(word - 1u);
  return (IS_CALL_FIRST_HALF(code[-2]) && IS_CALL_SECOND_HALF(code[-1])) || IS_CALL_BY_REGISTER(code[-1]);
}

uint32_t ppg_fault_last_call(void) {
  for (const volatile uint32_t *word = _stack_limit; word < _stack_limit + SEARCHED_WORDS && word < _estack; word++) {
    const uint32_t value = *word;
    if (is_return_address(value)) {
      return value;
    }
  }
  return 0u;
}
