/* Timestamps: the time in microseconds, or an edge on a pin that the energy monitor sees. */
#ifndef PPG_EEMBC_CLOCK_H
#define PPG_EEMBC_CLOCK_H

#include <stdint.h>

/* Once, before the first timestamp: in energy mode the pin goes high. */
void ppg_eembc_clock_start(void);

/* Has to be called more often than the board's 32-bit counter wraps (9 s at 480 MHz), or time is lost. */
void ppg_eembc_clock_follow(void);

/* After ppg_bsp_run_begin(), which restarts SysTick: where that is the board's counter, goes on from its new reading.
   The instructions between the last ppg_eembc_clock_follow() and here are then not counted. */
void ppg_eembc_clock_go_on(void);

/* Performance mode: sends m-lap-us-N, N modulo 2^32; e-[...] on a board without a counter, never a made-up time.
   Energy mode: the pin falls, stays low for at least a microsecond, and rises; nothing is sent. */
void ppg_eembc_timestamp(void);

#endif
