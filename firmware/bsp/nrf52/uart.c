/* Console on the UARTE: reception by interrupt, transmission by polling, so that a crash can still be told from inside
   a handler. It reads and writes memory by itself (EasyDMA), and only RAM: never flash.

   Reception is one byte at a time, started again by software, as in Zephyr's polling driver. Bytes that come in
   between wait in the peripheral (four fit), and when too many come, that is reported. With the shortcut ENDRX_STARTRX the next
   byte would overwrite one that was not read yet, and nothing would tell. */
#include <stdbool.h>
#include <stdint.h>

#include "ppg_bsp.h"
#include "ppg_chip.h"
#include "ppg_common.h"
#include "ppg_hardware.h"
#include "ppg_nrf52.h"
#include "ppg_nrf52_baud.h"
#include "ppg_receive.h"
#include "ppg_registers.h"

/* nRF52840 product specification, chapter UARTE. */
#define UARTE_TASKS_STARTRX (PPG_UART_BASE + 0x000u)
#define UARTE_TASKS_STARTTX (PPG_UART_BASE + 0x008u)
#define UARTE_EVENTS_ENDRX (PPG_UART_BASE + 0x110u)
#define UARTE_EVENTS_ENDTX (PPG_UART_BASE + 0x120u)
#define UARTE_SHORTS (PPG_UART_BASE + 0x200u)
#define UARTE_INTENSET (PPG_UART_BASE + 0x304u)
#define UARTE_INTENCLR (PPG_UART_BASE + 0x308u)
#define UARTE_ERRORSRC (PPG_UART_BASE + 0x480u) /* write 1 to clear */
#define UARTE_ENABLE (PPG_UART_BASE + 0x500u)
#define UARTE_PSEL_RTS (PPG_UART_BASE + 0x508u)
#define UARTE_PSEL_TXD (PPG_UART_BASE + 0x50Cu)
#define UARTE_PSEL_CTS (PPG_UART_BASE + 0x510u)
#define UARTE_PSEL_RXD (PPG_UART_BASE + 0x514u)
#define UARTE_BAUDRATE (PPG_UART_BASE + 0x524u)
#define UARTE_RXD_PTR (PPG_UART_BASE + 0x534u)
#define UARTE_RXD_MAXCNT (PPG_UART_BASE + 0x538u)
#define UARTE_TXD_PTR (PPG_UART_BASE + 0x544u)
#define UARTE_TXD_MAXCNT (PPG_UART_BASE + 0x548u)
#define UARTE_CONFIG (PPG_UART_BASE + 0x56Cu)

#define ENABLE_OFF 0u
#define ENABLE_UARTE 8u
#define NOT_CONNECTED 0xFFFFFFFFu
#define EVERY_INTERRUPT 0xFFFFFFFFu
#define INTERRUPT_ENDRX (1u << 4)
#define CONFIG_8N1_NO_FLOW_CONTROL 0u
#define ERROR_OVERRUN (1u << 0)
#define ERROR_ALL 0xFu /* overrun, parity, framing, break */

/* A chunk takes 5 ms at most (10 bits a byte), half of what PPG_WAIT_POLLS polls last at 64 MHz. MAXCNT of the
   nRF52832 has 8 bits. */
#define CHUNK_BY_TIME (PPG_UART_BAUD / 2000u)
#define CHUNK_BYTES (CHUNK_BY_TIME < 64u ? CHUNK_BY_TIME : 64u)

static volatile uint8_t incoming;
static uint8_t outgoing[CHUNK_BYTES];

static uint32_t address_of(const volatile void *object) {
  return (uint32_t)(uintptr_t)object;
}

static uint32_t gpio_of(uint32_t port) {
  return port == 0u ? PPG_NRF_GPIO_PORT0 : PPG_NRF_GPIO_PORT1;
}

/* The pins as they are to be while the peripheral is off: TX high, RX pulled up, so that neither an adapter that is
   not plugged in nor a J-Link that has released its pins looks like a start bit. */
