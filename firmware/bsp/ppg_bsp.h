/* Board support: the only interface between the application and the chip. */
#ifndef PPG_BSP_H
#define PPG_BSP_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
  PPG_COUNTER_NONE = 0,
  PPG_COUNTER_DWT = 1,    /* core cycles, 32 bit */
  PPG_COUNTER_SYSTICK = 2 /* processor clock, extended to 32 bit by its interrupt */
} ppg_counter_source_t;

/* Why the chip last started. */
typedef enum {
  PPG_RESTART_UNKNOWN = 0,
  PPG_RESTART_POWER = 1,
  PPG_RESTART_PIN = 2,
  PPG_RESTART_SOFTWARE = 3,
  PPG_RESTART_WATCHDOG = 4,
  PPG_RESTART_FAULT = 5
} ppg_restart_cause_t;

typedef enum {
  PPG_FAULT_NONE = 0,
  PPG_FAULT_EXCEPTION = 1,
  PPG_FAULT_STACK_OVERFLOW = 2,
  PPG_FAULT_HANG = 3
} ppg_fault_kind_t;

/* What is known about a crash or a hang. */
typedef struct {
  uint32_t kind;              /* ppg_fault_kind_t */
  uint32_t exception;         /* 3 = hard fault, 15 = SysTick, 16 and up = an interrupt nobody asked for */
  uint32_t fault_status;      /* CFSR */
  uint32_t hard_fault_status; /* HFSR */
  uint32_t bus_address;       /* BFAR or MMFAR, whichever CFSR says is valid; else 0 */
  uint32_t program_counter;   /* of the interrupted code; 0 when its frame could not be stacked */
  uint32_t link_register;     /* likewise */
  uint32_t stack_pointer;     /* of the interrupted code */
  uint32_t runs;              /* begun since the start */
} ppg_fault_t;

/* Bits of ppg_bsp_status(): which bounded wait gave up. 0 when the board is as wished. */
#define PPG_BSP_CLOCK_FALLBACK (1u << 0) /* the wished clock was not reached; ppg_bsp_clock_hz() says what runs */
#define PPG_BSP_NO_COUNTER (1u << 1)

/* Clock, UART, counters, watchdog, stack paint. Never hangs: every wait is bounded and reported in the status. */
void ppg_bsp_init(void);
uint32_t ppg_bsp_status(void);
uint32_t ppg_bsp_clock_hz(void); /* the clock really reached */

int ppg_bsp_uart_read(void);  /* one byte, or -1 when none has arrived; never waits */
void ppg_bsp_uart_wait(void); /* sleeps until something happens; returns at once when a byte has arrived */
void ppg_bsp_uart_write(const uint8_t *data, uint32_t length);
uint32_t ppg_bsp_uart_overruns(void); /* losses since reset: by the UART, or because nobody took the bytes in time */

ppg_counter_source_t ppg_bsp_counter_source(void);
uint32_t ppg_bsp_counter(void); /* counts up, wraps at 2^32 */
uint32_t ppg_bsp_timer(void);   /* SysTick as a second counter: like the first, but 0 when it stands still */

/* Around every inference: restarts SysTick, so that one shorter than 2^24 ticks sees no interrupt, and limits its time.
   One that takes longer is reported as a hang, and the board restarts. */
void ppg_bsp_run_begin(void);
void ppg_bsp_run_end(void);
uint32_t ppg_bsp_run_limit_ms(void); /* 0: SysTick stands still, and nothing is limited */

uint32_t ppg_bsp_stack_bytes(void);      /* reserved for the stack */
uint32_t ppg_bsp_stack_high_water(void); /* most bytes ever used since the paint */

/* For measuring power. The gate pin is high while `high`; its first call makes it an output. A pause is counted by the
   system timer: in a loop, or asleep until the timer's interrupt. Without a timer that runs it takes no time. */
void ppg_bsp_silence(void); /* sends what is on its way, then switches the UART off */
void ppg_bsp_speak(void);   /* switches it on again */
void ppg_bsp_gate(bool high);
void ppg_bsp_pause(uint32_t milliseconds, bool asleep);

void ppg_bsp_reset(void); /* restarts the chip; does not return on hardware */
ppg_restart_cause_t ppg_bsp_restart_cause(void);
ppg_fault_t ppg_bsp_last_fault(void); /* survives restarts until power is lost; kind PPG_FAULT_NONE when there is none */

/* The application's: tells a fault in its own words, before the restart. It may be called from any state of the program,
   in an exception handler, with 400 bytes of stack, and may use ppg_bsp_uart_write. */
void ppg_bsp_fault_hook(const ppg_fault_t *fault);

#endif
