/* What measuring power needs of an STM32: the UART off, sleep, and the gate pin.

   The GPIO block is the same in every family here: MODER at 0x00, 1 = output, two bits a pin; BSRR at 0x18 sets a pin by
   bits 15:0 and resets it by bits 31:16 (RM0351, RM0432, RM0090, RM0390, RM0383, RM0433, RM0434, chapter GPIO). */
#include <stdbool.h>
#include <stdint.h>

#include "ppg_chip.h"
#include "ppg_common.h"
#include "ppg_hardware.h"
#include "ppg_registers.h"
#include "ppg_stm32.h"
#include "ppg_stm32_family.h"

#define GPIO_MODE 0x00u
#define GPIO_SET_RESET 0x18u
#define GPIO_PORT_STRIDE 0x400u
#define MODE_OUTPUT 1u

void ppg_chip_uart_off(void) {
  ppg_write32(PPG_UART_BASE + PPG_USART_CONTROL, 0u);
  ppg_modify32(PPG_RCC_BASE + PPG_UART_ENABLE_OFFSET, 1u << PPG_UART_ENABLE_BIT, 0u);
}

/* SysTick counts on in Sleep mode. */
void ppg_chip_sleep(uint32_t milliseconds) { ppg_timer_pause(milliseconds, true); }

#ifdef PPG_GATE_PORT

#define GATE_GPIO (PPG_GPIO_BASE + GPIO_PORT_STRIDE * PPG_GATE_PORT)

void ppg_chip_gate_init(void) {
#ifdef PPG_GPIO_INDEPENDENT_PORT
#if PPG_GATE_PORT == PPG_GPIO_INDEPENDENT_PORT
  ppg_stm32_connect_independent_port();
#endif
#endif
  ppg_set_and_confirm32(PPG_RCC_GPIO_ENABLE, 1u << PPG_GATE_PORT);
  ppg_chip_gate(false);
  ppg_modify32(GATE_GPIO + GPIO_MODE, 3u << (2u * PPG_GATE_PIN), MODE_OUTPUT << (2u * PPG_GATE_PIN));
}

void ppg_chip_gate(bool high) {
  ppg_write32(GATE_GPIO + GPIO_SET_RESET, 1u << (high ? PPG_GATE_PIN : PPG_GATE_PIN + 16u));
}

#else

void ppg_chip_gate_init(void) {}

void ppg_chip_gate(bool high) { (void)high; }

#endif
