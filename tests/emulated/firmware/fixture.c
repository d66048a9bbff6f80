/* A firmware for testing emulators: one-byte commands, zero-ended answers, and a model with hand-countable work.
   It follows the rules that the real firmware follows: bounded waits, self-tested cycle counter, nothing sent
   before the boot message. Build with -DSTM32L4 or -DSTM32F4. */
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

#if defined(STM32L4)
#define RCC_CR 0x40021000u
#define RCC_CFGR 0x40021008u
#define OSCILLATOR_ON (1u << 8)
#define OSCILLATOR_READY (1u << 10)
#define UART 0x40004400u
#define UART_STATUS (UART + 0x1Cu)
#define UART_RECEIVE (UART + 0x24u)
#define UART_TRANSMIT (UART + 0x28u)
#define UART_CONTROL UART
#define UART_ENABLE ((1u << 3) | (1u << 2) | 1u)
#define UART_INTERRUPT 38u
#elif defined(STM32F4)
#define RCC_CR 0x40023800u
#define RCC_CFGR 0x40023808u
#define OSCILLATOR_ON (1u << 0)
#define OSCILLATOR_READY (1u << 1)
#define UART 0x40011000u
#define UART_STATUS UART
#define UART_RECEIVE (UART + 0x4u)
#define UART_TRANSMIT (UART + 0x4u)
#define UART_CONTROL (UART + 0xCu)
#define UART_ENABLE ((1u << 13) | (1u << 3) | (1u << 2))
#define UART_INTERRUPT 37u
#endif
#define NVIC_ENABLE 0xE000E104u
#define NVIC_DISABLE 0xE000E184u
#define NVIC_BIT (1u << (UART_INTERRUPT - 32u))

extern uint32_t _estack, _sidata, _sdata, _edata, _sbss, _ebss;
int ppg_model_run(const int8_t *input, int8_t *output);
int c_kernel(void);
int main(void);

static uint32_t counter_source;
static uint32_t clock_ready;
static uint32_t survives_in_data = 0x12345678u;
static int16_t left[512], right[512];
volatile int32_t kernel_result;

void Reset_Handler(void);
void Reset_Handler(void) {
  REGISTER(0xE000ED88u) |= 0xFu << 20;
  for (uint32_t *from = &_sidata, *to = &_sdata; to < &_edata;) *to++ = *from++;
  for (uint32_t *to = &_sbss; to < &_ebss;) *to++ = 0;
  main();
  for (;;) {
  }
}

/* A fault in here locks the core up. */
static void unexpected(void) {
  __asm volatile("udf #0");
}

__attribute__((section(".isr_vector"), used)) static const struct {
  uint32_t *stack;
  void (*handlers[15])(void);
} vectors = {&_estack, {Reset_Handler, unexpected, unexpected, unexpected}};

static uint32_t wait_for(uint32_t address, uint32_t mask) {
  for (uint32_t left_to_try = 1000u; left_to_try != 0; left_to_try--) {
    if ((REGISTER(address) & mask) == mask) return 1;
  }
  return 0;
}

static uint32_t counter_init(void) {
  REGISTER(0xE000EDFCu) |= 1u << 24;
  REGISTER(0xE0001004u) = 0;
  REGISTER(0xE0001000u) |= 1u;
  uint32_t before = REGISTER(0xE0001004u);
  for (volatile int i = 0; i < 20; i++) {
  }
  if (REGISTER(0xE0001004u) != before) return 1;
  REGISTER(0xE000E014u) = 0xFFFFFFu;
  REGISTER(0xE000E018u) = 0;
  REGISTER(0xE000E010u) = 5u;
  return 2;
}

static uint32_t counter(void) {
  return counter_source == 1 ? REGISTER(0xE0001004u) : (0xFFFFFFu - REGISTER(0xE000E018u)) & 0xFFFFFFu;
}

static uint32_t elapsed(uint32_t start) {
  uint32_t difference = counter() - start;
  return counter_source == 1 ? difference : difference & 0xFFFFFFu;
}

static void send(uint32_t byte) {
  (void)wait_for(UART_STATUS, 0x80u);
  REGISTER(UART_TRANSMIT) = byte & 0xFFu;
}

static void send_word(uint32_t value) {
  for (uint32_t shift = 0; shift < 32; shift += 8) send(value >> shift);
}

static void send_text(const char *text) {
  while (*text) send((uint8_t)*text++);
  send(0);
}

static uint32_t receive(void) {
  while (!(REGISTER(UART_STATUS) & 0x20u)) {
  }
  return REGISTER(UART_RECEIVE) & 0xFFu;
}

static uint32_t thousand_nops_ticks(void) {
  uint32_t start = counter();
  __asm volatile(".rept 1000\n nop\n .endr" ::: "memory");
  return elapsed(start);
}

__attribute__((noinline)) int c_kernel(void) {
  int32_t total = 0;
  for (int round = 0; round < 200; round++) {
    for (int i = 0; i < 512; i++) {
      total += left[i] * right[i];
      if (total & 0x400) total -= round;
    }
  }
  kernel_result = total;
  return 0;
}

static void model_run(void) {
  uint32_t start = counter();
  (void)ppg_model_run(0, 0);
  send_word(elapsed(start));
  send_word((uint32_t)kernel_result);
}

static void echo(void) {
  uint8_t data[255];
  uint32_t length = receive();
  for (uint32_t i = 0; i < length; i++) data[i] = (uint8_t)receive();
  for (uint32_t i = 0; i < length; i++) send(data[i]);
}

static void broken(uint32_t how) {
  if (how == 'f') kernel_result = (int32_t)REGISTER(0x70000010u);
  if (how == 'w') REGISTER(0x08000000u) = 0;
  if (how == 'u') __asm volatile("udf #0");
  if (how == 'h') {
    for (volatile int forever = 0;; forever++) {
    }
  }
}

/* An interrupt that is pending but masked ends WFI, and is never taken: there is no vector for it. */
static void doze(void) {
  __asm volatile("cpsid i");
  REGISTER(UART_CONTROL) = UART_ENABLE | (1u << 5);
  REGISTER(NVIC_ENABLE) = NVIC_BIT;
  __asm volatile("dsb\n wfi");
  REGISTER(UART_CONTROL) = UART_ENABLE;
  REGISTER(NVIC_DISABLE) = NVIC_BIT;
  __asm volatile("cpsie i");
}

int main(void) {
  REGISTER(RCC_CR) |= OSCILLATOR_ON;
  clock_ready = wait_for(RCC_CR, OSCILLATOR_READY);
  REGISTER(RCC_CR) |= 1u << 24;
  clock_ready &= wait_for(RCC_CR, 1u << 25);
  REGISTER(RCC_CFGR) = (REGISTER(RCC_CFGR) & ~3u) | 2u;
  clock_ready &= wait_for(RCC_CFGR, 2u << 2);
  REGISTER(UART_CONTROL) = UART_ENABLE;
  counter_source = counter_init();
  for (int i = 0; i < 512; i++) {
    left[i] = (int16_t)(i * 37 - 9000);
    right[i] = (int16_t)(i * 101 - 20000);
  }
  send('B');
  send(counter_source);
  send(clock_ready);
  send_word(survives_in_data);
  survives_in_data = 0;
  send(0);
  for (;;) {
    uint32_t command = receive();
    if (command == 'p') send_text("PONG");
    if (command == 'n') send_word(thousand_nops_ticks());
    if (command == 'm') model_run();
    if (command == 'e') echo();
    if (command == 'r') REGISTER(0xE000ED0Cu) = 0x05FA0004u;
    if (command == 'z') doze();
    broken(command);
  }
}
