/* Console UART of every STM32 family: reception by interrupt, transmission by polling, so that a crash can still be
   told from inside a handler. */
#include <stdbool.h>
#include <stdint.h>

#include "ppg_bsp.h"
#include "ppg_chip.h"
#include "ppg_common.h"
#include "ppg_hardware.h"
#include "ppg_receive.h"
#include "ppg_registers.h"
#include "ppg_stm32.h"
#include "ppg_stm32_baud.h"
#include "ppg_stm32_family.h"

/* The same bits in both generations. */
#define CONTROL_RECEIVER (1u << 2)
#define CONTROL_TRANSMITTER (1u << 3)
#define CONTROL_RECEIVER_INTERRUPT (1u << 5) /* RXNEIE: a byte has arrived, or was lost */
#define STATUS_OVERRUN (1u << 3)
#define STATUS_RECEIVED (1u << 5)
#define STATUS_SENT (1u << 6)
#define STATUS_CAN_SEND (1u << 7)

void ppg_chip_uart_init(void) {
  const uint32_t clock_hz = ppg_stm32_uart_clock_hz();
  ppg_set_and_confirm32(PPG_RCC_BASE + PPG_UART_ENABLE_OFFSET, 1u << PPG_UART_ENABLE_BIT);
  ppg_stm32_pin_to_function(PPG_UART_TX_PORT, PPG_UART_TX_PIN, PPG_UART_ALTERNATE_FUNCTION);
  ppg_stm32_pin_to_function(PPG_UART_RX_PORT, PPG_UART_RX_PIN, PPG_UART_ALTERNATE_FUNCTION);
  ppg_write32(PPG_UART_BASE + PPG_USART_BAUD, PPG_UART_LOW_POWER
                                                  ? ppg_stm32_lpuart_divider(clock_hz, PPG_UART_BAUD)
                                                  : ppg_stm32_usart_divider(clock_hz, PPG_UART_BAUD));
  ppg_write32(PPG_UART_BASE + PPG_USART_CONTROL, CONTROL_TRANSMITTER | CONTROL_RECEIVER | CONTROL_RECEIVER_INTERRUPT);
  ppg_modify32(PPG_UART_BASE + PPG_USART_CONTROL, 0u, PPG_USART_ENABLE);
}

void ppg_chip_uart_drain(void) {
  (void)ppg_wait32(PPG_UART_BASE + PPG_USART_STATUS, STATUS_SENT, STATUS_SENT);
}

void ppg_uart_handler(void) {
  uint32_t status = ppg_read32(PPG_UART_BASE + PPG_USART_STATUS);
  while ((status & (STATUS_RECEIVED | STATUS_OVERRUN)) != 0u) {
    const uint8_t byte = (uint8_t)ppg_read32(PPG_UART_BASE + PPG_USART_RECEIVE);
    if ((status & STATUS_OVERRUN) != 0u) {
      ppg_receive_overrun();
      ppg_usart_clear_overrun(PPG_UART_BASE);
    }
    if ((status & STATUS_RECEIVED) != 0u) {
      ppg_receive_byte(byte);
    }
    status = ppg_read32(PPG_UART_BASE + PPG_USART_STATUS);
  }
}

void ppg_bsp_uart_write(const uint8_t *data, uint32_t length) {
  for (uint32_t index = 0u; index < length; index++) {
    if (!ppg_wait32(PPG_UART_BASE + PPG_USART_STATUS, STATUS_CAN_SEND, STATUS_CAN_SEND)) {
      return; /* a dead transmitter: the host sees a short frame and reports it */
    }
    ppg_write32(PPG_UART_BASE + PPG_USART_TRANSMIT, data[index]);
  }
}
