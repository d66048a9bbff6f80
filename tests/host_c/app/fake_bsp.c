/* A board that is a process: the serial line is stdin and stdout, a reset starts the program anew. Its second counter
   runs at half the speed of the first, and only during a run: one that is not begun or not ended shows. */
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake_board.h"
#include "ppg_bsp.h"

static uint32_t counter = 0xFFFFFE00u; /* so that it wraps during the first run */
static uint32_t timer;
static bool is_running;
static uint8_t buffer[4096];
static ssize_t filled;
static ssize_t taken;

void ppg_bsp_init(void) {}
uint32_t ppg_bsp_status(void) { return PPG_BSP_CLOCK_FALLBACK; }
uint32_t ppg_bsp_clock_hz(void) { return 80000000u; }
uint32_t ppg_bsp_uart_overruns(void) { return 5; }
ppg_counter_source_t ppg_bsp_counter_source(void) { return PPG_COUNTER_SYSTICK; }
uint32_t ppg_bsp_counter(void) { return counter; }
uint32_t ppg_bsp_stack_bytes(void) { return 8192; }
uint32_t ppg_bsp_stack_high_water(void) { return 1234; }

uint32_t ppg_bsp_timer(void) { return timer; }
uint32_t ppg_bsp_run_limit_ms(void) { return 1500; }

void ppg_bsp_run_begin(void) {
  if (is_running) {
    abort();
  }
  is_running = true;
  timer = 7;
}

void ppg_bsp_run_end(void) {
  if (!is_running) {
    abort();
  }
  is_running = false;
}

void fake_counter_advance(uint32_t ticks) {
  counter += ticks;
  timer += is_running ? ticks / 2 : 0;
}

/* Every field with bytes of its own. What is left for after the restart is that there was a crash. */
static const ppg_fault_t crash = {
    .kind = PPG_FAULT_STACK_OVERFLOW,
    .exception = 0x01020304u,
    .fault_status = 0x11121314u,
    .hard_fault_status = 0x21222324u,
    .bus_address = 0x31323334u,
    .program_counter = 0x41424344u,
    .link_register = 0x51525354u,
    .stack_pointer = 0x61626364u,
    .runs = 0x71727374u,
};

static bool has_crashed(void) { return getenv("FAKE_CRASHED") != NULL; }

void fake_board_crash(void) {
  setenv("FAKE_CRASHED", "1", 1);
  ppg_bsp_fault_hook(&crash);
  ppg_bsp_reset();
}

ppg_restart_cause_t ppg_bsp_restart_cause(void) { return has_crashed() ? PPG_RESTART_FAULT : PPG_RESTART_PIN; }
ppg_fault_t ppg_bsp_last_fault(void) { return has_crashed() ? crash : (ppg_fault_t){.kind = PPG_FAULT_NONE}; }

void ppg_bsp_uart_wait(void) {}

int ppg_bsp_uart_read(void) {
  if (taken == filled) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&input, 1, 50) <= 0) {
      return -1;
    }
    filled = read(STDIN_FILENO, buffer, sizeof buffer);
    taken = 0;
    if (filled <= 0) {
      exit(0);
    }
  }
  return buffer[taken++];
}

void ppg_bsp_uart_write(const uint8_t *data, uint32_t length) {
  while (length > 0) {
    const ssize_t written = write(STDOUT_FILENO, data, length);
    if (written <= 0) {
      exit(0);
    }
    data += written;
    length -= (uint32_t)written;
  }
}

void ppg_bsp_reset(void) {
  char *arguments[] = {(char[]){"device"}, NULL};
  execv("/proc/self/exe", arguments);
  abort();
}
