/* A gate that tells its edges in the line's own text, so that a test sees where between the lines they come. */
#include "ppg_bsp.h"

void ppg_bsp_gate(bool high) {
  ppg_bsp_uart_write((const uint8_t *)(high ? "<high>" : "<low>"), high ? 6u : 5u);
}
