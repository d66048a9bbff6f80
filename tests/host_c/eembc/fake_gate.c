/* A gate that tells its edges in the line's own text, so that a test sees where between the lines they come, and for how
   many ticks the pin was low. For that the fake counter goes on by one tick with every look at it (--wrap). */
#include <stdio.h>
#include <string.h>

#include "fake_board.h"
#include "ppg_bsp.h"

uint32_t __real_ppg_bsp_counter(void);
uint32_t __wrap_ppg_bsp_counter(void);

static uint32_t fell_at;

uint32_t __wrap_ppg_bsp_counter(void) {
  fake_counter_advance(1);
  return __real_ppg_bsp_counter();
}

void ppg_bsp_gate(bool high) {
  char text[32] = "<low";
  if (high) {
    snprintf(text, sizeof text, " %lu high>", (unsigned long)(__real_ppg_bsp_counter() - fell_at));
  }
  fell_at = __real_ppg_bsp_counter();
  ppg_bsp_uart_write((const uint8_t *)text, (uint32_t)strlen(text));
}