static void configure_pins(void) {
  ppg_write32(gpio_of(PPG_UART_TX_PORT) + PPG_NRF_GPIO_OUTSET, 1u << PPG_UART_TX_PIN);
  ppg_write32(gpio_of(PPG_UART_TX_PORT) + PPG_NRF_GPIO_PIN_CNF + 4u * PPG_UART_TX_PIN, PPG_NRF_GPIO_OUTPUT);
  ppg_write32(gpio_of(PPG_UART_RX_PORT) + PPG_NRF_GPIO_PIN_CNF + 4u * PPG_UART_RX_PIN, PPG_NRF_GPIO_INPUT_PULL_UP);
}

/* The compiler must not move accesses of the buffers across this, nor the core. */
static void hand_over_memory(void) {
  __asm volatile("dmb" ::: "memory");
}

static void receive_next(void) {
  ppg_write32(UARTE_EVENTS_ENDRX, 0u);
  (void)ppg_read32(UARTE_EVENTS_ENDRX); /* the interrupt must be gone before its handler ends */
  hand_over_memory();
  ppg_write32(UARTE_TASKS_STARTRX, PPG_NRF_TRIGGER);
}

void ppg_chip_uart_init(void) {
  configure_pins();
  ppg_write32(UARTE_ENABLE, ENABLE_OFF); /* pins may be chosen only while it is off */
  ppg_write32(UARTE_INTENCLR, EVERY_INTERRUPT);
  ppg_write32(UARTE_SHORTS, 0u);
  ppg_write32(UARTE_PSEL_TXD, ppg_nrf52_psel(PPG_UART_TX_PORT, PPG_UART_TX_PIN));
  ppg_write32(UARTE_PSEL_RXD, ppg_nrf52_psel(PPG_UART_RX_PORT, PPG_UART_RX_PIN));
  ppg_write32(UARTE_PSEL_RTS, NOT_CONNECTED);
  ppg_write32(UARTE_PSEL_CTS, NOT_CONNECTED);
  ppg_write32(UARTE_BAUDRATE, ppg_nrf52_baudrate(PPG_UART_BAUD));
  ppg_write32(UARTE_CONFIG, CONFIG_8N1_NO_FLOW_CONTROL);
  ppg_write32(UARTE_ENABLE, ENABLE_UARTE);
  ppg_write32(UARTE_ERRORSRC, ERROR_ALL);
  ppg_write32(UARTE_RXD_PTR, address_of(&incoming));
  ppg_write32(UARTE_RXD_MAXCNT, 1u);
  ppg_write32(UARTE_INTENSET, INTERRUPT_ENDRX);
  receive_next();
}

void ppg_chip_uart_drain(void) {
  /* Nothing to wait for: ppg_bsp_uart_write returns after ENDTX, when the last byte has been sent. */
}

void ppg_uart_handler(void) {
  if (ppg_read32(UARTE_EVENTS_ENDRX) == 0u) {
    return;
  }
  hand_over_memory();
  const uint8_t byte = incoming;
  const uint32_t errors = ppg_read32(UARTE_ERRORSRC);
  if (errors != 0u) {
    ppg_write32(UARTE_ERRORSRC, errors);
  }
  receive_next();
  if ((errors & ERROR_OVERRUN) != 0u) {
    ppg_receive_overrun();
  }
  ppg_receive_byte(byte);
}

static bool send_chunk(uint32_t length) {
  ppg_write32(UARTE_EVENTS_ENDTX, 0u);
  ppg_write32(UARTE_TXD_PTR, address_of(outgoing));
  ppg_write32(UARTE_TXD_MAXCNT, length);
  hand_over_memory();
  ppg_write32(UARTE_TASKS_STARTTX, PPG_NRF_TRIGGER);
  return ppg_wait32(UARTE_EVENTS_ENDTX, PPG_NRF_HAPPENED, PPG_NRF_HAPPENED);
}

void ppg_bsp_uart_write(const uint8_t *data, uint32_t length) {
  uint32_t sent = 0u;
  while (sent < length) {
    uint32_t count = 0u;
    while (count < CHUNK_BYTES && sent + count < length) {
      outgoing[count] = data[sent + count];
      count++;
    }
    if (!send_chunk(count)) {
      return; /* a dead transmitter: the host sees a short frame and reports it */
    }
    sent += count;
  }
}
