/* Reception: the chip's UART interrupt fills a ring, the main program empties it and sleeps while there is nothing. */
#include <stdint.h>

#include "ppg_bsp.h"
#include "ppg_chip.h"
#include "ppg_common.h"
#include "ppg_cortexm.h"
#include "ppg_hardware.h"
#include "ppg_receive.h"
#include "ppg_receive_ring.h"
#include "ppg_registers.h"

static ppg_receive_ring_t received;
static volatile uint32_t overruns;

void ppg_receive_byte(uint8_t byte) {
  if (!ppg_receive_ring_put(&received, byte)) {
    overruns++;
  }
}

void ppg_receive_overrun(void) {
  overruns++;
}

void ppg_receive_start(void) {
  ppg_write32(PPG_NVIC_SET_ENABLE + 4u * (PPG_UART_INTERRUPT / 32u), 1u << (PPG_UART_INTERRUPT % 32u));
}

int ppg_bsp_uart_read(void) {
  return ppg_receive_ring_take(&received);
}

/* A byte that arrives between the look into the ring and WFI still ends WFI: a pending interrupt wakes the core even
   while interrupts are masked, and is only served afterwards (Armv7-M Architecture Reference Manual, B1.5.19). */
void ppg_bsp_uart_wait(void) {
  __asm volatile("cpsid i" ::: "memory");
  if (ppg_receive_ring_is_empty(&received) && ppg_chip_may_sleep()) {
    __asm volatile("dsb\n\twfi" ::: "memory");
  }
  __asm volatile("cpsie i\n\tisb" ::: "memory");
}

uint32_t ppg_bsp_uart_overruns(void) {
  return overruns;
}
