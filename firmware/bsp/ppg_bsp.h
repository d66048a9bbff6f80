/* Board support: the only interface between the application and the chip. */
#ifndef PPG_BSP_H
#define PPG_BSP_H

#include <stdint.h>

typedef enum {
  PPG_COUNTER_NONE = 0,
  PPG_COUNTER_DWT = 1,    /* core cycles, 32 bit */
  PPG_COUNTER_SYSTICK = 2 /* processor clock, extended to 32 bit by its interrupt */
} ppg_counter_source_t;

/* Bits of ppg_bsp_status(): which bounded wait gave up. 0 when the board is as wished. */
#define PPG_BSP_CLOCK_FALLBACK (1u << 0) /* the wished clock was not reached; ppg_bsp_clock_hz() says what runs */
#define PPG_BSP_NO_COUNTER (1u << 1)

/* Clock, UART, cycle counter, stack paint. Never hangs: every wait is bounded and reported in the status. */
void ppg_bsp_init(void);
uint32_t ppg_bsp_status(void);
uint32_t ppg_bsp_clock_hz(void); /* the clock really reached */

int ppg_bsp_uart_read(void);  /* one byte, or -1 when none has arrived; never waits */
void ppg_bsp_uart_wait(void); /* sleeps until something happens; returns at once when a byte has arrived */
void ppg_bsp_uart_write(const uint8_t *data, uint32_t length);
uint32_t ppg_bsp_uart_overruns(void); /* losses since reset: by the UART, or because nobody took the bytes in time */

ppg_counter_source_t ppg_bsp_counter_source(void);
uint32_t ppg_bsp_counter(void); /* counts up, wraps at 2^32 */

uint32_t ppg_bsp_stack_bytes(void);      /* reserved for the stack */
uint32_t ppg_bsp_stack_high_water(void); /* most bytes ever used since the paint */

void ppg_bsp_reset(void); /* restarts the chip; does not return on hardware */

#endif
