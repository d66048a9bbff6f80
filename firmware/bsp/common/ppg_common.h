/* What the files of this folder offer to each other. */
#ifndef PPG_COMMON_H
#define PPG_COMMON_H

#include <stdbool.h>
#include <stdint.h>

#include "ppg_bsp.h"

/* Start and end of the memory reserved for the stack, from the linker script; the stack grows down to the limit. */
extern uint32_t _stack_limit[];
extern uint32_t _estack[];

/* Vectors. */
void ppg_reset_handler(void);
void ppg_fault_handler(void);
void ppg_systick_handler(void);
void ppg_uart_handler(void); /* the chip's; its interrupt is PPG_UART_INTERRUPT */

/* Starts SysTick; false when it does not count. */
bool ppg_timer_init(void);

/* Ticks between two values of SysTick less than a turn apart. */
uint32_t ppg_timer_elapsed(uint32_t before, uint32_t after);

/* Waits by SysTick, which goes on as before afterwards; `asleep` by WFI. Interrupts must be masked. At once where SysTick
   stands still. */
void ppg_timer_pause(uint32_t milliseconds, bool asleep);

/* Runs begun since the start. */
uint32_t ppg_timer_runs(void);

/* Chooses DWT, else SysTick, else none, by testing which of them really counts. */
void ppg_counter_init(bool timer_counts);

/* Records and tells a fault, then restarts. `frame` is what the core stacked when it took the exception that runs now. */
__attribute__((noreturn)) void ppg_fault_report(ppg_fault_kind_t kind, const uint32_t *frame,
                                                uint32_t exception_return);

/* Keeps a fault for after the restart. */
void ppg_fault_remember(const ppg_fault_t *fault);

/* True once, at the start that follows a report. */
bool ppg_fault_caused_restart(void);

/* Lets the UART's interrupt through. */
void ppg_receive_start(void);

/* Fills the unused part of the stack with a pattern. */
void ppg_stack_paint(void);

#endif
