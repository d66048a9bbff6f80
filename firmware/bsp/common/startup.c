/* Vector table and reset handler for every Cortex-M4 and M7 board. */
#include <stdint.h>

#include "ppg_bsp.h"
#include "ppg_common.h"
#include "ppg_cortexm.h"
#include "ppg_hardware.h"
#include "ppg_registers.h"
#if PPG_BEHIND_BOOTLOADER
#include "ppg_take_over.h"
#endif

#define SYSTEM_VECTORS 15u /* reset .. SysTick */
#define SYSTICK_VECTOR 14u
#define UART_VECTOR (SYSTEM_VECTORS + PPG_UART_INTERRUPT)
#ifdef PPG_SMALL_IMAGE
#define VECTORS (UART_VECTOR + 1u) /* nothing here enables another interrupt of the chip's peripherals */
#else
#define VECTORS (SYSTEM_VECTORS + PPG_INTERRUPTS)
#endif

typedef void (*vector_t)(void);

typedef struct {
  uint32_t *initial_stack;
  vector_t handlers[VECTORS];
} vector_table_t;

extern uint32_t _sidata[], _sdata[], _edata[], _sbss[], _ebss[];
extern const vector_t __init_array_start[], __init_array_end[];

int main(void);

__attribute__((section(".isr_vector"), used)) static const vector_table_t vectors = {
    .initial_stack = _estack,
    .handlers =
        {
            [0] = ppg_reset_handler,
            [1 ... SYSTICK_VECTOR - 1u] = ppg_fault_handler,
            [SYSTICK_VECTOR] = ppg_systick_handler,
#if PPG_UART_INTERRUPT > 0
            [SYSTEM_VECTORS ... UART_VECTOR - 1u] = ppg_fault_handler,
#endif
            [UART_VECTOR] = ppg_uart_handler,
#if !defined(PPG_SMALL_IMAGE) && PPG_UART_INTERRUPT + 1 < PPG_INTERRUPTS
            [UART_VECTOR + 1u ... VECTORS - 1u] = ppg_fault_handler,
#endif
        },
};

/* Separate from the reset handler: nothing in here may run before the FPU is on, not even a function prologue. */
__attribute__((noinline, noreturn)) static void start_program(void) {
  /* volatile keeps the compiler from calling memcpy and memset on memory that is not initialised yet */
  const volatile uint32_t *from = _sidata;
  for (volatile uint32_t *to = _sdata; to < _edata; to++) {
    *to = *from++;
  }
  for (volatile uint32_t *to = _sbss; to < _ebss; to++) {
    *to = 0u;
  }
  for (const vector_t *constructor = __init_array_start; constructor < __init_array_end; constructor++) {
    (*constructor)();
  }
  (void)main();
  for (;;) {
    ppg_bsp_reset();
  }
}

__attribute__((noreturn)) void ppg_reset_handler(void) {
#if PPG_BEHIND_BOOTLOADER
  ppg_take_over_core();
#endif
  ppg_write32(PPG_SCB_VECTOR_TABLE, (uint32_t)(uintptr_t)&vectors);
#if PPG_BEHIND_BOOTLOADER
  ppg_take_over_done();
#endif
#if defined(__ARM_FP)
  ppg_modify32(PPG_SCB_COPROCESSORS, 0u, PPG_SCB_COPROCESSORS_FPU);
  __asm volatile("dsb\n\tisb" ::: "memory");
#endif
  start_program();
}
