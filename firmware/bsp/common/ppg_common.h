/* What the files of this folder offer to each other. */
#ifndef PPG_COMMON_H
#define PPG_COMMON_H

#include <stdint.h>

/* Start and end of the memory reserved for the stack, from the linker script; the stack grows down to the limit. */
extern uint32_t _stack_limit[];
extern uint32_t _estack[];

/* Vectors. */
void ppg_reset_handler(void);
void ppg_fault_handler(void);
void ppg_systick_handler(void);
void ppg_uart_handler(void); /* the chip's; its interrupt is PPG_UART_INTERRUPT */

/* Chooses DWT, else SysTick, else none, by testing which of them really counts. */
void ppg_counter_init(void);

/* Lets the UART's interrupt through. */
void ppg_receive_start(void);

/* Fills the unused part of the stack with a pattern. */
void ppg_stack_paint(void);

#endif
