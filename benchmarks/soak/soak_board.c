/* A board inside another program: bytes go in by a call, and what it sends is taken out by another. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fake_board.h"
#include "ppg_app.h"
#include "ppg_bsp.h"

#define SENT_BYTES_MAX 65536u

void soak_start(void);
void soak_feed(const uint8_t *data, uint32_t length);
uint32_t soak_take(uint8_t *to);
void soak_restart(uint32_t cause);
void soak_crash(uint32_t run);

static uint8_t sent[SENT_BYTES_MAX];
static uint32_t sent_bytes;
static uint32_t counter;
static bool reset_is_wanted;
static ppg_restart_cause_t restart_cause = PPG_RESTART_POWER;
static ppg_fault_t last_fault;

void ppg_bsp_init(void) {}
uint32_t ppg_bsp_status(void) { return 0; }
uint32_t ppg_bsp_clock_hz(void) { return 80000000u; }
uint32_t ppg_bsp_uart_overruns(void) { return 0; }
ppg_counter_source_t ppg_bsp_counter_source(void) { return PPG_COUNTER_DWT; }
uint32_t ppg_bsp_counter(void) { return counter; }
uint32_t ppg_bsp_timer(void) { return counter; }
uint32_t ppg_bsp_run_limit_ms(void) { return 10000; }
void ppg_bsp_run_begin(void) {}
void ppg_bsp_run_end(void) {}
uint32_t ppg_bsp_stack_bytes(void) { return 8192; }
uint32_t ppg_bsp_stack_high_water(void) { return 1234; }
ppg_restart_cause_t ppg_bsp_restart_cause(void) { return restart_cause; }
ppg_fault_t ppg_bsp_last_fault(void) { return last_fault; }
void ppg_bsp_uart_wait(void) {}
int ppg_bsp_uart_read(void) { return -1; }
void ppg_bsp_reset(void) { reset_is_wanted = true; }

void ppg_bsp_uart_write(const uint8_t *data, uint32_t length) {
  if (length > SENT_BYTES_MAX - sent_bytes) {
    abort();
  }
  memcpy(sent + sent_bytes, data, length);
  sent_bytes += length;
}

/* Windows that make the fake model crash are not sent. */
void fake_board_crash(void) { abort(); }
void fake_counter_advance(uint32_t ticks) { counter += ticks; }

void soak_start(void) { ppg_app_start(); }

void soak_restart(uint32_t cause) {
  restart_cause = (ppg_restart_cause_t)cause;
  ppg_app_start();
}

void soak_feed(const uint8_t *data, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) {
    ppg_app_receive(data[i]);
    if (reset_is_wanted) {
      reset_is_wanted = false;
      soak_restart(PPG_RESTART_SOFTWARE);
      return;
    }
  }
}

uint32_t soak_take(uint8_t *to) {
  const uint32_t taken = sent_bytes;
  memcpy(to, sent, taken);
  sent_bytes = 0;
  return taken;
}

void soak_crash(uint32_t run) {
  last_fault = (ppg_fault_t){
      .kind = PPG_FAULT_EXCEPTION, .exception = 3, .fault_status = 1u << 25, .program_counter = 8, .runs = run};
  ppg_bsp_fault_hook(&last_fault);
  soak_restart(PPG_RESTART_FAULT);
}
