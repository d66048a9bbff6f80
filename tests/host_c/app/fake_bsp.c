/* A board that is a process: the serial line is stdin and stdout, a reset starts the program anew. */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake_board.h"
#include "ppg_bsp.h"

static uint32_t counter = 0xFFFFFE00u; /* so that it wraps during the first run */
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

void fake_counter_advance(uint32_t ticks) { counter += ticks; }

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
