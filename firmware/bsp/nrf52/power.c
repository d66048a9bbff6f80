/* What measuring power needs of an nRF52: the UARTE off, which takes current as long as it receives; sleep by the
   real-time counter, because SysTick stands still in sleep; and the gate pin. nRF52840 product specification, chapters
   UARTE (low power), CLOCK, RTC and GPIO; names as there. */
#include <stdbool.h>
#include <stdint.h>

#include "ppg_chip.h"
#include "ppg_common.h"
#include "ppg_cortexm.h"
#include "ppg_hardware.h"
#include "ppg_nrf52.h"
#include "ppg_registers.h"

#define UARTE_TASKS_STOPRX (PPG_UART_BASE + 0x004u)
#define UARTE_EVENTS_RXTO (PPG_UART_BASE + 0x144u)
#define UARTE_ENABLE (PPG_UART_BASE + 0x500u)
#define ENABLE_OFF 0u
#define GPIO_OUTCLR 0x50Cu

#define CLOCK_TASKS_LFCLKSTART 0x40000008u
#define CLOCK_LFCLKSTAT 0x40000418u
#define LFCLKSTAT_RUNS (1u << 16)

#define RTC0_BASE 0x4000B000u
#define RTC0_TASKS_START (RTC0_BASE + 0x000u)
#define RTC0_TASKS_STOP (RTC0_BASE + 0x004u)
#define RTC0_TASKS_CLEAR (RTC0_BASE + 0x008u)
#define RTC0_EVENTS_COMPARE0 (RTC0_BASE + 0x140u)
#define RTC0_INTENSET (RTC0_BASE + 0x304u)
#define RTC0_INTENCLR (RTC0_BASE + 0x308u)
#define RTC0_COUNTER (RTC0_BASE + 0x504u)
#define RTC0_PRESCALER (RTC0_BASE + 0x508u)
#define RTC0_CC0 (RTC0_BASE + 0x540u)
#define RTC0_COMPARE0 (1u << 16)
#define RTC0_INTERRUPT (1u << 11) /* peripheral id 11, in NVIC's first word */
#define RTC_HZ 32768u
#define RTC_LEAST_TICKS 3u /* a compare closer to the counter may be missed */
#define MOST_WAKE_UPS 100000u

/* The receiver has to be told to stop, and to have stopped, or it goes on taking current. */
void ppg_chip_uart_off(void) {
  ppg_write32(UARTE_EVENTS_RXTO, 0u);
  ppg_write32(UARTE_TASKS_STOPRX, PPG_NRF_TRIGGER);
  (void)ppg_wait32(UARTE_EVENTS_RXTO, PPG_NRF_HAPPENED, PPG_NRF_HAPPENED);
  ppg_write32(UARTE_ENABLE, ENABLE_OFF);
}

static bool start_low_frequency_clock(void) {
  if ((ppg_read32(CLOCK_LFCLKSTAT) & LFCLKSTAT_RUNS) == 0u) {
    ppg_write32(CLOCK_TASKS_LFCLKSTART, PPG_NRF_TRIGGER); /* from the internal RC oscillator, the reset choice */
  }
  return ppg_wait32(CLOCK_LFCLKSTAT, LFCLKSTAT_RUNS, LFCLKSTAT_RUNS);
}

static bool counter_moves(void) {
  const uint32_t first = ppg_read32(RTC0_COUNTER);
  for (uint32_t poll = 0u; poll < PPG_WAIT_POLLS; poll++) {
    if (ppg_read32(RTC0_COUNTER) != first) {
      return true;
    }
  }
  return false;
}

void ppg_chip_sleep(uint32_t milliseconds) {
  const uint32_t ticks = (uint32_t)((uint64_t)milliseconds * RTC_HZ / 1000u);
  if (ticks < RTC_LEAST_TICKS || !start_low_frequency_clock()) {
    ppg_timer_pause(milliseconds, false);
    return;
  }
  ppg_write32(RTC0_TASKS_STOP, PPG_NRF_TRIGGER);
  ppg_write32(RTC0_TASKS_CLEAR, PPG_NRF_TRIGGER);
  ppg_write32(RTC0_PRESCALER, 0u);
  ppg_write32(RTC0_CC0, ticks);
  ppg_write32(RTC0_EVENTS_COMPARE0, 0u);
  ppg_write32(RTC0_INTENSET, RTC0_COMPARE0);
  ppg_write32(PPG_NVIC_CLEAR_PENDING, RTC0_INTERRUPT);
  ppg_write32(PPG_NVIC_SET_ENABLE, RTC0_INTERRUPT);
  ppg_write32(RTC0_TASKS_START, PPG_NRF_TRIGGER);
  if (counter_moves()) {
    for (uint32_t wake_up = 0u; wake_up < MOST_WAKE_UPS && ppg_read32(RTC0_EVENTS_COMPARE0) == 0u; wake_up++) {
      __asm volatile("dsb\n\twfi" ::: "memory");
    }
  } else {
    ppg_timer_pause(milliseconds, false);
  }
  ppg_write32(RTC0_TASKS_STOP, PPG_NRF_TRIGGER);
  ppg_write32(RTC0_INTENCLR, RTC0_COMPARE0);
  ppg_write32(RTC0_EVENTS_COMPARE0, 0u);
  (void)ppg_read32(RTC0_EVENTS_COMPARE0);
  ppg_write32(PPG_NVIC_CLEAR_ENABLE, RTC0_INTERRUPT);
  ppg_write32(PPG_NVIC_CLEAR_PENDING, RTC0_INTERRUPT);
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
