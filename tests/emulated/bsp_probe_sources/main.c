/* Text console over the board support, so that a test can look at each service on its own. */
#include <stdint.h>

#include "ppg_bsp.h"

static volatile uint32_t initialised = 0x12345678u;
static volatile uint32_t cleared;

static void write_text(const char *text) {
  uint32_t length = 0u;
  while (text[length] != '\0') {
    length++;
  }
  ppg_bsp_uart_write((const uint8_t *)text, length);
}

static void write_number(const char *name, uint32_t value) {
  char digits[11];
  uint32_t at = 10u;
  digits[at] = '\0';
  do {
    digits[--at] = (char)('0' + value % 10u);
    value /= 10u;
  } while (value != 0u);
  write_text(name);
  write_text(digits + at);
}

__attribute__((noinline)) static uint32_t use_stack(uint32_t words) {
  volatile uint32_t block[256];
  for (uint32_t index = 0u; index < words; index++) {
    block[index] = index;
  }
  return block[words - 1u];
}

__attribute__((noinline)) static uint32_t overflow_stack(uint32_t depth) {
  volatile uint32_t block[32];
  block[depth % 32u] = depth;
  return overflow_stack(depth + 1u) + block[depth % 32u];
}

static void count_nops(void) {
  const uint32_t before = ppg_bsp_counter();
  for (uint32_t loop = 0u; loop < 100000u; loop++) {
    __asm volatile("nop");
  }
  write_number("COUNT ", ppg_bsp_counter() - before);
}

static void time_a_run(void) {
  ppg_bsp_run_begin();
  const uint32_t timer = ppg_bsp_timer();
  const uint32_t counter = ppg_bsp_counter();
  for (uint32_t loop = 0u; loop < 100000u; loop++) {
    __asm volatile("nop");
  }
  const uint32_t ticks = ppg_bsp_counter() - counter;
  const uint32_t timer_ticks = ppg_bsp_timer() - timer;
  ppg_bsp_run_end();
  write_number("RUN timer=", timer);
  write_number(" ticks=", ticks);
  write_number(" timer_ticks=", timer_ticks);
}

static void hang(void) {
  ppg_bsp_run_begin();
  for (;;) {
    __asm volatile("nop");
  }
}

/* One line of text in place of the application's frame. */
void ppg_bsp_fault_hook(const ppg_fault_t *fault) {
  write_number("\nFAULT kind=", fault->kind);
  write_number(" exception=", fault->exception);
  write_number(" cfsr=", fault->fault_status);
  write_number(" hfsr=", fault->hard_fault_status);
  write_number(" address=", fault->bus_address);
  write_number(" pc=", fault->program_counter);
  write_number(" lr=", fault->link_register);
  write_number(" sp=", fault->stack_pointer);
  write_number(" runs=", fault->runs);
  write_text("\n");
}

/* Samples the counter across a wrap or two of the 24-bit system timer; it must never step back. */
static void watch_wraps(void) {
  const uint32_t start = ppg_bsp_counter();
  uint32_t previous = 0u;
  uint32_t samples = 0u;
  uint32_t backward = 0u;
  while (previous < 2u << 24 && samples < 50000000u) {
    const uint32_t now = ppg_bsp_counter() - start;
    backward += now < previous ? 1u : 0u;
    previous = now;
    samples++;
  }
  write_number("WRAPS ", previous >> 24);
  write_number(" backward=", backward);
}

int main(void) {
  ppg_bsp_init();
  write_number("BOOT clk=", ppg_bsp_clock_hz());
  write_number(" status=", ppg_bsp_status());
  write_number(" counter=", (uint32_t)ppg_bsp_counter_source());
  write_number(" stack=", ppg_bsp_stack_bytes());
  write_number(" data=", initialised == 0x12345678u && cleared == 0u ? 1u : 0u);
  write_number(" cause=", (uint32_t)ppg_bsp_restart_cause());
  write_number(" fault=", ppg_bsp_last_fault().kind);
  write_text("\n");
  initialised = 0u;
  cleared = 1u;
  for (;;) {
    const int byte = ppg_bsp_uart_read();
    if (byte < 0) {
      ppg_bsp_uart_wait();
      continue;
    }
    switch (byte) {
      case 'c':
        count_nops();
        break;
      case 'w':
        watch_wraps();
        break;
      case 't':
        time_a_run();
        break;
      case 'h':
        hang();
        break;
      case 's':
        write_number("STACK ", ppg_bsp_stack_high_water());
        break;
      case 'S':
        write_number("USED ", use_stack(250u));
        break;
      case 'f':
        write_number("READ ", *(volatile uint32_t *)0x60000000u);
        break;
      case 'o':
        write_number("DEPTH ", overflow_stack(0u));
        break;
      case 'r':
        ppg_bsp_reset();
        write_text("STILL HERE");
        break;
      case 'v':
        write_number("OVERRUNS ", ppg_bsp_uart_overruns());
        break;
      default:
        write_number("BYTE ", (uint32_t)byte);
        break;
    }
    write_text("\n");
  }
}
