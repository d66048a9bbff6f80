/* Stack high water: what is not in use at start is painted, and later the paint that is left is counted. */
#include <stdint.h>

#include "ppg_bsp.h"
#include "ppg_common.h"

#define PAINT 0xC5A3C5A3u

__attribute__((noinline)) void ppg_stack_paint(void) {
  volatile uint32_t *stack_pointer;
  __asm volatile("mov %0, sp" : "=r"(stack_pointer));
  /* volatile: a call of memset here would put its own frame into the painted memory */
  for (volatile uint32_t *word = _stack_limit; word < stack_pointer; word++) {
    *word = PAINT;
  }
}

uint32_t ppg_bsp_stack_bytes(void) {
  return (uint32_t)((uintptr_t)_estack - (uintptr_t)_stack_limit);
}

uint32_t ppg_bsp_stack_high_water(void) {
  const volatile uint32_t *word = _stack_limit;
  while (word < _estack && *word == PAINT) {
    word++;
  }
  return (uint32_t)((uintptr_t)_estack - (uintptr_t)word);
}
