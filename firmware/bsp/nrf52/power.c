/* What measuring power needs of an nRF52: the UARTE off, which takes current as long as it receives, and the gate pin.
   nRF52840 product specification, chapters UARTE (low power) and GPIO; names as there. */
#include <stdbool.h>
#include <stdint.h>

#include "ppg_chip.h"
#include "ppg_hardware.h"
#include "ppg_nrf52.h"
#include "ppg_registers.h"

#define UARTE_TASKS_STOPRX (PPG_UART_BASE + 0x004u)
#define UARTE_EVENTS_RXTO (PPG_UART_BASE + 0x144u)
#define UARTE_ENABLE (PPG_UART_BASE + 0x500u)
#define ENABLE_OFF 0u
#define GPIO_OUTCLR 0x50Cu

/* The receiver has to be told to stop, and to have stopped, or it goes on taking current. */
void ppg_chip_uart_off(void) {
  ppg_write32(UARTE_EVENTS_RXTO, 0u);
  ppg_write32(UARTE_TASKS_STOPRX, PPG_NRF_TRIGGER);
  (void)ppg_wait32(UARTE_EVENTS_RXTO, PPG_NRF_HAPPENED, PPG_NRF_HAPPENED);
  ppg_write32(UARTE_ENABLE, ENABLE_OFF);
}

#ifdef PPG_GATE_PORT

#define GATE_GPIO (PPG_GATE_PORT == 0u ? PPG_NRF_GPIO_PORT0 : PPG_NRF_GPIO_PORT1)

void ppg_chip_gate_init(void) {
  ppg_chip_gate(false);
  ppg_write32(GATE_GPIO + PPG_NRF_GPIO_PIN_CNF + 4u * PPG_GATE_PIN, PPG_NRF_GPIO_OUTPUT);
}

void ppg_chip_gate(bool high) {
  ppg_write32(GATE_GPIO + (high ? PPG_NRF_GPIO_OUTSET : GPIO_OUTCLR), 1u << PPG_GATE_PIN);
}

#else

void ppg_chip_gate_init(void) {}

void ppg_chip_gate(bool high) { (void)high; }

#endif
